"""A factory question with everything it names: loaded, checked against each other, ready to run."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigError, suggest
from configs.specs.base import error_at, first_problem
from configs.specs.effects import Effects
from configs.specs.factory import FactoryCell, FactorySpec, load_factory
from configs.specs.line import LineSpec, load_line, parse_line
from configs.specs.line import StationSpec as LineStation
from configs.specs.station import StationSpec
from policies.catalogue import load_policy, policy_content, zoo
from twin.evaluation.cell import Cell, Trial
from twin.evaluation.overrides import OverrideError, Value, put, shown_value, with_input
from twin.evaluation.plan import (
    EPISODE_FORMAT,
    Contradiction,
    cell_contradictions,
    cell_station,
    gate_contradictions,
    identity,
    named,
    plain,
)
from twin.evaluation.search import helped_by_more
from twin.factory.mixes import Mix, mixes_of
from twin.kpi.definitions import LINE_KPIS, OF_CELLS_ALONE
from twin.line.model import LineModel


@dataclass(frozen=True)
class FactoryPlan:
    """A checked factory question.

    Attributes:
        spec: the file.
        path: where it is.
        table: the line it names, as it is in its own file.
        physical: the physical station behind each cell's environment, by station id.
        asked: the file's rack visits, where other numbers are run: a quick look.
    """

    spec: FactorySpec
    path: Path
    table: LineSpec
    physical: Mapping[str, StationSpec]
    asked: tuple[int, ...] | None = None

    @cached_property
    def line(self) -> LineSpec:
        """The line, with the shares of yield loss that this file says are due to its stations.

        The staffed line does not feel them: a share leaves when cells take a station's place.
        """
        return with_sources(self.table, self.spec.stations)

    @cached_property
    def cells(self) -> Mapping[str, Cell]:
        """The cells by station id, in the order of the file."""
        rows = self.spec.stations
        return {row.station: Cell(row, self.physical[row.station]) for row in rows}

    def cell_spec(self, station: str) -> FactoryCell:
        """Return what the file says of one station."""
        return next(cell for cell in self.spec.stations if cell.station == station)

    @cached_property
    def trained(self) -> tuple[str, ...]:
        """Stations that have a trained policy today."""
        return tuple(c.station for c in self.spec.stations if there(c.policies.trained))

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The campaigns, station by station; those of one station meet the same racks."""
        found = []
        for station, cell in self.cells.items():
            policies = self.cell_spec(station).policies
            found.append(Trial(f"{station}-scripted", cell, policies.scripted))
            if station in self.trained and policies.trained is not None:
                found.append(Trial(f"{station}-trained", cell, policies.trained))
        return tuple(found)

    @property
    def mixes(self) -> tuple[Mix, ...]:
        """The cases, see `twin.factory.mixes`."""
        return mixes_of(tuple(self.cells), self.trained)

    def attached(
        self, cells: Mapping[str, int] | None = None, technicians: int | None = None
    ) -> LineModel:
        """Return the line with robot cells at all stations of this file.

        Args:
            cells: number of cells by station; by default as the file says.
            technicians: number of roaming technicians; by default as the line says.
        """
        model = LineModel(self.line)
        for station, cell in self.cells.items():
            model = cell.attached(model, (cells or {}).get(station))
        return model if technicians is None else model.with_technicians(technicians)

    def with_racks(self, racks: int) -> FactoryPlan:
        """Return the plan with other numbers of rack visits in every campaign: a quick look."""
        cells = tuple(
            cell.model_copy(update={"campaign": cell.campaign.model_copy(update={"racks": racks})})
            for cell in self.spec.stations
        )
        asked = tuple(cell.campaign.racks for cell in self.spec.stations)
        spec = self.spec.model_copy(update={"stations": cells})
        return replace(self, spec=spec, asked=asked)

    def changed(self, path: str, value: Value) -> FactoryPlan:
        """Return the plan with one assumed input changed.

        Raises:
            OverrideError: no such input, or the value is not accepted there.
        """
        root, *steps = path.split(".")
        if root == "line":
            return replace(self, table=with_input(self.table, Effects(), path, value)[0])
        station, *below = steps
        if station not in self.cells:
            raise OverrideError("input", f"has no {station!r} there", suggest(station, self.cells))
        data = plain(self.spec)
        row = next(row for row in data["stations"] if row["station"] == station)
        put(row, below, value)
        try:
            changed = FactorySpec.model_validate_json(json.dumps(data))
            made = replace(self, spec=changed)
            parse_line(plain(made.line))
        except ValidationError as error:
            problem = f"is refused by {path} ({first_problem(error)})"
            raise OverrideError("value", problem, "write another value") from None
        except ConfigError as error:
            problem = f"contradicts the line ({error.problem})"
            raise OverrideError("value", problem, error.remedy) from None
        return made

    def shown(self, path: str) -> Value:
        """Return an input's present value as it would be written in YAML."""
        root, *steps = path.split(".")
        if root == "line":
            return shown_value(self.table, Effects(), path)
        node: Any = plain(self.cell_spec(steps[0]))
        for step in steps[1:]:
            node = node[step]
        value: Value = node
        return value

    def resolved(self) -> dict[str, Any]:
        """Return all that the records depend on, as plain data."""
        return {
            "episode_format": EPISODE_FORMAT,
            "factory": plain(self.spec),
            "line": plain(self.table),
            "stations": {station: plain(spec) for station, spec in self.physical.items()},
            "policies": {trial.key: policy_content(trial.policy) for trial in self.trials},
        }


