"""What a factory question's report says, as text: one answer for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator

from policies.catalogue import zoo
from twin.evaluation.words import (
    difference,
    format_of,
    in_sentence,
    listed,
    number,
    possible,
    short_name,
    span,
    value,
)
from twin.factory.mixes import Size
from twin.factory.plan import FactoryPlan
from twin.factory.result import Bought, Factory, Need, Row, Seconds
from twin.factory.seconds import cells_filled
from twin.kpi.gates import Answer
from twin.kpi.intervals import Interval
from twin.report.first_screen import KINDS

_YIELD = "rolled_throughput_yield"
WORDS = {Answer.HOLDS: "Yes", Answer.FAILS: "No", Answer.INCONCLUSIVE: "Not decided"}


def banner(plan: FactoryPlan, found: Factory) -> dict[str, str]:
    """Return the answer in a word and a sentence."""
    row, today = found.row(found.decides), found.row("staffed")
    takt, at = f"a takt of {plan.line.takt_s / 60:g} min", listed(list(plan.cells))
    assert row.need is not None  # a case, not the staffed line
    size = row.need.found or row.need.recorded
    held = "" if size is None else f"{cells_text(size)} and {size.people} people"
    if row.need.found is not None:
        sentence = f"{held} hold {takt}, {row.title}; {today.people} people work there today."
    elif found.answer is Answer.INCONCLUSIVE and held:
        sentence = (
            f"this evidence does not settle whether robot cells at {at} can hold {takt}. By "
            f"the averages alone, which prove nothing, {held} would do ({row.title}), where "
            f"{today.people} people work today."
        )
    elif found.answer is Answer.INCONCLUSIVE:
        sentence = (
            f"this evidence does not settle whether robot cells at {at} can hold {takt}; by "
            f"the averages alone no size that was tried would do."
        )
    else:
        most = listed([f"{c.most_cells} at {c.station}" for c in plan.spec.stations])
        sentence = (
            f"with these policies robot cells at {at} cannot hold {takt}, not even {most} with "
            f"{plan.spec.most_technicians} technicians."
        )
    return {
        "kind": KINDS[found.answer],
        "word": WORDS[found.answer],
        "sentence": sentence[:1].upper() + sentence[1:],
    }


def bound_sentence(plan: FactoryPlan, need: Need) -> str:
    """Say before any episode is run what no policy can do better."""
    takt = f"a takt of {plan.line.takt_s / 60:g} min"
    if need.found is not None:
        return (
            f"Known before any episode: with perfect policies everywhere {cells_text(need.found)} "
            f"and {need.found.people} people hold {takt}. No policy needs fewer."
        )
    most = need.tried[0]
    return (
        f"Known before any episode: not even perfect policies are shown to hold {takt} with "
        f"{cells_text(most.size)} and {most.size.technicians} technicians ({most.why})."
    )


def sentences(plan: FactoryPlan, found: Factory) -> list[str]:
    """Return what the first screen says below the answer, most weighty first."""
    return [
        _interval(found),
        _turns(found),
        buys_sentence(found),
        *seconds_sentences(plan, found),
        *yield_sentences(found),
        *untrained_sentences(plan),
        *(f"{station}: {text}" for station, text in found.physics.items()),
    ]


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


def _interval(found: Factory) -> str:
    """Say what the line of the answer does against today."""
    row, today = found.row(found.decides), found.row("staffed")
    lead = row.against["lead_time_mean_h"].interval
    assert row.need is not None and row.size is not None  # noqa: PT018 - a case has both
    at = "At that size"
    if not (row.need.found or row.need.recorded):
        at = f"At the most that was tried, {cells_text(row.size)} and {row.people} people"
    said = (
        f"{at}, {row.title}: {_of('racks_per_day', row.kpis['racks_per_day'].interval)} "
        f"racks a day, a lead time of {_of('lead_time_mean_h', _kpi(row, 'lead_time_mean_h'))} h "
        f"({_changed('lead_time_mean_h', lead)} h against today)"
    )
    if row.yield_bound is None:
        said += f" and a rolled throughput yield of {_of(_YIELD, _kpi(row, _YIELD))} %"
    else:
        said += f" and a rolled throughput yield of at least {value(_YIELD, row.yield_bound)} %"
    said += f" (today {value(_YIELD, _kpi(today, _YIELD).estimate)} %)."
    if not row.settles:
        said += " The racks in that line keep growing: its lead time depends on how long one looks."
    return said


def _turns(found: Factory) -> str:
    """Say which assumed input would change the answer, or moves it most."""
    if found.tornado is None or not found.tornado.bars:
        return "No assumed input was varied."
    for bar in found.tornado.bars:
        if bar.flips:
            named = f"{bar.says} (now {bar.now})"
            return f"The assumption that would change it: {named}. {bar.flips[0]}."
    bar = found.tornado.bars[0]
    return (
        f"No assumed input that was varied takes a gate's point to the other side. The one that "
        f"moves the lead time most: {bar.says}, {_changed('lead_time_mean_h', bar.at_low)} h at "
        f"{bar.low} and {_changed('lead_time_mean_h', bar.at_high)} h at {bar.high} against today."
    )


def buys_sentence(found: Factory) -> str:
    """Say which station's policy buys most."""
    buys = found.buys
    name = in_sentence(buys.kpi)
    if buys.trained:
        first = buys.trained[0]
        only = "is the only trained one" if len(buys.trained) == 1 else "buys most"
        said = f"The trained policy of {first.station} {only}: {_bought(first, buys.kpi)} of {name}"
    else:
        said = "No policy is trained yet, so which buys most is not measured"
    bounds = [f"{one.station} {_bought(one, buys.kpi)}" for one in buys.perfect]
    said += f". The most that any policy could buy alone, of {name}: {'; '.join(bounds)}"
    if not buys.apart:
        said += ". The first two are not told apart"
    return f"{said} (all against all scripted, {cells_text(buys.size)})."


def _bought(one: Bought, kpi: str) -> str:
    return f"{_changed(kpi, one.differences[kpi].interval)} {format_of(kpi).unit_of_difference}"


def seconds_sentences(plan: FactoryPlan, found: Factory) -> Iterator[str]:
    """Say of stations where more than one number of cells was tried what seconds decide."""
    for station, cell in plan.cells.items():
        mine = [row for row in found.seconds if row.station == station]
        if plan.cell_spec(station).most_cells < 3:
            continue
        limits = ", ".join(
            f"{n} up to {number(most, 1)} s" for n, most in enumerate(mine[0].bearable_s, start=1)
        )
        takes = "; ".join(_takes(row) for row in mine)
        yield (
            f"{station}: seconds decide the cells of its {cell.spec.operations.per_rack} "
            f"operations a rack, on average and without waiting: {limits} an operation. {takes}."
        )


def _takes(row: Seconds) -> str:
    name = short_name(row.name) if row.name else "a perfect policy"
    filled = cells_filled(row)
    needs = "more cells than were tried" if filled is None else _cells_count(filled)
    helped = f" and {number(row.helped_s, 1)} s of people's help" if row.helped_s > 0 else ""
    return f"{name} takes {number(row.operation_s.estimate, 1)} s{helped}: {needs}"


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


def _kpi(row: Row, key: str) -> Interval:
    return row.kpis[key].interval


def _of(key: str, interval: Interval) -> str:
    return f"{value(key, interval.estimate)} (95 %: {span(key, possible(key, interval))})"


def _changed(key: str, interval: Interval) -> str:
    return f"{difference(key, interval.estimate)} (95 %: {span(key, interval, signed=True)})"
