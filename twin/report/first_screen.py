"""What the first screen says: the answer, the line with each policy, and each policy's gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from twin.evaluation.result import Evaluation, KpiRow, PolicyVerdict
from twin.evaluation.search import nothing_found
from twin.evaluation.words import (
    answer_word,
    format_of,
    gate_limit,
    gate_measured,
    in_sentence,
    listed,
    percent,
    share_span,
    short_name,
)
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer, GateResult, judge
from twin.kpi.intervals import Interval
from twin.report.tables import COLOURS, Entry, entry

KINDS = {Answer.HOLDS: "holds", Answer.FAILS: "fails", Answer.INCONCLUSIVE: "open"}
MARKS = {Answer.HOLDS: "✓", Answer.FAILS: "✗", Answer.INCONCLUSIVE: "?"}
_BANNER = {Answer.HOLDS: "Yes", Answer.FAILS: "No", Answer.INCONCLUSIVE: "Not decided"}
_SUMMARY = ("racks_per_day", "lead_time_mean_h", "rolled_throughput_yield", "people")
_OF_THE_HORIZON = frozenset({"lead_time_mean_h", "lead_time_p95_h", "wip_mean"})
"""KPIs that grow with the time one looks, in a line that does not settle."""
_FIXED = "\N{NO-BREAK SPACE}"


def banner(found: Evaluation) -> dict[str, str]:
    """Return the verdict in a word and a sentence, with the policies' names as in table heads."""
    answer = found.verdict.answer
    sentence = found.verdict.headline.partition(": ")[2]
    names = [policy.name for policy in found.verdict.policies]
    if len({short_name(name) for name in names}) == len(names):
        for name in names:
            sentence = sentence.replace(name, short_name(name))
    return {
        "kind": KINDS[answer],
        "word": _BANNER[answer],
        "sentence": sentence[:1].upper() + sentence[1:],
    }


def summary(found: Evaluation) -> dict[str, Any]:
    """Return what the line does at takt: today, with each policy, and with a perfect one.

    What a policy's misses and its time cost is the distance to the perfect one.
    """
    kpis = [next(r for r in found.kpis if r.mode == "takt" and r.kpi.key == k) for k in _SUMMARY]
    rows = [_summary_row("today, staffed", [entry(k.kpi.key, k.staffed) for k in kpis])]
    growing = _growing(found)
    for policy in found.verdict.policies:
        cells = [_of_policy(k, policy.letter, growing[policy.letter]) for k in kpis]
        rows.append(_summary_row(short_name(policy.name), cells, policy))
    perfect = [Entry("", "") if k.perfect is None else entry(k.kpi.key, k.perfect) for k in kpis]
    rows.append(_summary_row("perfect: no misses, no time to insert", perfect))
    heads = [(k.kpi.title, format_of(k.kpi.key).unit) for k in kpis]
    return {
        "rows": rows,
        "heads": [f"{t},{_FIXED}{u}" if u in ("h", "%") else t for t, u in heads],
        "note": _beyond_perfect(found, kpis),
    }


def _beyond_perfect(found: Evaluation, kpis: Sequence[KpiRow]) -> str:
    """Say which intervals reach where no policy can get: they are made from the runs' spread."""
    named = []
    for policy in found.verdict.policies:
        over = [in_sentence(k.kpi.key) for k in kpis if _better_than_perfect(k, policy.letter)]
        if over:
            named.append(f"{short_name(policy.name)}: {listed(over)}")
    return beyond_perfect_text(named) if named else ""


def beyond_perfect_text(named: Sequence[str]) -> str:
    """Say of intervals that reach beyond the perfect policy's what that means."""
    return (
        f"Some intervals reach beyond the perfect policy's ({'; '.join(named)}). No policy gets "
        f"there: an interval is made from the spread of the runs and reaches out to both sides."
    )


def _better_than_perfect(row: KpiRow, letter: str) -> bool:
    best = row.perfect
    return best is not None and beyond(row.kpi.key, row.cells[letter].interval, best)


