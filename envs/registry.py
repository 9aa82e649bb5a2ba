"""The one registry of stations: versioned Gymnasium ids, duplicates refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

from configs.errors import ConfigError, RacklineError, UnknownNameError
from configs.specs.base import error_at, load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.plug import ArmPlugSpec, PlugSpec
from configs.specs.station import StationSpec
from envs.own_modules import import_own
from envs.station import Station
from envs.stations.insertion.station import Insertion
from envs.stations.plug.station import by_arm, by_wrist

_ID = re.compile(r"(?:[\w.]+:[\w-]+|rackline)/\w+-v\d+")


@dataclass(frozen=True)
class Kind:
    """A kind of work: what belongs together in every row of it.

    Attributes:
        spec_type: what its YAML is read into. All stations of one spec type act alike, and observe
            alike but for what the table takes from the data (insertion: an entry for each part).
        factory: makes the station of a spec and one of its settings.
    """

    spec_type: type[StationSpec]
    factory: Callable[[Any, Any], Station]


INSERTION = Kind(InsertionSpec, Insertion)
PLUGGING = Kind(PlugSpec, by_wrist)
ARM_PLUGGING = Kind(ArmPlugSpec, by_arm)


@dataclass(frozen=True)
class StationEntry:
    """A registered station.

    Attributes:
        env_id: versioned Gymnasium id, `rackline/Name-v0`; ``"module:namespace/Name-v0"`` for a
            station that another module registers, which other processes then import.
        config: name of the shipped YAML under configs/stations, or path of one's own.
        line_station: id of the station on the reference line.
        title: one line for `rackline stations`, that begins with the station of the line.
        kind: kind of work.
    """

    env_id: str
    config: str | Path
    line_station: str
    title: str
    kind: Kind

    @property
    def spec_type(self) -> type[StationSpec]:
        """What its YAML is read into."""
        return self.kind.spec_type

    @property
    def factory(self) -> Callable[[Any, Any], Station]:
        """Makes the station of a spec and one of its settings."""
        return self.kind.factory

    @property
    def stem(self) -> str:
        """Name of the files that speak of it: `CablePlugLight-v0` has `cable_plug_light`.

        Two stations may share a YAML, and differ in the robot.
        """
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _name(self.env_id)).lower()

    @property
    def spec(self) -> StationSpec:
        """The station's data, read from its YAML.

        Its `id`, which bundles know it by, begins the id that it is registered under: two robots
        may share a YAML (`CablePlug` is CablePlugLight's too), two stations may not.

        Raises:
            ConfigError: naming ``file:line``, field, value and remedy.
            RacklineError: there is no such file.
        """
        try:
            path = resolve_path("stations", self.config)
        except UnknownNameError as error:
            raise RacklineError(f"{self.env_id}: the config of its row: {error}") from None
        found, name = load_spec(self.spec_type, path), _name(self.env_id)
        if not name.startswith(found.id):
            wrong = error_at(
                path, ("id",), f"is not that of {self.env_id}", f"write {name}", found.folder
            )
            if wrong.file != str(path):
                raise ConfigError(
                    f"{path}:1", "id", None,
                    f"is missing: the file it extends has '{found.id}', which is not that of "
                    f"{self.env_id}", f"add 'id: {name}'",
                )  # fmt: skip
            raise wrong
        return found


_STATIONS: dict[str, StationEntry] = {}


def register(entry: StationEntry) -> None:
    """Register a station with Gymnasium.

    Raises:
        RacklineError: the id is of no such form, or another station's; the kind is none.
    """
    if not _ID.fullmatch(entry.env_id):
        name = re.sub(r"\W", "", _name(entry.env_id)) or "Name"
        raise RacklineError(
            f"station {entry.env_id!r}: is no id to register; write 'rackline/{name}-v0' in "
            f"Rackline, 'MODULE:acme/{name}-v0' in a module of one's own, called MODULE"
        )
    if not isinstance(entry.kind, Kind):
        raise RacklineError(
            f"{entry.env_id}: kind = {entry.kind!r} is no kind of work; give envs.registry's "
            f"INSERTION, PLUGGING or ARM_PLUGGING, or a Kind of your own"
        )
    if entry.env_id in _STATIONS:
        raise RacklineError(f"{entry.env_id} is registered twice; raise its version")
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
        UnknownNameError: nothing is registered under that id, or not by the module it begins with.
    """
    name = env_id.removeprefix("envs:")
    import_own("station", name, _STATIONS)
    if name not in _STATIONS:
        raise UnknownNameError("station", env_id, _STATIONS)
    return _STATIONS[name]


def _name(env_id: str) -> str:
    """Return what a station is called: `CablePlugLight` of `rackline/CablePlugLight-v0`."""
    return env_id.rpartition("/")[2].partition("-v")[0]


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
        INSERTION,
    )
)
register(
    StationEntry(
        "rackline/ShelfInsert-v0",
        "shelf_insert",
        "S20",
        "S20: the same gantry puts power shelves onto the busbar clip",
        INSERTION,
    )
)
register(
    StationEntry(
        "rackline/CablePlugLight-v0",
        "cable_plug",
        "S70",
        "S70: a virtual compliant wrist plugs cables into the ports of a panel (light tier)",
        PLUGGING,
    )
)
register(
    StationEntry(
        "rackline/CablePlug-v0",
        "cable_plug_arm",
        "S70",
        "S70: a 7-axis arm plugs cables into the ports of a panel",
        ARM_PLUGGING,
    )
)
register(
    StationEntry(
        "rackline/CablePlugOsfp-v0",
        "cable_plug_osfp",
        "S70",
        "S70: the light tier with connectors that no shipped policy was trained on",
        PLUGGING,
    )
)
