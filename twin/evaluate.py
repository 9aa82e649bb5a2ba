"""The evaluation: preflight, episodes, line runs, verdict, report; resumable at every step."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twin.evaluation import cases, collect
from twin.evaluation import preflight as pre
from twin.evaluation.answers import Asked, answers
from twin.evaluation.before import MODES, Preflight
from twin.evaluation.cases import Fitted
from twin.evaluation.episodes import NoEvidenceError as NoEvidenceError
from twin.evaluation.episodes import fit, summarise
from twin.evaluation.lone import lone_runs
from twin.evaluation.physics import physics_statement
from twin.evaluation.plan import LETTERS, Plan
from twin.evaluation.progress import Progress
from twin.evaluation.result import Evaluation, PolicyVerdict
from twin.evaluation.search import cells_for_takt
from twin.evaluation.session import Session, open_session
from twin.evaluation.tornado import tornado
from twin.evaluation.verdict import chosen, policy_verdict, verdict
from twin.evaluation.words import short_name
from twin.line.model import LineModel


def evaluate(
    plan: Plan,
    out: Path,
    workers: int,
    progress: Progress | None = None,
    on_preflight: Callable[[Preflight], None] | None = None,
) -> Evaluation:
    """Run an evaluation, or what is missing of it, and return what it found.

    The run folder then holds every record and ``result.json``; reports are written from the
    returned value by `twin.report`.

    Args:
        plan: the checked evaluation.
        out: run folder; a killed run is resumed there.
        workers: processes; the result does not depend on it.
        progress: told how far it is.
        on_preflight: told the preflight before the campaign begins.

    Raises:
        ConfigError: the staffed line ships no rack within the horizon.
        RunFolderError: the folder holds another evaluation, or cannot be used.
        NoEvidenceError: a policy's operations are all void.
        KeyboardInterrupt: Ctrl-C; the same call resumes.
    """
    with open_session(plan, out, workers, progress) as session:
        found = _Run(plan, session).evaluate(on_preflight or (lambda _: None))
        session.keep(found)
    return found


class _Run:
    """One session of an evaluation."""

    def __init__(self, plan: Plan, session: Session) -> None:
        self.plan, self.session, self.lines = plan, session, session.lines

    def evaluate(self, on_preflight: Callable[[Preflight], None]) -> Evaluation:
        """Go through the phases."""
        plan, lines, session = self.plan, self.lines, self.session
        phase = session.folder.phase
        with phase("preflight"):
            before = self._preflight()
        on_preflight(before)
        with phase("episodes"):
            session.episodes.run("episodes")
        campaign = session.episodes.campaign()
        policies = tuple(fit(trial, campaign) for trial in plan.trials)
        with phase("line runs"):
            judged = self._line_runs(policies)
        with phase("cells and people"):
            cells = cells_for_takt(plan, lines, policies)
        best = chosen(judged)
        with phase("tornado"):
            tornado_ = tornado(plan, lines, next(f for f in policies if f.letter == best.letter))
        count = plan.spec.line_runs.replications.verdict
        labels = ("staffed", *(f"cell, {short_name(plan.policy(letter))}" for letter in LETTERS))
        takt = (
            cases.staffed(plan, "takt"),
            *(cases.cell(plan, fitted, "takt") for fitted in policies),
        )
        return Evaluation(
            verdict=verdict(plan, judged),
            preflight=before,
            episodes=tuple(
                summarise(fitted.letter, fitted.model, campaign.records[fitted.letter])
                for fitted in policies
            ),
            kpis=collect.kpi_rows(plan, lines, policies),
            station=collect.station_rows(plan, lines, policies),
            charts=tuple(
                collect.line_charts(plan, lines, label, case)
                for label, case in zip(labels, takt, strict=True)
            ),
            cells=cells,
            tornado=tornado_,
            physics=physics_statement(
                plan.spec.env, plan.station, plan.spec.setting, before.bearable_damage
            ),
            people_staffed=LineModel(plan.line).people,
            people_cell=plan.cell().people,
            seconds=session.folder.seconds_by_phase(),
            lone=tuple(
                one
                for fitted, policy in zip(policies, judged, strict=True)
                for one in lone_runs(plan, lines, fitted, policy.gates, count)
            ),
        )

    def _preflight(self) -> Preflight:
        plan, lines, session = self.plan, self.lines, self.session
        start, begun = time.perf_counter(), lines.made
        lines.run("preflight", pre.cases_needed(plan), detail=True)
        pre.check_horizon(plan, lines)
        tried = pre.busiest(plan, lines)
        count = plan.spec.line_runs.replications.preflight
        lines.run("preflight", [(cases.instant(plan, id_, "saturated"), count) for id_ in tried])
        pace = session.folder.pace()
        made = lines.made - begun
        if made and "replication_s" not in pace:
            spent_s = time.perf_counter() - start
            pace["replication_s"] = spent_s * session.workers / made
        if "episode_s" not in pace:
            probe = 2 * len(LETTERS) * session.workers
            episode_s = session.episodes.run("preflight", most=probe)
            if episode_s is not None:
                pace["episode_s"] = episode_s
        session.folder.keep_pace(pace)
        return pre.preflight(plan, lines, tried, pace, session.workers)

    def _line_runs(self, policies: tuple[Fitted, ...]) -> tuple[PolicyVerdict, ...]:
        plan, lines = self.plan, self.lines
        count = plan.spec.line_runs.replications.verdict
        for mode in MODES:
            wanted = [
                cases.staffed(plan, mode),
                *(cases.cell(plan, fitted, mode) for fitted in policies),
            ]
            title = "line at takt" if mode == "takt" else "line saturated"
            lines.run(title, [(case, count) for case in wanted], detail=mode == "takt")
        asked = [Asked(fitted) for fitted in policies]
        found = answers(plan, lines, asked, count, "line at takt")
        return tuple(
            policy_verdict(fitted, results) for fitted, results in zip(policies, found, strict=True)
        )
