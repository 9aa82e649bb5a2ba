"""A station of one's own: a fan tray, outside of Rackline; docs/stations/adding.md says how."""

from pathlib import Path

from envs.registry import INSERTION, StationEntry, register

register(
    StationEntry(
        "own_station:acme/FanInsert-v0", Path(__file__).with_suffix(".yaml"), "S60",
        "S60: the gantry inserts fan trays", INSERTION,
    )
)  # fmt: skip
