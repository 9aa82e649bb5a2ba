"""What a station on the line is: a process model that plans a unit's visit before it starts.

`TableProcess` is a row of the line file; `AttachedProcess` puts somebody else's model (a robot cell
behind episode records, say) under the same breakdowns and the same test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from configs.specs.line import StationSpec, Stops
from twin.line.distributions import Exponential, of_duration, poisson_count
from twin.line.draws import Draws


class State(StrEnum):
    """What a server's time goes to; the ledger's time elements are sums over these.

    ``REWORK`` is the repair of a rack that failed its test and keeps the server (CFX state 1300);
    ``WAITING_FOR_CREW`` is waiting for a debug bench, or for a technician to be free and there;
    ``WAITING_FOR_TRANSPORT`` is idle while the rack that comes next is already being moved.
    """

    WORKING = "working"
    SETUP = "setup"
    REWORK = "rework"
    STARVED = "starved"
    BLOCKED = "blocked"
    DOWN = "down"
    WAITING_FOR_CREW = "waiting for crew"
    WAITING_FOR_TRANSPORT = "waiting for transport"


@dataclass(frozen=True)
class Step:
    """One stretch of a visit.

    Attributes:
        state: what the server's time counts as (working, set-up or down).
        duration_s: how long it takes once it has begun.
        technician: a roaming technician is needed: the server waits for one (`WAITING_FOR_CREW`),
            whose response time is the line's, and holds them for ``duration_s``.
    """

    state: State
    duration_s: float
    technician: bool = False


@dataclass(frozen=True)
class VisitPlan:
    """What happens to one unit on one visit of a station.

    Attributes:
        steps: the stretches of the visit, in order; neighbours of one kind are merged.
        escapes: defects the visit leaves in the unit that no sensor of the station saw.
        first_pass: no operation of the visit needed a person or left a defect.
        operations: how many operations (trays, cables) were done, for rates per 1,000.
        assists: how many of them waited for a technician and were seated then.
        damages: how many of them damaged a part.
        passed: the station's own test let the unit through; if not, it is repaired and the visit
            planned again as the next one.
    """

    steps: tuple[Step, ...]
    escapes: int = 0
    first_pass: bool = True
    operations: int = 0
    assists: int = 0
    damages: int = 0
    passed: bool = True


class ProcessModel(Protocol):
    """Plans visits; a pure function of its keyed draws, so that order does not matter."""

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the plan of ``unit``'s ``visit``-th visit (0 = first) in this replication."""
        ...


class StopDraws:
    """One row of stops: a Poisson count on busy time, each with an exponential repair.

    The count is the quantile of one uniform number and every repair has its own, so that more busy
    time adds stops and leaves the others alone.
    """

    def __init__(self, stops: Stops, draws: Draws) -> None:
        self._rate_per_s = 1.0 / stops.mtbf_s
        self._repair = Exponential(stops.mttr_s)
        self._draws = draws

    def down_s(self, busy_s: float, unit: int, visit: int) -> float:
        """Return the time lost to stops during ``busy_s`` of this visit."""
        count = poisson_count(self._draws.uniform(unit, visit), busy_s * self._rate_per_s)
        return sum(
            self._repair.at(self._draws.uniform(unit, visit, k)) for k in range(1, count + 1)
        )


class QualityDraws:
    """A station's pass-or-fail test: first yield, then ``retest_factor`` times its loss."""

    def __init__(self, first_pass_yield: float, retest_factor: float, draws: Draws) -> None:
        self._first = 1.0 - first_pass_yield
        self._again = min(1.0, retest_factor * self._first)
        self._draws = draws

    def passes(self, unit: int, visit: int) -> bool:
        """Return whether the unit passes on this visit."""
        return self._draws.uniform(unit, visit) >= (self._again if visit else self._first)


class TableProcess:
    """A row of the line file: cycle time, stops, test.

    Args:
        station: the row.
        retest_factor: of the line.
        seed: campaign seed.
        replication: number of the line replication.
    """

    def __init__(
        self, station: StationSpec, retest_factor: float, *, seed: int, replication: int
    ) -> None:
        self._time = of_duration(station.cycle_time)
        self._time_draws = Draws(seed, replication, station.id, "cycle time")
        self._stops = _stop_rows(station, seed, replication)
        self._test = _test_of(station, retest_factor, seed, replication)
        self._early = station.early_fail
        self._early_draws = Draws(seed, replication, station.id, "early fail")

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the plan of ``unit``'s ``visit``-th visit (0 = first)."""
        work_s = self._time.at(self._time_draws.uniform(unit, visit))
        passed = self._test is None or self._test.passes(unit, visit)
        if not passed and self._early is not None:
            low, high = self._early.from_fraction, self._early.to_fraction
            work_s *= low + (high - low) * self._early_draws.uniform(unit, visit)
        down_s = 0.0
        for row in self._stops:
            down_s += row.down_s(work_s, unit, visit)
        work = Step(State.WORKING, work_s)
        steps = (work, Step(State.DOWN, down_s)) if down_s > 0.0 else (work,)
        return VisitPlan(steps, passed=passed)


class AttachedProcess:
    """Somebody's model under the station's remaining stops and its test.

    Args:
        model: plans what the cell itself does, jams and assists included.
        station: the row of the line the model is attached to (see `twin.line.model.LineModel`);
            its cycle time is not used.
        retest_factor: of the line.
        seed: campaign seed.
        replication: number of the line replication.
    """

    def __init__(
        self,
        model: ProcessModel,
        station: StationSpec,
        retest_factor: float,
        *,
        seed: int,
        replication: int,
    ) -> None:
        self._model = model
        self._stops = _stop_rows(station, seed, replication)
        self._test = _test_of(station, retest_factor, seed, replication)

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the model's plan, longer by the stops on its busy time (working and set-up)."""
        plan = self._model.plan(unit, visit)
        busy_s = sum(step.duration_s for step in plan.steps if step.state in _BUSY)
        down_s = sum(row.down_s(busy_s, unit, visit) for row in self._stops)
        steps = (*plan.steps, Step(State.DOWN, down_s)) if down_s > 0.0 else plan.steps
        passed = plan.passed and (self._test is None or self._test.passes(unit, visit))
        return replace(plan, steps=steps, passed=passed)


_BUSY = frozenset({State.WORKING, State.SETUP})


def _stop_rows(station: StationSpec, seed: int, replication: int) -> tuple[StopDraws, ...]:
    rows = {"minor stops": station.minor_stops, "breakdowns": station.breakdowns}
    return tuple(
        StopDraws(stops, Draws(seed, replication, station.id, purpose))
        for purpose, stops in rows.items()
        if stops is not None
    )


def _test_of(
    station: StationSpec, retest_factor: float, seed: int, replication: int
) -> QualityDraws | None:
    if station.first_pass_yield is None:
        return None
    draws = Draws(seed, replication, station.id, "test")
    return QualityDraws(station.first_pass_yield, retest_factor, draws)
