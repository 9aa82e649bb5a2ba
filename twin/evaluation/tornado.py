"""What each assumed input does to the lead time, one at a time, from its low to its high end.

Every run has the policy at its posterior mean, and base and changed input meet the same line
replications: a bar is the input's effect alone. With drawn rates a few runs would miss or catch a
rare outcome by luck. For the same reason gates are compared on points here, not on bounds.
"""

from __future__ import annotations

from collections.abc import Iterator

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

KPI = "lead_time_mean_h"


def tornado(plan: Plan, lines: Lines, fitted: Fitted) -> Tornado | None:
    """Vary the inputs for one policy; ``None`` where the evaluation names none."""
    if not plan.spec.tornado:
        return None
    count = plan.spec.line_runs.replications.tornado
    base = cases.mean_cell(plan, fitted), cases.staffed(plan, "takt")
    ends = {
        (item.input, end): _pair(plan, fitted, item, end)
        for item in plan.spec.tornado
        for end in ("low", "high")
    }
    pairs = [base, *ends.values()]
    lines.run("tornado", [(case, count) for pair in pairs for case in pair])
    before = points(plan, lines, *base, count)
    bars = [
        TornadoBar(
            says=item.says,
            input=item.input,
            now=as_text(shown_value(plan.line, plan.spec.effects, item.input)),
            low=as_text(item.low),
            high=as_text(item.high),
            at_low=_change(lines, ends[item.input, "low"], count),
            at_high=_change(lines, ends[item.input, "high"], count),
            flips=tuple(_flips(plan, lines, item, ends, before, count)),
        )
        for item in plan.spec.tornado
    ]
    bars.sort(key=lambda bar: -abs(bar.at_high.estimate - bar.at_low.estimate))
    return Tornado(
        fitted.letter, fitted.model.label, _change(lines, base, count), tuple(bars), count
    )


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


def _pair(plan: Plan, fitted: Fitted, item: TornadoInput, end: str) -> tuple[LineCase, LineCase]:
    """Return the cell's line and the staffed line with one end of an input."""
    line, effects = with_input(plan.line, plan.spec.effects, item.input, getattr(item, end))
    changed = cases.fitted_with(fitted, effects)
    return cases.mean_cell(plan, changed, line), cases.staffed(plan, "takt", line)


def _change(lines: Lines, pair: tuple[LineCase, LineCase], count: int) -> Interval:
    ours, theirs = (lines.kpi(case, KPI, count) for case in pair)
    return t_interval(ours - theirs)


def _flips(
    plan: Plan,
    lines: Lines,
    item: TornadoInput,
    ends: dict[tuple[str, str], tuple[LineCase, LineCase]],
    before: tuple[Answer, ...],
    count: int,
) -> Iterator[str]:
    """Yield what one input turns: "lead time: its point fails at 5 min (holds as assumed)"."""
    for end in ("low", "high"):
        after = points(plan, lines, *ends[item.input, end], count)
        for gate, old, new in zip(plan.spec.gates, before, after, strict=True):
            if new is not old:
                title = LINE_KPIS[gate.kpi].title
                at = as_text(getattr(item, end))
                yield f"{title}: its point {new} at {at} ({old} as assumed)"
