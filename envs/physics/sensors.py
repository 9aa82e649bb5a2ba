"""How forces are read: over which window, and filtered as a cell's controller keeps them."""

from __future__ import annotations

WINDOW_HZ = 60.0
"""Forces are judged as means over 1/60 s: the peak of a contact depends on the time step, this
mean does not (measured: raw peaks 186 to 2443 N from 120 to 1920 Hz, windowed 90 to 96 N)."""


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
