"""How many cells the operations of a station fill: means, without waiting and without a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from twin.bridge.counts import NOT_OK
from twin.bridge.first_pass import first_pass_interval
from twin.evaluation.cases import Fitted
from twin.evaluation.cell import Cell
from twin.evaluation.physics import damage_if_stiffer
from twin.factory.plan import FactoryPlan
from twin.factory.result import Seconds, Stiffer
from twin.kpi.intervals import Interval, t_interval
from twin.line.model import LineModel

_CERTAIN = Interval(1.0, 1.0, 1.0)


def seconds_rows(
    plan: FactoryPlan,
    fitted: Mapping[str, Fitted],
    records: Mapping[str, Sequence[EpisodeRecord]],
) -> tuple[Seconds, ...]:
    """Return every station's policies and the perfect one.

    Args:
        plan: the question.
        fitted: station models by campaign.
        records: episodes by campaign.
    """
    rows = []
    for station, cell in plan.cells.items():
        operations = cell.spec.operations.per_rack
        motion_s = (cell.perfect.visit_s - cell.spec.effects.handling_s) / operations
        rows += [
            _row(
                plan,
                station,
                trial.policy,
                _mean_s(records[trial.key]),
                _helped_s(plan, cell, fitted[trial.key]),
                _calls(fitted[trial.key]),
                first_pass_interval(fitted[trial.key].model, plan.spec.line_runs.seed),
            )
            for trial in plan.trials
            if trial.cell == cell
        ]
        perfect = Interval(motion_s, motion_s, motion_s)
        rows.append(_row(plan, station, "", perfect, 0.0, (0, 0), _CERTAIN))
    return tuple(rows)


def cells_filled(row: Seconds) -> int | None:
    """Return the fewest cells that a mean operation fits, ``None`` where none of those tried."""
    spent_s = row.operation_s.estimate + row.helped_s
    enough = (n for n, most in enumerate(row.bearable_s, start=1) if spent_s <= most)
    return next(enough, None)


def stiffer_loads(plan: FactoryPlan, rows: Sequence[Seconds]) -> dict[str, Stiffer]:
    """Return by station what a rack fills where contact is 4 times as stiff.

    Of the policy that fills the fewest, with the damages that the station's convergence result
    measured at that stiffness in place of its own; stations without such a result are left out.
    """
    found = {}
    for station, cell in plan.cells.items():
        spec = cell.spec
        measured = damage_if_stiffer(spec.env, cell.station, spec.setting)
        if measured is None:
            continue
        policy, share = measured
        load = min(row.load for row in rows if row.station == station and row.name)
        swaps_s = spec.operations.per_rack * _swap_s(plan, cell)
        of_all = swaps_s * (1 + cell.lost(LineModel(plan.line))) / plan.line.takt_s
        found[station] = Stiffer(policy, share, load + share * of_all, of_all)
    return found


def _row(
    plan: FactoryPlan,
    station: str,
    name: str,
    operation_s: Interval,
    helped_s: float,
    calls: tuple[int, int],
    first_pass: Interval,
) -> Seconds:
    cell, line = plan.cells[station], LineModel(plan.line)
    spec = cell.spec
    rack_s = spec.effects.handling_s + spec.operations.per_rack * (operation_s.estimate + helped_s)
    most = plan.cell_spec(station).most_cells
    return Seconds(
        station=station,
        name=name,
        operation_s=operation_s,
        helped_s=helped_s,
        calls=calls,
        load=rack_s * (1 + cell.lost(line)) / plan.line.takt_s,
        bearable_s=tuple(cell.bearable_operation_s(line, n) for n in range(1, most + 1)),
        first_pass=first_pass,
    )


def _mean_s(records: Sequence[EpisodeRecord]) -> Interval:
    """Return the mean cycle time; racks are independent, their parts are not."""
    racks: dict[int, list[float]] = defaultdict(list)
    for record in records:
        if record.outcome is not OutcomeClass.VOID:
            racks[record.rack_id].append(record.cycle_time_s)
    return t_interval(np.array([np.mean(times) for times in racks.values()]))


_CALLS: Final = (OutcomeClass.ASSISTED, OutcomeClass.DETECTED, OutcomeClass.DAMAGE)


def _calls(fitted: Fitted) -> tuple[int, int]:
    """Return the operations that called for people, and all that were run."""
    counts = fitted.model.posterior.counts
    events = counts.events.sum(axis=0)
    return int(sum(events[NOT_OK.index(outcome)] for outcome in _CALLS)), int(counts.total)


def _helped_s(plan: FactoryPlan, cell: Cell, fitted: Fitted) -> float:
    """Return the mean time of people an operation costs the cell: a call, and the work."""
    effects, counts = cell.spec.effects, fitted.model.posterior.counts
    response_s = plan.line.technicians.response_s
    each_s = {
        OutcomeClass.ASSISTED: response_s + effects.assisted.mean_s,
        OutcomeClass.DETECTED: response_s + effects.detected.mean_s,
        OutcomeClass.DAMAGE: _swap_s(plan, cell),
    }
    events = counts.events.sum(axis=0)
    return sum(
        each * float(events[NOT_OK.index(outcome)]) / counts.total
        for outcome, each in each_s.items()
    )


def _swap_s(plan: FactoryPlan, cell: Cell) -> float:
    """Return what a damaged part costs the cell on average: a call where there is one, the swap."""
    damage = cell.spec.effects.damage
    return damage.mean_s + (plan.line.technicians.response_s if damage.technician else 0.0)
