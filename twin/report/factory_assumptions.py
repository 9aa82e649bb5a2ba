"""What a factory question's answer rests on, and what would take it back, as text."""

from __future__ import annotations

from collections.abc import Iterator

from policies.catalogue import zoo
from twin.evaluation.result import Tornado
from twin.evaluation.words import (
    difference,
    format_of,
    gate_measured,
    in_sentence,
    listed,
    number,
    percent,
    short_name,
)
from twin.factory.mixes import TECHNICIANS, YIELD
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory, Row, Stiffer
from twin.factory.settling import closest, moved
from twin.kpi.gates import Answer, GateResult, judge
from twin.kpi.intervals import Interval
from twin.report.factory_phrases import changed, stated, technicians_text

_DOUBTFUL = "Physics not converged"


def people_sentence(plan: FactoryPlan, found: Factory) -> str:
    """Say what the saving in people rests on: none of it is measured."""
    row, today, best = (found.row(key) for key in (found.decides, "staffed", "perfect"))
    assert row.size is not None  # a case, not the staffed line
    unmanned = [cell.station for cell in plan.spec.stations if cell.attach.crew == 0]
    gone = today.people + row.size.technicians - row.people
    come = f"{technicians_text(row.size)} {'come' if row.size.technicians > 1 else 'comes'}"
    busy = stated(TECHNICIANS, row.kpis[TECHNICIANS].interval)
    parts = [
        f"{gone} people go from these stations and {come}, which is arithmetic and no result; "
        f"simulated is that calls keep them busy {busy} % of their time"
    ]
    if unmanned:
        cells = sum(count for station, count in row.size.cells.items() if station in unmanned)
        parts.append(
            f"nobody stands at the cells of {listed(unmanned)} (with one person at each, "
            f"{row.people + cells} people instead of {row.people})"
        )
    credited = best.kpis[YIELD].interval.estimate - today.kpis[YIELD].interval.estimate
    if any(cell.yield_sources for cell in plan.line.stations):
        parts.append(
            f"today's defects by hand go with the people, which alone is worth "
            f"{difference(YIELD, credited)} points of yield (without that it would change by about "
            f"{difference(YIELD, row.against[YIELD].interval.estimate - credited)}"
            f"{_without(row, credited)})"
        )
    if any(cell.rests_on for cell in plan.spec.stations):
        parts.append("how parts come to the cells, and more, under “What this rests on”")
    return f"Assumed, not measured: {'; '.join(parts)}."


def _without(row: Row, credited: float) -> str:
    """Say whether a yes needs a credit of yield, to first order at the bounds of rare outcomes."""
    near = closest(row.gates)
    if near is None or near[0].gate.kpi != YIELD:
        return ""
    left = _taken_back(*near, -credited)
    return f", at the bounds by {left}: the yes needs it" if left else ""


def _turned_at_bounds(row: Row, tornado: Tornado) -> list[str]:
    """Return the inputs that take a yes back, to first order at the bounds of rare outcomes."""
    near = closest(row.gates)
    if near is None or near[0].gate.kpi != tornado.kpi:
        return []
    return [
        f"{bar.says} at {end} (now {bar.now}): {left}"
        for bar in tornado.bars
        for end, there in ((bar.low, bar.at_low), (bar.high, bar.at_high))
        if (left := _taken_back(*near, there.estimate - tornado.base.estimate))
    ]


def _taken_back(result: GateResult, bound: Interval, by: float) -> str:
    """Return what is left of a gate whose interval moves, if it does not hold then; "" if it does.

    Args:
        result: of the gate.
        bound: what bounds on rare outcomes leave of it.
        by: how far that moves.
    """
    left = moved(bound, by)
    return "" if judge(result.gate, left) is Answer.HOLDS else gate_measured(result, left)[1]


