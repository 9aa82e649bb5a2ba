"""The tables of a factory question's report: results turned into rows of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configs.specs.gates import GateSpec
from twin.evaluation.words import (
    NONE,
    answer_word,
    difference,
    duration,
    format_of,
    gate_limit,
    gate_measured,
    in_sentence,
    listed,
    number,
    percent,
    share_span,
    span,
    value,
)
from twin.factory.mixes import TECHNICIANS, YIELD, Size
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory, Row
from twin.factory.seconds import cells_filled
from twin.factory.settling import closest, worst_bound
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import GateResult
from twin.kpi.intervals import Interval
from twin.report.first_screen import KINDS, MARKS, beyond, beyond_perfect_text
from twin.report.tables import entry


@dataclass(frozen=True)
class Shown:
    """A cell of the first table: a value, what stands below it, what its gate says, at bounds."""

    value: str
    below: str = ""
    mark: str = ""
    kind: str = ""
    bounds: str = ""


def table(plan: FactoryPlan, found: Factory) -> dict[str, Any]:
    """Return the table of the first screen: every case at its own size, gate by gate.

    The gates come in the order of the answer: those that are not shown to hold first.
    """
    row = found.row(found.decides)
    first = [result.gate.kpi for result in row.open_gates]
    gates = sorted(row.gates, key=lambda result: result.gate.kpi not in first)
    works = "; ".join(
        f"{station} {spec.title.partition(' - ')[2] or spec.title}"
        for station, spec in plan.physical.items()
    )
    note = (
        f"{works}. Below each number: what its gate tests, 95 %; at bounds: the same if all that "
        "was hardly seen is as frequent as it may be, which a gate has to hold too. Cells and "
        "people: the fewest that are shown to hold every gate; else by averages, which prove "
        "nothing: the fewest with which all holds that holds with the most. Rolled throughput "
        "yield: racks that pass every test of the line the first time; what cells mend does not "
        "lower it. "
        "Racks without a call (under “Seconds”) are another thing: those that leave one station "
        "with nobody's help."
    )
    return {
        "note": note + _beyond_perfect(found),
        "heads": [
            ("people", "cells"),
            *((_head(result.gate.kpi), gate_limit(result)) for result in gates),
        ],
        "rows": [_table_row(one, [result.gate for result in gates]) for one in found.rows],
    }


def _head(kpi: str) -> str:
    unit = format_of(kpi).unit
    title = LINE_KPIS[kpi].title
    return f"{title}, {unit}" if unit in ("h", "%") else title


def _table_row(row: Row, gates: Sequence[GateSpec]) -> dict[str, Any]:
    sized = Shown(str(row.people))
    if row.size is not None:
        sized = Shown(str(row.people), f"{_cells_short(row.size)}, {_proof(row)}")
    return {
        "title": f"{row.title} (bound)" if row.bound else row.title,
        "bound": row.bound,
        "kind": KINDS[row.need.answer] if row.need else "",
        "word": answer_word(row.need.answer) if row.need else "",
        "entries": [sized, *(_judged(row, gate) for gate in gates)],
    }


def _judged(row: Row, gate: GateSpec) -> Shown:
    """Return a KPI of a case with what its gate says; of the staffed line its interval alone."""
    kpi = row.kpis[gate.kpi].interval
    growing = ", growing" if gate.kpi == "lead_time_mean_h" and not row.settles else ""
    result = next((one for one in row.gates if one.gate == gate), None)
    if result is None:
        if gate.kpi == TECHNICIANS:  # today's line has none
            return Shown(NONE)
        plain = entry(gate.kpi, kpi)
        return Shown(plain.value, f"{plain.span}{growing}")
    mark, kind = MARKS[result.answer], KINDS[result.answer]
    if gate.kpi == YIELD and row.yield_between is not None:
        least, most = (value(YIELD, end) for end in row.yield_between)
        return Shown(
            f"≥ {least}", f"lower bound; {most} if nothing hardly seen happens", mark, kind
        )
    _, below = gate_measured(result, result.measured.interval)
    bound = _bound(row, result)
    bounds = "" if bound is None else f"at bounds {gate_measured(result, bound)[1]}"
    return Shown(value(gate.kpi, kpi.estimate), f"{below}{growing}", mark, kind, bounds)


def _bound(row: Row, result: GateResult) -> Interval | None:
    """Return what bounds on rare outcomes leave of a gate that they open.

    Where every gate holds, of the one that they bring nearest to its limit.
    """
    near = closest(row.gates)
    if near is None:
        return worst_bound(result)
    return near[1] if near[0] is result else None


def _beyond_perfect(found: Factory) -> str:
    """Say which intervals reach where no policy can get."""
    best = found.row("perfect")
    named = [
        row.title
        for row in found.rows
        if row.need is not None
        and not row.bound
        and any(beyond(kpi, row.kpis[kpi].interval, best.kpis[kpi].interval) for kpi in row.kpis)
    ]
    return f" {beyond_perfect_text([listed(named)])}" if named else ""


def _proof(row: Row) -> str:
    """Say what a size rests on."""
    assert row.need is not None  # a case, not the staffed line
    if row.need.found:
        return "shown to hold"
    if row.need.recorded is None:
        return "the most that were tried"
    if not row.need.missed:
        return "by averages"
    return f"by averages, {listed([in_sentence(kpi) for kpi in row.need.missed])} left out"


def _cells_short(size: Size) -> str:
    return " · ".join(f"{station} {count}" for station, count in size.cells.items())


def buys_rows(found: Factory) -> list[dict[str, Any]]:
    """Return every station's gain alone, by KPI."""
    base = [
        {"value": value(kpi, held.interval.estimate), "span": span(kpi, held.interval)}
        for kpi, held in found.buys.base.items()
    ]
    rows: list[dict[str, Any]] = [{"station": "all", "policy": "scripted: the line itself"}]
    rows[0]["cells"] = base
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
                "calls": f"{row.calls[0]:,} calls in {row.calls[1]:,}" if row.name else "",
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
            "rests_on": cell.rests_on,
            "sources": sources or "none: escapes come on top of today's losses",
        }
