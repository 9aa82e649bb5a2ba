"""The fewest people, and then cells, that hold the gates in one case of a factory question."""

from __future__ import annotations

from collections.abc import Callable

from twin.evaluation import cases
from twin.evaluation.answers import answers, points
from twin.evaluation.lines import Lines
from twin.evaluation.search import reason
from twin.evaluation.verdict import combined
from twin.factory.mixes import Ask, Size, size_of
from twin.factory.plan import FactoryPlan
from twin.factory.result import Need, Tried
from twin.kpi.gates import Answer


def size_for_takt(plan: FactoryPlan, lines: Lines, ask: Ask) -> Need:
    """Search one case: from the largest size, fewer technicians first, then fewer cells.

    More cells and technicians only help the gates that a factory question may have, so where the
    largest size does not hold, none does. From there the fewest technicians are sought with all
    cells, then the fewest cells station by station, in the order of the file: no person and no
    cell of what is found can be left out. Where the largest is not shown to hold, the same is
    sought by the points of those gates whose points hold there, unless evidence is barred: cells
    and people that no gate asks for would only look like an answer.
    """
    most = {cell.station: cell.most_cells for cell in plan.spec.stations}
    largest = size_of(plan, most, plan.spec.most_technicians)
    count = plan.spec.line_runs.replications.search
    tried: list[Tried] = []

    def proven(size: Size) -> bool:
        title = f"cells and people: {ask.mix.title}"
        results = answers(plan, lines, [ask.at(size)], count, title)[0]
        answer = combined([result.answer for result in results], "all")
        tried.append(Tried(size, answer, reason(results, answer, ask.blockers)))
        return answer is Answer.HOLDS

    def by_points(size: Size) -> set[str]:
        case, staffed = ask.at(size).line(plan), cases.staffed(plan, "takt")
        lines.run(f"as recorded: {ask.mix.title}", [(staffed, count), (case, count)])
        found = points(plan, lines, case, staffed, count)
        gates = zip(plan.spec.gates, found, strict=True)
        return {gate.describe() for gate, answer in gates if answer is Answer.HOLDS}

    if proven(largest):
        return Need(_shrunk(plan, largest, proven), None, (), Answer.HOLDS, tuple(tried))
    unknown = {gate.describe() for gate in plan.spec.gates if ask.unknown(plan, gate.kpi)}
    kept = set() if ask.blockers else by_points(largest) - unknown
    likeliest = _shrunk(plan, largest, lambda size: kept <= by_points(size)) if kept else None
    missed = tuple(gate.kpi for gate in plan.spec.gates if gate.describe() not in kept)
    return Need(None, likeliest, missed, tried[0].answer, tuple(tried))


def _shrunk(plan: FactoryPlan, largest: Size, holds: Callable[[Size], bool]) -> Size:
    """Return the size that is left when nothing more can be taken away from one that holds."""
    best = largest
    for technicians in range(1, largest.technicians):
        fewer = size_of(plan, best.cells, technicians)
        if holds(fewer):
            best = fewer
            break
    for station, most in largest.cells.items():
        for count in range(1, most):
            fewer = size_of(plan, {**best.cells, station: count}, best.technicians)
            if holds(fewer):
                best = fewer
                break
    return best
