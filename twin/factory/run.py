"""The factory question from episodes to answer; resumable at every step like an evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from twin.evaluation import cases, collect
from twin.evaluation.answers import Results, answers
from twin.evaluation.before import MODES
from twin.evaluation.cases import Fitted
from twin.evaluation.episodes import fit, summarise
from twin.evaluation.lines import LineCase
from twin.evaluation.physics import physics_statement
from twin.evaluation.preflight import check_horizon
from twin.evaluation.progress import Progress
from twin.evaluation.result import Tornado
from twin.evaluation.session import Session, open_session
from twin.evaluation.tornado import Swung, swing
from twin.evaluation.verdict import EXIT_CODES, combined
from twin.factory.buys import change, interval, what_buys_most
from twin.factory.mixes import YIELD, Ask, Size, Works, size_of
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory, Need, Row
from twin.factory.search import size_for_takt
from twin.factory.seconds import seconds_rows, stiffer_loads
from twin.factory.settling import closest, times_more
from twin.kpi.gates import Answer
from twin.kpi.nested import NestedInterval
from twin.line.model import LineModel

SHOWN = ("racks_per_day", "lead_time_mean_h", YIELD, "technician_use")
"""KPIs of every case's line at takt."""


def answer_factory(
    plan: FactoryPlan,
    out: Path,
    workers: int,
    progress: Progress | None = None,
    on_bound: Callable[[Need], None] | None = None,
) -> Factory:
    """Answer a factory question, or do what is missing of it, and return what was found.

    Args:
        plan: the checked question.
        out: run folder; a killed run is resumed there.
        workers: processes; the result does not depend on it.
        progress: told how far it is.
        on_bound: told what perfect policies need, before the campaign begins.

    Raises:
        ConfigError: the staffed line ships no rack within the horizon.
        RunFolderError: the folder holds another study, or cannot be used.
        NoEvidenceError: a policy's operations are all void.
        KeyboardInterrupt: Ctrl-C; the same call resumes.
    """
    with open_session(plan, out, workers, progress) as session:
        found = _Run(plan, session).answer(on_bound or (lambda _: None))
        session.keep(found)
    return found


