"""Synthetic campaigns of a policy whose truth is known, to test what the bridge makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.specs.effects import Effects
from envs.outcome import Facts, OutcomeClass, TrueState, outcome_class
from policies.records import EpisodeRecord
from twin.bridge.posterior import NOT_OK, Draw
from twin.bridge.process import EpisodeProcessModel, StationModel, fit_station

_FACTS = {
    OutcomeClass.OK: Facts(TrueState.SEATED, True, 1, False, False, False),
    OutcomeClass.RETRIED: Facts(TrueState.SEATED, True, 2, False, False, False),
    OutcomeClass.ASSISTED: Facts(TrueState.SHORT, False, 1, True, False, False),
    OutcomeClass.DETECTED: Facts(TrueState.SHORT, False, 1, False, False, False),
    OutcomeClass.ESCAPED: Facts(TrueState.SHORT, True, 1, False, False, False),
    OutcomeClass.DAMAGE: Facts(TrueState.DAMAGED, False, 1, False, False, False),
}


@dataclass(frozen=True)
class Truth:
    """What a synthetic policy does (all of it made up for the test).

    Attributes:
        p: probability that an operation is not ok.
        rho: intra-rack correlation.
        split: shares of the classes of `NOT_OK` in p; sums to 1.
        cycle_s: mean cycle time of an ok operation.
        rack_sd_s: spread of the mean between racks (what a rack's operations share).
        operation_sd_s: spread within a rack.
        retry_s: more time of an operation that is not ok.
    """

    p: float
    rho: float
    split: tuple[float, ...] = (0.4, 0.2, 0.2, 0.1, 0.1)
    cycle_s: float = 100.0
    rack_sd_s: float = 4.0
    operation_sd_s: float = 5.0
    retry_s: float = 20.0

    def campaign(
        self, racks: int, parts_per_rack: int, rng: np.random.Generator
    ) -> list[EpisodeRecord]:
        """Return the records of one campaign of ``racks`` x ``parts_per_rack`` operations."""
        records = []
        for rack in range(racks):
            q = self.p
            if self.rho > 0:
                spread = (1 - self.rho) / self.rho
                q = float(rng.beta(self.p * spread, (1 - self.p) * spread))
            wrong = rng.uniform(size=parts_per_rack) < q
            kinds = rng.choice(len(NOT_OK), size=parts_per_rack, p=self.split)
            mean_s = self.cycle_s + self.rack_sd_s * rng.standard_normal()
            times_s = mean_s + self.operation_sd_s * rng.standard_normal(parts_per_rack)
            for slot in range(parts_per_rack):
                outcome = NOT_OK[kinds[slot]] if wrong[slot] else OutcomeClass.OK
                time_s = float(times_s[slot]) + (self.retry_s if wrong[slot] else 0.0)
                records.append(_record(rack, slot, outcome, time_s))
        return records

    def process(self, model: StationModel, seed: int, replication: int) -> EpisodeProcessModel:
        """Return the process model of one replication under the truth itself.

        Args:
            model: from `true_station`, for its recorded durations.
            seed: seed of the line.
            replication: number of the line replication.
        """
        return model.with_draw(Draw(self.p, self.rho, np.array(self.split)), seed, replication)


def true_station(
    truth: Truth, station: str, effects: Effects, operations: int, rng: np.random.Generator
) -> StationModel:
    """Return a station fitted to a campaign of 4,000 racks: its durations are the truth's."""
    records: Sequence[EpisodeRecord] = truth.campaign(4000, 8, rng)
    return fit_station(
        records, station=station, label="truth", effects=effects, operations=operations
    )


def _record(rack: int, slot: int, outcome: OutcomeClass, time_s: float) -> EpisodeRecord:
    facts = _FACTS[outcome]
    return EpisodeRecord(
        seed=0,
        rack_id=rack,
        slot=slot,
        part="tray",
        outcome=outcome_class(facts),
        true_state=facts.true_state,
        sensor_pass=facts.sensor_pass,
        attempts=facts.attempts,
        assisted=facts.assisted,
        timed_out=facts.timed_out,
        void=facts.void,
        cycle_time_s=time_s,
        contact_time_s=0.1 * time_s,
        max_windowed_force_n=0.0,
        max_windowed_axial_n=0.0,
        penetration_m=0.0,
        short_m=0.0,
        state_hash="synthetic",
    )
