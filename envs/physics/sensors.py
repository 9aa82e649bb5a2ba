"""How forces are read: over which window, and filtered as a cell's controller keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WINDOW_HZ = 60.0
"""Forces are judged as means over 1/60 s: the peak of a contact depends on the time step, this
mean does not (measured: raw peaks 186 to 2443 N from 120 to 1920 Hz, windowed 90 to 96 N)."""


@dataclass(frozen=True)
class ForceWindow:
    """One window of 1/60 s as the judge saw it, for those who record.

    Attributes:
        time_s: time of the contact skill at its end.
        joints: positions (m or rad) of the robot's moving joints then.
        fixture: mean contact force on each sensed piece of the fixture, (x, y, z) each.
        wrist: mean wrench on the part as the wrist measures it, tared. # (6,)
    """

    time_s: float
    joints: tuple[float, ...]
    fixture: tuple[float, ...]
    wrist: tuple[float, ...]


def mean_forces(reads: Sequence[Any]) -> list[float]:
    """Return the mean force (N) of each sensed joint, (x, y, z) each.

    Args:
        reads: what `World.joints` returned for the same sensed joints, tick by tick.
    """
    n = len(reads)
    means: list[float] = []
    for joint in range(len(reads[0])):
        x = y = z = 0.0
        for states in reads:
            force = states[joint][2]
            x += force[0]
            y += force[1]
            z += force[2]
        means += (x / n, y / n, z / n)
    return means


def axial_force_n(forces: Sequence[float]) -> float:
    """Return the net force along the axis (N) on sensed joints.

    Args:
        forces: on each, (x, y, z), x along the axis. # (3 n,)
    """
    return abs(sum(forces[::3]))


def mean_wrench(reads: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean of wrenches (N, N·m), (6,)."""
    n = len(reads)
    return [sum(column) / n for column in zip(*reads, strict=True)]


class WrenchFilter:
    """Raw wrench with a fast and a slow moving average, as a cell's controller keeps them.

    Decay 0.5 and 0.85 a policy step: what learnt best in probes (assumed, not tuned further).
    """

    FAST, SLOW = 0.5, 0.85

    def __init__(self) -> None:
        self.raw = [0.0] * 6
        self.fast = [0.0] * 6
        self.slow = [0.0] * 6

    def update(self, wrench: list[float]) -> None:
        """Take in one wrench: 3 forces (N) and 3 torques (N·m)."""
        self.raw = wrench
        self.fast = _blend(self.FAST, self.fast, wrench)
        self.slow = _blend(self.SLOW, self.slow, wrench)


def _blend(decay: float, old: list[float], new: list[float]) -> list[float]:
    return [decay * a + (1.0 - decay) * b for a, b in zip(old, new, strict=True)]
