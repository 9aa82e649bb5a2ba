"""How a script reads an observation: named quantities in SI units, from the station's table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.specs.insertion import InsertionSpec
from configs.specs.station import StationSpec
from envs.registry import station_of

INSIDE_M = 0.012
"""Depth behind which both guides hold a tray's front edge, errors included (assumed)."""


class Reading:
    """Unscales an observation and names its entries.

    Args:
        station: the station whose table is read.
    """

    def __init__(self, station: StationSpec) -> None:
        fields = station_of(station).fields
        self._scales = np.array([field.scale for field in fields])
        self._at = {field.name: i for i, field in enumerate(fields)}
        self._parts = list(station.parts.values())
        self._names = list(station.parts)
        self._values = np.zeros(len(fields))

    def take(self, observation: NDArray[np.float32]) -> None:
        """Take in one observation."""
        self._values = observation * self._scales

    def __getitem__(self, name: str) -> float:
        """Return the quantity called ``name`` in SI units."""
        return float(self._values[self._at[name]])

    @property
    def reach_m(self) -> float:
        """Length of the part in hand."""
        flags = [self[f"part {name}"] for name in self._names]
        return self._parts[flags.index(max(flags))].length_m


class InsertionReading(Reading):
    """Reads a station of insertion, whose controller says how far its target leads.

    Args:
        station: the station whose table is read.
    """

    def __init__(self, station: InsertionSpec) -> None:
        super().__init__(station)
        self._lead = station.impedance

    @property
    def target(self) -> tuple[float, float, float]:
        """Where the target stands: lateral, height (m) and yaw (rad) in the observed frame."""
        lead = self._lead
        return (
            self["pose lateral"] + self["lead lateral"] * lead.lateral_lead_m,
            self["pose height"] + self["lead height"] * lead.vertical_lead_m,
            self["pose yaw"] + self["lead yaw"] * lead.yaw_lead_rad,
        )

    def moment_nm(self, fy_n: float, mz_nm: float) -> float:
        """Return the moment about the front edge of a side force and moment at the hand."""
        return mz_nm - self.reach_m * fy_n
