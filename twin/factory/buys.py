"""What each station's policy buys alone: one line held against another, run by run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twin.evaluation.cases import OnLine
from twin.evaluation.lines import LineCase, Lines
from twin.factory.mixes import Ask, Mix, Size
from twin.factory.plan import FactoryPlan
from twin.factory.result import Bought, Buys
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.nested import NestedInterval, nested_interval

_COMPARED = ("lead_time_mean_h", "rolled_throughput_yield", "technician_use")


def what_buys_most(plan: FactoryPlan, lines: Lines, asks: Sequence[Ask], size: Size) -> Buys:
    """Hold each station's policy alone against all scripted, all at one size."""
    asks = [ask.at(size) for ask in asks]
    key, count = plan.spec.buys, plan.spec.line_runs.replications.verdict
    base = next(ask for ask in asks if ask.mix.key == "scripted").line(plan)
    mixes = [ask.mix for ask in asks if ask.mix.alone]
    alone = {ask.mix.key: ask.line(plan) for ask in asks if ask.mix.alone}
    lines.run("each station alone", [(case, count) for case in (base, *alone.values())])
    sign = 1.0 if LINE_KPIS[key].higher_is_better else -1.0

    def gain(mix: Mix) -> float:
        return sign * change(plan, lines, alone[mix.key], base, key).interval.estimate

    def bought(mix: Mix) -> Bought:
        compared = dict.fromkeys((key, *_COMPARED))
        changes = {kpi: change(plan, lines, alone[mix.key], base, kpi) for kpi in compared}
        return Bought(mix.alone, mix.bound, changes)

    trained, perfect = (
        sorted((mix for mix in mixes if mix.bound is bound), key=lambda mix: -gain(mix))
        for bound in (False, True)
    )
    first = trained if len(trained) > 1 else perfect
    apart = True
    if len(first) > 1:
        best, second = (alone[mix.key] for mix in first[:2])
        between = change(plan, lines, best, second, key).interval
        apart = between.low > 0 or between.high < 0
    return Buys(
        key,
        size,
        {kpi: interval(plan, lines, base, kpi) for kpi in (key, *_COMPARED)},
        tuple(bought(mix) for mix in trained),
        tuple(bought(mix) for mix in perfect),
        apart,
    )


def interval(plan: OnLine, lines: Lines, case: LineCase, key: str) -> NestedInterval:
    """Return a KPI of a case's line over the verdict's runs."""
    count = plan.spec.line_runs.replications.verdict
    return nested_interval(lines.kpi(case, key, count), case.replications)


def change(
    plan: OnLine, lines: Lines, ours: LineCase, theirs: LineCase, key: str
) -> NestedInterval:
    """Return ours minus theirs, under the same luck of the line and the same draws."""
    count = plan.spec.line_runs.replications.verdict
    mine, other = (lines.kpi(case, key, count) for case in (ours, theirs))
    # Where one of them draws nothing, its run k is replication k, which two draws share.
    if ours.replications is None and theirs.replications is not None:
        mine = mine[np.array(theirs.replications)]
    if theirs.replications is None and ours.replications is not None:
        other = other[np.array(ours.replications)]
    return nested_interval(mine - other, ours.replications or theirs.replications)
