"""Which station's policy buys most, and whether seconds decide the cells, as text."""

from __future__ import annotations

from collections.abc import Iterator

from twin.evaluation.words import format_of, in_sentence, number, short_name, value
from twin.factory.plan import FactoryPlan
from twin.factory.result import Bought, Factory, Seconds
from twin.factory.seconds import cells_filled
from twin.kpi.definitions import LINE_KPIS
from twin.report.factory_phrases import cells_text, changed


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
    return f"{changed(kpi, one.differences[kpi].interval)} {format_of(kpi).unit_of_difference}"


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
