"""The one registry of stations: versioned Gymnasium ids, duplicates refused."""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym

from configs.errors import UnknownNameError
from configs.specs.base import load_spec, resolve_path
from configs.specs.station import StationSpec


@dataclass(frozen=True)
class StationEntry:
    """A registered station.

    Attributes:
        env_id: versioned Gymnasium id.
        config: name of the shipped YAML under configs/stations.
        line_station: id of the station on the reference line.
        title: one line for `rackline stations`.
    """

    env_id: str
    config: str
    line_station: str
    title: str

    @property
    def spec(self) -> StationSpec:
        """The station's data, read from its YAML."""
        return load_spec(StationSpec, resolve_path("stations", self.config))


_STATIONS: dict[str, StationEntry] = {}


def register(entry: StationEntry) -> None:
    """Register a station with Gymnasium; raise `ValueError` on a duplicate id."""
    if entry.env_id in _STATIONS:
        raise ValueError(f"{entry.env_id} is registered twice; raise its version")
    _STATIONS[entry.env_id] = entry
    gym.register(
        entry.env_id,
        entry_point="envs.station_env:StationEnv",
        kwargs={"station": entry.config},
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
    if name not in _STATIONS:
        raise UnknownNameError("station", env_id, _STATIONS)
    return _STATIONS[name]


register(
    StationEntry(
        "rackline/TrayInsert-v0",
        "tray_insert",
        "S60",
        "S60: gantry takes trays from a cart and inserts them into the slots of a docked rack",
    )
)