class _Run:
    """One session of a factory question."""

    def __init__(self, plan: FactoryPlan, session: Session) -> None:
        self.plan, self.session, self.lines = plan, session, session.lines
        self.count = plan.spec.line_runs.replications.verdict

    def answer(self, on_bound: Callable[[Need], None]) -> Factory:
        """Go through the phases."""
        plan, episodes, phase = self.plan, self.session.episodes, self.session.folder.phase
        with phase("before"):
            self._today()
            bound = next(mix for mix in plan.mixes if mix.key == "perfect")
            on_bound(size_for_takt(plan, self.lines, Ask(bound, {})))
        with phase("episodes"):
            episodes.run("episodes")
        campaign = episodes.campaign()
        fitted = {trial.key: fit(trial, campaign) for trial in plan.trials}
        works: Works = {
            (station, kind): fitted[f"{station}-{kind}"]
            for station in plan.cells
            for kind in ("scripted", "trained")
            if f"{station}-{kind}" in fitted
        }
        asks = [Ask(mix, works) for mix in plan.mixes]
        searched = [ask for ask in asks if not (ask.mix.bound and ask.mix.alone)]
        with phase("cells and people"):
            needs = [size_for_takt(plan, self.lines, ask) for ask in searched]
        with phase("line runs"):
            rows = self._rows(searched, needs)
            decides = _decides(rows)
            assert decides.size is not None  # a case, not the staffed line
            buys = what_buys_most(plan, self.lines, asks, decides.size)
        with phase("tornado"):
            tornado = self._tornado(next(a for a in searched if a.mix.key == decides.key), decides)
        real = [row.need.answer for row in rows if row.need and not row.bound]
        answer = combined(real, "any")
        seconds = seconds_rows(plan, fitted, campaign.records)
        return Factory(
            answer=answer,
            exit_code=EXIT_CODES[answer],
            decides=decides.key,
            rows=rows,
            buys=buys,
            seconds=seconds,
            stiffer=stiffer_loads(plan, seconds),
            episodes=tuple(
                summarise(trial.key, fitted[trial.key].model, campaign.records[trial.key])
                for trial in plan.trials
            ),
            short=self._short(fitted),
            tornado=tornado,
            physics={
                station: physics_statement(cell.spec.env, cell.station, cell.spec.setting)
                for station, cell in plan.cells.items()
            },
        )

    def _today(self) -> None:
        """Run the staffed line first: a line that ships nothing is refused before the episodes."""
        wanted = [(cases.staffed(self.plan, mode), self.count) for mode in MODES]
        self.lines.run("the line today", wanted, detail=True)
        check_horizon(self.plan, self.lines)

    def _short(self, fitted: dict[str, Fitted]) -> dict[str, tuple[int, int]]:
        """Return by campaign the valid episodes and those that a yield takes, where too few."""
        short = {}
        for trial in self.plan.trials:
            needed = self.plan.cell_spec(trial.cell.spec.station).episodes_needed
            run = fitted[trial.key].model.posterior.counts.total
            if run < needed:
                short[trial.key] = (run, needed)
        return short

    def _rows(self, searched: Sequence[Ask], needs: Sequence[Need]) -> tuple[Row, ...]:
        """Return the staffed line and every searched case at its own size."""
        plan, lines, count = self.plan, self.lines, self.count
        sized = [
            ask.at(need.found or need.recorded or need.tried[0].size)
            for ask, need in zip(searched, needs, strict=True)
        ]
        lines.run("lines at takt", [(ask.line(plan), count) for ask in sized], detail=True)
        gates = answers(plan, lines, sized, count, "gates at the sizes found")
        pushed = [(ask.line(plan, "saturated"), count) for ask in sized]
        lines.run("lines saturated", pushed)
        staffed = Row(
            "staffed",
            "today, staffed",
            bound=False,
            kinds={},
            size=None,
            people=LineModel(plan.line).people,
            need=None,
            blockers=(),
            gates=(),
            kpis={key: self._interval(cases.staffed(plan, "takt"), key) for key in SHOWN},
            against={},
            capacity=self._interval(cases.staffed(plan, "saturated"), "racks_per_day"),
            yield_between=None,
            settles=self._settles(cases.staffed(plan, "takt")),
        )
        return (
            staffed,
            *(
                self._row(ask, need, results)
                for ask, need, results in zip(sized, needs, gates, strict=True)
            ),
        )

    def _row(self, ask: Ask, need: Need, gates: Results) -> Row:
        plan, case, today = self.plan, ask.line(self.plan), cases.staffed(self.plan, "takt")
        assert ask.size is not None  # every row is at a size
        return Row(
            key=ask.mix.key,
            title=ask.mix.title,
            bound=ask.mix.bound,
            kinds=ask.mix.kinds,
            size=ask.size,
            people=ask.size.people,
            need=need,
            blockers=ask.blockers,
            gates=gates,
            kpis={key: self._interval(case, key) for key in SHOWN},
            against={key: change(plan, self.lines, case, today, key) for key in SHOWN},
            capacity=self._interval(ask.line(plan, "saturated"), "racks_per_day"),
            yield_between=self._yield_between(ask),
            settles=self._settles(case),
        )

    def _yield_between(self, ask: Ask) -> tuple[float, float] | None:
        """Return what too few episodes leave possible of the rolled throughput yield.

        The lower end of the interval, with all outcomes seen too seldom at their upper bounds where
        there are any; and its mean with them at their lower ones (none, where never seen).
        ``None`` where enough episodes were run.
        """
        plan = self.plan
        if not ask.too_few(plan):
            return None
        upper, lower = ask.at_upper(plan).values(), ask.at_lower(plan).values()
        recorded = ask.line(plan)
        wanted = [(case, self.count) for case in (recorded, *upper, *lower)]
        self.lines.run("bounds of the yield", wanted)
        least = min(self._interval(case, YIELD).interval.low for case in (recorded, *upper))
        most = max(self._interval(case, YIELD).interval.estimate for case in lower or [recorded])
        return max(0.0, least), most

    def _tornado(self, ask: Ask, row: Row) -> Tornado | None:
        plan = self.plan
        if not plan.spec.tornado:
            return None
        sized = ask.at(row.size)

        def pair(changed: FactoryPlan) -> tuple[LineCase, LineCase]:
            return sized.at(_same_cells(changed, row.size)).mean(changed), cases.staffed(
                changed, "takt"
            )

        swung = [
            Swung(
                item,
                plan.shown(item.input),
                pair(plan.changed(item.input, item.low)),
                pair(plan.changed(item.input, item.high)),
            )
            for item in plan.spec.tornado
        ]
        near = closest(row.gates)
        kpi = plan.spec.buys if near is None else near[0].gate.kpi
        if row.open_gates:
            kpi = row.open_gates[0].gate.kpi
        return swing(plan, self.lines, (ask.mix.key, ask.mix.title), pair(plan), swung, kpi)

    def _interval(self, case: LineCase, key: str) -> NestedInterval:
        return interval(self.plan, self.lines, case, key)

    def _settles(self, case: LineCase) -> bool:
        details = self.lines.detail(case, self.count)
        return collect.settles(np.array([one["wip"] for one in details]), case, self.plan)


def _same_cells(plan: FactoryPlan, size: Size | None) -> Size | None:
    """Return a size on a changed line: its people may differ, and so may its technicians."""
    return None if size is None else size_of(plan, size.cells, size.technicians)


def _decides(rows: Sequence[Row]) -> Row:
    """Return the real case that the answer rests on.

    Best answer, then fewest gates missed, fewest people, fewest cells; of equals the one that the
    fewest more operations would settle.
    """
    order = (Answer.HOLDS, Answer.INCONCLUSIVE, Answer.FAILS)

    def rank(row: Row) -> tuple[int, int, int, int, float]:
        assert row.need is not None  # the staffed line is no case
        assert row.size is not None
        cells = sum(row.size.cells.values())
        more = [times_more(gate) or math.inf for gate in row.open_gates]
        missed = len(row.need.missed)
        return order.index(row.need.answer), missed, row.people, cells, max(more, default=0.0)

    return min((row for row in rows if row.need and not row.bound), key=rank)