def turning_sentence(plan: FactoryPlan, found: Factory) -> str:
    """Say which assumed input would change the answer, or moves it most."""
    tornado = found.tornado
    if tornado is None or not tornado.bars:
        return "No assumed input was varied."
    if turned := _turned_at_bounds(found.row(found.decides), tornado):
        return (
            f"Of {len(tornado.bars)} assumed inputs these would leave the answer open, reckoned to "
            f"first order from {tornado.replications} runs, at the bounds of what was hardly seen: "
            f"{'; '.join(turned)}."
        )
    for bar in tornado.bars:
        if bar.flips:
            named = f"{bar.says} (now {bar.now})"
            return f"An input that would change it: {named}. {bar.flips[0]}."
    bar, kpi = tornado.bars[0], tornado.kpi
    unit = format_of(kpi).unit_of_difference
    missed = found.row(found.decides).need
    assert missed is not None  # a case, not the staffed line
    sides = "takes a gate's point to the other side"
    if missed.missed:
        names = listed([in_sentence(kpi) for kpi in missed.missed])
        sides = f"saves {names}, or takes another gate's point across its limit"
    return (
        f"None of the {len(tornado.bars)} assumed inputs that were varied {sides}. The one that "
        f"moves {in_sentence(kpi)} most: {bar.says}, {changed(kpi, bar.at_low)} {unit} at "
        f"{bar.low} and {changed(kpi, bar.at_high)} at {bar.high} against today (as assumed, "
        f"{bar.now}: {changed(kpi, tornado.base)})."
    )


def tornado_base(found: Factory) -> str:
    """Return what the tornado's middle line says: the KPI against today, inputs as assumed."""
    if found.tornado is None:
        return ""
    kpi = found.tornado.kpi
    unit = format_of(kpi).unit_of_difference
    return f"{in_sentence(kpi)} {changed(kpi, found.tornado.base)} {unit} against today"


def stiffness_sentences(found: Factory) -> Iterator[str]:
    """Say what contact 4 times as stiff as assumed would do to the cells of the answer."""
    row = found.row(found.decides)
    if not found.stiffer or row.size is None:
        return
    cells = row.size.cells
    said = listed([_filled(s, one, cells[s]) for s, one in found.stiffer.items()])
    full = [station for station, one in found.stiffer.items() if one.load > cells[station]]
    text = (
        f"How stiff parts are where they touch is not measured. Were they 4 times as stiff, the "
        f"damages then found would fill, of takt on average, the cells at {said}"
    )
    if full:
        yield (
            f"The assumption that would change it: {text[0].lower()}{text[1:]}, so that "
            f"{listed(full)} could not keep up: a yes would become a no. Measure it before you "
            f"rely on one."
        )
    else:
        yield f"{text}: all would keep up."


def _filled(station: str, one: Stiffer, cells: int) -> str:
    return (
        f"{station} to {number(100 * one.load / cells, 0)} % ({percent(one.damaged)} damaged, "
        f"measured with {short_name(one.policy)}; full at {percent(one.bearable(cells))})"
    )


def physics_sentences(found: Factory) -> Iterator[str]:
    """Say what is not converged in full, and of the others that they are."""
    doubtful = {s: text for s, text in found.physics.items() if text.startswith(_DOUBTFUL)}
    yield from (f"{station}: {text}" for station, text in doubtful.items())
    sound = [station for station in found.physics if station not in doubtful]
    if sound:
        with_ = [
            f"{station} with {short_name(one.policy)}"
            for station, one in found.stiffer.items()
            if station in sound
        ]
        yield (
            f"The physics is shown to be converged at the pace it runs: {listed(with_ or sound)}; "
            f"how far that goes stands under “What this rests on”."
        )


def rests_on(plan: FactoryPlan, found: Factory) -> list[str]:
    """Return of each station what its cells rest on, and whether its physics is converged."""
    said = []
    for cell in plan.spec.stations:
        if cell.rests_on:
            said.append(f"{cell.station}, assumed or open: {cell.rests_on}.")
        if (text := found.physics.get(cell.station)) is not None:
            said.append(f"{cell.station}: {text}")
    return said


def untrained_sentences(plan: FactoryPlan) -> Iterator[str]:
    """Say which stations have no trained policy, and that they count with their scripts."""
    without = [cell for cell in plan.spec.stations if cell.station not in plan.trained]
    if not without:
        return
    missing = [name for cell in without if (name := cell.policies.trained) is not None]
    held = listed(zoo()) or "no bundle"
    why = f" (not there: {listed(missing)}; the zoo holds {held})" if missing else ""
    one = len(without) == 1
    yield (
        f"{listed([cell.station for cell in without])} {'has' if one else 'have'} no trained "
        f"policy yet{why}: wherever all are trained, {'it counts' if one else 'they count'} with "
        f"{listed(sorted({cell.policies.scripted for cell in without}))}."
    )
