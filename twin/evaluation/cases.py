"""The lines that an evaluation runs: staffed, cell, perfect policy, one station made instant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from configs.specs.effects import Effects
from configs.specs.evaluation import LineStudy
from configs.specs.line import LineSpec
from twin.bridge.process import StationModel
from twin.evaluation.before import Mode
from twin.evaluation.lines import LineCase
from twin.evaluation.perfect import PerfectProcess
from twin.evaluation.plan import Plan
from twin.kpi.nested import replication_of
from twin.line.model import LineModel
from twin.line.process import ProcessModel


@dataclass(frozen=True)
class Fitted:
    """A policy's station model, and a digest of the records and effects it was fitted with."""

    letter: str
    model: StationModel
    digest: str


class OnLine(Protocol):
    """A planned study of a line: all that its own lines and its gates need."""

    @property
    def spec(self) -> LineStudy:
        """The study's file."""
        ...

    @property
    def path(self) -> Path:
        """Where the file is."""
        ...

    @property
    def line(self) -> LineSpec:
        """The line it names."""
        ...


def staffed(plan: OnLine, mode: Mode, line: LineSpec | None = None) -> LineCase:
    """Return the line as the table has it, people at every station."""
    return LineCase(f"staffed, {mode}", in_mode(plan, LineModel(line or plan.line), mode))


def cell(
    plan: Plan,
    fitted: Fitted,
    mode: Mode,
    *,
    cells: int | None = None,
    technicians: int | None = None,
    line: LineSpec | None = None,
) -> LineCase:
    """Return the line with a policy in the cell; see `Plan.cell` for the options."""
    model = plan.cell(cells=cells, technicians=technicians, line=line)
    count = plan.spec.line_runs.replications.verdict
    return LineCase(
        name=f"cell with {fitted.model.label}, {mode}",
        model=in_mode(plan, model, mode),
        sources={plan.spec.station: fitted.model},
        digest=fitted.digest,
        replications=tuple(replication_of(run) for run in range(count)),
    )


@dataclass(frozen=True)
class MeanPolicy:
    """A policy whose rates are known: the means of the likelier explanation in every run."""

    model: StationModel

    def replicate(self, seed: int, replication: int, *, draw: int | None = None) -> ProcessModel:
        """Return the process model of one replication; nothing but the visits is random."""
        return self.model.with_draw(self.model.posterior.mean, seed, replication)


def mean_cell(plan: Plan, fitted: Fitted, line: LineSpec | None = None) -> LineCase:
    """Return the line at takt with a policy at its posterior mean; run k is replication k."""
    return LineCase(
        name=f"cell with {fitted.model.label} at its mean, takt",
        model=plan.cell(line=line),
        sources={plan.spec.station: MeanPolicy(fitted.model)},
        digest=f"mean of {fitted.digest}",
    )


def perfect(plan: Plan, mode: Mode) -> LineCase:
    """Return the line with the perfect policy in the cell."""
    source = plan.robot.perfect
    return LineCase(
        name=f"perfect policy, {mode}",
        model=in_mode(plan, plan.cell(), mode),
        sources={plan.spec.station: source},
        digest=perfect_digest(source),
    )


def instant(plan: Plan, station: str, mode: Mode) -> LineCase:
    """Return the staffed line with the work of one station taking no time."""
    stations = tuple(
        row.model_copy(update={"cycle_time": row.cycle_time.model_copy(update={"mean_s": 0.0})})
        if row.id == station
        else row
        for row in plan.line.stations
    )
    line = plan.line.model_copy(update={"stations": stations})
    return LineCase(f"{station} instant, {mode}", in_mode(plan, LineModel(line), mode))


def fitted_with(fitted: Fitted, effects: Effects) -> Fitted:
    """Return the same policy under other effects of its outcomes."""
    return with_model(fitted, replace(fitted.model, effects=effects))


def with_model(fitted: Fitted, model: StationModel) -> Fitted:
    """Return the same policy's records under a changed model: its effects, its bounds."""
    return Fitted(fitted.letter, model, digest_of(fitted.digest.partition("+")[0], model))


def digest_of(records_digest: str, model: StationModel) -> str:
    """Return what identifies a station model: its records, its name, its effects, its bounds."""
    bounds = ",".join(f"{outcome}={bound:.9g}" for outcome, bound in model.bounded)
    effects = model.effects.model_dump_json(by_alias=True)
    return f"{records_digest}+{model.label}+{model.operations}+{effects}+{bounds}"


def perfect_digest(source: PerfectProcess) -> str:
    """Return what identifies a perfect policy in a cell."""
    return f"perfect-{source.visit_s:.9g}-{source.operations}"


def in_mode(plan: OnLine, model: LineModel, mode: Mode) -> LineModel:
    """Return a line at its takt, or pushed to its limit as the study says."""
    return model if mode == "takt" else model.at_takt(plan.spec.line_runs.saturated_takt_s)
