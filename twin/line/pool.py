"""The two things units queue for on the line: servers that keep account of time, and pools."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

from simpy import Environment, Event

from twin.line.process import State

T = TypeVar("T")


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
