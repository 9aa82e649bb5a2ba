"""The moving parts of a running line: pools and servers, units and their visits, stations."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from simpy import Environment, Event

from configs.specs.line import StationSpec
from twin.line.distributions import Constant, Distribution, of_duration
from twin.line.draws import Draws
from twin.line.process import ProcessModel, State, VisitPlan

T = TypeVar("T")
_AT_WORK = frozenset({State.WORKING, State.SETUP})


class Pool(Generic[T]):
    """Interchangeable things that are taken and given back, first come first served.

    Leaner than `simpy.Resource` and without events where nothing waits::

        thing = pool.take() or (yield pool.wait())
        ...
        pool.give(thing)
    """

    __slots__ = ("_env", "_free", "_waiting")

    def __init__(self, env: Environment, things: Iterable[T]) -> None:
        self._env = env
        self._free: deque[T] = deque(things)
        self._waiting: deque[Event] = deque()

    def take(self) -> T | None:
        """Return the thing that has been free for longest, or `None`: then `wait` for one."""
        return self._free.popleft() if self._free else None

    def wait(self) -> Event:
        """Return the event whose value is the thing, when it is this caller's turn."""
        turn = Event(self._env)
        self._waiting.append(turn)
        return turn

    def give(self, thing: T) -> None:
        """Give a thing back; whoever has waited longest gets it."""
        if self._waiting:
            self._waiting.popleft().succeed(thing)
        else:
            self._free.append(thing)


class Window:
    """The measured window, onto which times are cut."""

    __slots__ = ("end", "start")

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end

    def overlap(self, start: float, end: float) -> float:
        """Return how much of [start, end] lies in the window."""
        low = start if start > self.start else self.start
        high = end if end < self.end else self.end
        return high - low if high > low else 0.0


class Server:
    """One place of a station where a unit is worked on, and the account of its time.

    Attributes:
        index: row in the ledger.
        time_s: time in the window by state.
        accounted: up to when the account is complete (may lie ahead, when durations are known).
        waits_as: state that the time since then goes to if the run ends now.
    """

    __slots__ = ("_window", "accounted", "index", "time_s", "waits_as")

    def __init__(self, index: int, window: Window) -> None:
        self.index = index
        self._window = window
        self.time_s = dict.fromkeys(State, 0.0)
        self.accounted = 0.0
        self.waits_as = State.STARVED

    def until(self, time: float, state: State) -> None:
        """Account the time since the last entry up to ``time`` to ``state``."""
        self.time_s[state] += self._window.overlap(self.accounted, time)
        self.accounted = time


class Unit:
    """A rack on its way: its number, and the defects that nobody has seen yet."""

    __slots__ = ("escapes", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.escapes = 0


class Visit:
    """The running totals of one unit's visit to a station."""

    __slots__ = ("arrived", "assists", "attempts", "clean", "damages", "done", "found", "made",
                 "operations", "passed_first", "started", "work_s")  # fmt: skip

    def __init__(self, arrived: float) -> None:
        self.arrived = arrived
        self.started = self.done = math.nan
        self.attempts = self.made = self.found = 0
        self.operations = self.assists = self.damages = 0
        self.passed_first = self.clean = True
        self.work_s = 0.0

    def add(self, plan: VisitPlan, found: int, passed: bool) -> None:
        """Add one attempt: its plan, the escaped defects its test found, and the test's verdict."""
        if self.attempts == 0:
            self.passed_first = passed
        self.attempts += 1
        self.clean = self.clean and plan.first_pass
        self.made += plan.escapes
        self.found += found
        self.operations += plan.operations
        self.assists += plan.assists
        self.damages += plan.damages
        for step in plan.steps:
            if step.state in _AT_WORK:
                self.work_s += step.duration_s

    def row(self, unit: int, station: int, server: int, left: float) -> tuple[Any, ...]:
        """Return the visit as a row of `twin.line.ledger.VISITS`."""
        return (
            *(unit, station, server, self.arrived, self.started, self.done, left, self.work_s),
            *(self.attempts, self.passed_first, self.clean, self.made, self.found),
            *(self.operations, self.assists, self.damages),
        )


class Station:
    """A station at run time: its servers, the places behind it, its process and its draws."""

    def __init__(
        self,
        index: int,
        spec: StationSpec,
        process: ProcessModel,
        servers: list[Server],
        env: Environment,
        draws: Mapping[str, Draws],
    ) -> None:
        self.index, self.spec, self.process = index, spec, process
        self.servers = Pool(env, servers)
        self.places = None if spec.buffer is None else Pool(env, [True] * spec.buffer)
        self.repair: Distribution = of_duration(spec.repair) if spec.repair else Constant(0.0)
        self.repair_draws, self.finding = draws["repair"], draws["find escape"]

    def find(self, unit: Unit) -> int:
        """Return how many of the unit's escaped defects the test of this station finds."""
        chance = self.spec.finds_escapes
        if not chance or not unit.escapes:
            return 0
        draws = (self.finding.uniform(unit.number, 0, k) for k in range(unit.escapes))
        return sum(u < chance for u in draws)
