"""The typed form of `configs/evaluations/*.yaml`: a decision, and all that is needed to take it.

`load_evaluation` reads a file and names file:line in every error that the file alone can show;
what takes other files to see (an unknown line, policy or KPI) is checked by `twin.evaluation.plan`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.specs.base import Spec, error_below, load_spec, refuse_key, resolve_path
from configs.specs.effects import Effects
from configs.specs.gates import GateSpec
from configs.specs.quantities import Time

AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
PairsOfRuns = Annotated[int, Field(ge=4, multiple_of=2)]
"""Two posterior draws share a line replication (`twin.kpi.nested`); two replications are least."""
MOST_TORNADO_INPUTS = 8
"""So many inputs fit the time budget while the engine is SimPy (architecture.md)."""


class Policies(Spec):
    """The two policies to judge, by name (``scripted/straight-push@1``) or bundle path.

    Attributes:
        x: the first; the baseline where one is compared with the other.
        y: the second.
    """

    x: Annotated[str, Field(min_length=1)]
    y: Annotated[str, Field(min_length=1)]


class Campaign(Spec):
    """How many physical episodes each policy gets.

    Attributes:
        racks: rack visits a policy.
        parts_per_rack: parts inserted on each visit; which slots is sampled systematically.
        seed: campaign seed; X and Y meet the same racks and parts.
    """

    racks: AtLeastTwo
    parts_per_rack: AtLeastOne
    seed: Annotated[int, Field(ge=0)]


class Operations(Spec):
    """What one rack needs at the station.

    Attributes:
        per_rack: operations a rack.
        composition: how many of them by part; must add up, and must be what the station holds.
    """

    per_rack: AtLeastOne
    composition: Annotated[dict[str, AtLeastOne], Field(min_length=1)]


class Attach(Spec):
    """How the robot cell takes the station's place on the line.

    Attributes:
        minor_stops: ``replaced`` if the station's row of minor stops were jams of these very
            operations, ``kept`` if they are something else; must be said where the row exists.
        servers: cells.
        crew: people a shift at the cells.
    """

    minor_stops: Literal["replaced", "kept"] | None = None
    servers: AtLeastOne = 1
    crew: Annotated[int, Field(ge=0)] = 0


class Replications(Spec):
    """Line replications by purpose; fewer than the verdict's use its first ones.

    Attributes:
        verdict: staffed line and both cells, at takt and saturated, bounds included.
        preflight: perfect policy and bottleneck search.
        search: each try of "how many cells and technicians".
        tornado: each end of each assumed input.
    """

    verdict: PairsOfRuns
    preflight: AtLeastTwo
    search: PairsOfRuns
    tornado: PairsOfRuns

    @model_validator(mode="after")
    def _within_the_verdicts(self) -> Self:
        for name in ("preflight", "search", "tornado"):
            if getattr(self, name) > self.verdict:
                raise error_below(
                    [name],
                    "is more than the verdict's own; write {most} or less",
                    most=str(self.verdict),
                )
        return self


class LineRuns(Spec):
    """How the line is run.

    Attributes:
        horizon_s: measured time of a replication.
        warmup_s: time before it, from the empty line.
        saturated_takt_s: takt at which the line is pushed to its limit.
        seed: seed of the line; every line of the evaluation shares it (common random numbers).
        replications: how many, by purpose.
    """

    horizon_s: Annotated[Time, Field(gt=0.0)]
    warmup_s: Time
    saturated_takt_s: Annotated[Time, Field(gt=0.0)]
    seed: Annotated[int, Field(ge=0)]
    replications: Replications


class Search(Spec):
    """Where to look for the smallest number of cells and technicians that holds the gates.

    Attributes:
        most_cells: cells tried, from 1.
        most_technicians: technicians tried, from 1; fewest people are sought before fewest cells.
    """

    most_cells: AtLeastOne = 2
    most_technicians: AtLeastOne = 4


class TornadoInput(Spec):
    """An assumed input and how far it may be off.

    Attributes:
        input: dotted path: ``effects.…`` of this file or ``line.…`` of the line file, where
            stations go by id, e.g. ``line.stations.S60.breakdowns.mttr``.
        low: the low end, written as in the file it belongs to.
        high: the high end.
        says: the input in words, for the report.
    """

    input: Annotated[str, Field(pattern=r"^(effects|line)(\.\w+)+$")]
    low: str | int | float
    high: str | int | float
    says: Annotated[str, Field(min_length=1)]


class CellSpec(Spec):
    """A robot cell at a station of the line: its physics, its campaign, and how it is attached.

    Attributes:
        station: id of the station on the line.
        env: id of the physical station's environment.
        setting: difficulty of that environment.
        campaign: physical episodes.
        operations: operations of one rack.
        attach: how the cell takes the station's place.
        effects: what outcomes cost the line; assumed.
    """

    station: str
    env: str
    setting: str
    campaign: Campaign
    operations: Operations
    attach: Attach = Attach()
    effects: Effects = Effects()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        operations, total = self.operations.per_rack, sum(self.operations.composition.values())
        if total != operations:
            raise error_below(
                ["operations", "per_rack"],
                "is not the sum of the composition, {total}; make the two agree",
                total=str(total),
            )
        if self.campaign.parts_per_rack > operations:
            raise error_below(
                ["campaign", "parts_per_rack"],
                "is more than a rack has operations, {most}; write {most} or less",
                most=str(operations),
            )
        return self


class LineStudy(Spec):
    """What every study of a line states: a question, the line, its runs, and what must hold.

    Attributes:
        name: short name of the study.
        question: the decision, as a question to people.
        line: name or path of the line file.
        line_runs: replications of the line.
        gates: what must hold, on confidence bounds.
    """

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    question: Annotated[str, Field(min_length=1)]
    line: str
    line_runs: LineRuns
    gates: Annotated[tuple[GateSpec, ...], Field(min_length=1)]


class EvaluationSpec(CellSpec, LineStudy):
    """One evaluation: may these policies run this station of this line?

    Attributes:
        policies: the two policies.
        search: bounds of the search for cells and technicians.
        verdict: ``any`` if one policy that holds the gates is enough, ``all`` if both must.
        tornado: assumed inputs to vary, at most 8.
    """

    policies: Policies
    search: Search = Search()
    verdict: Literal["any", "all"] = "any"
    tornado: Annotated[tuple[TornadoInput, ...], Field(max_length=MOST_TORNADO_INPUTS)] = ()


def load_evaluation(name_or_path: str | Path) -> tuple[EvaluationSpec, Path]:
    """Return the evaluation of a shipped name (``tray_cell``) or a file, and the file's path.

    Raises:
        UnknownNameError: no such file or shipped evaluation.
        ConfigError: naming file:line, field, value and remedy.
    """
    path = resolve_path("evaluations", name_or_path)
    remedy = f"run: rackline factory {name_or_path}"
    refuse_key(path, "stations", "asks of several stations at once", remedy)
    return load_spec(EvaluationSpec, path), path
