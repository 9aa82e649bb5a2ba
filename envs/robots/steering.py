"""How actions steer a robot in space: a target about the part's front, which leads it by little."""

from __future__ import annotations

import math
from collections.abc import Sequence

from configs.specs.plug import PlugAction
from envs.robots.held import shares_of_leads, within_leads

Six = tuple[float, float, float, float, float, float]
"""Axial, lateral, height (m), yaw, pitch, roll (rad): R = Rz(yaw) Ry(pitch) Rx(roll)."""
STILL: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


class Steering:
    """The target of a part's front in the observed frame, as actions move it.

    Args:
        scale: what an action of 1 moves it by.
        leads: how far it may be ahead of the front, (6,).
        low: least of its entries, (6,).
        high: largest of its entries, (6,).
        period_s: of a policy step, over which the target moves.
    """

    def __init__(self, scale: PlugAction, leads: Six, low: Six, high: Six, period_s: float) -> None:
        self.leads = leads
        self._low, self._high, self._period_s = low, high, period_s
        self._moves = (scale.axial_m, scale.lateral_m, scale.height_m)
        self._turns = (scale.yaw_rad, scale.pitch_rad, scale.roll_rad)
        self._target = self._from = self._way = self.velocity = STILL

    def put(self, place: Sequence[float]) -> None:
        """Set the target to ``place``, at rest."""
        x, y, z, yaw, pitch, roll = place
        self._target = self._from = (x, y, z, yaw, pitch, roll)
        self._way = self.velocity = STILL

    def aim(self, action: Sequence[float], front: Sequence[float]) -> None:
        """Pull the target to within its leads of the front, then move it by an action.

        The action is relative to the part as it is believed to point.
        """
        start = within_leads(self._target, front, self.leads)
        wanted = [s * a for s, a in zip(self._moves, action[:3], strict=True)]
        turned = [s * a for s, a in zip(self._turns, action[3:], strict=True)]
        moved = (*_along(front[3], front[4], front[5], wanted), *turned)
        x, y, z, yaw, pitch, roll = (
            min(most, max(least, s + m))
            for s, m, least, most in zip(start, moved, self._low, self._high, strict=True)
        )
        self._target = (x, y, z, yaw, pitch, roll)
        self._from = (start[0], start[1], start[2], start[3], start[4], start[5])
        dx, dy, dz, dw, dp, dr = (b - a for a, b in zip(start, self._target, strict=True))
        self._way, t = (dx, dy, dz, dw, dp, dr), self._period_s
        self.velocity = (dx / t, dy / t, dz / t, dw / t, dp / t, dr / t)

    def at(self, share: float) -> Six:
        """Return the target at ``share`` (0 to 1) of the policy step."""
        (x, y, z, yaw, pitch, roll), (dx, dy, dz, dw, dp, dr) = self._from, self._way
        return (
            x + share * dx, y + share * dy, z + share * dz,
            yaw + share * dw, pitch + share * dp, roll + share * dr,
        )  # fmt: skip

    def lead(self, front: Sequence[float]) -> list[float]:
        """Return how far the target leads a front, as shares of the clamps, (6,)."""
        return shares_of_leads(self._target, front, self.leads)


def _along(yaw: float, pitch: float, roll: float, move: Sequence[float]) -> Sequence[float]:
    """Return a move (m) along the axes of a part in the frame that its angles are in. # (3,)."""
    (cw, sw), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in (yaw, pitch, roll))
    x, y, z = move
    y, z = cr * y - sr * z, sr * y + cr * z
    x, z = cp * x + sp * z, cp * z - sp * x
    return cw * x - sw * y, sw * x + cw * y, z
