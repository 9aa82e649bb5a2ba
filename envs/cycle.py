"""The scripted phases around the contact skill, timed by their motion profiles."""

from __future__ import annotations

from dataclasses import dataclass

from configs.specs.station import Axis, Levers, Motion, Part
from envs.physics.motion import Trapezoid

QUARTER_TURN_RAD = 1.5707963267948966
"""Trays stand on the cart at a right angle to the rack's slots (assumed layout)."""
YAW_ACCELERATION_RAD_PER_S2 = 1.0  # assumed


@dataclass(frozen=True)
class Phase:
    """One scripted phase: axes move together from rest to rest, then a dwell.

    Attributes:
        name: phase of the operation: pick, transit, align, close, release, retract.
        moves: profile of each moving axis, by joint name; the slowest sets the time.
        dwell_s: time at rest behind the move.
        loaded: the part is in the hand.
    """

    name: str
    moves: dict[str, Trapezoid]
    dwell_s: float = 0.0
    loaded: bool = True

    @property
    def move_s(self) -> float:
        """Duration of the slowest move."""
        return max((m.duration_s for m in self.moves.values()), default=0.0)

    @property
    def duration_s(self) -> float:
        """Duration of the slowest move plus the dwell."""
        return self.move_s + self.dwell_s


def phases_before(motion: Motion, slot: int) -> tuple[Phase, ...]:
    """Return pick, transit and the approach to the mouth, for slot ``slot`` (0 = lowest)."""
    return (
        Phase("pick", {"z": _move(-motion.lift_m, motion.vertical)}, motion.grip_s, loaded=False),
        Phase("pick", {"z": _move(motion.lift_m, motion.vertical)}),
        Phase(
            "transit",
            {
                "x": _move(motion.cart_distance_m, motion.loaded_linear),
                "z": _move(_climb_m(motion, slot), motion.vertical),
                "yaw": _turn(motion, QUARTER_TURN_RAD),
            },
        ),
        Phase("align", {}, motion.localise_s),
    )


def phases_after(
    motion: Motion, slot: int, part: Part, levers: Levers, closed: bool
) -> tuple[Phase, ...]:
    """Return closing (only where the levers are closed), release and the way back to the cart.

    Times are those of a part that is home, which is where the hand lets go of it: the way back
    is longer than the way there by the part's length.
    """
    back = motion.cart_distance_m + part.length_m
    return (
        Phase("close", {}, levers.closing_s if closed else 0.0),
        Phase("release", {}, motion.release_s),
        Phase("retract", {"x": _move(-motion.approach_m, motion.linear)}, loaded=False),
        Phase(
            "retract",
            {
                "x": _move(-back, motion.linear),
                "z": _move(-_climb_m(motion, slot), motion.vertical),
                "yaw": _turn(motion, -QUARTER_TURN_RAD),
            },
            loaded=False,
        ),
    )


def _climb_m(motion: Motion, slot: int) -> float:
    """Return the height of the slot above the cart."""
    return motion.first_slot_height_m + slot * motion.slot_pitch_m - motion.cart_height_m


def _move(distance_m: float, axis: Axis) -> Trapezoid:
    return Trapezoid(distance_m, axis.speed_m_per_s, axis.acceleration_m_per_s2)


def _turn(motion: Motion, angle_rad: float) -> Trapezoid:
    return Trapezoid(angle_rad, motion.yaw_rad_per_s, YAW_ACCELERATION_RAD_PER_S2)
