"""The scripted phases around plugging: from the hanging fixture to the mouth, the tug, and back."""

from __future__ import annotations

from configs.specs.plug import PlugMotion, PullTest
from configs.specs.station import Axis
from envs.phases import Phase, move
from envs.physics.motion import Trapezoid

QUARTER_TURN_RAD = 1.5707963267948966
"""Connectors hang at a right angle to the ports (assumed layout)."""
YAW_ACCELERATION_RAD_PER_S2 = 4.0  # assumed


def phases_before(motion: PlugMotion) -> tuple[Phase, ...]:
    """Return pick, transit and the approach to the mouth."""
    free, held = motion.linear, motion.loaded_linear
    return (
        Phase("pick", {"z": move(-motion.lift_m, free)}, motion.grip_s, loaded=False),
        Phase("pick", {"z": move(motion.lift_m, held)}),
        Phase("transit", _way(motion, held, 1.0)),
        Phase("align", {}, motion.localise_s),
    )


def phases_after(
    motion: PlugMotion, test: PullTest, depth_m: float, handed_over: bool
) -> tuple[Phase, ...]:
    """Return the tug (only where the cell took over), release and the way back to the fixture.

    Args:
        motion: limits and dwells.
        test: the tug.
        depth_m: depth of a connector that is home, where the hand lets go of it.
        handed_over: the cell took over.
    """
    out = -(depth_m + motion.approach_m)
    return (
        Phase("close", {}, test.tug_s if handed_over else 0.0),
        Phase("release", {}, motion.release_s),
        Phase("retract", {"x": move(out, motion.linear)}, loaded=False),
        Phase("retract", _way(motion, motion.linear, -1.0), loaded=False),
    )


def _way(motion: PlugMotion, axis: Axis, sign: float) -> dict[str, Trapezoid]:
    """Return the moves from above the fixture to the approach, or back (``sign`` -1)."""
    return {
        "x": move(sign * motion.fixture_back_m, axis),
        "y": move(sign * motion.fixture_aside_m, axis),
        "yaw": Trapezoid(
            sign * QUARTER_TURN_RAD, motion.yaw_rad_per_s, YAW_ACCELERATION_RAD_PER_S2
        ),
    }
