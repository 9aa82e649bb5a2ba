"""How an inserted part is judged: forces on the slot, where it lies, levers, the cell's sensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.specs.insertion import InsertionSetting, Levers, Sensors
from configs.specs.station import Part
from envs.outcome import TrueState, said_by_sensor
from envs.physics.pose import Pose

SOFT_M = 5e-4
"""What a front may stand beside the slot's section and be in it: contact is soft (assumed)."""
PAST_M = 0.01
"""Depth from which on a front beside the slot is in no slot at all (assumed)."""


def side_force_n(f: Sequence[float], weight_n: float) -> float:
    """Return the judged lateral force (N) of windowed contact forces on the fixture.

    The largest sideways force on any one of guides, shelf and top (a wedged part pushes two of
    them apart with no net force), joined with the largest vertical one; on the shelf only what
    exceeds the part's own weight counts, since a part lying as designed damages nothing.

    Args:
        f: force on left guide, right guide, shelf and top, (x, y, z) each. # (12,)
        weight_n: true weight of the part.
    """
    sideways = max(abs(f[1]), abs(f[4]), abs(f[7]), abs(f[10]))
    vertical = max(abs(f[2]), abs(f[5]), abs(f[11]), f[8], -f[8] - weight_n)
    return math.hypot(sideways, vertical)


@dataclass(frozen=True)
class Seat:
    """Where the part truly is, at its front edge in the slot frame.

    Attributes:
        depth_m: front edge behind the mouth plane.
        lateral_m: front edge sideways of the slot axis.
        height_m: front edge above where it lies on the shelf.
        yaw_rad: heading against the slot axis.
        rear_lateral_m: rear edge sideways of the slot axis.
    """

    depth_m: float
    lateral_m: float
    height_m: float
    yaw_rad: float
    rear_lateral_m: float


def seat_of(slot: Pose, part_centre: Pose, length_m: float) -> Seat:
    """Return the true seat from the world poses of slot frame and part centre."""
    relative = slot.inverse() @ part_centre
    front = relative.apply((length_m / 2, 0.0, 0.0))
    rear = relative.apply((-length_m / 2, 0.0, 0.0))
    return Seat(front[0], front[1], front[2], relative.yaw_rad, rear[1])


def in_mouth(seat: Seat, setting: InsertionSetting, margin_m: float = SOFT_M) -> bool:
    """Tell whether the front edge is within the slot's section; only there does depth count."""
    across = setting.clearance_m + margin_m
    return abs(seat.lateral_m) <= across and -margin_m <= seat.height_m <= 2 * across


def close_levers(seat: Seat, part: Part, setting: InsertionSetting, levers: Levers) -> float:
    """Return how far short of full mate the levers leave the part (m).

    Within the capture zone (lateral and yaw tolerance, last `travel_m` of depth) it is drawn
    home: 0. Beyond, it stops short by `short_per_error_m` per unit of error beyond the zone,
    at most where it is or where open levers hold it; a part outside the slot's section, or out
    of the levers' reach, stays there, and so does one behind the end stop, where only broken
    physics can have put it. The mating force acts at the handle and is no contact.
    """
    missing = part.length_m - seat.depth_m
    unmoved = max(missing, levers.travel_m)
    if not in_mouth(seat, setting) or abs(missing) > 2 * levers.travel_m:
        return unmoved
    error = max(
        abs(seat.lateral_m) / levers.lateral_tolerance_m,
        abs(seat.rear_lateral_m) / levers.lateral_tolerance_m,
        abs(seat.yaw_rad) / levers.yaw_tolerance_rad,
        abs(missing) / levers.travel_m,
    )
    return min(unmoved, max(0.0, error - 1.0) * levers.short_per_error_m)


def true_state(
    seat: Seat, setting: InsertionSetting, short_m: float, tolerance_m: float
) -> TrueState:
    """Return where the part truly ended, damage aside."""
    if seat.depth_m > PAST_M and not in_mouth(seat, setting):
        return TrueState.WRONG
    return TrueState.SEATED if short_m <= tolerance_m else TrueState.SHORT


def cell_sensors(
    short_m: float, sensors: Sensors, levers: Levers, rng: np.random.Generator
) -> bool:
    """Return whether lever switch and presence switch both say "in".

    The lever switch closes within the levers' travel. The presence switch has a threshold drawn
    per part; it misses a short part, and alarms on a seated one, at the stated rates.
    """
    threshold = rng.normal(sensors.presence_threshold_m, sensors.presence_threshold_sd_m)
    home = short_m < threshold
    present = said_by_sensor(home, sensors.miss_rate, sensors.false_alarm_rate, rng)
    return present and short_m < levers.travel_m
