"""What a factory question's report says, as text: one answer for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator

from envs.outcome import OutcomeClass
from twin.evaluation.words import (
    difference,
    format_of,
    gate_limit,
    gate_measured,
    gate_sentence,
    in_sentence,
    listed,
    number,
    percent,
    value,
)
from twin.factory.mixes import YIELD
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory, Need, Row
from twin.factory.settling import bad_end, closest, room_left, times_more, worst_bound
from twin.kpi.gates import Answer, GateResult
from twin.report.factory_assumptions import (
    people_sentence,
    physics_sentences,
    stiffness_sentences,
    turning_sentence,
    untrained_sentences,
)
from twin.report.factory_gains import buys_sentence, seconds_sentences
from twin.report.factory_phrases import changed, size_text, stated
from twin.report.first_screen import KINDS

WORDS = {Answer.HOLDS: "Yes", Answer.FAILS: "No", Answer.INCONCLUSIVE: "Not decided"}
NARROW = 0.1
"""Share of a gate's room below which what bounds on rare outcomes leave is narrow (assumed)."""


def banner(plan: FactoryPlan, found: Factory) -> dict[str, str]:
    """Return the answer in a word and a sentence that names the gates it hangs on."""
    row, today = found.row(found.decides), found.row("staffed")
    assert row.need is not None and row.size is not None  # noqa: PT018 - a case has both
    work = f"{size_text(row.size)} ({row.title}; {today.people} people on that line today)"
    if row.need.found is not None:
        sentence = (
            f"{work} hold a takt of {plan.line.takt_s / 60:g} min and every other gate"
            f"{_narrowly(row)}."
        )
    elif row.blockers:
        sentence = f"no gate is answered: {'; '.join(row.blockers)}."
    else:
        held = [in_sentence(gate.gate.kpi) for gate in row.gates if gate.answer is Answer.HOLDS]
        holding = f" {listed(held)} {'hold' if held[1:] else 'holds'};" if held else ""
        word = row.open_gates[0].answer
        ours = [gate for gate in row.open_gates if gate.answer is word]
        verb = "fails" if word is Answer.FAILS else "open"
        named = listed([_gate(row, gate) for gate in ours])
        sentence = f"with {work}{holding} {verb}: {named}."
        if {gate.gate.kpi for gate in ours} <= set(row.need.missed):
            most = row.need.tried[0].size
            sentence += f" More cells and people, up to {size_text(most)}, do not change that."
    return {
        "kind": KINDS[found.answer],
        "word": WORDS[found.answer],
        "sentence": sentence[:1].upper() + sentence[1:],
    }


def _narrowly(row: Row) -> str:
    """Say it of a line that bounds on rare outcomes bring to a gate's limit; "" of others."""
    near = closest(row.gates)
    if near is None or room_left(*near) > NARROW:
        return ""
    result, bound = near
    least = difference(result.gate.kpi, bad_end(result, bound))
    unit = format_of(result.gate.kpi).unit_of_difference
    return (
        f", {in_sentence(result.gate.kpi)} narrowly: {least} {unit} at bounds, where it must be "
        f"{gate_limit(result)}"
    )


def _gate(row: Row, result: GateResult) -> str:
    """Say what a gate that is not shown to hold measured; of an unknown yield what may be."""
    if row.yield_between is None or result.gate.kpi != YIELD:
        said, worst = gate_sentence(result), worst_bound(result)
        if worst is None:
            return said
        least, ends = gate_measured(result, worst)
        return (
            f"{said}, as recorded; if all that was hardly seen is as frequent as it may be, "
            f"{least} ({ends})"
        )
    return f"{in_sentence(YIELD)} ({yield_text(row)}; must be {gate_limit(result)})"


def yield_text(row: Row) -> str:
    """Say what a yield from too few episodes may be."""
    assert row.yield_between is not None  # asked of such rows only
    least, most = (value(YIELD, end) for end in row.yield_between)
    return f"not known: {most} % if nothing happens that was hardly seen, {least} % at worst"


def bound_sentence(plan: FactoryPlan, need: Need) -> str:
    """Say before any episode is run what no policy can do better."""
    takt = f"a takt of {plan.line.takt_s / 60:g} min"
    if need.found is not None:
        return (
            f"Known before any episode: with perfect policies everywhere {size_text(need.found)} "
            f"hold {takt}. No policy needs fewer."
        )
    most = need.tried[0]
    return (
        f"Known before any episode: not even perfect policies are shown to hold {takt} with "
        f"{size_text(most.size)} ({most.why})."
    )


def quick_look(plan: FactoryPlan) -> str:
    """Say that fewer rack visits were run than the file asks for; "" where they were not."""
    if plan.asked is None:
        return ""
    return (
        f"A quick look: {plan.spec.stations[0].campaign.racks} rack visits a policy instead of the "
        f"{listed(sorted({str(racks) for racks in plan.asked}))} that the file asks for. It shows "
        f"what the report looks like and decides little."
    )


def sentences(plan: FactoryPlan, found: Factory) -> list[str]:
    """Return what the first screen says below the answer, most weighty first."""
    return [
        *_settles(plan, found),
        people_sentence(plan, found),
        turning_sentence(plan, found),
        *stiffness_sentences(found),
        _against_today(found),
        buys_sentence(found),
        *seconds_sentences(plan, found),
        *yield_sentences(found),
        *untrained_sentences(plan),
        *physics_sentences(found),
    ]


