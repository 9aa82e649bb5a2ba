"""From line runs to what the report shows: KPI rows and chart data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK
from twin.bridge.first_pass import first_pass_interval
from twin.evaluation import cases
from twin.evaluation.before import MODES, Mode
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import Floats, LineCase, Lines, variance_reduction
from twin.evaluation.plan import Plan
from twin.evaluation.result import KpiRow, LineCharts, StationRow, Unseen
from twin.kpi.definitions import LINE_KPIS, RACK_FIRST_PASS, LineKpi
from twin.kpi.intervals import NOTHING_KNOWN, Interval, t_interval
from twin.kpi.iso22400 import ISO_KPIS
from twin.kpi.nested import NestedInterval, nested_interval
from twin.line.process import State

SHOWN: Mapping[Mode, tuple[str, ...]] = {
    "takt": (
        "racks_per_day",
        "rolled_throughput_yield",
        "wip_mean",
        "lead_time_mean_h",
        "lead_time_p95_h",
        "bench_use",
        "power_mean_kw",
        "people",
        "racks_per_person_hour",
        "technician_use",
        "assists_per_1000",
        "damages_per_1000",
        "escapes_per_1000",
        "escapes_shipped_per_rack",
    ),
    "saturated": ("racks_per_day", "racks_per_person_hour"),
}
"""KPIs of the table in the order a plant manager reads them (domain.md, 3)."""
_STATION_KPIS = frozenset(
    {
        "availability",
        "effectiveness",
        "quality_ratio",
        "oee",
        "technical_efficiency",
        "allocation_efficiency",
    }
)
_RATES: Mapping[str, tuple[OutcomeClass, ...]] = {
    "assists_per_1000": (OutcomeClass.ASSISTED, OutcomeClass.DETECTED),
    "damages_per_1000": (OutcomeClass.DAMAGE,),
    "escapes_per_1000": (OutcomeClass.ESCAPED,),
}
"""KPIs that are the rate of outcomes."""
_MOST_POINTS = 2000
_GROWS = 0.2  # WIP of the last third above that of the first by this share: it does not settle


def kpi_rows(plan: Plan, lines: Lines, policies: tuple[Fitted, ...]) -> tuple[KpiRow, ...]:
    """Return the KPI table: the verdict's replications, and the policies' rack first pass."""
    racks, *others = (
        _row(plan, lines, policies, LINE_KPIS[key], mode) for mode in MODES for key in SHOWN[mode]
    )
    return (racks, _first_pass_row(plan, policies), *others)


def _row(
    plan: Plan, lines: Lines, policies: tuple[Fitted, ...], kpi: LineKpi, mode: Mode
) -> KpiRow:
    runs = plan.spec.line_runs.replications
    count = runs.verdict
    staffed = lines.kpi(cases.staffed(plan, mode), kpi.key, count)
    values = {f.letter: lines.kpi(cases.cell(plan, f, mode), kpi.key, count) for f in policies}
    replications = np.array(cases.cell(plan, policies[0], mode).replications)
    paired = staffed[replications]
    return KpiRow(
        kpi=kpi,
        mode=mode,
        staffed=t_interval(staffed),
        cells={letter: nested_interval(ours, replications) for letter, ours in values.items()},
        differences={
            letter: nested_interval(ours - paired, replications) for letter, ours in values.items()
        },
        between=nested_interval(values["y"] - values["x"], replications),
        reduction={letter: variance_reduction(ours, paired) for letter, ours in values.items()},
        perfect=t_interval(lines.kpi(cases.perfect(plan, mode), kpi.key, runs.preflight)),
        unseen={f.letter: found for f in policies if (found := _unseen(f, kpi.key)) is not None},
    )


def _first_pass_row(plan: Plan, policies: tuple[Fitted, ...]) -> KpiRow:
    """Return the rack first pass from the posteriors; nobody counts it at a staffed station."""
    seed, nothing = plan.spec.line_runs.seed, _of_no_run(NOTHING_KNOWN)
    return KpiRow(
        kpi=RACK_FIRST_PASS,
        mode="takt",
        staffed=NOTHING_KNOWN,
        cells={f.letter: _of_no_run(first_pass_interval(f.model, seed)) for f in policies},
        differences={f.letter: nothing for f in policies},
        between=nothing,
        reduction={f.letter: math.nan for f in policies},
        perfect=Interval(1.0, 1.0, 1.0),
        unseen={},
    )


def _of_no_run(interval: Interval) -> NestedInterval:
    return NestedInterval(interval, math.nan, math.nan, 0)


def _unseen(fitted: Fitted, key: str) -> Unseen | None:
    """Return what is known of a rate whose outcomes were never seen; of two, together."""
    counts, classes = fitted.model.posterior.counts, _RATES.get(key, ())
    seen = sum(int(counts.events[:, NOT_OK.index(outcome)].sum()) for outcome in classes)
    if not classes or seen:
        return None
    # With none seen the bound is the same for one class and for several taken as one.
    return Unseen(counts.total, 1000 * fitted.model.class_bound(classes[0]))


def station_rows(plan: Plan, lines: Lines, policies: tuple[Fitted, ...]) -> tuple[StationRow, ...]:
    """Return the ISO 22400 figures of the evaluated station at takt."""
    count = plan.spec.line_runs.replications.verdict

    def mean(case: LineCase, key: str) -> float:
        return float(lines.kpi(case, f"{plan.spec.station}.{key}", count).mean())

    return tuple(
        StationRow(
            title=kpi.title,
            definition=kpi.definition,
            denominator=kpi.denominator,
            staffed=mean(cases.staffed(plan, "takt"), kpi.key),
            cells={f.letter: mean(cases.cell(plan, f, "takt"), kpi.key) for f in policies},
        )
        for kpi in ISO_KPIS
        if kpi.key in _STATION_KPIS
    )


def line_charts(plan: Plan, lines: Lines, label: str, case: LineCase) -> LineCharts:
    """Return chart data of one line at takt; its runs carry their detail."""
    count = plan.spec.line_runs.replications.verdict
    details = lines.detail(case, count)
    wip = np.array([detail["wip"] for detail in details])
    shipped = np.array([detail["shipped"] for detail in details], dtype=float)
    lead = np.sort(np.concatenate([np.asarray(detail["lead_h"]) for detail in details]))
    step = max(1, len(lead) // _MOST_POINTS)
    return LineCharts(
        label=label,
        states={
            row.id: {
                state.value: float(lines.kpi(case, f"{row.id}.{state.value}", count).mean())
                for state in State
            }
            for row in plan.line.stations
        },
        day=tuple(details[0]["day"]),
        shipped=_band(shipped),
        wip=_band(wip),
        lead_h=tuple(float(value) for value in lead[::step]),
        settles=settles(wip, case, plan),
    )


def _band(series: Floats) -> tuple[tuple[float, float, float], ...]:
    mean = series.mean(axis=0)
    low, high = np.percentile(series, (5, 95), axis=0)
    return tuple((float(a), float(b), float(c)) for a, b, c in zip(mean, low, high, strict=True))


def settles(wip: Floats, case: LineCase, plan: cases.OnLine) -> bool:
    """Tell whether the work in progress stays level through the measured window.

    Args:
        wip: racks in the line, shape (runs, days), warm-up included.
        case: the line.
        plan: the study.
    """
    window = wip[:, int(plan.spec.line_runs.warmup_s // 86_400.0) :]
    third = max(1, window.shape[1] // 3)
    first, last = window[:, :third].mean(axis=1), window[:, -third:].mean(axis=1)
    growth = nested_interval(last - first, case.replications).interval
    return not growth.low > _GROWS * float(first.mean())
