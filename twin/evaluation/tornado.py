"""What each assumed input does to one KPI, one at a time, from its low to its high end.

Every run has the policy at its posterior mean, and base and changed input meet the same line
replications: a bar is the input's effect alone. With drawn rates a few runs would miss or catch a
rare outcome by luck. For the same reason gates are compared on points here, not on bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from configs.specs.evaluation import TornadoInput
from twin.evaluation import cases
from twin.evaluation.answers import points
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase, Lines
from twin.evaluation.overrides import Value, shown_value, with_input
from twin.evaluation.plan import Plan
from twin.evaluation.result import Tornado, TornadoBar
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer
from twin.kpi.intervals import Interval, t_interval

LEAD_TIME: Final = "lead_time_mean_h"


Pair = tuple[LineCase, LineCase]
"""A line with cells, and the staffed one with the same inputs."""


def tornado(plan: Plan, lines: Lines, fitted: Fitted) -> Tornado | None:
    """Return what the inputs do to the lead time with one policy; ``None`` where none is named."""
    if not plan.spec.tornado:
        return None
    effects = plan.spec.effects
    swung = [
        Swung(
            item,
            shown_value(plan.line, effects, item.input),
            _pair(plan, fitted, item, "low"),
            _pair(plan, fitted, item, "high"),
        )
        for item in plan.spec.tornado
    ]
    base = cases.mean_cell(plan, fitted), cases.staffed(plan, "takt")
    return swing(plan, lines, (fitted.letter, fitted.model.label), base, swung)


@dataclass(frozen=True)
class Swung:
    """An input with its lines at both ends.

    Attributes:
        item: the input.
        now: its present value.
        low: its lines at the low end.
        high: its lines at the high end.
    """

    item: TornadoInput
    now: Value
    low: Pair
    high: Pair


def swing(
    plan: cases.OnLine,
    lines: Lines,
    named: tuple[str, str],
    base: Pair,
    swung: Sequence[Swung],
    kpi: str = LEAD_TIME,
) -> Tornado:
    """Run the lines and return the bars, widest first.

    Args:
        plan: the study.
        lines: runs the lines.
        named: letter and name of what is varied.
        base: its lines with all inputs as assumed.
        swung: the inputs.
        kpi: what the bars show.
    """
    count = plan.spec.line_runs.replications.tornado
    pairs = [base, *(pair for one in swung for pair in (one.low, one.high))]
    lines.run("tornado", [(case, count) for pair in pairs for case in pair])

    def change(pair: Pair) -> Interval:
        ours, theirs = (lines.kpi(case, kpi, count) for case in pair)
        return t_interval(ours - theirs)

    before = points(plan, lines, *base, count)
    bars = [
        TornadoBar(
            says=one.item.says,
            input=one.item.input,
            now=as_text(one.now),
            low=as_text(one.item.low),
            high=as_text(one.item.high),
            at_low=change(one.low),
            at_high=change(one.high),
            flips=tuple(_flips(plan, lines, one, before, count)),
        )
        for one in swung
    ]
    bars.sort(key=lambda bar: -abs(bar.at_high.estimate - bar.at_low.estimate))
    return Tornado(*named, kpi, change(base), tuple(bars), count)


def as_text(value: Value) -> str:
    """Return an input's value for people: seconds become minutes where they are many."""
    text = str(value)
    number, _, unit = text.partition(" ")
    if not unit:
        return text
    try:
        shown = float(number)
    except ValueError:  # two words, not a quantity
        return text
    return f"{shown / 60:g} min" if unit == "s" and shown >= 60 else f"{shown:g} {unit}"


def _pair(plan: Plan, fitted: Fitted, item: TornadoInput, end: str) -> Pair:
    """Return the cell's line and the staffed line with one end of an input."""
    line, effects = with_input(plan.line, plan.spec.effects, item.input, getattr(item, end))
    changed = cases.fitted_with(fitted, effects)
    return cases.mean_cell(plan, changed, line), cases.staffed(plan, "takt", line)


def _flips(
    plan: cases.OnLine, lines: Lines, one: Swung, before: tuple[Answer, ...], count: int
) -> Iterator[str]:
    """Yield what one input turns: "lead time: its point fails at 5 min (holds as assumed)"."""
    for pair, end in ((one.low, one.item.low), (one.high, one.item.high)):
        after = points(plan, lines, *pair, count)
        for gate, old, new in zip(plan.spec.gates, before, after, strict=True):
            if new is not old:
                title = LINE_KPIS[gate.kpi].title
                yield f"{title}: its point {new} at {as_text(end)} ({old} as assumed)"
