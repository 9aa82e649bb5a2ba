"""The perfect policy: takes no time and never errs, so that no policy at a station can beat it."""

from __future__ import annotations

from dataclasses import dataclass

from configs.specs.effects import Effects
from configs.specs.station import StationSpec
from envs.registry import station_of
from twin.line.process import State, Step, VisitPlan


@dataclass(frozen=True)
class PerfectProcess:
    """A cell whose every operation is ok and whose contact skill takes no time.

    Attributes:
        visit_s: time of one rack: handling and the scripted phases of all its operations.
        operations: operations of one rack.
    """

    visit_s: float
    operations: int

    def replicate(self, seed: int, replication: int, *, draw: int | None = None) -> PerfectProcess:
        """Return itself: nothing is drawn."""
        return self

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the same visit for every rack."""
        return VisitPlan((Step(State.WORKING, self.visit_s),), operations=self.operations)


def scripted_s(station: StationSpec, slot: int) -> float:
    """Return the time of an operation's scripted phases (pick to approach, closing to retract)."""
    return sum(phase.duration_s for phase in station_of(station).scripted(slot))


def perfect_process(station: StationSpec, effects: Effects) -> PerfectProcess:
    """Return the perfect policy at ``station``, scripted motion and handling as they are."""
    slots = range(len(station.slots))
    visit_s = effects.handling_s + sum(scripted_s(station, slot) for slot in slots)
    return PerfectProcess(visit_s, len(slots))
