"""The typed form of the factory question: robot cells at several stations of a line at once.

`load_factory` reads a file and names file:line in every error that the file alone can show; what
takes other files to see is checked by `twin.factory.plan`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.specs.base import Spec, error_below, load_spec, refuse_key, resolve_path
from configs.specs.evaluation import (
    MOST_TORNADO_INPUTS,
    AtLeastOne,
    CellSpec,
    LineStudy,
    TornadoInput,
)
from configs.specs.line import Count, Probability


class StationPolicies(Spec):
    """The policies of one station, by name (``scripted/plug-search@1``) or bundle path.

    Attributes:
        scripted: the script.
        trained: the trained policy. ``zoo/<name>`` may not be there yet, and without a name there
            is none: the station then counts with its script wherever all are trained.
    """

    scripted: Annotated[str, Field(min_length=1)]
    trained: Annotated[str, Field(min_length=1)] | None = None


class FactoryCell(CellSpec):
    """One station's robot cells.

    Attributes:
        policies: scripted and trained.
        most_cells: cells tried, from 1.
        episodes_needed: with fewer episodes a policy, the rolled throughput yield of a line with
            it is reported as a lower bound.
        rests_on: what its cells take for granted that the people do today, in words, for the first
            screen of the report.
        yield_sources: by later station, the assumed share of its yield loss that is due to the
            people whom the cells replace; the cells' own escapes take its place.
    """

    policies: StationPolicies
    most_cells: AtLeastOne = 2
    episodes_needed: Count = 0
    rests_on: str = ""
    yield_sources: dict[str, Probability] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _may_have_its_cells(self) -> Self:
        if self.attach.servers > self.most_cells:
            raise error_below(
                ["most_cells"],
                "is fewer than the {cells} of attach.servers; raise it",
                cells=str(self.attach.servers),
            )
        return self


class FactoryInput(TornadoInput):
    """An assumed input: ``line.…``, or ``stations.S70.effects.…`` of this file."""

    input: Annotated[
        str,
        Field(pattern=r"^(line(\.\w+)+|stations\.\w+\.(effects|yield_sources)(\.\w+)+)$"),
    ]


class FactorySpec(LineStudy):
    """One factory question: how many cells and people hold takt, and which policy buys most?

    Attributes:
        stations: the stations with robot cells.
        most_technicians: technicians tried, from 1.
        buys: the KPI by which the stations' policies are ranked.
        tornado: assumed inputs to vary, at most 8.
    """

    stations: Annotated[tuple[FactoryCell, ...], Field(min_length=1)]
    most_technicians: AtLeastOne = 4
    buys: str = "lead_time_mean_h"
    tornado: Annotated[tuple[FactoryInput, ...], Field(max_length=MOST_TORNADO_INPUTS)] = ()

    @model_validator(mode="after")
    def _names_each_station_once(self) -> Self:
        earlier: set[str] = set()
        for index, cell in enumerate(self.stations):
            if cell.station in earlier:
                raise error_below(
                    ["stations", index, "station"], "is named twice; write each station once"
                )
            earlier.add(cell.station)
        return self


def load_factory(name_or_path: str | Path) -> tuple[FactorySpec, Path]:
    """Return the factory question of a shipped name (``factory``) or a file, and the file's path.

    Raises:
        UnknownNameError: no such file or shipped evaluation.
        ConfigError: naming file:line, field, value and remedy.
    """
    path = resolve_path("evaluations", name_or_path)
    remedy = f"run: rackline evaluate {name_or_path}"
    refuse_key(path, "station", "asks of one station", remedy)
    return load_spec(FactorySpec, path), path
