"""Synthetic campaigns of a policy whose truth is known, to test what the bridge makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.specs.effects import Effects
from envs.outcome import Facts, OutcomeClass, TrueState, outcome_class
from policies.records import EpisodeRecord
from twin.bridge.counts import NOT_OK
from twin.bridge.explanations import CommonCause, Draw, OwnCauses
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
        rho: intra-rack correlation of "not ok", where a rack's misses have one cause.
        split: shares of the classes of `NOT_OK` in p; sums to 1.
        cycle_s: mean cycle time of an ok operation.
        rack_sd_s: spread of the mean between racks (what a rack's operations share).
        operation_sd_s: spread within a rack.
        retry_s: more time of an operation that is not ok.
        own_rho: correlation of each class of `NOT_OK` where every class has its own cause (of its
            stick, see `OwnCauses`); ``rho`` is then not used. None: one cause for all.
    """

    p: float
    rho: float
    split: tuple[float, ...] = (0.4, 0.2, 0.2, 0.1, 0.1)
    cycle_s: float = 100.0
    rack_sd_s: float = 4.0
    operation_sd_s: float = 5.0
    retry_s: float = 20.0
    own_rho: tuple[float, ...] | None = None

    @property
    def parameters(self) -> Draw:
        """The truth as the bridge would know it."""
        split = np.array(self.split)
        if self.own_rho is None:
            return CommonCause(np.array(self.p), np.array(self.rho), split)
        return OwnCauses(np.array(self._sticks()), np.array(self.own_rho))

    def _sticks(self) -> list[float]:
        """Return the share of each class in the operations that no worse class took."""
        rates = [self.p * share for share in self.split]
        return [rate / (1 - sum(rates[c + 1 :])) for c, rate in enumerate(rates)]

    def campaign(
        self, racks: int, parts_per_rack: int, rng: np.random.Generator
    ) -> list[EpisodeRecord]:
        """Return the records of one campaign of ``racks`` x ``parts_per_rack`` operations."""
        records = []
        for rack in range(racks):
            kinds = self._rack(parts_per_rack, rng)
            mean_s = self.cycle_s + self.rack_sd_s * rng.standard_normal()
            times_s = mean_s + self.operation_sd_s * rng.standard_normal(parts_per_rack)
            for slot, kind in enumerate(kinds):
                outcome = OutcomeClass.OK if kind < 0 else NOT_OK[kind]
                time_s = float(times_s[slot]) + (self.retry_s if kind >= 0 else 0.0)
                records.append(_record(rack, slot, outcome, time_s))
        return records

    def _rack(self, parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the number in `NOT_OK` of what each operation of a rack is, -1 for ok."""
        if self.own_rho is None:
            wrong = rng.uniform(size=parts) < _rack_rate(self.p, self.rho, rng)
            return np.where(wrong, rng.choice(len(NOT_OK), size=parts, p=self.split), -1)
        kinds = np.full(parts, -1)
        for c, (stick, rho) in reversed(
            list(enumerate(zip(self._sticks(), self.own_rho, strict=True)))
        ):
            hit = rng.uniform(size=parts) < _rack_rate(stick, rho, rng)
            kinds[hit & (kinds < 0)] = c
        return kinds

    def process(self, model: StationModel, seed: int, replication: int) -> EpisodeProcessModel:
        """Return the process model of one replication under the truth itself.

        Args:
            model: from `true_station`, for its recorded durations.
            seed: seed of the line.
            replication: number of the line replication.
        """
        return model.with_draw(self.parameters, seed, replication)


def true_station(
    truth: Truth, station: str, effects: Effects, operations: int, rng: np.random.Generator
) -> StationModel:
    """Return a station fitted to a campaign of 4,000 racks: its durations are the truth's."""
    records: Sequence[EpisodeRecord] = truth.campaign(4000, 8, rng)
    return fit_station(
        records, station=station, label="truth", effects=effects, operations=operations
    )


def _rack_rate(p: float, rho: float, rng: np.random.Generator) -> float:
    """Return one rack's own rate."""
    if rho == 0 or p == 0:
        return p
    spread = (1 - rho) / rho
    return float(rng.beta(p * spread, (1 - p) * spread))


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
