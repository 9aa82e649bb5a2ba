"""The registry of scripts: name, version, parameters, and how to build one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import RacklineError
from configs.specs.base import Spec, load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.plug import PlugSpec
from configs.specs.station import StationSpec
from envs.own_modules import import_own
from policies.policy import Policy
from policies.scripted.admittance import AdmittanceParameters, LateralAdmittance
from policies.scripted.plug import (
    PlugAdmittance,
    PlugAdmittanceParameters,
    PlugSearch,
    PlugSearchParameters,
    PlugStraight,
    PlugStraightParameters,
)
from policies.scripted.spiral import SpiralParameters, SpiralSearch
from policies.scripted.straight import StraightParameters, StraightPush

_NAME = re.compile(r"(?:[\w.]+:)?scripted/[\w-]+")


@dataclass(frozen=True)
class ScriptEntry:
    """A registered script.

    Attributes:
        name: ``scripted/<id>``; ``"module:scripted/<id>"`` for a script that another module
            registers, which other processes then import.
        version: raised when behaviour or parameters change.
        title: one line for `rackline policies`.
        parameters: type of its parameters, which are stored as YAML.
        station: type of the stations that it can work.
        make: builds the script from parameters and station.
        search: low and high of each parameter in the tuning search, in SI units.
        config: path of that YAML; None for the shipped one, `configs/policies/<id>.yaml`.
    """

    name: str
    version: int
    title: str
    parameters: type[Spec]
    station: type[StationSpec]
    make: Callable[[Any, Any], Policy]
    search: dict[str, tuple[float, float]]
    config: Path | None = None

    @property
    def file(self) -> Path:
        """The YAML with the tuned parameters."""
        stem = self.name.rpartition("/")[2].replace("-", "_")
        return self.config or resolve_path("policies", stem)

    @property
    def tuned(self) -> Spec:
        """The tuned parameters, read from their YAML."""
        return load_spec(self.parameters, self.file)

    def build(self, station: StationSpec) -> Policy:
        """Return the script with its tuned parameters."""
        return self.make_with(self.tuned, station)

    def make_with(self, parameters: Spec, station: StationSpec) -> Policy:
        """Return the script with the parameters given.

        Raises:
            RacklineError: the script cannot work such a station.
        """
        if not isinstance(station, self.station):
            able = ", ".join(entry.name for entry in scripts(station)) or "none"
            raise RacklineError(
                f"{self.name} cannot work {station.id}, which is another kind of work; scripts "
                f"that can: {able}"
            )
        return self.make(parameters, station)


def scripts(station: StationSpec | None = None) -> tuple[ScriptEntry, ...]:
    """Return all registered scripts, or those that can work a station."""
    found = _SCRIPTS.values()
    return tuple(e for e in found if station is None or isinstance(station, e.station))


def script(name: str) -> ScriptEntry | None:
    """Return the script of a name, whatever version it asks for; None where there is none.

    Raises:
        UnknownNameError: the module that it begins with cannot be imported, or registers others.
    """
    bare = name.partition("@")[0]
    if _NAME.fullmatch(bare):
        import_own("script", bare, _SCRIPTS)
    return _SCRIPTS.get(bare)


def register_script(entry: ScriptEntry) -> None:
    """Register a script.

    Raises:
        RacklineError: the name is of no such form, or another script's.
    """
    if not _NAME.fullmatch(entry.name):
        raise RacklineError(
            f"script {entry.name!r}: is no name to register; write 'MODULE:scripted/my-script' in "
            f"a module of one's own, called MODULE"
        )
    if entry.name in _SCRIPTS:
        raise RacklineError(f"{entry.name} is registered twice; give it another name")
    _SCRIPTS[entry.name] = entry


_SCRIPTS: dict[str, ScriptEntry] = {}
for _entry in (
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
        "scripted/plug-admittance",
        1,
        "pushes a connector along the axis of the port, gives way to side force and moments",
        PlugAdmittanceParameters,
        PlugSpec,
        PlugAdmittance,
        PlugAdmittance.SEARCH,
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
):
    register_script(_entry)
