"""How actions steer a robot in space: a target about the part's front, which leads it by little."""

from __future__ import annotations

import math
from collections.abc import Sequence

from configs.specs.plug import PlugAction
from envs.robots.held import Ramp, shares_of_leads, within_leads

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
        self._low, self._high = low, high
        self._moves = (scale.axial_m, scale.lateral_m, scale.height_m)
        self._turns = (scale.yaw_rad, scale.pitch_rad, scale.roll_rad)
        self._target: Sequence[float] = STILL
        self._ramp = Ramp(period_s, STILL)

    def put(self, place: Sequence[float]) -> None:
        """Set the target to ``place``, at rest."""
        self._target = tuple(place)
        self._ramp.rest(place)

    def aim(self, action: Sequence[float], front: Sequence[float]) -> None:
        """Pull the target to within its leads of the front, then move it by an action.

        The action is relative to the part as it is believed to point.
        """
        start = within_leads(self._target, front, self.leads)
        wanted = [s * a for s, a in zip(self._moves, action[:3], strict=True)]
        turned = [s * a for s, a in zip(self._turns, action[3:], strict=True)]
        moved = (*_along(front[3], front[4], front[5], wanted), *turned)
        self._target = [
            min(most, max(least, s + m))
            for s, m, least, most in zip(start, moved, self._low, self._high, strict=True)
        ]
        self._ramp.go(start, self._target)

    def at(self, share: float) -> Sequence[float]:
        """Return the target at ``share`` (0 to 1) of the policy step, (6,)."""
        return self._ramp.at(share)

    @property
    def velocity(self) -> Sequence[float]:
        """How fast the target moves in this policy step (m/s, rad/s), (6,)."""
        return self._ramp.velocity

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
