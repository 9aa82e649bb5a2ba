"""The registry of scripts: name, version, parameters, and how to build one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from configs.errors import UnknownNameError
from configs.specs.base import Spec, load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.plug import PlugSpec
from configs.specs.station import StationSpec
from policies.policy import Policy
from policies.scripted.admittance import AdmittanceParameters, LateralAdmittance
from policies.scripted.plug import (
    PlugSearch,
    PlugSearchParameters,
    PlugStraight,
    PlugStraightParameters,
)
from policies.scripted.spiral import SpiralParameters, SpiralSearch
from policies.scripted.straight import StraightParameters, StraightPush


@dataclass(frozen=True)
class ScriptEntry:
    """A registered script.

    Attributes:
        name: ``scripted/<id>``.
        version: raised when behaviour or parameters change.
        title: one line for `rackline policies`.
        parameters: typed parameters, stored as YAML under configs/policies.
        station: type of the stations that it can work.
        make: builds the script from parameters and station.
        search: low and high of each parameter in the tuning search, in SI units.
    """

    name: str
    version: int
    title: str
    parameters: type[Spec]
    station: type[StationSpec]
    make: Callable[[Any, Any], Policy]
    search: dict[str, tuple[float, float]]

    @property
    def file_stem(self) -> str:
        """Name of the YAML with the tuned parameters."""
        return self.name.removeprefix("scripted/").replace("-", "_")

    def build(self, station: StationSpec) -> Policy:
        """Return the script with its tuned parameters."""
        return self.make_with(
            load_spec(self.parameters, resolve_path("policies", self.file_stem)), station
        )

    def make_with(self, parameters: Spec, station: StationSpec) -> Policy:
        """Return the script with the parameters given.

        Raises:
            UnknownNameError: the script cannot work such a station.
        """
        if not isinstance(station, self.station):
            able = [entry.name for entry in scripts(station)]
            raise UnknownNameError(f"script for {station.id}", self.name, able)
        return self.make(parameters, station)


def scripts(station: StationSpec | None = None) -> tuple[ScriptEntry, ...]:
    """Return all registered scripts, or those that can work a station."""
    return tuple(e for e in _SCRIPTS if station is None or isinstance(station, e.station))


_SCRIPTS = (
    ScriptEntry(
        "scripted/straight-push",
        1,
        "drives along the observed axis, slower at the mouth and at the end",
        StraightParameters,
        InsertionSpec,
        StraightPush,
        StraightPush.SEARCH,
    ),
    ScriptEntry(
        "scripted/lateral-admittance",
        1,
        "gives way to side force and moment, slows under force, backs off when it jams",
        AdmittanceParameters,
        InsertionSpec,
        LateralAdmittance,
        LateralAdmittance.SEARCH,
    ),
    ScriptEntry(
        "scripted/spiral-search",
        1,
        "stops above a force, presses lightly and circles until it gives way",
        SpiralParameters,
        InsertionSpec,
        SpiralSearch,
        SpiralSearch.SEARCH,
    ),
    ScriptEntry(
        "scripted/plug-straight",
        1,
        "drives a connector along the axis of the port",
        PlugStraightParameters,
        PlugSpec,
        PlugStraight,
        PlugStraight.SEARCH,
    ),
    ScriptEntry(
        "scripted/plug-search",
        1,
        "lays a connector's front on the panel, circles for the port, gives way inside",
        PlugSearchParameters,
        PlugSpec,
        PlugSearch,
        PlugSearch.SEARCH,
    ),
)
