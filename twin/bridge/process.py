"""From episode records to the process model of a station: fitted once, drawn for each replication.

Random numbers: the posterior draw is keyed by the policy's label, so that two policies' posteriors
(outcome rates and durations) are independent; all that happens within a visit is keyed without it,
so that policies with the same seed meet the same racks, the same luck and the same technicians
(common random numbers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.specs.effects import Effects
from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from twin.bridge.counts import NOT_OK, RackCounts
from twin.bridge.durations import CLASSES, RecordedDurations, WeightedDurations
from twin.bridge.explanations import Draw
from twin.bridge.posterior import UNIFORMS, Posterior
from twin.kpi.intervals import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    intra_cluster_correlation,
)
from twin.line.distributions import of_duration
from twin.line.draws import Draws
from twin.line.process import State, Step, VisitPlan

MIN_RACKS: Final = 30
"""Intervals from fewer racks are marked (architecture.md)."""
MIN_RACKS_OF_CLASS: Final = 5
"""Intervals that rest on a class seen in fewer racks are marked (architecture.md)."""
MAX_VOID_SHARE: Final = 0.01
"""More void operations than this make an evaluation inconclusive (architecture.md)."""
TRAYS: Final = 29
"""Operations of a rack at S60: 18 compute + 9 switch + 2 top-of-rack trays (domain.md)."""
_BLOCK: Final = 16  # first visits are drawn so many units at a time: numpy's calls cost the most

_RETRIED, _ASSISTED, _DETECTED, _ESCAPED, _DAMAGE = (1 + NOT_OK.index(c) for c in NOT_OK)


@dataclass(frozen=True)
class StationModel:
    """One policy at one station, as the line sees it; picklable, fitted by `fit_station`.

    Attributes:
        station: id of the line's station that the model is attached to.
        label: name of the policy; two policies of one evaluation need two labels.
        posterior: outcome rates of the policy and how they cluster.
        durations: recorded cycle times by rack and class.
        effects: what outcomes cost the line.
        operations: operations of a visit.
        bounded: classes held at their upper bound instead of drawn, with that bound.
    """

    station: str
    label: str
    posterior: Posterior
    durations: RecordedDurations
    effects: Effects
    operations: int = TRAYS
    bounded: tuple[tuple[OutcomeClass, float], ...] = ()

    def replicate(
        self, seed: int, replication: int, *, draw: int | None = None
    ) -> EpisodeProcessModel:
        """Return the process model of one line replication.

        Args:
            seed: seed of the evaluation.
            replication: number of the replication: keys what happens within visits.
            draw: number of the posterior draw; by default ``replication``. Runs of several draws
                in one replication tell the episodes' variance from the line's (`twin.kpi.nested`).
        """
        number = replication if draw is None else draw

        def uniforms(purpose: str, count: int) -> NDArray[np.float64]:
            keyed = Draws(seed, number, self.station, f"{purpose} of {self.label}")
            return keyed.uniforms(0, 0, count)

        drawn = self.posterior.draw(uniforms("posterior", UNIFORMS))
        weights = -np.log(uniforms("durations", self.durations.racks))
        return self._process(drawn, self.durations.weighted(weights), seed, replication)

    def with_draw(self, drawn: Draw, seed: int, replication: int) -> EpisodeProcessModel:
        """Return the process model of one replication for given rates, recorded racks alike."""
        return self._process(drawn, self.durations.weighted(), seed, replication)

    def _process(
        self, drawn: Draw, durations: WeightedDurations, seed: int, replication: int
    ) -> EpisodeProcessModel:
        held = drawn.hold(self.bounded) if self.bounded else drawn
        return EpisodeProcessModel(self, held, durations, seed, replication)

    def at_bound(self, *classes: OutcomeClass, upper: bool = True) -> StationModel:
        """Return the model with classes held at a one-sided 95 % bound on their probability.

        Args:
            classes: the classes to hold, usually `thin_classes`; the others stay as drawn.
            upper: the upper bound (rule of three for a class never seen), else the lower one (0
                for such a class), which tells whether a failure rests on them.
        """
        return replace(self, bounded=tuple((c, self.class_bound(c, upper=upper)) for c in classes))

    def class_bound(
        self, outcome: OutcomeClass, *, upper: bool = True, confidence: float = 0.95
    ) -> float:
        """Return a one-sided bound on the probability of a class.

        Racks are independent, and a rack of m operations sees a rare class with probability
        p * sum over j < m of (1 - rho)/(1 - rho + j rho) (beta-binomial, first order in p). The
        sum over racks is the number of independent operations that the campaign is worth for a
        rare class; with it Clopper-Pearson holds on the racks that saw the class: 3/n where none
        did and rho = 0. (n/(1 + (m - 1) rho), right for variances, is too small here.) rho is
        its posterior mean over both explanations, or the plain estimate from the class's own
        events where that is more: else the upper bound could lie below the share that was seen.
        """
        counts = self.posterior.counts
        seen = counts.racks_with(outcome)
        own = intra_cluster_correlation(counts.events[:, NOT_OK.index(outcome)], counts.operations)
        rho = max(self.posterior.rho_of(outcome), own)
        worth = max(rare_operations(counts.operations, rho), seen + 1.0)
        bound = clopper_pearson_upper if upper else clopper_pearson_lower
        return bound(seen, worth, confidence)

    @property
    def thin_classes(self) -> tuple[OutcomeClass, ...]:
        """Classes seen in fewer than 5 racks, never seen ones included."""
        counts = self.posterior.counts
        return tuple(c for c in NOT_OK if counts.racks_with(c) < MIN_RACKS_OF_CLASS)

    @property
    def marks(self) -> tuple[str, ...]:
        """Why intervals of this model are marked, one sentence each; empty when they are not."""
        counts, found = self.posterior.counts, []
        if counts.racks < MIN_RACKS:
            found.append(f"{self.label}: {counts.racks} racks recorded, fewer than {MIN_RACKS}")
        for outcome in self.thin_classes:
            seen = counts.racks_with(outcome)
            found.append(
                f"{self.label}: '{outcome}' seen in {seen} of {counts.racks} racks, fewer than "
                f"{MIN_RACKS_OF_CLASS}"
            )
        return tuple(found)

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why every gate on this model is inconclusive; empty when the campaign suffices."""
        counts, found = self.posterior.counts, []
        if counts.racks < MIN_RACKS:
            found.append(f"{self.label}: {counts.racks} racks recorded, {MIN_RACKS} are needed")
        if counts.void_share > MAX_VOID_SHARE:
            found.append(
                f"{self.label}: {counts.void_share:.1%} of the operations are void, "
                f"{MAX_VOID_SHARE:.0%} is the most allowed"
            )
        return tuple(found)