def beyond(kpi: str, ours: Interval, best: Interval) -> bool:
    """Tell whether an interval reaches beyond the perfect policy's on the good side."""
    better = LINE_KPIS[kpi].higher_is_better
    if better is None:
        return False
    return ours.high > best.high if better else ours.low < best.low


def _summary_row(
    name: str, entries: list[Entry], policy: PolicyVerdict | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "entries": entries,
        "colour": COLOURS[policy.letter] if policy else "",
        "kind": KINDS[policy.answer] if policy else "",
        "word": answer_word(policy.answer) if policy else "",
    }


def _of_policy(row: KpiRow, letter: str, growing: bool) -> Entry:
    made = entry(row.kpi.key, row.cells[letter].interval)
    return replace(made, span=_marked(made.span, row.kpi.key, growing))


def _growing(found: Evaluation) -> dict[str, bool]:
    """Tell by policy whether the racks in its line keep growing at takt."""
    pairs = zip(found.verdict.policies, found.charts[1:], strict=True)
    return {policy.letter: not line.settles for policy, line in pairs}


def _marked(span: str, kpi: str, growing: bool) -> str:
    """Return an interval, marked where it would be another one over a longer look at the line."""
    return f"{span}, growing" if growing and kpi in _OF_THE_HORIZON else span


def cards(found: Evaluation) -> list[dict[str, Any]]:
    """Return the two policies' cards of the first screen."""
    growing = _growing(found)
    return [_card(found, policy, growing[policy.letter]) for policy in found.verdict.policies]


def _card(found: Evaluation, policy: PolicyVerdict, growing: bool) -> dict[str, Any]:
    campaign = next(e for e in found.episodes if e.letter == policy.letter)
    need = next(c for c in found.cells if c.letter == policy.letter)
    if need.found:
        cells = f"{need.found.cells} cell{'s' if need.found.cells > 1 else ''}"
        takt = f"{cells} and {need.people} people hold the gates"
    else:
        takt = nothing_found(need)
    success = f"{percent(campaign.success.estimate)} ({share_span(campaign.success)})"
    return {
        "letter": policy.letter,
        "name": policy.name,
        "short": short_name(policy.name),
        "colour": COLOURS[policy.letter],
        "kind": KINDS[policy.answer],
        "word": answer_word(policy.answer),
        "gates": [_gate(result, growing) for result in policy.gates],
        "note": f"Success: {success} of {campaign.operations - campaign.void} operations; {takt}.",
    }


def _gate(result: GateResult, growing: bool) -> dict[str, Any]:
    measured, interval = gate_measured(result, result.measured.interval)
    return {
        "title": LINE_KPIS[result.gate.kpi].title,
        "limit": gate_limit(result).replace(" %", f"{_FIXED}%").replace(" point", f"{_FIXED}point"),
        "measured": measured,
        "span": _marked(interval, result.gate.kpi, growing),
        "kind": KINDS[result.answer],
        "mark": MARKS[result.answer],
        "word": answer_word(result.answer) if result.tested else "not tested",
        "remark": _remark(result),
    }


def _remark(result: GateResult) -> str:
    """Say why a gate is not decided where its interval alone would have decided it."""
    recorded = judge(result.gate, result.measured.interval)
    if result.answer is recorded:
        return ""
    for name, bound in result.at_bounds.items():
        other = judge(result.gate, bound.interval)
        if other is not recorded:
            measured, interval = gate_measured(result, bound.interval)
            return (
                f"As recorded it {answer_word(recorded)}; with {name} it would be {measured} "
                f"({interval}) and {_would(other)}: too few events were seen to tell."
            )
    if not result.tested:
        return (
            f"As recorded it {answer_word(recorded)}; not tested with rare outcomes at their "
            f"bounds, since another gate fails for good."
        )
    return f"{result.why[0].upper()}{result.why[1:]}."


def _would(answer: Answer) -> str:
    return {Answer.HOLDS: "hold", Answer.FAILS: "fail", Answer.INCONCLUSIVE: "not be decided"}[
        answer
    ]
