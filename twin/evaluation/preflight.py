"""Before an episode is run: what no policy could change, and what this budget can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from configs.specs.base import error_at
from envs.outcome import OutcomeClass
from twin.bridge.process import rare_operations
from twin.evaluation import cases
from twin.evaluation.assumed import AssumedPolicy, assumed_policy
from twin.evaluation.before import MODES, Assumed, EpisodeNeed, Mode, PerfectRow, Preflight
from twin.evaluation.lines import LineCase, Lines, variance_reduction
from twin.evaluation.perfect import perfect_process
from twin.evaluation.plan import Plan
from twin.evaluation.words import difference, duration, format_of, in_sentence, listed, number
from twin.kpi.definitions import LINE_KPIS, LineKpi
from twin.kpi.intervals import Interval, paired_t, rule_of_three, t_interval
from twin.kpi.nested import nested_interval
from twin.line.model import LineModel
from twin.line.process import State

SHOWN: tuple[tuple[str, Mode], ...] = (
    ("racks_per_day", "takt"),
    ("racks_per_day", "saturated"),
    ("lead_time_mean_h", "takt"),
    ("rolled_throughput_yield", "takt"),
)
"""KPIs that preflight asks about."""
MATTERS = 0.01  # assumed: a change below 1 % of the staffed value is no reason to buy a cell
ASSUMED_RHO = 0.1  # assumed correlation of misses within a rack, until the episodes say
_CANDIDATES = 3  # stations tried as movers: the busiest
_BUSY = (State.WORKING, State.SETUP, State.REWORK, State.DOWN)
_POWER = 2.8  # z(0.975) + z(0.8): 5 % two-sided, power 80 %


def cases_needed(plan: Plan) -> list[tuple[LineCase, int]]:
    """Return the first round of line runs: staffed, perfect and assumed, in both modes."""
    count = plan.spec.line_runs.replications.preflight
    makers = (cases.staffed, cases.perfect)
    assumed = assumed_policy(plan)
    return [
        *((make(plan, mode), count) for mode in MODES for make in makers),
        *((case, assumed.size.runs) for case in assumed.cases.values()),
    ]


def check_horizon(plan: cases.OnLine, lines: Lines) -> None:
    """See that the staffed line ships racks within its runs, which have been made.

    Raises:
        ConfigError: at takt or saturated no rack leaves the line in the measured time of any run,
            so that there is no line to compare with.
    """
    runs = plan.spec.line_runs
    for mode in MODES:
        racks = lines.kpi(cases.staffed(plan, mode), "racks_per_day", runs.replications.preflight)
        if not racks.any():
            work_s = sum(row.cycle_time.mean_s for row in plan.line.stations)
            raise error_at(
                plan.path,
                ("line_runs", "horizon"),
                f"is too short: the staffed line, {mode}, ships no rack within it and the warm-up "
                f"of {duration(runs.warmup_s)}",
                f"a rack's work alone takes {duration(work_s)}, and it waits besides; make horizon "
                f"or warmup longer than its lead time",
            )


def busiest(plan: Plan, lines: Lines) -> tuple[str, ...]:
    """Return the stations with the least time to spare under saturation, busiest first."""
    case, count = cases.staffed(plan, "saturated"), plan.spec.line_runs.replications.preflight
    load = {
        id_: sum(float(lines.kpi(case, f"{id_}.{state.value}", count).mean()) for state in _BUSY)
        for id_ in plan.line.ids
    }
    others = [id_ for id_ in load if id_ != plan.spec.station]
    return tuple(sorted(others, key=lambda id_: -load[id_])[:_CANDIDATES])


def preflight(
    plan: Plan,
    lines: Lines,
    tried: tuple[str, ...],
    pace: Mapping[str, float],
    workers: int,
) -> Preflight:
    """Return the findings; the line runs of `cases_needed` and of ``tried`` have been made.

    Args:
        plan: the evaluation.
        lines: its line runs.
        tried: stations whose work was made instant.
        pace: wall-clock seconds of one worker for an episode (``episode_s``) and for a line
            replication (``replication_s``), as far as measured.
        workers: processes.
    """
    assumed = assumed_policy(plan)
    rows = tuple(_perfect_row(plan, lines, LINE_KPIS[key], mode, assumed) for key, mode in SHOWN)
    movers = _movers(plan, lines, tried)
    needs = _needs(plan, lines, pace.get("episode_s"), workers)
    spec = plan.spec
    parts = spec.campaign.parts_per_rack
    worth = spec.campaign.racks * parts / (1 + (parts - 1) * ASSUMED_RHO)
    process = perfect_process(plan.station, spec.effects)
    return Preflight(
        perfect_visit_s=process.visit_s,
        bearable_operation_s=plan.robot.bearable_operation_s(LineModel(plan.line)),
        rows=rows,
        movers=movers,
        tried=tried,
        needs=needs,
        assumed=assumed.size,
        difference=_POWER * math.sqrt(2 * 0.25 / worth),  # at p = 0.5, the worst case
        episode_s=pace.get("episode_s"),
        minutes=_whole_minutes(plan, pace, workers),
        sentences=(
            *(preflight_sentence(spec.station, row, movers) for row in rows),
            smallest_sentence(rows, assumed.size, spec.line_runs.replications.verdict),
        ),
    )


def _perfect_row(
    plan: Plan, lines: Lines, kpi: LineKpi, mode: Mode, assumed: AssumedPolicy
) -> PerfectRow:
    runs = plan.spec.line_runs.replications
    staffed = lines.kpi(cases.staffed(plan, mode), kpi.key, runs.preflight)
    perfect = lines.kpi(cases.perfect(plan, mode), kpi.key, runs.preflight)
    change = paired_t(perfect, staffed)
    better = (
        change if kpi.higher_is_better else Interval(-change.estimate, -change.high, -change.low)
    )
    base = abs(float(staffed.mean()))
    case = assumed.cases[mode]
    replications = np.array(case.replications)
    theirs = lines.kpi(case, kpi.key, assumed.size.runs)
    expected = nested_interval(theirs - staffed[replications], replications)
    return PerfectRow(
        kpi=kpi,
        mode=mode,
        staffed=t_interval(staffed),
        perfect=t_interval(perfect),
        change=change,
        can_move=better.low > 0 and better.estimate >= MATTERS * base,
        smallest=expected.half_width_at(runs.verdict),
        reduction=variance_reduction(perfect, staffed),
    )


def _movers(plan: Plan, lines: Lines, tried: tuple[str, ...]) -> dict[str, Interval]:
    count = plan.spec.line_runs.replications.preflight
    base = lines.kpi(cases.staffed(plan, "saturated"), "racks_per_day", count)
    movers = {}
    for station in tried:
        ours = lines.kpi(cases.instant(plan, station, "saturated"), "racks_per_day", count)
        change = paired_t(ours, base)
        if change.low > 0 and change.estimate >= MATTERS * float(base.mean()):
            movers[station] = change
    return dict(sorted(movers.items(), key=lambda item: -item[1].estimate))


def _rack_s(plan: Plan) -> float:
    """Return the time that the cells have for a rack at takt."""
    return plan.line.takt_s * plan.spec.attach.servers


def _needs(
    plan: Plan, lines: Lines, episode_s: float | None, workers: int
) -> tuple[EpisodeNeed, ...]:
    """Return what damage and escapes take: the two that rare events make expensive."""
    found = []
    for outcome, bearable, limit in (_bearable_damage(plan), _bearable_escapes(plan, lines)):
        campaign = plan.spec.campaign
        budget = campaign.racks * campaign.parts_per_rack
        racks = np.full(campaign.racks, campaign.parts_per_rack)
        worth = rare_operations(racks, ASSUMED_RHO)
        episodes = math.inf if bearable <= 0 else 3.0 / bearable * budget / worth
        if math.isinf(episodes):
            continue
        found.append(
            EpisodeNeed(
                outcome=outcome,
                bearable=bearable,
                limit=limit,
                shown=rule_of_three(worth),
                episodes=math.ceil(episodes),
                minutes=None if episode_s is None else 2 * episodes * episode_s / workers / 60,
            )
        )
    return tuple(found)


def _bearable_damage(plan: Plan) -> tuple[OutcomeClass, float, str]:
    """Swaps may cost what motion and stops leave of takt; no cell stops while it is swapped at."""
    spec = plan.spec
    busy_s = perfect_process(plan.station, spec.effects).visit_s
    swap_s = spec.effects.damage.mean_s
    if spec.effects.damage.technician:
        swap_s += plan.line.technicians.response_s
    spare_s = _rack_s(plan) - busy_s * (1 + plan.robot.lost(LineModel(plan.line)))
    rate = spare_s / (spec.operations.per_rack * max(swap_s, 1.0))
    return OutcomeClass.DAMAGE, rate, "the cell has no time left at takt"


def _bearable_escapes(plan: Plan, lines: Lines) -> tuple[OutcomeClass, float, str]:
    """Escapes may cost what the yield gate allows and what the station's own share gives back."""
    gate = next((g for g in plan.spec.gates if g.kpi == "rolled_throughput_yield"), None)
    count = plan.spec.line_runs.replications.preflight
    staffed = float(lines.kpi(cases.staffed(plan, "takt"), "rolled_throughput_yield", count).mean())
    perfect = float(lines.kpi(cases.perfect(plan, "takt"), "rolled_throughput_yield", count).mean())
    limit = staffed
    if gate is not None:
        absolute = {"value": gate.limit, "reference ratio": gate.limit * staffed}
        limit = absolute.get(gate.against, staffed + gate.limit)
    racks_hit = max(0.0, 1.0 - limit / perfect)
    rate = 1.0 - (1.0 - min(racks_hit, 1.0)) ** (1.0 / plan.spec.operations.per_rack)
    where = "the yield gate is used up" if gate else "rolled throughput yield falls below staffed"
    return OutcomeClass.ESCAPED, rate, where


