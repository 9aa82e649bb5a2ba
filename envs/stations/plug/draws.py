"""What varies at a plugging station, at the levels visit and part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from configs.specs.plug import Connector, PlugSetting, TiltedError
from envs.physics.pose import Pose, Vector, about_axis, multiply
from envs.stations.plug.port import MOUTH


@dataclass(frozen=True)
class Visit:
    """What one docking at a rack fixes: where its panel truly is, and its friction lot.

    Attributes:
        port: frame of the port that the perception takes for the right one.
        friction: of connectors and ports.
    """

    port: Pose
    friction: float


@dataclass(frozen=True)
class PartDraw:
    """What one connector fixes.

    Attributes:
        mass_kg: its mass.
        grasp: its front in the hand, against where the robot believes it.
        gain_factor, damping_factor: of the drives while handling it.
        resistance: what its port takes to seat, over what its class takes at most.
        drag_n: force of the cable on the boot, in the connector's frame.
        beside: 0 where the perception has the right port; 1 or -1 where it took the port on the
            left or right of it.
        plan_m: error of the drawing against the perceived port, sideways and in height.
    """

    mass_kg: float
    grasp: Pose
    gain_factor: float
    damping_factor: float
    resistance: float
    drag_n: Vector
    beside: int
    plan_m: tuple[float, float]


def draw_visit(setting: PlugSetting, rng: np.random.Generator) -> Visit:
    """Draw the visit level: error of the panel's pose and friction, uniform."""
    return Visit(MOUTH @ _error(setting.dock, rng), float(rng.uniform(*setting.friction)))


def draw_part(part: Connector, setting: PlugSetting, rng: np.random.Generator) -> PartDraw:
    """Draw the part level; uniform but for the error of the drawing, which is normal."""
    grasp = _error(setting.grasp, rng)
    mass, gain, damping, resistance = (
        float(rng.uniform(*bounds))
        for bounds in (
            setting.mass_factor, setting.gain_factor, setting.damping_factor,
            setting.resistance_factor,
        )
    )  # fmt: skip
    drag = _drag(setting.drag_n, rng)
    mistaken, side = rng.uniform() < setting.identity_error, 1 if rng.uniform() < 0.5 else -1
    aside, up = (setting.plan_m * rng.standard_normal(2)).tolist()
    return PartDraw(
        part.mass_kg * mass, grasp, gain, damping, resistance, drag,
        side if mistaken else 0, (aside, up),
    )  # fmt: skip


def _error(e: TiltedError, rng: np.random.Generator) -> Pose:
    half = (e.axial_m, e.lateral_m, e.height_m, e.yaw_rad, e.pitch_rad, e.roll_rad)
    x, y, z, yaw, pitch, roll = (rng.uniform(-1.0, 1.0, 6) * half).tolist()
    nod = multiply(about_axis((0.0, 1.0, 0.0), pitch), about_axis((1.0, 0.0, 0.0), roll))
    return Pose((x, y, z), multiply(about_axis((0.0, 0.0, 1.0), yaw), nod))


def _drag(most_n: float, rng: np.random.Generator) -> Vector:
    """Return a force of uniform size from a uniform direction behind the connector."""
    size, back, around = (rng.uniform(0.0, 1.0, 3) * (most_n, 1.0, 2.0 * math.pi)).tolist()
    across = size * math.sqrt(1.0 - back * back)
    return (-size * back, across * math.cos(around), across * math.sin(around))
