"""Motion profiles of scripted moves: what a move takes under real speed and acceleration limits."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Trapezoid:
    """A rest-to-rest move with bounded speed and acceleration (triangular where it is short).

    Attributes:
        distance: length of the move (m or rad), ≥ 0.
        speed: limit of speed (m/s or rad/s).
        acceleration: limit of acceleration (m/s² or rad/s²), both ways.
    """

    distance: float
    speed: float
    acceleration: float

    @property
    def peak_speed(self) -> float:
        """Speed reached: the limit, or less where the move is too short for it."""
        return min(self.speed, math.sqrt(self.distance * self.acceleration))

    @property
    def duration_s(self) -> float:
        """Time from rest to rest."""
        if self.distance <= 0.0:
            return 0.0
        return self.distance / self.peak_speed + self.peak_speed / self.acceleration

    def position(self, time_s: float) -> float:
        """Return the distance travelled at ``time_s``, clipped to the move."""
        total, peak = self.duration_s, self.peak_speed
        if time_s <= 0.0 or total == 0.0:
            return 0.0
        if time_s >= total:
            return self.distance
        ramp = peak / self.acceleration
        if time_s < ramp:
            return 0.5 * self.acceleration * time_s**2
        if time_s <= total - ramp:
            return peak * (time_s - 0.5 * ramp)
        return self.distance - 0.5 * self.acceleration * (total - time_s) ** 2