def _whole_minutes(plan: Plan, pace: Mapping[str, float], workers: int) -> float | None:
    """Return roughly how long the whole evaluation takes, from the pace of its first runs."""
    if not {"episode_s", "replication_s"} <= set(pace):
        return None
    spec = plan.spec
    runs = spec.line_runs.replications
    episodes = 2 * spec.campaign.racks * spec.campaign.parts_per_rack
    replications = (
        runs.preflight * (3 * len(MODES) + _CANDIDATES)
        + runs.verdict * (2 * 3 + 3)  # two modes of three lines, and about three at bounds
        + runs.search * 2 * (1 + spec.search.most_technicians + 4)  # and about four at bounds
        + runs.tornado * 3 * len(spec.tornado)  # cell, and half of the inputs change staffed too
    )
    spent_s = episodes * pace["episode_s"] + replications * pace["replication_s"]
    return spent_s / workers / 60


def preflight_sentence(station: str, row: PerfectRow, movers: Mapping[str, Interval]) -> str:
    """Say of one KPI whether any policy can move it: yes, no, or not seen."""
    base = abs(row.staffed.estimate)
    points = format_of(row.kpi.key).unit_of_difference == "points"  # a share's change, as gates say
    unit = "points" if points else "%"
    low, mid, high = (
        number(100 * end / (1.0 if points else base), 1, signed=True)
        for end in (row.change.low, row.change.estimate, row.change.high)
    )
    name = in_sentence(row.kpi.key) + (
        "" if row.mode == "takt" else " of the saturated line (its capacity)"
    )
    if row.can_move:
        return (
            f"A perfect policy at {station} would change {name} by {mid} {unit}: that is the most "
            f"any policy there can gain."
        )
    best = row.change.high if row.kpi.higher_is_better else -row.change.low
    if best >= MATTERS * base:
        return (
            f"Whether any policy at {station} can improve {name} is not seen in so few runs: a "
            f"perfect one changes it by {low} to {high} {unit}."
        )
    text = f"No policy at {station} can improve {name} (a perfect one: {mid} {unit})"
    if row.kpi.key == "racks_per_day" and row.mode == "takt":
        return f"{text}: at takt the line ships what is pushed in."
    if row.kpi.key == "racks_per_day" and movers:
        others = [
            f"{id_} ({number(100 * change.estimate / base, 1, signed=True)} %)"
            for id_, change in movers.items()
        ]
        return f"{text}; {listed(others)} can, with work there that takes no time."
    return f"{text}."


def smallest_sentence(rows: Sequence[PerfectRow], assumed: Assumed, runs: int) -> str:
    """Say how small an effect at takt the budget can be expected to show, and for what policy."""
    parts = []
    for row in rows:
        name, unit = in_sentence(row.kpi.key), format_of(row.kpi.key).unit_of_difference
        if row.mode == "takt" and math.isfinite(row.smallest):
            of = "" if unit.replace("/", " per ") == name else f" of {name}"
            parts.append(f"{difference(row.kpi.key, row.smallest).removeprefix('+')} {unit}{of}")
    return (
        f"{assumed.operations:,} operations and {runs} line runs a policy will hardly tell effects "
        f"smaller than about {', '.join(parts)} from none (assumed: {assumed.misses} of the "
        f"operations go wrong, spread evenly over racks and kinds)."
    )