def there(name: str | None) -> bool:
    """Tell whether a trained policy is there: one of the zoo may be yet to come."""
    return name is not None and not (name.startswith("zoo/") and name not in zoo())


def with_sources(line: LineSpec, cells: tuple[FactoryCell, ...]) -> LineSpec:
    """Return the line with the cells' shares of later stations' yield loss written in."""

    def sourced(row: LineStation) -> LineStation:
        ours = {c.station: c.yield_sources[row.id] for c in cells if row.id in c.yield_sources}
        return row.model_copy(update={"yield_sources": {**row.yield_sources, **ours}})

    rows = tuple(sourced(row) for row in line.stations)
    return line.model_copy(update={"stations": rows})


def load_factory_plan(name_or_path: str | Path) -> FactoryPlan:
    """Read a factory question and all that it names.

    Raises:
        UnknownNameError: no such file.
        ConfigError: something is wrong in it, in the files it names, or between them.
    """
    spec, path = load_factory(name_or_path)
    line = named(path, ("line",), lambda: load_line(spec.line))
    physical = {}
    for index, cell in enumerate(spec.stations):
        at = ("stations", index)
        station = cell_station(path, at, cell, line)
        physical[cell.station] = station
        for kind in ("scripted", "trained"):
            name = getattr(cell.policies, kind)
            if there(name):
                load = functools.partial(load_policy, name, station)
                named(path, (*at, "policies", kind), load)
    plan = FactoryPlan(spec, path, line, physical)
    for loc, problem, remedy in _contradictions(plan):
        raise error_at(path, loc, problem, remedy)
    try:
        parse_line(plain(plan.line))
        plan.attached()
    except ConfigError as error:
        raise error_at(path, ("stations",), f"leaves open: {error}", error.remedy) from None
    for index, item in enumerate(spec.tornado):
        for end in ("low", "high"):
            try:
                plan.changed(item.input, getattr(item, end))
            except OverrideError as error:
                field = "input" if error.part == "input" else end
                raise error_at(
                    path, ("tornado", index, field), error.problem, error.remedy
                ) from None
    return plan


def _contradictions(plan: FactoryPlan) -> Iterator[Contradiction]:
    spec = plan.spec
    for index, cell in enumerate(spec.stations):
        at = ("stations", index)
        names = cell.policies
        if (
            names.trained is not None
            and there(names.trained)
            and identity(names.trained) == identity(names.scripted)
        ):
            yield (
                (*at, "policies", "trained"),
                "is the script again",
                "name a trained policy, or leave it out",
            )
        for loc, problem, remedy in cell_contradictions(cell, plan.physical[cell.station]):
            yield at + loc, problem, remedy
        for later in cell.yield_sources:
            where = (*at, "yield_sources", later)
            if later not in plan.table.ids:
                yield where, f"is not on line {plan.table.name}", suggest(later, plan.table.ids)
            elif plan.table.ids.index(later) <= plan.table.ids.index(cell.station):
                yield where, f"is not behind {cell.station}", "name a later station"
            elif plan.table.station(later).first_pass_yield is None:
                yield where, "has no test in which racks fail", "name a station with one"
            elif cell.station in plan.table.station(later).yield_sources:
                yield where, "is said by the line file already", "leave it out here"
    yield from gate_contradictions(spec.gates)
    for index, gate in enumerate(spec.gates):
        if not helped_by_more(gate):
            yield (
                ("gates", index, "kpi"),
                "may get worse with more cells and people, so that the fewest cannot be searched",
                "leave it out: the fewest people are sought in any case",
            )
    if spec.buys not in LINE_KPIS or spec.buys in OF_CELLS_ALONE:
        known = [key for key in LINE_KPIS if key not in OF_CELLS_ALONE]
        yield ("buys",), "is not a KPI of every line", suggest(spec.buys, known)
    elif LINE_KPIS[spec.buys].higher_is_better is None:
        yield ("buys",), "has no better side", "write lead_time_mean_h"
