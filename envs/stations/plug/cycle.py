"""The scripted way around plugging: from the hanging fixture to the mouth, the tug, and back.

It says where the connector's front goes; what a robot's joints do for it is the robot's matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from configs.specs.plug import PlugMotion, PlugSpec, PullTest
from configs.specs.station import Axis
from envs.phases import Leg, Phase, origin_of
from envs.robots.six_axis import Held, MakeRobot
from envs.stations.plug.port import MOUTH
from envs.stations.plug.robot import approach_of, drive, steering

QUARTER_TURN_RAD = math.pi / 2
"""Connectors hang at a right angle to the ports (assumed layout)."""


class Cycle:
    """The scripted phases around plugging, by class of connector.

    No draw changes them; they are kept, as an arm takes tens of milliseconds to plan its way.

    Args:
        spec: the station.
        make: makes the robot.
    """

    def __init__(self, spec: PlugSpec, make: MakeRobot) -> None:
        self._spec, self._make = spec, make
        self._known: dict[tuple[str, tuple[Leg, ...]], tuple[Phase, ...]] = {}

    def before(self, name: str) -> tuple[Phase, ...]:
        """Return pick, transit and the approach to the mouth."""
        legs = legs_before(self._spec.motion)
        return self._phases(name, origin_of(approach_of(self._spec), legs), legs)

    def after(self, name: str, handed_over: bool) -> tuple[Phase, ...]:
        """Return the tug (only where the cell took over), release and the way back."""
        spec, depth = self._spec, self._spec.parts[name].depth_m
        legs = legs_after(spec.motion, spec.pull_test, depth, handed_over)
        return self._phases(name, (depth, 0.0, 0.0, 0.0, 0.0, 0.0), legs)

    def _phases(
        self, name: str, start: Sequence[float], legs: tuple[Leg, ...]
    ) -> tuple[Phase, ...]:
        if (name, legs) not in self._known:
            spec, part = self._spec, self._spec.parts[name]
            target = steering(spec, part, (0.0, 0.0))
            robot = self._make(MOUTH, Held(part, part.mass_kg), drive(spec), target)
            self._known[name, legs] = robot.phases(start, legs)
        return self._known[name, legs]


def legs_before(motion: PlugMotion) -> tuple[Leg, ...]:
    """Return pick, transit and the approach to the mouth."""
    free, held = motion.linear, motion.loaded_linear
    turn, lift = _turn(motion), motion.lift_m
    return (
        Leg("pick", free, turn, (0.0, 0.0, -lift, 0.0, 0.0, 0.0), motion.grip_s, loaded=False),
        Leg("pick", held, turn, (0.0, 0.0, lift, 0.0, 0.0, 0.0)),
        _way("transit", motion, held, 1.0),
        Leg("align", held, turn, dwell_s=motion.localise_s),
    )


def legs_after(
    motion: PlugMotion, test: PullTest, depth_m: float, handed_over: bool
) -> tuple[Leg, ...]:
    """Return the tug (only where the cell took over), release and the way back to the fixture.

    Args:
        motion: limits and dwells.
        test: the tug.
        depth_m: depth of a connector that is home, where the hand lets go of it.
        handed_over: the cell took over.
    """
    free, turn, out = motion.linear, _turn(motion), -(depth_m + motion.approach_m)
    return (
        Leg("close", free, turn, dwell_s=test.tug_s if handed_over else 0.0),
        Leg("release", free, turn, dwell_s=motion.release_s),
        Leg("retract", free, turn, (out, 0.0, 0.0, 0.0, 0.0, 0.0), loaded=False),
        _way("retract", motion, free, -1.0, loaded=False),
    )


def _way(name: str, motion: PlugMotion, axis: Axis, sign: float, loaded: bool = True) -> Leg:
    """Return the move from above the fixture to the approach, or back (``sign`` -1)."""
    back, aside = sign * motion.fixture_back_m, sign * motion.fixture_aside_m
    by = (back, aside, 0.0, sign * QUARTER_TURN_RAD, 0.0, 0.0)
    return Leg(name, axis, _turn(motion), by, loaded=loaded)


def _turn(motion: PlugMotion) -> tuple[float, float]:
    return motion.yaw.speed_rad_per_s, motion.yaw.acceleration_rad_per_s2
