"""How a script reads an observation: named quantities in SI units, from the station's table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.specs.station import StationSpec
from envs.registry import station_of


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
