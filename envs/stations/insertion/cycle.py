"""The scripted phases around an insertion: from the cart to the mouth, closing, and back."""

from __future__ import annotations

import math

from configs.specs.insertion import Levers, Motion
from configs.specs.station import Part, Setting
from envs.phases import Phase, move
from envs.physics.motion import Trapezoid
from envs.robots.gantry_control import Quad
from envs.stations.insertion.slot import MOUTH

QUARTER_TURN_RAD = math.pi / 2
"""Parts stand on the cart at a right angle to the rack's slots (assumed layout)."""


def phases_before(motion: Motion, slot: int) -> tuple[Phase, ...]:
    """Return pick, transit and the approach to the mouth, for slot ``slot`` (0 = lowest)."""
    return (
        Phase("pick", {"z": move(-motion.lift_m, motion.vertical)}, motion.grip_s, loaded=False),
        Phase("pick", {"z": move(motion.lift_m, motion.vertical)}),
        Phase(
            "transit",
            {
                "x": move(motion.cart_distance_m, motion.loaded_linear),
                "z": move(_climb_m(motion, slot), motion.vertical),
                "yaw": _turn(motion, QUARTER_TURN_RAD),
            },
        ),
        Phase("align", {}, motion.localise_s),
    )


def phases_after(
    motion: Motion, slot: int, part: Part, levers: Levers, closed: bool, home_m: float = 0.0
) -> tuple[Phase, ...]:
    """Return closing (only where the levers are closed), release and the way back to the cart.

    Times are those of a part that is home, which is where the hand lets go of it: the way back
    is longer than the way there by the part's length. To be looked at, closing draws the part,
    and the hand that still holds it, home by ``home_m``.
    """
    back = motion.cart_distance_m + part.length_m
    drawing = {"x": move(home_m, motion.linear)} if closed else {}
    move_s = max((move.duration_s for move in drawing.values()), default=0.0)
    return (
        Phase("close", drawing, max(0.0, levers.closing_s - move_s) if closed else 0.0),
        Phase("release", {}, motion.release_s),
        Phase("retract", {"x": move(-motion.approach_m, motion.linear)}, loaded=False),
        Phase(
            "retract",
            {
                "x": move(-back, motion.linear),
                "z": move(-_climb_m(motion, slot), motion.vertical),
                "yaw": _turn(motion, -QUARTER_TURN_RAD),
            },
            loaded=False,
        ),
    )


def at_mouth(setting: Setting, part: Part, depth_m: float) -> Quad:
    """Return the joint positions that hold a part's front edge ``depth_m`` behind the mouth.

    In the cell's frame the mouth is always in the same place, whatever the slot: the rack's
    height against the gantry's is in the moves.
    """
    x, y, z = MOUTH.position
    return (x + depth_m - part.length_m, y, z + setting.clearance_m, 0.0)


def _climb_m(motion: Motion, slot: int) -> float:
    """Return the height of the slot above the cart."""
    return motion.first_slot_height_m + slot * motion.slot_pitch_m - motion.cart_height_m


def _turn(motion: Motion, angle_rad: float) -> Trapezoid:
    return Trapezoid(angle_rad, motion.yaw.speed_rad_per_s, motion.yaw.acceleration_rad_per_s2)
