"""What a station on the line is: a process model that plans a unit's visit before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """What a server's time goes to; the ledger's time elements are sums over these."""

    WORKING = "working"
    SETUP = "setup"
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
        assists: how many of them called a technician.
        damages: how many of them damaged a part.
    """

    steps: tuple[Step, ...]
    escapes: int = 0
    first_pass: bool = True
    operations: int = 0
    assists: int = 0
    damages: int = 0


class ProcessModel(Protocol):
    """Plans visits; a pure function of its keyed draws, so that order does not matter."""

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return the plan of ``unit``'s ``visit``-th visit (0 = first) in this replication."""
        ...
