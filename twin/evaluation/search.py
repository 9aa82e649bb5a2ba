"""The smallest number of cells and technicians that holds the gates at takt."""

from __future__ import annotations

from twin.evaluation.answers import Asked, answers
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import Lines
from twin.evaluation.plan import Plan
from twin.evaluation.result import CellsForTakt, Try
from twin.evaluation.verdict import combined
from twin.evaluation.words import gate_sentence
from twin.kpi.gates import Answer


def cells_for_takt(
    plan: Plan, lines: Lines, policies: tuple[Fitted, ...]
) -> tuple[CellsForTakt, ...]:
    """Search for both policies at once; fewest cells first, then fewest technicians.

    For each number of cells the most technicians are tried first: if those do not hold the gates,
    fewer will not. Rare classes are as recorded here, not at their bounds.
    """
    return tuple(_search(plan, lines, fitted) for fitted in policies)


def _search(plan: Plan, lines: Lines, fitted: Fitted) -> CellsForTakt:
    bounds, runs = plan.spec.search, plan.spec.line_runs.replications
    tried: list[Try] = []
    found: Try | None = None
    for cells in range(1, bounds.most_cells + 1):
        best = _try(plan, lines, fitted, cells, bounds.most_technicians)
        tried.append(best)
        if best.answer is not Answer.HOLDS:
            continue
        found = best
        for technicians in range(1, bounds.most_technicians):
            fewer = _try(plan, lines, fitted, cells, technicians)
            tried.append(fewer)
            if fewer.answer is Answer.HOLDS:
                found = fewer
                break
        break
    people = None
    if found is not None:
        people = plan.cell(cells=found.cells, technicians=found.technicians).people
    return CellsForTakt(fitted.letter, fitted.model.label, found, people, tuple(tried), runs.search)


def _try(plan: Plan, lines: Lines, fitted: Fitted, cells: int, technicians: int) -> Try:
    count = plan.spec.line_runs.replications.search
    title = f"cells and people: {fitted.model.label}, {cells} and {technicians}"
    (results,) = answers(plan, lines, [Asked(fitted, cells, technicians)], count, title)
    answer = combined([result.answer for result in results], "all")
    missed = [gate_sentence(result) for result in results if result.answer is not Answer.HOLDS]
    return Try(cells, technicians, answer, "; ".join(missed) or "every gate holds")
