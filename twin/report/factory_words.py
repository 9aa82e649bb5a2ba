"""What a factory question's report says, as text: one answer for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator

from envs.outcome import OutcomeClass
from policies.catalogue import zoo
from twin.evaluation.result import Tornado
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
    possible,
    short_name,
    span,
    value,
)
from twin.factory.mixes import TECHNICIANS, YIELD, Size
from twin.factory.plan import FactoryPlan
from twin.factory.result import Bought, Factory, Need, Row, Seconds
from twin.factory.seconds import cells_filled
from twin.factory.settling import closest, moved, room_left, times_more, worst_bound
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer, GateResult, judge
from twin.kpi.intervals import Interval
from twin.report.first_screen import KINDS

WORDS = {Answer.HOLDS: "Yes", Answer.FAILS: "No", Answer.INCONCLUSIVE: "Not decided"}
_DOUBTFUL = "Physics not converged"
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
    least = difference(
        result.gate.kpi, bound.low if result.gate.at_least is not None else bound.high
    )
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
        _people(plan, found),
        _turns(plan, found),
        *_stiffness(found),
        _against_today(found),
        buys_sentence(found),
        *seconds_sentences(plan, found),
        *yield_sentences(found),
        *untrained_sentences(plan),
        *_physics(found),
    ]


def _settles(plan: FactoryPlan, found: Factory) -> Iterator[str]:
    """Say how narrowly a yes holds, or what an open answer hangs on and would settle it."""
    row = found.row(found.decides)
    if not row.open_gates and (near := closest(row.gates)) is not None:
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


def _against_today(found: Factory) -> str:
    """Say what the line of the answer does against today, and what bounds all policies."""
    row, today, best = (found.row(key) for key in (found.decides, "staffed", "perfect"))
    lead = row.against["lead_time_mean_h"].interval
    said = (
        f"That line ships {_of('racks_per_day', row.kpis['racks_per_day'].interval)} racks a day, "
        f"with a mean lead time of {_of('lead_time_mean_h', _kpi(row, 'lead_time_mean_h'))} h "
        f"({_changed('lead_time_mean_h', lead)} h against today)"
    )
    if row.yield_between is None:
        said += f" and a rolled throughput yield of {_of(YIELD, _kpi(row, YIELD))} %"
    else:
        said += f" and a rolled throughput yield that is {yield_text(row)}"
    said += f" (today {value(YIELD, _kpi(today, YIELD).estimate)} %)."
    said += (
        f" Saturated, it ships {_of('racks_per_day', row.capacity.interval)}, today's "
        f"{value('racks_per_day', today.capacity.interval.estimate)}."
    )
    if not row.settles:
        said += " The racks in that line keep growing: its lead time depends on how long one looks."
    if best.need and best.need.found:
        saved = today.people - best.need.found.people
        said += f" Perfect policies would need {size_text(best.need.found)}: "
        said += f"no policy saves more than {saved} people a shift."
    return said


def _people(plan: FactoryPlan, found: Factory) -> str:
    """Say what the saving in people rests on: none of it is measured."""
    row, today, best = (found.row(key) for key in (found.decides, "staffed", "perfect"))
    assert row.size is not None  # a case, not the staffed line
    unmanned = [cell.station for cell in plan.spec.stations if cell.attach.crew == 0]
    gone, come = today.people + row.size.technicians - row.people, technicians_text(row.size)
    parts = [
        f"{gone} people go from these stations and {come} {_comes(row.size)}, which is arithmetic "
        f"and no result; simulated is that {_busy(row)}"
    ]
    if unmanned:
        cells = sum(count for station, count in row.size.cells.items() if station in unmanned)
        parts.append(
            f"nobody stands at the cells of {listed(unmanned)} (with one person at each, "
            f"{row.people + cells} people instead of {row.people})"
        )
    credited = _kpi(best, YIELD).estimate - _kpi(today, YIELD).estimate
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


def rests_on(plan: FactoryPlan, found: Factory) -> list[str]:
    """Return of each station what its cells rest on, and whether its physics is converged."""
    said = []
    for cell in plan.spec.stations:
        if cell.rests_on:
            said.append(f"{cell.station}, assumed or open: {cell.rests_on}.")
        if (text := found.physics.get(cell.station)) is not None:
            said.append(f"{cell.station}: {text}")
    return said


def _comes(size: Size) -> str:
    return "come" if size.technicians > 1 else "comes"


def _busy(row: Row) -> str:
    busy = row.kpis.get(TECHNICIANS)
    if busy is None:
        return "they suffice"
    return f"calls keep them busy {_of(TECHNICIANS, busy.interval)} % of their time"


def _without(row: Row, credited: float) -> str:
    """Say whether a yes needs a credit of yield, to first order at the bounds of rare outcomes."""
    near = None if row.open_gates else closest(row.gates)
    if near is None or near[0].gate.kpi != YIELD:
        return ""
    gate, bound = near
    left = moved(bound, -credited)
    if judge(gate.gate, left) is Answer.HOLDS:
        return ""
    return f", at the bounds by {gate_measured(gate, left)[1]}: the yes needs it"


def _turned_at_bounds(row: Row, tornado: Tornado) -> list[str]:
    """Return the inputs that take a yes back, to first order at the bounds of rare outcomes."""
    near = None if row.open_gates else closest(row.gates)
    if near is None or near[0].gate.kpi != tornado.kpi:
        return []
    gate, bound = near
    turned = []
    for bar in tornado.bars:
        for end, there in ((bar.low, bar.at_low), (bar.high, bar.at_high)):
            left = moved(bound, there.estimate - tornado.base.estimate)
            if judge(gate.gate, left) is not Answer.HOLDS:
                turned.append(
                    f"{bar.says} at {end} (now {bar.now}): {gate_measured(gate, left)[1]}"
                )
    return turned


def _turns(plan: FactoryPlan, found: Factory) -> str:
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
        f"moves {in_sentence(kpi)} most: {bar.says}, {_changed(kpi, bar.at_low)} {unit} at "
        f"{bar.low} and {_changed(kpi, bar.at_high)} at {bar.high} against today (as assumed, "
        f"{bar.now}: {_changed(kpi, tornado.base)})."
    )


def tornado_base(found: Factory) -> str:
    """Return what the tornado's middle line says: the KPI against today, inputs as assumed."""
    if found.tornado is None:
        return ""
    kpi = found.tornado.kpi
    unit = format_of(kpi).unit_of_difference
    return f"{in_sentence(kpi)} {_changed(kpi, found.tornado.base)} {unit} against today"


