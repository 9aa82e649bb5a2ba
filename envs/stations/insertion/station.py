"""The insertion station: what is observed, and one part's task from scene to seat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from configs.commented import Written
from configs.specs.insertion import InsertionSetting, InsertionSpec
from configs.specs.station import Limits
from envs.observation import Field, Sensed, sensed_fields
from envs.phases import Phase
from envs.physics.pose import Pose, Vector
from envs.physics.sensors import axial_force_n
from envs.physics.shapes import Body
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.gantry import Gantry
from envs.robots.gantry_body import PITCH
from envs.selftest import Press
from envs.station import ActionEntry, Finish, Words
from envs.stations.insertion import page
from envs.stations.insertion.cycle import at_mouth, phases_after, phases_before
from envs.stations.insertion.draws import PartDraw, Visit, draw_part, draw_visit
from envs.stations.insertion.seat import (
    Seat,
    cell_sensors,
    close_levers,
    in_mouth,
    seat_of,
    side_force_n,
    true_state,
)
from envs.stations.insertion.slot import (
    MOUTH,
    SENSED,
    cart,
    presses,
    roomy,
    scenery,
    slot_body,
    slot_height_m,
)

_AXES = ("axial", "lateral", "height", "yaw")
_WRENCH = (("fx", "N", 150.0), ("fy", "N", 30.0), ("fz", "N", 30.0),
           ("mx", "N*m", 10.0), ("my", "N*m", 20.0), ("mz", "N*m", 20.0))  # fmt: skip


def insertion_fields(part_names: Iterable[str]) -> tuple[Field, ...]:
    """Return the table of an insertion station; nothing in it is hidden from a real cell."""
    pose = (
        Field("pose axial", "m", 0.1, "believed front edge behind the observed mouth plane"),
        Field("pose lateral", "m", 0.005, "believed front edge sideways of the observed axis"),
        Field("pose height", "m", 0.005, "believed front edge above the observed shelf"),
        Field("pose yaw", "rad", 0.05, "believed heading against the observed axis"),
        Field("wrist pitch", "rad", 0.02, "deflection of the passive wrist, by its encoder"),
        Field("depth left", "m", 0.7, "believed distance to full depth"),
    )
    velocity = tuple(
        Field(f"velocity {axis}", "rad/s" if axis == "yaw" else "m/s", scale, "of the front edge")
        for axis, scale in zip(_AXES, (0.15, 0.02, 0.02, 0.1), strict=True)
    )
    sensed = sensed_fields(_AXES, _WRENCH, "the part")
    kinds = tuple(Field(f"part {name}", "0 or 1", 1.0, "which part is held") for name in part_names)
    return pose + velocity + sensed + kinds


class InsertionTask:
    """One part on its way into a slot (`envs.station.Task`).

    Args:
        spec: the station.
        setting: its difficulty.
        slot: number of the slot, 0 = lowest.
        visit: what the rack's docking fixed.
        draw: what the part fixed.
    """

    sensed = SENSED
    brakes = ()
    pull = None

    def __init__(
        self,
        spec: InsertionSpec,
        setting: InsertionSetting,
        slot: int,
        visit: Visit,
        draw: PartDraw,
    ) -> None:
        self.spec, self.setting, self.slot = spec, setting, slot
        self.visit, self.draw = visit, draw
        self.part_name = spec.part_name(slot)
        self.part = spec.parts[self.part_name]
        self.weight_n = draw.mass_kg * GRAVITY_M_PER_S2
        self.limits: Limits = spec.limits
        self.friction = visit.friction
        self.full_depth_m = self.part.length_m
        self.fixture = slot_body(self.part, setting, visit.dock)
        self.start = (-spec.motion.approach_m, 0.0, setting.clearance_m, 0.0)
        self.approach = at_mouth(setting, self.part, -spec.motion.approach_m)
        self.robot = Gantry(
            spec,
            self.part,
            MOUTH,
            draw.mass_kg,
            draw.grasp,
            draw.gain_factor,
            draw.damping_factor,
        )

    def draws(self) -> dict[str, dict[str, Any]]:
        """Return what was drawn at the levels visit and part: the truth, which no policy sees."""
        return {"visit": asdict(self.visit), "part": asdict(self.draw)}

    def scenery(self) -> Body:
        """Return rack frame, parts in the slots below, floor."""
        return scenery(self.part, self.visit.dock, self.spec.motion, self.slot)

    def support(self, standing: Pose) -> Body:
        """Return the cart under the part."""
        height = slot_height_m(self.spec.motion, self.slot)
        return cart(self.part, standing, self.visit.dock.position[2] - height)

    def carried(self, left: Pose, start: Sequence[float], joints: Sequence[float]) -> Pose:
        """Return where the levers have drawn the part: along x, as the hand that holds it."""
        x, y, z = left.position
        return Pose((x + joints[0] - start[0], y, z), left.orientation)

    def seat(self, centre: Pose) -> Seat:
        """Return the true seat of a part whose centre is there."""
        return seat_of(self.visit.dock, centre, self.part.length_m)

    def progress(self, seat: Seat) -> float:
        """Return the inserted share of the part, 0 outside the slot's section. # [0, 1]."""
        inside = in_mouth(seat, self.setting)
        return min(1.0, max(0.0, seat.depth_m / self.part.length_m)) if inside else 0.0

    def observe(self, sensed: Sensed) -> list[float]:
        """Return the unscaled observation, see `insertion_fields`."""
        front, speed = self.robot.front(sensed.state)
        noise = sensed.noise.standard_normal(10).tolist()
        sd = self.setting.noise
        pose = [front[i] + sd.position_m * noise[i] for i in range(3)]
        pose.append(front[3] + sd.yaw_rad * noise[3])
        kinds = [1.0 if name == self.part_name else 0.0 for name in self.spec.parts]
        return [
            *pose,
            sensed.state[PITCH][0],
            self.part.length_m - pose[0],
            *speed,
            *sensed.entries(self.robot.lead(front)),
            *kinds,
        ]

    def fixture_forces(self, contact: Sequence[float]) -> tuple[float, float]:
        """Return judged side and axial force (N) of contact forces on the slot. # (12,)."""
        return side_force_n(contact, self.weight_n), axial_force_n(contact)

    def wrist_forces(self, wrench: Sequence[float]) -> tuple[float, float]:
        """Return side and axial force (N); a shelf that carries the part's weight is none."""
        vertical = max(0.0, -wrench[2], wrench[2] - self.weight_n)
        return math.hypot(wrench[1], vertical), abs(wrench[0])

    def hands_over(self, wrench: Sequence[float], depth_m: float) -> bool:
        """Tell whether the cell closes the levers: the part is felt to stop near full depth."""
        levers = self.spec.levers
        return (
            -wrench[0] >= levers.handover_force_n
            and depth_m >= self.part.length_m - levers.handover_depth_m
        )

    def finish(self, seat: Seat, handed_over: bool, rng: np.random.Generator) -> Finish:
        """Close the levers where the cell would, and ask its switches."""
        spec, setting, levers = self.spec, self.setting, self.spec.levers
        if handed_over:
            short = close_levers(seat, self.part, setting, levers)
            passed = cell_sensors(short, spec.sensors, levers, rng)
        else:
            short, passed = max(0.0, self.part.length_m - seat.depth_m), False
        state = true_state(seat, setting, short, levers.seated_tolerance_m)
        return Finish(state, short, passed)

    def before(self) -> tuple[Phase, ...]:
        """Return pick, transit and the approach."""
        return phases_before(self.spec.motion, self.slot)

    def after(self, handed_over: bool, home_m: float = 0.0) -> tuple[Phase, ...]:
        """Return closing, release and the way back."""
        spec = self.spec
        return phases_after(spec.motion, self.slot, self.part, spec.levers, handed_over, home_m)


