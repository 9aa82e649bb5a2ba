"""Summaries of independent episodes, against figures worked out by hand."""

import pytest

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from policies.summary import compare, summarise


def record(seed, outcome=OutcomeClass.OK, cycle_s=20.0, force_n=10.0):
    return EpisodeRecord(
        seed=seed, rack_id=0, slot=seed % 29, part="compute", outcome=outcome,
        true_state="seated", sensor_pass=True, attempts=1, assisted=False, timed_out=False,
        void=False, cycle_time_s=cycle_s, contact_time_s=cycle_s - 12.0,
        max_windowed_force_n=force_n, max_windowed_axial_n=2 * force_n, penetration_m=1e-6 * seed,
        short_m=0.0, state_hash="",
    )  # fmt: skip


def test_success_is_ok_and_retried_over_all_operations():
    outcomes = [OutcomeClass.OK] * 16 + [OutcomeClass.RETRIED] * 2 + [OutcomeClass.VOID] * 2
    found = summarise([record(seed, outcome) for seed, outcome in enumerate(outcomes)])
    assert found.episodes == 20
    assert found.success.estimate == 0.9
    # Wilson by hand: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) at n = 20.
    assert found.success.low == pytest.approx(0.6990, abs=5e-5)
    assert found.success.high == pytest.approx(0.9721, abs=5e-5)
    assert found.outcomes[OutcomeClass.VOID] == 2
    assert found.share(OutcomeClass.RETRIED) == 0.1
    assert sum(found.outcomes.values()) == 20


def test_times_and_forces_are_over_all_operations():
    records = [record(s, OutcomeClass.DAMAGE, 20.0 + s, 10.0 + s) for s in range(21)]
    found = summarise(records)
    assert (found.cycle_time_s.mean, found.cycle_time_s.p95) == (30.0, 39.0)
    assert (found.contact_time_s.mean, found.contact_time_s.p95) == (18.0, 27.0)
    assert found.windowed_force_n.p95 == 29.0
    assert found.windowed_axial_n.p95 == 58.0
    assert found.penetration_max_m == pytest.approx(20e-6)


def test_a_comparison_pairs_operations_and_leaves_out_what_only_one_has_done():
    bad = OutcomeClass.DAMAGE
    ours = [record(1), record(2, bad), record(3, cycle_s=22.0), record(4)]
    theirs = [record(3, bad), record(2), record(1), record(9)]
    found = compare(ours, theirs)
    assert (found.operations, found.gained, found.lost) == (3, 1, 1)
    # Differences 0, 0, 2: mean 2/3, half width t(2) sd / sqrt 3 = 4.3027 x 1.1547 / 1.7321.
    assert found.cycle_time_s.estimate == pytest.approx(2 / 3)
    assert found.cycle_time_s.half_width == pytest.approx(2.8684, abs=1e-4)
    with pytest.raises(ValueError, match="at least two"):
        compare(ours[:1], theirs)
