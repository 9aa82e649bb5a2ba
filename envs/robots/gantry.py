"""A 4-axis Cartesian gantry (x, y, z, yaw) with a compliant wrist and a force/torque link.

Generated from parameters; all masses are assumed (a light servo gantry for 30 kg payloads).
Joint positions are the gripper's position and heading in the cell's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.specs.station import Impedance, Part
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2

X_MASS_KG, Y_MASS_KG, Z_MASS_KG = 20.0, 8.0, 6.0  # assumed: bridge, trolley, column
YAW_MASS_KG, WRIST_MASS_KG, FT_MASS_KG = 2.0, 1.5, 1.5  # assumed: rotary unit, wrist, sensor + hand

DRIVEN = (0, 1, 2, 3)
PITCH, FT, PART = 4, 5, 6
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
    size = (part.length_m, part.width_m, part.height_m)
    held = Link(
        "part", "ft", Joint.FIXED, mass_kg, inertia_kg_m2=cuboid_inertia(mass_kg, size),
        pose=front @ Pose((-part.length_m / 2, 0.0, 0.0)),
        boxes=(Box((size[0] / 2, size[1] / 2, size[2] / 2)),), colour=(0.25, 0.45, 0.65, 1.0),
    )  # fmt: skip
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


class ImpedanceController:
    """Cartesian impedance of the gantry about the part's front edge, in joint space.

    ``force = clamp(K (target - q) + D target') - D q' + feed-forward``: the driving part is
    clamped at the front edge to stiffness x lead, whatever the policy asks for. Damping is
    modal: every mode of (K, M) has the same damping ratio, which a diagonal choice cannot give
    with the centre of compliance 0.7 m from the axes.

    Args:
        spec: stiffnesses and leads.
        model: nominal dynamics.
        reach_m: distance from the hand to the part's front edge.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    def __init__(
        self,
        spec: Impedance,
        model: GantryModel,
        reach_m: float,
        gain_factor: float = 1.0,
        damping_factor: float = 1.0,
    ) -> None:
        front = np.eye(4)
        front[1, 3] = reach_m
        stiffness = gain_factor * np.diag(
            [spec.axial_n_per_m, spec.lateral_n_per_m, spec.vertical_n_per_m, spec.yaw_nm_per_rad]
        )
        k = front.T @ stiffness @ front
        d = damping_factor * modal_damping(k, model.mass, spec.damping_ratio)
        self._kx, self._ky, self._kz, self._kw = (float(v) for v in np.diag(stiffness))
        self._dx, self._dy, self._dyw, self._dz, self._dw = (
            float(d[0, 0]), float(d[1, 1]), float(d[1, 3]), float(d[2, 2]), float(d[3, 3]),
        )  # fmt: skip
        self._reach = reach_m
        self._weight, self._preload = model.weight_n, model.pitch_moment_nm
        self._kp = spec.wrist_pitch_nm_per_rad
        self._dp = spec.wrist_pitch_damping_nms_per_rad
        self.lead = (
            spec.axial_lead_m, spec.lateral_lead_m, spec.vertical_lead_m, spec.yaw_lead_rad,
        )  # fmt: skip
        self._limit = tuple(
            float(k) * lead for k, lead in zip(np.diag(stiffness), self.lead, strict=True)
        )

    def forces(
        self,
        target: tuple[float, float, float, float],
        velocity: tuple[float, float, float, float],
        state: Sequence[Sequence[float]],
    ) -> tuple[float, float, float, float, float]:
        """Return joint forces (N, N, N, N·m, N·m) for x, y, z, yaw and the passive wrist.

        Args:
            target: wanted joint positions (m, m, m, rad).
            velocity: wanted joint velocities.
            state: measured (position, velocity, ...) of the joints x, y, z, yaw, pitch.
        """
        sx, sy, sz, sw, swrist = state[0], state[1], state[2], state[3], state[4]
        x, y, z, w, pitch = sx[0], sy[0], sz[0], sw[0], swrist[0]
        vx, vy, vz, vw, vp = sx[1], sy[1], sz[1], sw[1], swrist[1]
        tx, ty, tz, tw = velocity
        fx_max, fy_max, fz_max, mw_max = self._limit
        reach, dyw = self._reach, self._dyw
        ew = target[3] - w
        pull_y = self._dy * ty + dyw * tw
        fx = self._kx * (target[0] - x) + self._dx * tx
        fy = self._ky * (target[1] - y + reach * ew) + pull_y
        fz = self._kz * (target[2] - z) + self._dz * tz
        mw = self._kw * ew + dyw * ty + self._dw * tw - reach * pull_y
        fx = fx_max if fx > fx_max else -fx_max if fx < -fx_max else fx
        fy = fy_max if fy > fy_max else -fy_max if fy < -fy_max else fy
        fz = fz_max if fz > fz_max else -fz_max if fz < -fz_max else fz
        mw = mw_max if mw > mw_max else -mw_max if mw < -mw_max else mw
        return (
            fx - self._dx * vx,
            fy - self._dy * vy - dyw * vw,
            fz - self._dz * vz + self._weight,
            mw + reach * fy - dyw * vy - self._dw * vw,
            -self._kp * pitch - self._dp * vp - self._preload,
        )


def modal_damping(
    stiffness: NDArray[np.float64], mass: NDArray[np.float64], ratio: float
) -> NDArray[np.float64]:
    """Return D that damps every mode of (K, M) by ``ratio``: M^½ 2ζ (M^-½ K M^-½)^½ M^½.

    Source: Caughey, "Classical normal modes in damped linear dynamic systems" (1960).
    """

    def root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        values, vectors = np.linalg.eigh(matrix)
        square: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return square

    half = root(mass)
    inverse = np.linalg.inv(half)
    damped: NDArray[np.float64] = half @ (2 * ratio * root(inverse @ stiffness @ inverse)) @ half
    return damped