def buys_sentence(found: Factory) -> str:
    """Say which station's policy buys most, if any is shown to buy anything."""
    buys, kpi = found.buys, found.buys.kpi
    better = [one for one in buys.trained if _gain(one, kpi) is True]
    worse = [one for one in buys.trained if _gain(one, kpi) is False]
    name = in_sentence(kpi)
    if not buys.trained:
        said = "No policy is trained yet, so which buys most is not measured"
    elif better:
        only = "is the only one shown to buy" if not better[1:] else "buys most"
        said = (
            f"The trained policy of {better[0].station} {only}: {_bought(better[0], kpi)} of {name}"
        )
        if better[1:] and not buys.apart:
            said += ", though the first two are not told apart"
    else:
        tried = "; ".join(f"{one.station} {_bought(one, kpi)}" for one in buys.trained)
        said = f"No trained policy is shown to buy any of {name} against its script: {tried}"
    if worse:
        said += f". Shown to cost: {'; '.join(f'{w.station} {_bought(w, kpi)}' for w in worse)}"
    bounds = "; ".join(f"{one.station} {_bought(one, kpi)}" for one in buys.perfect)
    said += f". The most that any policy could buy alone: {bounds}"
    open_ = found.row(found.decides).open_gates
    if open_ and (other := open_[0].gate.kpi) != kpi and other in buys.base:
        ranked = sorted(buys.trained, key=lambda one: -_sign(other) * _estimate(one, other))
        if ranked:
            told = "; ".join(f"{one.station} {_bought(one, other)}" for one in ranked)
            said += f". Of {in_sentence(other)}, which decides: {told}"
    base = value(kpi, buys.base[kpi].interval.estimate)
    unit = format_of(kpi).unit
    return f"{said} (against all scripted, {base} {unit}, {cells_text(buys.size)})."


