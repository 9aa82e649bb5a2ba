"""Motion profiles of scripted moves: what a move takes under real speed and acceleration limits."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Trapezoid:
    """A rest-to-rest move with bounded speed and acceleration (triangular where it is short).

    Attributes:
        distance: length of the move (m or rad); negative goes backwards.
        speed: limit of speed (m/s or rad/s).
        acceleration: limit of acceleration (m/s² or rad/s²), both ways.
    """

    distance: float
    speed: float
    acceleration: float

    @property
    def peak_speed(self) -> float:
        """Speed reached: the limit, or less where the move is too short for it."""
        return min(self.speed, math.sqrt(abs(self.distance) * self.acceleration))

    @property
    def duration_s(self) -> float:
        """Time from rest to rest."""
        if self.distance == 0.0:
            return 0.0
        return abs(self.distance) / self.peak_speed + self.peak_speed / self.acceleration

    def position(self, time_s: float) -> float:
        """Return the signed distance travelled at ``time_s``, clipped to the move."""
        return self.at(time_s)[0]

    def at(self, time_s: float) -> tuple[float, float, float]:
        """Return signed position, velocity and acceleration at ``time_s``; at rest outside."""
        total, peak, a = self.duration_s, self.peak_speed, self.acceleration
        if time_s <= 0.0 or total == 0.0:
            return 0.0, 0.0, 0.0
        if time_s >= total:
            return self.distance, 0.0, 0.0
        ramp, left = peak / a, total - time_s
        if time_s < ramp:
            state = (0.5 * a * time_s**2, a * time_s, a)
        elif left > ramp:
            state = (peak * (time_s - 0.5 * ramp), peak, 0.0)
        else:
            state = (abs(self.distance) - 0.5 * a * left**2, a * left, -a)
        sign = math.copysign(1.0, self.distance)
        return sign * state[0], sign * state[1], sign * state[2]
