"""What robots that steer a part in six axes have in common: what they hold, how they yield, travel.

Places are those of the part's front as the robot believes it, in the observed frame, whose origin
is the mouth and whose x axis goes in: axial, lateral, height (m), yaw, pitch, roll (rad), with
R = Rz(yaw) Ry(pitch) Rx(roll).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from configs.specs.station import Part
from envs.phases import Leg, Phase
from envs.physics.pose import Pose
from envs.physics.shapes import NO_OFFSET
from envs.robots.steering import Steering
from envs.station import Robot, State


@dataclass(frozen=True)
class Held:
    """A part in a hand, which has it by its rear end.

    Attributes:
        part: what the robot believes to hold.
        mass_kg: what it truly weighs.
        grasp: where its front truly is, in the frame of where it is believed to be.
    """

    part: Part
    mass_kg: float
    grasp: Pose = NO_OFFSET


@dataclass(frozen=True)
class Drive:
    """How a robot yields at the part's front.

    Attributes:
        stiffness: along the axes of the observed frame (N/m), then about them (N·m/rad). # (6,)
        damping_ratio: of every mode.
        period_s: one policy step.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    stiffness: Sequence[float]
    damping_ratio: float
    period_s: float
    gain_factor: float = 1.0
    damping_factor: float = 1.0


class SixAxis(Robot, Protocol):
    """A robot that steers a part in six axes, whatever joints it has."""

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed place of the front (m, rad), and its speed a second, (6,) each."""

    def lead(self, front: Sequence[float]) -> list[float]:
        """Return how far the target leads a front, as shares of the clamps, (6,)."""

    def joints_at(self, place: Sequence[float]) -> tuple[float, ...]:
        """Return joint positions that hold the front there."""

    def phases(self, start: Sequence[float], legs: Sequence[Leg]) -> tuple[Phase, ...]:
        """Return the scripted phases that take the front through ``legs`` from a place."""


MakeRobot = Callable[[Pose, Held, Drive, Steering], SixAxis]
"""Makes a robot before a mouth: where it believes that to be in the cell, part, drive, target."""
