"""The report's tables: results turned into rows of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from configs.specs.base import spec_hash
from twin.evaluation.plan import LETTERS, Plan
from twin.evaluation.result import CellsForTakt, Evaluation, KpiRow, PolicyEpisodes, Try
from twin.evaluation.search import nothing_found, size_name
from twin.evaluation.words import (
    NONE,
    answer_word,
    difference,
    format_of,
    in_sentence,
    number,
    percent,
    possible,
    share_span,
    short_name,
    span,
    value,
)
from twin.kpi.gates import Answer
from twin.kpi.intervals import Interval
from twin.report.prose import OUTCOME_MEANINGS
from twin.report.style import CLASS_COLOURS, LINE_COLOURS

COLOURS = dict(zip(LETTERS, LINE_COLOURS[1:], strict=True))


@dataclass(frozen=True)
class Entry:
    """A number, its interval and half of it; ``clear`` where a difference leaves out zero."""

    value: str
    span: str
    half: str = ""
    clear: bool = False


def kpi_blocks(rows: Sequence[KpiRow], takt_min: float, pushed_min: float) -> list[dict[str, Any]]:
    """Return the KPI table in two blocks, at takt and saturated."""
    titles = {
        "takt": f"At takt: a rack every {takt_min:g} min",
        "saturated": f"Saturated: pushed with a rack every {pushed_min:g} min, what it can take",
    }
    return [
        {"title": title, "rows": [_kpi(row) for row in rows if row.mode == mode]}
        for mode, title in titles.items()
    ]


def _kpi(row: KpiRow) -> dict[str, Any]:
    key = row.kpi.key
    entries = [entry(key, row.staffed)]
    seen = {letter: _seen(row, letter) for letter in LETTERS}
    entries += [seen[letter] or entry(key, row.cells[letter].interval) for letter in LETTERS]
    entries += [
        Entry(NONE, "") if seen[letter] else _difference(key, row.differences[letter].interval)
        for letter in LETTERS
    ]
    entries.append(
        Entry(NONE, "") if any(seen.values()) else _difference(key, row.between.interval)
    )
    entries.append(Entry(NONE, "") if row.perfect is None else entry(key, row.perfect))
    over = f", over {row.kpi.denominator}" if row.kpi.denominator else ""
    return {
        "title": row.kpi.title,
        "unit": "" if key in ("racks_per_day", "people") else format_of(key).unit,
        "definition": f"{row.kpi.definition}{over}",
        "entries": entries,
    }


def _seen(row: KpiRow, letter: str) -> Entry | None:
    """Return the bound on an outcome never seen, in place of a mean that only the prior gave."""
    unseen = row.unseen.get(letter)
    if unseen is None:
        return None
    most = value(row.kpi.key, unseen.most_per_1000)
    return Entry(f"at most {most}", f"0 seen in {unseen.operations:,}")


def entry(key: str, interval: Interval) -> Entry:
    """Return a KPI's value and interval as they are printed."""
    shown = value(key, interval.estimate)
    if shown == NONE or interval.low == interval.high:
        return Entry(shown, "")
    return Entry(shown, span(key, possible(key, interval)), value(key, interval.half_width))


def _difference(key: str, interval: Interval) -> Entry:
    shown = difference(key, interval.estimate)
    if shown == NONE:
        return Entry(NONE, "")
    clear = interval.low > 0 or interval.high < 0
    if interval.low == interval.high:
        return Entry(shown, "", clear=clear)
    half = value(key, interval.half_width)
    return Entry(shown, span(key, interval, signed=True), half, clear)


def station_rows(found: Evaluation) -> list[dict[str, Any]]:
    """Return the ISO 22400 figures of the station."""
    return [
        {
            "title": row.title,
            "definition": f"{row.definition} Over {row.denominator}.",
            "entries": [percent(row.staffed), *(percent(row.cells[x]) for x in LETTERS)],
        }
        for row in found.station
    ]


def cells_table(found: Evaluation) -> list[dict[str, Any]]:
    """Return cells and people for takt, one row a policy."""
    return [_cells(need, found.people_staffed) for need in found.cells]


