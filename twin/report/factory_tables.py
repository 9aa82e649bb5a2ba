"""The tables of a factory question's report: results turned into rows of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from twin.evaluation.words import (
    NONE,
    answer_word,
    difference,
    duration,
    format_of,
    number,
    percent,
    share_span,
    span,
    value,
)
from twin.factory.mixes import Size
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory, Row
from twin.factory.seconds import cells_filled
from twin.kpi.definitions import LINE_KPIS
from twin.report.first_screen import KINDS
from twin.report.tables import Entry, entry

_YIELD = "rolled_throughput_yield"


def table(found: Factory) -> dict[str, Any]:
    """Return the table of the first screen: every case at its own size."""
    keys = ("racks_per_day", "lead_time_mean_h", _YIELD)
    heads = ["cells", "people", "racks a day", "lead time, h", "yield, %", "capacity"]
    note = (
        "Cells: the fewest that are shown to hold the gates; else the fewest that do by the "
        "averages alone, which prove nothing; else the most that were tried. Yield: rolled "
        "throughput yield. Capacity: racks a day, saturated."
    )
    return {"note": note, "heads": heads, "rows": [_table_row(row, keys) for row in found.rows]}


def _table_row(row: Row, keys: tuple[str, ...]) -> dict[str, Any]:
    entries = [
        Entry(NONE, "") if row.size is None else Entry(_cells_short(row.size), _proof(row)),
        Entry(str(row.people), _technicians(row)),
    ]
    for key in keys:
        made = entry(key, row.kpis[key].interval)
        if key == _YIELD and row.yield_bound is not None:
            made = Entry(f"≥ {value(key, row.yield_bound)}", "lower bound")
        elif key == "lead_time_mean_h" and not row.settles:
            made = Entry(made.value, f"{made.span}, growing")
        entries.append(made)
    entries.append(entry("racks_per_day", row.capacity.interval))
    return {
        "title": f"{row.title} (bound)" if row.bound else row.title,
        "bound": row.bound,
        "kind": KINDS[row.need.answer] if row.need else "",
        "word": answer_word(row.need.answer) if row.need else "",
        "entries": entries,
    }


def _proof(row: Row) -> str:
    """Say what a size rests on."""
    assert row.need is not None and row.size is not None  # noqa: PT018 - a case has both
    if row.need.found:
        return "shown"
    return "by averages" if row.need.recorded else "most tried"


def _technicians(row: Row) -> str:
    return "" if row.size is None else f"{row.size.technicians} roaming"


def _cells_short(size: Size) -> str:
    return " · ".join(f"{station} {count}" for station, count in size.cells.items())


def buys_rows(found: Factory) -> list[dict[str, Any]]:
    """Return every station's gain alone, by KPI."""
    rows = []
    for one in (*found.buys.trained, *found.buys.perfect):
        cells = [
            {
                "value": difference(kpi, change.interval.estimate),
                "span": span(kpi, change.interval, signed=True),
            }
            for kpi, change in one.differences.items()
        ]
        policy = "perfect (bound)" if one.bound else "trained"
        rows.append({"station": one.station, "policy": policy, "cells": cells})
    return rows


def buys_heads(found: Factory) -> list[str]:
    """Return the heads of `buys_rows`."""
    first = (*found.buys.trained, *found.buys.perfect)[0]
    return [
        f"{LINE_KPIS[kpi].title}, {format_of(kpi).unit_of_difference}" for kpi in first.differences
    ]


def seconds_rows(found: Factory) -> list[dict[str, str]]:
    """Return the table of seconds."""
    rows = []
    for row in found.seconds:
        filled = cells_filled(row)
        interval = row.operation_s
        certain = interval.low == interval.high
        rows.append(
            {
                "station": row.station,
                "name": row.name or "perfect (bound)",
                "operation": f"{number(interval.estimate, 1)} s",
                "span": ""
                if certain
                else f"{number(interval.low, 1)} to {number(interval.high, 1)} s",
                "helped": f"{number(row.helped_s, 1)} s",
                "load": number(row.load, 2),
                "cells": "more than tried" if filled is None else str(filled),
                "bearable": " · ".join(f"{number(most, 1)} s" for most in row.bearable_s),
                "first_pass": percent(row.first_pass.estimate),
                "first_pass_span": share_span(row.first_pass) if row.name else "",
            }
        )
    return rows


def assumptions(plan: FactoryPlan) -> Iterator[Mapping[str, str]]:
    """Yield what each station's cells rest on, all assumed."""
    for cell in plan.spec.stations:
        effects = cell.effects
        swap = f"{duration(effects.damage.mean_s)}"
        sources = ", ".join(
            f"{percent(other.yield_sources[cell.station], 1)} at {other.id}"
            for other in plan.line.stations
            if cell.station in other.yield_sources
        )
        yield {
            "station": cell.station,
            "handling": duration(effects.handling_s),
            "assisted": duration(effects.assisted.mean_s),
            "detected": duration(effects.detected.mean_s),
            "damage": swap + (", a technician" if effects.damage.technician else ""),
            "stops": cell.attach.minor_stops or "none in the table",
            "sources": sources or "none: escapes come on top of today's losses",
        }
