"""What varies at an insertion station, at the levels visit and part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from configs.specs.insertion import InsertionSetting
from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.robots.gantry_body import Grasp
from envs.stations.insertion.slot import MOUTH


@dataclass(frozen=True)
class Visit:
    """What one docking of a rack fixes: where its slots truly are, and its friction lot."""

    dock: Pose
    friction: float


@dataclass(frozen=True)
class PartDraw:
    """What one part fixes: its mass, its seat in the hand, the drives' gains while handling it."""

    mass_kg: float
    grasp: Grasp
    gain_factor: float
    damping_factor: float


def draw_visit(setting: InsertionSetting, rng: np.random.Generator) -> Visit:
    """Draw the visit level: dock error (uniform) and friction (uniform)."""
    e = setting.dock
    x, y, z, yaw = rng.uniform(-1.0, 1.0, 4) * (e.axial_m, e.lateral_m, e.height_m, e.yaw_rad)
    error = Pose.planar(float(x), float(y), float(z), float(yaw))
    return Visit(MOUTH @ error, float(rng.uniform(*setting.friction)))


def draw_part(part: Part, setting: InsertionSetting, rng: np.random.Generator) -> PartDraw:
    """Draw the part level: mass, grasp and gain factors, all uniform."""
    e = setting.grasp
    x, y, yaw = rng.uniform(-1.0, 1.0, 3) * (e.axial_m, e.lateral_m, e.yaw_rad)
    mass, gain, damping = (
        float(rng.uniform(*bounds))
        for bounds in (setting.mass_factor, setting.gain_factor, setting.damping_factor)
    )
    return PartDraw(part.mass_kg * mass, Grasp(float(x), float(y), float(yaw)), gain, damping)
