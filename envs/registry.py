"""The one registry of stations: versioned Gymnasium ids, duplicates refused."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

from configs.errors import UnknownNameError
from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.plug import ArmPlugSpec, PlugSpec
from configs.specs.station import StationSpec
from envs.station import Station
from envs.stations.insertion.station import Insertion
from envs.stations.plug.station import by_arm, by_wrist


@dataclass(frozen=True)
class StationEntry:
    """A registered station.

    Attributes:
        env_id: versioned Gymnasium id; ``"module:id"`` for a station that another module
            registers, which other processes then import.
        config: name of the shipped YAML under configs/stations, or path of one's own.
        line_station: id of the station on the reference line.
        title: one line for `rackline stations`.
        spec_type: what its YAML is read into. All stations of one spec type observe and act alike.
        factory: makes the station of a spec and one of its settings.
    """

    env_id: str
    config: str | Path
    line_station: str
    title: str
    spec_type: type[StationSpec]
    factory: Callable[[Any, Any], Station]

    @property
    def stem(self) -> str:
        """Name of the files that speak of it: `CablePlugLight-v0` has `cable_plug_light`.

        Two stations may share a YAML, and differ in the robot.
        """
        name = self.env_id.rpartition("/")[2].rpartition("-v")[0]
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

    @property
    def spec(self) -> StationSpec:
        """The station's data, read from its YAML."""
        return load_spec(self.spec_type, resolve_path("stations", self.config))


_STATIONS: dict[str, StationEntry] = {}


def register(entry: StationEntry) -> None:
    """Register a station with Gymnasium; raise `ValueError` on a duplicate id."""
    if entry.env_id in _STATIONS:
        raise ValueError(f"{entry.env_id} is registered twice; raise its version")
    _STATIONS[entry.env_id] = entry
    gym.register(
        entry.env_id.rpartition(":")[2],
        entry_point="envs.station_env:StationEnv",
        kwargs={"station": entry.env_id},
        order_enforce=False,  # the env says itself what to do; a wrapper less in the hot path
        disable_env_checker=True,  # checks.py and the suite run it; not every training start
    )


def stations() -> tuple[StationEntry, ...]:
    """Return all registered stations."""
    return tuple(_STATIONS.values())


def station(env_id: str) -> StationEntry:
    """Return the station registered as ``env_id``; the prefix ``envs:`` is accepted.

    Raises:
        UnknownNameError: nothing is registered under that id.
    """
    name = env_id.removeprefix("envs:")
    module = name.rpartition(":")[0]
    if module and name not in _STATIONS:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
    if name not in _STATIONS:
        raise UnknownNameError("station", env_id, _STATIONS)
    return _STATIONS[name]


def station_of(spec: StationSpec) -> Station:
    """Return the station that a spec describes, at its default setting.

    Raises:
        UnknownNameError: no station of that type of spec is registered.
    """
    for entry in stations():
        if entry.spec_type is type(spec):
            return entry.factory(spec, spec.settings[spec.default_setting])
    known = [entry.spec_type.__name__ for entry in stations()]
    raise UnknownNameError("type of station", type(spec).__name__, known)


register(
    StationEntry(
        "rackline/TrayInsert-v0",
        "tray_insert",
        "S60",
        "S60: gantry takes trays from a cart and inserts them into the slots of a docked rack",
        InsertionSpec,
        Insertion,
    )
)
register(
    StationEntry(
        "rackline/ShelfInsert-v0",
        "shelf_insert",
        "S20",
        "S20: the same gantry puts power shelves onto the busbar clip",
        InsertionSpec,
        Insertion,
    )
)
register(
    StationEntry(
        "rackline/CablePlugLight-v0",
        "cable_plug",
        "S70",
        "S70: a virtual compliant wrist plugs cables into the ports of a panel (light tier)",
        PlugSpec,
        by_wrist,
    )
)
register(
    StationEntry(
        "rackline/CablePlug-v0",
        "cable_plug_arm",
        "S70",
        "S70: a 7-axis arm plugs cables into the ports of a panel",
        ArmPlugSpec,
        by_arm,
    )
)