class Insertion:
    """Stations where a gantry puts parts into slots (`envs.station.Station`).

    Args:
        spec: the station's data.
        setting: its difficulty.
    """

    actions = (
        ActionEntry("axial", "along the part's heading"),
        ActionEntry("lateral", "across the part's heading"),
        ActionEntry("height", "up"),
        ActionEntry("yaw", "counter-clockwise from above, about the front edge"),
    )
    camera: tuple[Vector, Vector] = ((-0.7, -1.9, 2.0), (0.85, 0.0, 0.95))

    def __init__(self, spec: InsertionSpec, setting: InsertionSetting) -> None:
        self.spec, self.setting = spec, setting
        self.fields = insertion_fields(spec.parts)

    def presses(self) -> tuple[Body, tuple[Press, ...]]:
        """Return the slot of the first kind of part, with room for the test, and its faces."""
        part = roomy(next(iter(self.spec.parts.values())), self.setting)
        return slot_body(part, self.setting, MOUTH), presses(part)

    def task(
        self, slot: int, visit: np.random.Generator, part: np.random.Generator
    ) -> InsertionTask:
        """Return the task of a slot, drawn from the streams of the levels visit and part."""
        setting = self.setting
        held = self.spec.parts[self.spec.part_name(slot)]
        drawn = draw_visit(setting, visit), draw_part(held, setting, part)
        return InsertionTask(self.spec, setting, slot, *drawn)

    def scripted(self, slot: int) -> tuple[Phase, ...]:
        """Return the scripted phases of an operation whose levers are closed."""
        spec = self.spec
        part = spec.parts[spec.part_name(slot)]
        after = phases_after(spec.motion, slot, part, spec.levers, closed=True)
        return phases_before(spec.motion, slot) + after

    def words(self, written: Written) -> Words:
        """Return what its page says."""
        return page.words(self.spec, written)