def _sign(kpi: str) -> float:
    return 1.0 if LINE_KPIS[kpi].higher_is_better else -1.0


def _estimate(one: Bought, kpi: str) -> float:
    return one.differences[kpi].interval.estimate


def _gain(one: Bought, kpi: str) -> bool | None:
    """Tell whether a difference is shown to be a gain; ``None`` where its interval holds zero."""
    interval = one.differences[kpi].interval
    if interval.low <= 0 <= interval.high:
        return None
    return _sign(kpi) * interval.estimate > 0


def _bought(one: Bought, kpi: str) -> str:
    return f"{_changed(kpi, one.differences[kpi].interval)} {format_of(kpi).unit_of_difference}"


def seconds_sentences(plan: FactoryPlan, found: Factory) -> Iterator[str]:
    """Say of stations where more than two numbers of cells were tried whether seconds decide."""
    for station, cell in plan.cells.items():
        mine = [row for row in found.seconds if row.station == station]
        if plan.cell_spec(station).most_cells < 3:
            continue
        limits = ", ".join(
            f"{n} up to {number(most, 1)} s" for n, most in enumerate(mine[0].bearable_s, start=1)
        )
        needs = {cells_filled(row) for row in mine}
        takes = "; ".join(_takes(row, alone=len(needs) > 1) for row in mine)
        count, means = cell.spec.operations.per_rack, "on average and without waiting"
        if len(needs) > 1:
            said = f"Seconds decide the cells of {station}'s {count} operations a rack, {means}:"
            yield f"{said} {limits} an operation. {takes}."
        else:
            filled = cells_filled(mine[0])
            enough = "more cells than were tried" if filled is None else _cells_count(filled)
            said = f"Seconds do not decide the cells of {station}'s {count} operations a rack"
            yield f"{said}: {means} every policy needs {enough} ({takes}; cells by time: {limits})."


def _takes(row: Seconds, *, alone: bool) -> str:
    name = short_name(row.name) if row.name else "a perfect policy"
    filled = cells_filled(row)
    needs = "more cells than were tried" if filled is None else _cells_count(filled)
    helped = f" and {number(row.helped_s, 1)} s of people's help" if row.helped_s > 0 else ""
    said = f"{name} {number(row.operation_s.estimate, 1)} s{helped}"
    return f"{said}: {needs}" if alone else said


def _cells_count(count: int) -> str:
    return f"{count} cell{'s' if count > 1 else ''}"


def yield_sentences(found: Factory) -> Iterator[str]:
    """Say where a yield is only a lower bound, and why."""
    if found.short:
        few = listed([f"{key} {run:,} of {needed:,}" for key, (run, needed) in found.short.items()])
        yield (
            f"The rolled throughput yield with cells is a lower bound, since fewer episodes were "
            f"run than it takes ({few}): the lower end of its 95 % interval, with every outcome "
            f"seen too seldom at its upper bound."
        )


def _physics(found: Factory) -> Iterator[str]:
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


def _stiffness(found: Factory) -> Iterator[str]:
    """Say what contact 4 times as stiff as assumed would do to the cells of the answer."""
    row = found.row(found.decides)
    if not found.stiffer or row.size is None:
        return
    loads = {s: one.load / row.size.cells[s] for s, one in found.stiffer.items()}
    said = listed(
        [
            f"{station} to {number(100 * load, 0)} % ({percent(found.stiffer[station].damaged)} "
            f"damaged, measured with {short_name(found.stiffer[station].policy)}; full at "
            f"{percent(found.stiffer[station].bearable(row.size.cells[station]))})"
            for station, load in loads.items()
        ]
    )
    full = [station for station, load in loads.items() if load > 1]
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


def _kpi(row: Row, key: str) -> Interval:
    return row.kpis[key].interval


def _of(key: str, interval: Interval) -> str:
    return f"{value(key, interval.estimate)} (95 %: {span(key, possible(key, interval))})"


def _changed(key: str, interval: Interval) -> str:
    return f"{difference(key, interval.estimate)} (95 %: {span(key, interval, signed=True)})"