def _cells(need: CellsForTakt, staffed: int) -> dict[str, Any]:
    change = "" if need.people is None else number(need.people - staffed, 0, signed=True)
    return {
        "name": need.name,
        "short": short_name(need.name),
        "colour": COLOURS[need.letter],
        "found": need.found,
        "people": need.people,
        "change": change,
        "none": nothing_found(need),
        "why": _decides(need),
        "tried": [{"text": _try(try_)} for try_ in need.tried],
    }


def _decides(need: CellsForTakt) -> str:
    if need.found is None:  # the largest, where what more cells and people can do is seen
        return f"with {size_name(need.tried[0])}: {need.tried[0].why}"
    fewer = [t for t in need.tried if t.answer is not Answer.HOLDS]
    if not fewer:
        return "the smallest that was tried holds every gate"
    return f"with {_try(fewer[-1])}: {fewer[-1].why}"


def _try(try_: Try) -> str:
    return f"{size_name(try_)} ({answer_word(try_.answer)})"


def outcome_table(episodes: Sequence[PolicyEpisodes]) -> list[dict[str, Any]]:
    """Return counts, shares and intervals of every outcome class, a column a campaign."""
    rows = []
    for outcome, meaning in OUTCOME_MEANINGS.items():
        shares = []
        for policy in episodes:
            seen = policy.classes[outcome]
            text = share_span(seen.share)
            if seen.bound is not None and seen.count == 0:
                text = f"up to {percent(seen.bound, 2)}"
            shares.append(
                {"count": seen.count, "percent": percent(seen.share.estimate), "span": text}
            )
        rows.append(
            {
                "name": outcome.value,
                "colour": CLASS_COLOURS[outcome],
                "meaning": meaning,
                "shares": shares,
            }
        )
    return rows


def perfect_rows(found: Evaluation) -> list[dict[str, str]]:
    """Return what a perfect policy would change."""
    rows = []
    for row in found.preflight.rows:
        unit = format_of(row.kpi.key)
        change = difference(row.kpi.key, row.change.estimate)
        rows.append(
            {
                "title": row.kpi.title + (", saturated" if row.mode == "saturated" else ""),
                "staffed": f"{value(row.kpi.key, row.staffed.estimate)} {unit.unit}",
                "perfect": f"{value(row.kpi.key, row.perfect.estimate)} {unit.unit}",
                "change": f"{change} {unit.unit_of_difference} "
                f"({span(row.kpi.key, row.change, signed=True)})",
                "smallest": f"± {difference(row.kpi.key, row.smallest).removeprefix('+')} "
                f"{unit.unit_of_difference}",
            }
        )
    return rows


def reductions(found: Evaluation) -> str:
    """Return how many times smaller common random numbers made variances, in words."""
    parts = []
    for row in found.kpis:
        factors = [number(row.reduction[x], 1) for x in LETTERS if math.isfinite(row.reduction[x])]
        if factors and row.mode == "takt" and row.kpi.key in _REDUCED:
            parts.append(f"{in_sentence(row.kpi.key)} {' and '.join(factors)}")
    perfect = next(r for r in found.preflight.rows if r.kpi.key == "lead_time_mean_h")
    text = "; ".join(parts) or "nothing varied"
    if math.isfinite(perfect.reduction):
        text += (
            f". With the perfect policy, where only the line is random: "
            f"{in_sentence(perfect.kpi.key)} {number(perfect.reduction, 1)}"
        )
    return text


_REDUCED = ("rolled_throughput_yield", "wip_mean", "lead_time_mean_h")


def provenance(plan: Plan, found: Evaluation, version: str) -> Iterator[tuple[str, str]]:
    """Yield (what, value) of what identifies this run and what it took."""
    spec = plan.spec
    runs = spec.line_runs
    yield "rackline", version
    yield (
        "content hashes",
        f"evaluation {spec_hash(spec)}, line {spec_hash(plan.line)}, "
        f"station {spec_hash(plan.station)}",
    )
    yield "seeds", f"episodes {spec.campaign.seed}, line {runs.seed}"
    counts = runs.replications
    yield (
        "line replications",
        f"{counts.verdict} a line and mode, {counts.preflight} in preflight, {counts.search} for "
        f"each number of cells and technicians, {counts.tornado} for each end of an input; "
        f"{runs.horizon_s / 86_400:g} days each after {runs.warmup_s / 86_400:g} of warm-up",
    )
    total = sum(found.seconds.values())
    shown = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found.seconds.items())
    yield "wall-clock time", f"{total:.0f} s: {shown}"
