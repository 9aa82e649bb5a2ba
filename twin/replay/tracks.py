"""Where every rack is at any time of a line run: a pure function of the run and the time.

A rack stands on a server or in a place before a station, or is on its way from one to the next.
The page evaluates the same segments; what a place looks like is up to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from twin.line.run_file import LineRun, Stay

MOST_PLACES = 12
"""Places drawn before a station; racks further back stand on the last one."""


@dataclass(frozen=True)
class Segment:
    """Between two times a rack goes from one place to another, or stands (the same place).

    Places are ``s<server>`` and ``q<station>.<number in the queue>``, both counted from 0.
    """

    start_s: float
    end_s: float
    origin: str
    goal: str


@dataclass(frozen=True)
class Position:
    """So much (``share``, 0 to 1) of the way from ``origin`` to ``goal``."""

    origin: str
    goal: str
    share: float


def tracks(run: LineRun) -> dict[int, tuple[Segment, ...]]:
    """Return the segments of every rack, in order and without gaps while it is in the line.

    A move whose end the run does not see is drawn as if it ended with the run.
    """
    queues = _queues(run)
    found = {}
    for rack, stays in run.racks.items():
        segments: list[Segment] = []
        for i, stay in enumerate(stays):
            here = [*queues.get((rack, stay.station), ()), *_on_server(stay, run.length_s)]
            if i > 0 and here:
                segments.append(_move(stays[i - 1], here[0].start_s, here[0].origin))
            segments += here
        last = stays[-1]
        moving = last.left_s is not None and last.station + 1 < len(run.stations)
        if moving:
            segments.append(_move(last, run.length_s, f"q{last.station + 1}.0"))
        found[rack] = tuple(
            s for s in segments if s.end_s > max(s.start_s, 0.0) and s.start_s < run.length_s
        )
    return {rack: segments for rack, segments in found.items() if segments}


def position(segments: Sequence[Segment], time_s: float, length_s: float) -> Position | None:
    """Return where a rack is, ``None`` = not in the line yet, or shipped."""
    i = bisect_right([segment.start_s for segment in segments], time_s) - 1
    if i < 0:
        return None
    at = segments[i]
    if time_s >= at.end_s and at.end_s < length_s:
        return None
    share = 0.0 if at.origin == at.goal else (time_s - at.start_s) / (at.end_s - at.start_s)
    return Position(at.origin, at.goal, share)


def _on_server(stay: Stay, length_s: float) -> list[Segment]:
    if stay.started_s is None:
        return []
    end_s = length_s if stay.left_s is None else stay.left_s
    return [Segment(stay.started_s, end_s, f"s{stay.server}", f"s{stay.server}")]


def _move(stay: Stay, end_s: float, goal: str) -> Segment:
    assert stay.left_s is not None  # it has arrived elsewhere, or is on its way
    return Segment(stay.left_s, end_s, f"s{stay.server}", goal)


def _queues(run: LineRun) -> dict[tuple[int, int], list[Segment]]:
    """Return the segments of waiting, by rack and station: first come, first served."""
    waiting: dict[int, list[tuple[float, float, int]]] = {}
    for rack, stays in run.racks.items():
        for stay in stays:
            until_s = run.length_s if stay.started_s is None else stay.started_s
            if until_s > stay.arrived_s:
                row = (stay.arrived_s, until_s, rack)
                waiting.setdefault(stay.station, []).append(row)
    found = {}
    for station, rows in waiting.items():
        rows.sort()
        for i, (arrived_s, until_s, rack) in enumerate(rows):
            ahead = sorted(end for _, end, _ in rows[:i] if end > arrived_s)
            times = [arrived_s, *(end for end in ahead if end < until_s), until_s]
            found[rack, station] = [
                _standing(start, end, station, len(ahead) - k)
                for k, (start, end) in enumerate(pairwise(times))
            ]
    return found


def _standing(start_s: float, end_s: float, station: int, number: int) -> Segment:
    place = f"q{station}.{min(number, MOST_PLACES - 1)}"
    return Segment(start_s, end_s, place, place)
