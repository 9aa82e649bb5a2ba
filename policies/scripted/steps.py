"""What scripts make of where they want a target to go: actions, and a search's way round."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def as_action(steps: Sequence[float], sizes: Sequence[float]) -> NDArray[np.float32]:
    """Return the action that moves a target by ``steps``, clipped to what one action can.

    Args:
        steps: of the target, m or rad, (n,).
        sizes: step of an action of 1, m or rad, (n,).
    """
    return np.clip(np.divide(steps, sizes), -1.0, 1.0).astype(np.float32)


class Spiral:
    """An Archimedean spiral, walked piece by piece; behind its end it begins in the middle again.

    Args:
        pitch_m: between one turn and the next.
        radius_m: where it ends.
    """

    def __init__(self, pitch_m: float, radius_m: float) -> None:
        self._pitch_m, self._end_m = pitch_m, radius_m
        self.begin()

    def begin(self) -> None:
        """Stand in the middle."""
        self._turns = 0.0

    @property
    def radius_m(self) -> float:
        """Distance from the middle."""
        return self._turns * self._pitch_m

    def walk(self, turns: float) -> tuple[float, float]:
        """Go on by ``turns`` and return by how much that moves, along two axes (m, m)."""
        before = self.place
        self._turns += turns
        if self.radius_m > self._end_m:
            self.begin()
        after = self.place
        return after[0] - before[0], after[1] - before[1]

    @property
    def place(self) -> tuple[float, float]:
        """Where it is from the middle, along two axes (m, m)."""
        angle = 2.0 * math.pi * self._turns
        return self.radius_m * math.cos(angle), self.radius_m * math.sin(angle)
