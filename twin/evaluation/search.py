"""The smallest number of people, and then of cells, that holds the gates at takt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from configs.specs.gates import GateSpec
from twin.evaluation import cases
from twin.evaluation.answers import Asked, Results, answers, points
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import Lines
from twin.evaluation.plan import Plan
from twin.evaluation.result import CellsForTakt, Size, Try
from twin.evaluation.verdict import combined
from twin.evaluation.words import answer_word, gate_sentence, in_sentence
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer, GateResult, judge

_WORSE_WITH_MORE = frozenset({"people", "racks_per_person_hour", "line_balance_ratio"})
"""KPIs that more cells or technicians may make worse."""


def cells_for_takt(
    plan: Plan, lines: Lines, policies: tuple[Fitted, ...]
) -> tuple[CellsForTakt, ...]:
    """Search for each policy: fewest people first, then fewest cells.

    Every try is answered as the verdict is, bounds of rare outcomes and blockers included. The
    largest combination is tried first: where a gate that more cells and technicians can only help
    does not hold there, it holds nowhere, and nothing else is tried. Where no try holds, the
    smallest combination that holds by its points is sought too: a first size to plan with.
    """
    return tuple(_search(plan, lines, fitted) for fitted in policies)


def nothing_found(need: CellsForTakt) -> str:
    """Return what a search without a find says, as the end of a sentence."""
    open_ = [try_ for try_ in need.tried if try_.answer is Answer.INCONCLUSIVE]
    text = "no combination that was tried holds the gates"
    if open_:
        named = ", ".join(size_name(try_) for try_ in open_)
        text = f"no combination that was tried is shown to hold the gates; not decided: {named}"
    if need.recorded is None:
        return text
    return (
        f"{text}; by the averages alone, which prove nothing, {size_name(need.recorded)} would do "
        f"({need.recorded.people} people)"
    )


def size_name(size: Try | Size) -> str:
    """Return cells and technicians in words: ``"1 cell and 2 technicians"``."""
    cells = f"{size.cells} cell{'s' if size.cells > 1 else ''}"
    return f"{cells} and {size.technicians} technician{'s' if size.technicians > 1 else ''}"


def _search(plan: Plan, lines: Lines, fitted: Fitted) -> CellsForTakt:
    bounds = plan.spec.search
    most = bounds.most_cells, bounds.most_technicians
    combinations = sorted(
        product(range(1, most[0] + 1), range(1, most[1] + 1)),
        key=lambda pair: (_people(plan, *pair), *pair),
    )
    results = _answers(plan, lines, fitted, *most)
    tried, found = [_try(fitted, results, *most)], None
    for pair in [] if hopeless(results) else combinations:
        if pair == most:
            now = tried[0]
        else:
            now = _try(fitted, _answers(plan, lines, fitted, *pair), *pair)
            tried.append(now)
        if now.answer is Answer.HOLDS:
            found = now
            break
    return CellsForTakt(
        letter=fitted.letter,
        name=fitted.model.label,
        found=found,
        people=None if found is None else _people(plan, found.cells, found.technicians),
        answer=_answer(tried),
        tried=tuple(tried),
        replications=plan.spec.line_runs.replications.search,
        recorded=None if found else _as_recorded(plan, lines, fitted, most, combinations),
    )


def _as_recorded(
    plan: Plan, lines: Lines, fitted: Fitted, most: tuple[int, int], pairs: list[tuple[int, int]]
) -> Size | None:
    """Return the first of ``pairs`` that holds by its points; evidence that is barred has none."""
    count = plan.spec.line_runs.replications.search
    staffed = cases.staffed(plan, "takt")

    def held(cells: int, technicians: int) -> list[bool]:
        case = Asked(fitted, cells, technicians).line(plan)
        title = f"as recorded: {fitted.model.label}, {cells} and {technicians}"
        lines.run(title, [(staffed, count), (case, count)])
        return [answer is Answer.HOLDS for answer in points(plan, lines, case, staffed, count)]

    if fitted.model.blockers:
        return None
    at_most = zip(plan.spec.gates, held(*most), strict=True)
    if any(helped_by_more(gate) and not holds for gate, holds in at_most):
        return None
    enough = (Size(*pair, _people(plan, *pair)) for pair in pairs if all(held(*pair)))
    return next(enough, None)


def _answers(plan: Plan, lines: Lines, fitted: Fitted, cells: int, technicians: int) -> Results:
    title = f"cells and people: {fitted.model.label}, {cells} and {technicians}"
    count = plan.spec.line_runs.replications.search
    return answers(plan, lines, [Asked(fitted, cells, technicians)], count, title)[0]


def _try(fitted: Fitted, results: Results, cells: int, technicians: int) -> Try:
    answer = combined([result.answer for result in results], "all")
    return Try(cells, technicians, answer, reason(results, answer, fitted.model.blockers))


def reason(results: Results, answer: Answer, blockers: Sequence[str] = ()) -> str:
    """Return what decided a try."""
    whys = blockers or [why_of(result) for result in results if result.answer is answer]
    return "every gate holds" if answer is Answer.HOLDS else "; ".join(whys)


def why_of(result: GateResult) -> str:
    """Return what was measured, or where that alone would give another answer, why it does not."""
    recorded = judge(result.gate, result.measured.interval)
    if recorded is result.answer:
        return gate_sentence(result)
    for name, bound in result.at_bounds.items():
        if judge(result.gate, bound.interval) is not recorded:
            name_of = in_sentence(result.gate.kpi)
            return f"{name_of} {answer_word(recorded)} as recorded, but not with {name}"
    return result.why


def hopeless(results: Results) -> bool:
    """Tell whether more cells and technicians cannot help: a gate that they only help is lost."""
    return any(
        result.answer is not Answer.HOLDS and result.tested and helped_by_more(result.gate)
        for result in results
    )


def helped_by_more(gate: GateSpec) -> bool:
    """Tell whether more cells and technicians can only help a gate: it bounds the bad side."""
    better = LINE_KPIS[gate.kpi].higher_is_better
    asks_for_more = gate.at_least is not None
    return better is asks_for_more and gate.kpi not in _WORSE_WITH_MORE


def _answer(tried: list[Try]) -> Answer:
    """Return holds if a try does, else fails unless one is not decided."""
    return combined([try_.answer for try_ in tried], "any")


def _people(plan: Plan, cells: int, technicians: int) -> int:
    return plan.cell(cells=cells, technicians=technicians).people
