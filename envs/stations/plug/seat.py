"""How a plugged connector is judged: forces on the port, where it is, the latch, the pull test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.specs.plug import Connector, Latch, PullTest
from envs.outcome import TrueState, said_by_sensor
from envs.physics.pose import Pose

PAST_M = 0.002
"""Depth from which on a front beside the port is in another one (assumed)."""


def side_force_n(f: Sequence[float]) -> float:
    """Return the judged lateral force (N) of windowed contact forces on the port.

    The largest sideways force on any one of walls, panel and contacts joined with the largest
    vertical one: a wedged connector pushes two walls apart with no net force.

    Args:
        f: force on left, right, bottom, top, panel and contacts, (x, y, z) each. # (18,)
    """
    return math.hypot(max(map(abs, f[1::3])), max(map(abs, f[2::3])))


@dataclass(frozen=True)
class Seat:
    """Where the connector truly is, by the middle of its front, in the frame of the right port.

    Attributes:
        depth_m: behind the mouth plane.
        lateral_m: off the port's axis, in any direction.
        yaw_rad: turned against the port, about any axis.
        aside_m: sideways of the axis.
        height_m: above the axis.
    """

    depth_m: float
    lateral_m: float
    yaw_rad: float
    aside_m: float
    height_m: float


def seat_of(port: Pose, centre: Pose, length_m: float) -> Seat:
    """Return the true seat from the world poses of port frame and connector's centre."""
    relative = port.inverse() @ centre
    depth, aside, height = relative.apply((length_m / 2, 0.0, 0.0))
    x, y, z, w = relative.orientation
    turn = 2.0 * math.atan2(math.sqrt(x * x + y * y + z * z), abs(w))
    return Seat(depth, math.hypot(aside, height), turn, aside, height)


def in_port(seat: Seat, clearance_m: float, centre_m: float = 0.0) -> bool:
    """Tell whether the front is within the section of the port at ``centre_m``."""
    across = 2.0 * clearance_m  # assumed: the clearance, and as much for what is soft
    return abs(seat.aside_m - centre_m) <= across and abs(seat.height_m) <= across


def true_state(seat: Seat, part: Connector, clearance_m: float, latch: Latch) -> TrueState:
    """Return where the connector truly ended, damage aside."""
    if not in_port(seat, clearance_m):
        return TrueState.WRONG if seat.depth_m > PAST_M else TrueState.SHORT
    home = part.depth_m - seat.depth_m <= latch.overtravel_m
    return TrueState.SEATED if home else TrueState.SHORT


def pull_test(latched: bool, test: PullTest, rng: np.random.Generator) -> bool:
    """Return whether the cell's tug says that the connector holds, with the errors of its own."""
    return said_by_sensor(latched, test.miss_rate, test.false_alarm_rate, rng)
