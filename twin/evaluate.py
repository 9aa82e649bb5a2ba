"""The evaluation: preflight, episodes, line runs, verdict, report; resumable at every step."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policies.executor import Executor
from twin.evaluation import cases, collect
from twin.evaluation import preflight as pre
from twin.evaluation.answers import Asked, answers
from twin.evaluation.before import MODES, Preflight
from twin.evaluation.cases import Fitted
from twin.evaluation.episodes import Episodes, fit, summarise
from twin.evaluation.episodes import NoEvidenceError as NoEvidenceError
from twin.evaluation.lines import Lines
from twin.evaluation.lone import lone_runs
from twin.evaluation.physics import physics_statement
from twin.evaluation.plan import LETTERS, Plan
from twin.evaluation.progress import Progress, Quiet
from twin.evaluation.result import Evaluation, PolicyVerdict
from twin.evaluation.runfolder import RunFolder
from twin.evaluation.search import cells_for_takt
from twin.evaluation.tornado import tornado
from twin.evaluation.verdict import chosen, policy_verdict, verdict
from twin.evaluation.words import short_name
from twin.line.model import LineModel

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_WALL_CLOCK = frozenset({"episode_s", "minutes", "seconds"})


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
    folder = RunFolder(out)
    try:
        folder.claim(plan.resolved())
        with Executor(workers) as executor:
            run = _Run(plan, folder, executor, progress or Quiet())
            found = run.evaluate(on_preflight or (lambda _: None))
        folder.write("result.json", as_json(found))
        return found
    finally:
        folder.close()


def as_json(found: DataclassInstance) -> str:
    """Return what was found as JSON; wall-clock times are left out, so equal runs are equal.

    What is not known (nan) or has no bound (infinite) is null: JSON has no such numbers.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items() if k not in _WALL_CLOCK}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if hasattr(value, "model_dump"):
            return value.model_dump(mode="json", by_alias=True)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value

    return json.dumps(plain(asdict(found)), indent=1, default=str, allow_nan=False) + "\n"


class _Run:
    """One session of an evaluation."""

    def __init__(
        self, plan: Plan, folder: RunFolder, executor: Executor, progress: Progress
    ) -> None:
        self.plan, self.folder, self.executor, self.progress = plan, folder, executor, progress
        runs = plan.spec.line_runs
        self.count = runs.replications.verdict
        self.episodes = Episodes(plan.trials, folder)
        self.lines = Lines(folder, executor, progress, runs)

    def evaluate(self, on_preflight: Callable[[Preflight], None]) -> Evaluation:
        """Go through the phases."""
        plan, lines, phase = self.plan, self.lines, self.folder.phase
        with phase("preflight"):
            before = self._preflight()
        on_preflight(before)
        with phase("episodes"):
            self.episodes.run(self.executor, self.progress, "episodes")
        campaign = self.episodes.campaign()
        policies = tuple(fit(trial, campaign) for trial in plan.trials)
        with phase("line runs"):
            judged = self._line_runs(policies)
        with phase("cells and people"):
            cells = cells_for_takt(plan, lines, policies)
        best = chosen(judged)
        with phase("tornado"):
            tornado_ = tornado(plan, lines, next(f for f in policies if f.letter == best.letter))
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
            seconds=self.folder.seconds_by_phase(),
            lone=tuple(
                one
                for fitted, policy in zip(policies, judged, strict=True)
                for one in lone_runs(plan, lines, fitted, policy.gates, self.count)
            ),
        )

    def _preflight(self) -> Preflight:
        plan, lines = self.plan, self.lines
        start, begun = time.perf_counter(), lines.made
        lines.run("preflight", pre.cases_needed(plan), detail=True)
        pre.check_horizon(plan, lines)
        tried = pre.busiest(plan, lines)
        count = plan.spec.line_runs.replications.preflight
        lines.run("preflight", [(cases.instant(plan, id_, "saturated"), count) for id_ in tried])
        pace = self.folder.pace()
        made = lines.made - begun
        if made and "replication_s" not in pace:
            spent_s = time.perf_counter() - start
            pace["replication_s"] = spent_s * self.executor.workers / made
        if "episode_s" not in pace:
            probe = 2 * len(LETTERS) * self.executor.workers
            episode_s = self.episodes.run(self.executor, self.progress, "preflight", most=probe)
            if episode_s is not None:
                pace["episode_s"] = episode_s
        self.folder.keep_pace(pace)
        return pre.preflight(plan, lines, tried, pace, self.executor.workers)

    def _line_runs(self, policies: tuple[Fitted, ...]) -> tuple[PolicyVerdict, ...]:
        plan, lines, count = self.plan, self.lines, self.count
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
