"""Records of a tray's insertion that nobody made: what cards are tried on."""

import numpy as np

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord


def record(seed, outcome=OutcomeClass.OK, contact_s=20.0, force_n=40.0):
    return EpisodeRecord(
        seed=seed, rack_id=0, slot=seed % 29, part="compute", outcome=outcome,
        true_state="seated", sensor_pass=True, attempts=1, assisted=False, timed_out=False,
        void=False, cycle_time_s=contact_s + 12.0, contact_time_s=contact_s,
        max_windowed_force_n=force_n, max_windowed_axial_n=2 * force_n, penetration_m=0.0,
        short_m=0.0, state_hash="",
    )  # fmt: skip


def campaign(factor=1.0, force=1.0, n=5000, **outcomes):
    """Return records whose times and forces vary with the seed; the last ones go wrong."""
    rng = np.random.default_rng(0)
    times, forces = rng.normal(20.0, 2.0, n), rng.normal(40.0, 5.0, n)
    kinds = [OutcomeClass(name) for name, count in outcomes.items() for _ in range(count)]
    classes = [OutcomeClass.OK] * (n - len(kinds)) + kinds
    return [
        record(s, classes[s], factor * float(times[s]), force * float(forces[s])) for s in range(n)
    ]
