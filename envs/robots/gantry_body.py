"""A 4-axis Cartesian gantry (x, y, z, yaw) with a compliant wrist and a force/torque link, as data.

Generated from parameters; all masses are assumed (a light servo gantry for 30 kg payloads).
Joint positions are the gripper's position and heading in the cell's frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.held import part_link

X_MASS_KG, Y_MASS_KG, Z_MASS_KG = 20.0, 8.0, 6.0  # assumed: bridge, trolley, column
YAW_MASS_KG, WRIST_MASS_KG, FT_MASS_KG = 2.0, 1.5, 1.5  # assumed: rotary unit, wrist, sensor + hand

AXES = ("x", "y", "z", "yaw")
"""Joints that are driven; the wrist's pitch is a spring."""
PITCH, FT = 4, 5
MOVING = (0, 1, 2, 3, 4)
"""Joints whose positions and velocities are the whole state of the robot."""


@dataclass(frozen=True)
class Grasp:
    """How the part truly sits in the hand, at its front edge: axial, lateral (m) and yaw (rad)."""

    axial_m: float = 0.0
    lateral_m: float = 0.0
    yaw_rad: float = 0.0


def gantry_body(part: Part, mass_kg: float, grasp: Grasp) -> Body:
    """Return the gantry holding ``part`` at its rear.

    Args:
        part: nominal geometry.
        mass_kg: true mass of the part.
        grasp: true offset of the part's front edge from where the robot believes it.
    """
    front = Pose.planar(part.length_m + grasp.axial_m, grasp.lateral_m, 0.0, grasp.yaw_rad)
    held = part_link(part, mass_kg, "ft", front)
    return Body(Pose(), (*empty_gantry_body().links, held))


def empty_gantry_body() -> Body:
    """Return the gantry with nothing in its hand."""
    unit = (0.1, 0.1, 0.1)

    def link(
        name: str,
        parent: str,
        joint: Joint,
        mass: float,
        axis: tuple[float, float, float],
        visuals: tuple[Box, ...] = (),
    ) -> Link:
        inertia = cuboid_inertia(mass, unit)
        return Link(name, parent, joint, mass, axis, inertia, visuals=visuals)

    hand = Box((0.03, 0.18, 0.03), Pose((-0.03, 0.0, 0.0)))
    column = Box((0.04, 0.04, 0.9), Pose((-0.12, 0.0, 0.95)))
    trolley = Box((0.09, 0.09, 0.06), Pose((-0.12, 0.0, 1.75)))
    bridge = Box((0.05, 0.9, 0.05), Pose((-0.24, 0.0, 1.75)))
    return Body(
        Pose(),
        (
            link("x", "", Joint.PRISMATIC, X_MASS_KG, (1.0, 0.0, 0.0), (bridge,)),
            link("y", "x", Joint.PRISMATIC, Y_MASS_KG, (0.0, 1.0, 0.0), (trolley,)),
            link("z", "y", Joint.PRISMATIC, Z_MASS_KG, (0.0, 0.0, 1.0), (column,)),
            link("yaw", "z", Joint.REVOLUTE, YAW_MASS_KG, (0.0, 0.0, 1.0)),
            link("wrist", "yaw", Joint.REVOLUTE, WRIST_MASS_KG, (0.0, 1.0, 0.0)),
            link("ft", "wrist", Joint.FIXED, FT_MASS_KG, (1.0, 0.0, 0.0), (hand,)),
        ),
    )


@dataclass(frozen=True)
class GantryModel:
    """What controllers believe of the gantry and what it holds: nominal, never the truth.

    Attributes:
        mass: joint-space mass matrix of (x, y, z, yaw) at heading 0. # (4, 4)
        weight_n: weight carried by the z axis.
        pitch_moment_nm: moment of the part about the wrist, which a preload balances.
    """

    mass: NDArray[np.float64]
    weight_n: float
    pitch_moment_nm: float

    def mass_matrix(self, joints: Sequence[float]) -> NDArray[np.float64]:
        """Return the mass matrix of (x, y, z, yaw) at joint positions (m, m, m, rad). # (4, 4)."""
        found, offset, yaw = self.mass.copy(), float(self.mass[1, 3]), joints[3]
        found[0, 3] = found[3, 0] = -offset * math.sin(yaw)
        found[1, 3] = found[3, 1] = offset * math.cos(yaw)
        return found

    def bias(self, joints: Sequence[float], rates: Sequence[float]) -> NDArray[np.float64]:
        """Return what holds the weight, and the held mass on its circle (N, N, N, N·m). # (4,)."""
        pull, yaw = float(self.mass[1, 3]) * rates[3] * rates[3], joints[3]
        return np.array([-pull * math.cos(yaw), -pull * math.sin(yaw), self.weight_n, 0.0])


def gantry_model(part: Part | None) -> GantryModel:
    """Return the nominal model of the gantry holding ``part``, or nothing."""
    hand = YAW_MASS_KG + WRIST_MASS_KG + FT_MASS_KG
    held, length, width = (part.mass_kg, part.length_m, part.width_m) if part else (0.0, 0.0, 0.0)
    z_mass = Z_MASS_KG + hand + held
    y_mass, x_mass = z_mass + Y_MASS_KG, z_mass + Y_MASS_KG + X_MASS_KG
    reach = length / 2
    plate = held * (length**2 + width**2) / 12
    yaw_inertia = plate + held * reach**2 + cuboid_inertia(hand, (0.1, 0.1, 0.1))[2]
    mass = np.diag([x_mass, y_mass, z_mass, yaw_inertia])
    mass[1, 3] = mass[3, 1] = held * reach
    weight = GRAVITY_M_PER_S2 * z_mass
    return GantryModel(mass, weight, held * GRAVITY_M_PER_S2 * reach)