def fit_station(
    records: Sequence[EpisodeRecord],
    *,
    station: str,
    label: str,
    effects: Effects,
    operations: int = TRAYS,
) -> StationModel:
    """Return the station model of one policy's campaign.

    Args:
        records: its episodes, racks of several parts each.
        station: id of the line's station.
        label: name of the policy, unique within the evaluation.
        effects: what outcomes cost the line.
        operations: operations of a visit.

    Raises:
        ValueError: no valid operation among the records.
    """
    posterior = Posterior(RackCounts.from_records(records))
    durations = RecordedDurations(records)
    return StationModel(station, label, posterior, durations, effects, operations)


def rare_operations(operations: NDArray[np.int64], rho: float) -> float:
    """Return how many independent operations racks are worth for a rare class, see `class_bound`.

    Args:
        operations: operations of each rack, shape (racks,).
        rho: intra-rack correlation in [0, 1]; at 1 a rack is worth one operation.
    """
    rho = min(rho, 1 - 1e-9)
    j = np.arange(int(operations.max()))
    worth = np.cumsum((1 - rho) / (1 - rho + j * rho))
    return float(worth[operations - 1].sum())


class EpisodeProcessModel:
    """Plans visits of one line replication: a pure function of keyed draws.

    Args:
        model: the fitted station.
        drawn: outcome rates of this replication.
        durations: recorded durations, weighted for this replication.
        seed: seed of the evaluation.
        replication: number of the line replication.
    """

    def __init__(
        self,
        model: StationModel,
        drawn: Draw,
        durations: WeightedDurations,
        seed: int,
        replication: int,
    ) -> None:
        self.drawn = drawn
        self._durations, self._effects = durations, model.effects
        self._times = {
            _ASSISTED: of_duration(model.effects.assisted),
            _DETECTED: of_duration(model.effects.detected),
            _DAMAGE: of_duration(model.effects.damage),
        }
        self._count = model.operations
        self._visit = Draws(seed, replication, model.station, "operations")
        self._people = Draws(seed, replication, model.station, "interventions")
        self._blocks: dict[tuple[int, int], tuple[NDArray[np.intp], NDArray[np.float64]]] = {}

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the plan of ``unit``'s ``visit``-th visit (0 = first) in this replication."""
        size = 1 if visit else _BLOCK  # further visits are rare
        key = unit // size, visit
        if key not in self._blocks:
            self._blocks[key] = self._outcomes(range(key[0] * size, (key[0] + 1) * size), visit)
        classes, ended_s = (rows[unit % size] for rows in self._blocks[key])
        counts = np.bincount(classes, minlength=len(CLASSES))
        people = int(counts[_ASSISTED] + counts[_DETECTED])
        damages, escapes = int(counts[_DAMAGE]), int(counts[_ESCAPED])
        return VisitPlan(
            steps=self._steps(unit, visit, classes, ended_s),
            escapes=escapes,
            first_pass=not (people or damages or escapes),
            operations=self._count,
            assists=people,
            damages=damages,
        )

    def _outcomes(self, units: range, visit: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return class number and end of each operation, if nobody interferes, in seconds.

        Returns:
            Two arrays of shape (units, operations).
        """
        first = 1 + len(NOT_OK)
        count = first + 2 * self._count
        u = self._visit.block(units, visit, count)
        edges = self.drawn.edges(u[:, 1:first])
        classes = (u[:, first::2, None] >= edges[:, None, :]).sum(axis=2)
        durations = self._durations.draw(u[:, 0], classes, u[:, first + 1 :: 2])
        return classes, np.cumsum(durations, axis=1)

    def _steps(
        self, unit: int, visit: int, classes: NDArray[np.intp], ended_s: NDArray[np.float64]
    ) -> tuple[Step, ...]:
        """Return stretches of work, each ended by an intervention but the last."""
        steps: list[Step] = []
        begun_s = -self._effects.handling_s
        for k in np.flatnonzero(classes >= _ASSISTED).tolist():
            number = int(classes[k])
            if number == _ESCAPED:
                continue
            end_s = float(ended_s[k])
            steps.append(Step(State.WORKING, end_s - begun_s))
            steps.append(self._intervention(number, self._people.uniform(unit, visit, k)))
            begun_s = end_s
        work_s = float(ended_s[-1]) - begun_s
        if work_s > 0 or not steps:
            steps.append(Step(State.WORKING, work_s))
        return tuple(steps)

    def _intervention(self, number: int, uniform: float) -> Step:
        # A swap counts as down, like an assist: the cell makes nothing in that time, and as
        # work it would flatter utilisation and OEE with the hours that damage costs.
        time = self._times[number]
        technician = number != _DAMAGE or self._effects.damage.technician
        return Step(State.DOWN, time.at(uniform), technician=technician)
