"""The typed form of `configs/evaluations/*.yaml`: a decision, and all that is needed to take it.

`load_evaluation` reads a file and names file:line in every error that the file alone can show;
what takes other files to see (an unknown line, policy or KPI) is checked by `twin.evaluation.plan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from configs.errors import ConfigError
from configs.specs.base import Spec, error_at, line_of_key, load_spec, resolve_path
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
    if (where := line_of_key(path, "stations")) is not None:
        raise ConfigError(
            where,
            "stations",
            None,
            "asks of several stations at once",
            f"run: rackline factory {name_or_path}",
        )
    spec = load_spec(EvaluationSpec, path)
    for loc, problem, remedy in _contradictions(spec):
        raise error_at(path, loc, problem, remedy)
    return spec, path


Contradiction = tuple[tuple[str | int, ...], str, str]
"""Place, problem and remedy of what no field can know by itself."""


def _contradictions(spec: EvaluationSpec) -> Iterator[Contradiction]:
    yield from cell_contradictions(spec)
    yield from run_contradictions(spec.line_runs)


def cell_contradictions(spec: CellSpec) -> Iterator[Contradiction]:
    """Yield what contradicts itself in a cell, places within the cell."""
    total = sum(spec.operations.composition.values())
    if total != spec.operations.per_rack:
        yield (
            ("operations", "per_rack"),
            f"is not the sum of the composition, {total}",
            "make the two agree",
        )
    if spec.campaign.parts_per_rack > spec.operations.per_rack:
        yield (
            ("campaign", "parts_per_rack"),
            f"is more than a rack has operations, {spec.operations.per_rack}",
            f"write {spec.operations.per_rack} or less",
        )


def run_contradictions(runs: LineRuns) -> Iterator[Contradiction]:
    """Yield what contradicts itself in the numbers of line runs, places within the file."""
    for name in ("preflight", "search", "tornado"):
        if getattr(runs.replications, name) > runs.replications.verdict:
            yield (
                ("line_runs", "replications", name),
                "is more than the verdict's own",
                f"write {runs.replications.verdict} or less",
            )
