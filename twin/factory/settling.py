"""How far a gate that is not decided is from an answer: what bounds on rare outcomes cost it."""

from __future__ import annotations

from collections.abc import Sequence

from twin.kpi.gates import Answer, GateResult, judge
from twin.kpi.intervals import Interval


def worst_bound(result: GateResult) -> Interval | None:
    """Return what a gate that holds as recorded measured where it does not; else ``None``."""
    if judge(result.gate, result.measured.interval) is not Answer.HOLDS:
        return None
    worst = _worst(result)
    return None if worst is None or judge(result.gate, worst) is Answer.HOLDS else worst


def closest(gates: Sequence[GateResult]) -> tuple[GateResult, Interval] | None:
    """Return, where all gates hold, the one that bounds on rare outcomes bring nearest its limit.

    With the interval that they leave; ``None`` where a gate does not hold, or none was run at
    bounds.
    """
    if any(result.answer is not Answer.HOLDS for result in gates):
        return None
    held = [(result, worst) for result in gates if (worst := _worst(result)) is not None]

    return min(held, key=lambda pair: room_left(*pair), default=None)


def room_left(result: GateResult, bound: Interval) -> float:
    """Return the share of a gate's room, as recorded, that bounds on rare outcomes leave."""
    return _margin(result, bound) / max(_margin(result, result.measured.interval), 1e-12)


def moved(interval: Interval, by: float) -> Interval:
    """Return an interval moved: to first order what another input makes of it."""
    return Interval(interval.estimate + by, interval.low + by, interval.high + by)


def _worst(result: GateResult) -> Interval | None:
    """Return of the runs at bounds the one nearest to a gate's limit or farthest beyond it."""
    found = [bound.interval for bound in result.at_bounds.values()]
    return min(found, key=lambda one: _margin(result, one), default=None)


def _margin(result: GateResult, interval: Interval) -> float:
    """Return how far the bad end of an interval is on the good side of a gate's limit."""
    sign = 1.0 if result.gate.at_least is not None else -1.0
    return sign * (bad_end(result, interval) - result.gate.limit)


def bad_end(result: GateResult, interval: Interval) -> float:
    """Return the end of an interval that a gate is held against."""
    return interval.low if result.gate.at_least is not None else interval.high


def times_more(result: GateResult) -> float | None:
    """Return how many times the operations would settle a gate that bounds leave open.

    A bound on what was hardly seen shrinks with the operations, and what it costs with it: to
    first order the cost at the bounds over the room that the recorded line has.
    """
    worst = worst_bound(result)
    if worst is None:
        return None
    room = _margin(result, result.measured.interval)
    return None if room <= 0 else (room - _margin(result, worst)) / room
