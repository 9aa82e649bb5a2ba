"""How a factory question's report says a size, a value with its interval, and a change."""

from __future__ import annotations

from twin.evaluation.words import difference, listed, possible, span, value
from twin.factory.mixes import Size
from twin.kpi.intervals import Interval


def cells_text(size: Size) -> str:
    """Return a size's cells in words: ``"1 cell at S20, 1 at S60 and 2 at S70"``."""
    parts = [f"{count} at {station}" for station, count in size.cells.items()]
    first, _, rest = parts[0].partition(" ")
    parts[0] = f"{first} cell{'s' if first != '1' else ''} {rest}"
    return listed(parts)


def size_text(size: Size) -> str:
    """Return a size in words, with the people then on the line."""
    return f"{cells_text(size)} and {size.people} people"


def technicians_text(size: Size) -> str:
    """Return the roaming technicians of a size in words."""
    return f"{size.technicians} roaming technician{'s' if size.technicians > 1 else ''}"


def stated(key: str, interval: Interval) -> str:
    """Return a KPI with its interval: ``"42.6 (95 %: 42.3 to 43.0)"``."""
    return f"{value(key, interval.estimate)} (95 %: {span(key, possible(key, interval))})"


def changed(key: str, interval: Interval) -> str:
    """Return a KPI's change with its interval: ``"+0.3 (95 %: -0.1 to +0.7)"``."""
    return f"{difference(key, interval.estimate)} (95 %: {span(key, interval, signed=True)})"