def _settles(plan: FactoryPlan, found: Factory) -> Iterator[str]:
    """Say how narrowly a yes holds, or what an open answer hangs on and would settle it."""
    row = found.row(found.decides)
    if (near := closest(row.gates)) is not None:
        gate, bound = near
        name, (_, ends) = in_sentence(gate.gate.kpi), gate_measured(gate, bound)
        yield (
            f"Closest to its limit is {name}: were all that was hardly seen as frequent as it may "
            f"be, {ends} (95 %), where it must be {gate_limit(gate)}. "
            f"{listed(_seldom(plan, found, row, gate.gate.kpi))}.{_proof(found)}"
        )
    open_ = [gate for gate in row.open_gates if gate.answer is Answer.INCONCLUSIVE]
    if not open_ or row.blockers or row.open_gates[0].answer is Answer.FAILS:
        return
    first = open_[0]
    name, factor = in_sentence(first.gate.kpi), times_more(first)
    said = ""
    if thin := _seldom(plan, found, row, first.gate.kpi):
        said = f"Hardly seen, so that only bounds on them are known: {'; '.join(thin)}."
    doubt = first.measured
    total = doubt.variance_episodes + doubt.variance_line
    share = doubt.variance_episodes / total if total > 0 else 0.0
    if factor is not None:
        said += (
            f" About {number(factor, 1)} times the operations would settle {name}, if what was "
            f"hardly seen stays as rare: such bounds shrink as operations are added."
        )
    elif share >= 0.5:
        said += (
            f" {percent(share, 0)} of the doubt about {name} is that of the episodes: four times "
            f"as many would halve it."
        )
    else:
        said += (
            f" {percent(1 - share, 0)} of the doubt about {name} is the line's own luck: more line "
            f"runs settle it, not more episodes."
        )
    yield said.strip()


def _proof(found: Factory) -> str:
    """Say of cases whose gates hold as recorded how far they are from being shown to hold."""
    said = [
        f"{row.title} {number(factor, 1)} times"
        for row in found.rows
        if len(row.open_gates) == 1 and (factor := times_more(row.open_gates[0])) is not None
    ]
    if not said:
        return ""
    return (
        f" Cases that are not decided hold as recorded, with the same cells and people: what they "
        f"lack is proof, about so many times the operations: {', '.join(said)}."
    )


def _seldom(plan: FactoryPlan, found: Factory, row: Row, kpi: str) -> list[str]:
    """Return what a case's policies hardly showed and a KPI hangs on, most a rack first.

    Escapes alone lower the yield: damage is mended before a rack goes on.
    """
    bounds = []
    classes = (
        (OutcomeClass.ESCAPED,) if kpi == YIELD else (OutcomeClass.ESCAPED, OutcomeClass.DAMAGE)
    )
    for campaign in found.episodes:
        station, _, kind = campaign.letter.partition("-")
        count = plan.cells[station].spec.operations.per_rack
        valid = campaign.operations - campaign.void
        for outcome in classes:
            seen = campaign.classes[outcome]
            if row.kinds.get(station) == kind and seen.bound is not None:
                most = count * seen.bound
                seldom = "damaged" if outcome is OutcomeClass.DAMAGE else outcome
                text = f"{seen.count} {seldom} of {valid:,} at {station}, up to {number(most, 3)}"
                bounds.append((most, f"{text} a rack"))
    return [text for _, text in sorted(bounds, reverse=True)[:3]]


def _against_today(found: Factory) -> str:
    """Say what the line of the answer does against today, and what bounds all policies."""
    row, today, best = (found.row(key) for key in (found.decides, "staffed", "perfect"))
    shipped, lead = (row.kpis[key].interval for key in ("racks_per_day", "lead_time_mean_h"))
    sooner = row.against["lead_time_mean_h"].interval
    said = (
        f"That line ships {stated('racks_per_day', shipped)} racks a day, with a mean lead time of "
        f"{stated('lead_time_mean_h', lead)} h ({changed('lead_time_mean_h', sooner)} h against "
        f"today)"
    )
    if row.yield_between is None:
        said += f" and a rolled throughput yield of {stated(YIELD, row.kpis[YIELD].interval)} %"
    else:
        said += f" and a rolled throughput yield that is {yield_text(row)}"
    said += f" (today {value(YIELD, today.kpis[YIELD].interval.estimate)} %)."
    said += (
        f" Saturated, it ships {stated('racks_per_day', row.capacity.interval)}, today's "
        f"{value('racks_per_day', today.capacity.interval.estimate)}."
    )
    if not row.settles:
        said += " The racks in that line keep growing: its lead time depends on how long one looks."
    if best.need and best.need.found:
        saved = today.people - best.need.found.people
        said += f" Perfect policies would need {size_text(best.need.found)}: "
        said += f"no policy saves more than {saved} people a shift."
    return said


def yield_sentences(found: Factory) -> Iterator[str]:
    """Say where a yield is only a lower bound, and why."""
    if found.short:
        few = listed([f"{key} {run:,} of {needed:,}" for key, (run, needed) in found.short.items()])
        yield (
            f"The rolled throughput yield with cells is a lower bound, since fewer episodes were "
            f"run than it takes ({few}): the lower end of its 95 % interval, with every outcome "
            f"seen too seldom at its upper bound."
        )
