"""An evaluation with everything it names: loaded, checked against each other, ready to run."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from configs.errors import ConfigError, RacklineError, UnknownNameError, suggest
from configs.specs.base import Spec, error_at
from configs.specs.effects import Effects
from configs.specs.evaluation import CellSpec, EvaluationSpec, load_evaluation
from configs.specs.gates import GateSpec
from configs.specs.line import LineSpec, load_line
from configs.specs.station import StationSpec
from envs import registry
from policies.catalogue import load_policy, policy_content
from policies.seeds import HELD_OUT, SELECTION, TRAINING
from twin.evaluation.cell import Cell, Trial
from twin.evaluation.overrides import OverrideError, with_input
from twin.kpi.definitions import LINE_KPIS, OF_CELLS_ALONE
from twin.line.model import LineModel

Named = TypeVar("Named")
Contradiction = tuple[tuple[str | int, ...], str, str]
"""Place, problem and remedy of what takes several files to see."""

EPISODE_FORMAT = 1
"""Of the episodes' records; raised with every change of code after which an episode may end
otherwise (physics, scene, scripted policies), so that older records are not taken for today's. The
line's records have a number of their own (`twin.evaluation.lines`)."""

LETTERS = ("x", "y")
"""The two policies of an evaluation, in order."""


@dataclass(frozen=True)
class Plan:
    """A checked evaluation.

    Attributes:
        spec: the evaluation file.
        path: where it is.
        line: the line it names.
        station: the physical station behind its environment.
    """

    spec: EvaluationSpec
    path: Path
    line: LineSpec
    station: StationSpec

    def policy(self, letter: str) -> str:
        """Return the name of policy ``x`` or ``y``."""
        return self.spec.policies.x if letter == "x" else self.spec.policies.y

    @property
    def robot(self) -> Cell:
        """The cell whose policies are judged."""
        return Cell(self.spec, self.station)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The campaigns of both policies, in order."""
        return tuple(Trial(letter, self.robot, self.policy(letter)) for letter in LETTERS)

    def slots(self, rack: int) -> tuple[int, ...]:
        """Return the slots that the campaign inserts into on rack visit ``rack``."""
        return self.robot.slots(rack)

    def cell(
        self,
        *,
        cells: int | None = None,
        technicians: int | None = None,
        line: LineSpec | None = None,
    ) -> LineModel:
        """Return the line with the robot cell at the station.

        Args:
            cells: number of cells; by default as the evaluation says.
            technicians: number of roaming technicians; by default as the line says.
            line: another line than the evaluation's (a changed input).
        """
        model = self.robot.attached(LineModel(line or self.line), cells)
        return model if technicians is None else model.with_technicians(technicians)

    def with_racks(self, racks: int) -> Plan:
        """Return the plan with another number of rack visits a policy."""
        campaign = self.spec.campaign.model_copy(update={"racks": racks})
        return replace(self, spec=self.spec.model_copy(update={"campaign": campaign}))

    def resolved(self) -> dict[str, Any]:
        """Return all that the records depend on, as plain data."""
        return {
            "episode_format": EPISODE_FORMAT,
            "evaluation": plain(self.spec),
            "line": plain(self.line),
            "station": plain(self.station),
            "policies": {letter: policy_content(self.policy(letter)) for letter in LETTERS},
        }


def plain(spec: Spec) -> Any:
    """Return a spec as plain data, every default filled in."""
    return json.loads(spec.model_dump_json(by_alias=True))


def load_plan(name_or_path: str | Path) -> Plan:
    """Read an evaluation and all that it names.

    Raises:
        UnknownNameError: no such evaluation.
        ConfigError: something is wrong in it, in the files it names, or between them.
    """
    spec, path = load_evaluation(name_or_path)
    line = named(path, ("line",), lambda: load_line(spec.line))
    station = cell_station(path, (), spec, line)
    for letter in LETTERS:
        name = getattr(spec.policies, letter)
        named(path, ("policies", letter), functools.partial(load_policy, name, station))
    for loc, problem, remedy in _contradictions(spec, line, station):
        raise error_at(path, loc, problem, remedy)
    plan = Plan(spec, path, line, station)
    try:
        plan.cell()
    except ConfigError as error:
        raise error_at(path, ("attach",), f"leaves open: {error}", error.remedy) from None
    return plan


def cell_station(
    path: Path, loc: tuple[str | int, ...], spec: CellSpec, line: LineSpec
) -> StationSpec:
    """Return the physical station of a cell.

    Args:
        path: the evaluation's file.
        loc: where in it the cell stands.
        spec: the cell.
        line: the line that it is to stand on.

    Raises:
        ConfigError: the line has no such station, nothing such an environment, or the two differ.
    """
    at = (*loc, "station")
    if spec.station not in line.ids:
        raise error_at(path, at, f"is not on line {line.name}", suggest(spec.station, line.ids))
    entry = named(path, (*loc, "env"), lambda: registry.station(spec.env))
    if spec.station != entry.line_station and entry.line_station in line.ids:
        raise error_at(
            path,
            at,
            f"is not where {entry.env_id} works",
            f"write {entry.line_station}, or name the environment of {spec.station}",
        )
    return entry.spec


def named(path: Path, loc: tuple[str | int, ...], load: Callable[[], Named]) -> Named:
    """Return what a name stands for; what is wrong with it becomes an error at its line."""
    try:
        return load()
    except ConfigError:
        raise  # inside the file that was found: it names its own line
    except UnknownNameError as error:
        problem, _, remedy = str(error).partition("; ")
        raise error_at(path, loc, f"names an {problem}", remedy) from None
    except RacklineError as error:
        raise error_at(path, loc, f"cannot be used ({error})", "mend or replace it") from None


def _contradictions(
    spec: EvaluationSpec, line: LineSpec, station: StationSpec
) -> Iterator[Contradiction]:
    if identity(spec.policies.x) == identity(spec.policies.y):
        yield ("policies", "y"), "is policy x again", "name another policy, or another version"
    yield from cell_contradictions(spec, station)
    yield from gate_contradictions(spec.gates)
    yield from _tornado_contradictions(spec, line, spec.effects)


def cell_contradictions(spec: CellSpec, station: StationSpec) -> Iterator[Contradiction]:
    """Yield what contradicts between a cell and its physical station, places within the cell."""
    if spec.setting not in station.settings:
        yield (
            ("setting",),
            f"is not a setting of {spec.env}",
            suggest(spec.setting, station.settings),
        )
    for seeds, use in ((TRAINING, "trained"), (SELECTION, "tuned and chosen")):
        if spec.campaign.seed in seeds:
            yield (
                ("campaign", "seed"),
                f"is a seed that policies are {use} on",
                f"use a held-out one, {HELD_OUT.start} to {HELD_OUT.stop - 1}",
            )
    held = dict(Counter(station.slots))
    if dict(spec.operations.composition) != held:
        shown = ", ".join(f"{part}: {count}" for part, count in held.items())
        yield ("operations", "composition"), "is not what the station holds", f"write {{{shown}}}"


def gate_contradictions(gates: tuple[GateSpec, ...]) -> Iterator[Contradiction]:
    """Yield what contradicts between gates and the KPIs that there are."""
    for index, gate in enumerate(gates):
        if gate.kpi not in LINE_KPIS:
            yield ("gates", index, "kpi"), "is not a known KPI", suggest(gate.kpi, LINE_KPIS)
        elif gate.paired and gate.kpi in OF_CELLS_ALONE:
            yield (
                ("gates", index, "against"),
                f"compares with a staffed line, which has no {gate.kpi}",
                "write against: value, or name another KPI",
            )


def _tornado_contradictions(
    spec: EvaluationSpec, line: LineSpec, effects: Effects
) -> Iterator[Contradiction]:
    named: set[str] = set()
    for index, item in enumerate(spec.tornado):
        if item.input in named:  # its bars would be told apart by nothing
            yield ("tornado", index, "input"), "is named twice", "leave one of the two out"
        named.add(item.input)
        for end in ("low", "high"):
            try:
                with_input(line, effects, item.input, getattr(item, end))
            except OverrideError as error:
                field = "input" if error.part == "input" else end
                yield ("tornado", index, field), error.problem, error.remedy


def identity(name: str) -> Any:
    """Return what two names of one policy share: `a` and `a@1`, or two paths of one bundle."""
    content = policy_content(name)
    return content.get("sha256", content)
