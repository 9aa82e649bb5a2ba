"""The plugging station: what is observed, and one connector's task from scene to seat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from configs.commented import Written
from configs.specs.plug import ArmPlugSpec, PlugSetting, PlugSpec
from envs.observation import Field, Sensed, sensed_fields
from envs.phases import Phase
from envs.physics.pose import Pose, Vector
from envs.physics.sensors import WINDOW_HZ, axial_force_n
from envs.physics.shapes import Body
from envs.robots.arm import Arm
from envs.robots.six_axis import Held, MakeRobot
from envs.robots.wrist import Wrist
from envs.selftest import Press
from envs.station import ActionEntry, Brake, Finish, Pull, Words
from envs.stations.plug import page, port
from envs.stations.plug.cycle import Cycle
from envs.stations.plug.draws import PartDraw, Visit, draw_part, draw_visit
from envs.stations.plug.robot import approach_of, drive, steering
from envs.stations.plug.seat import (
    Seat,
    in_port,
    pull_test,
    seat_of,
    side_force_n,
    true_state,
)

_AXES = ("axial", "lateral", "height", "yaw", "pitch", "roll")
_WRENCH = (("fx", "N", 40.0), ("fy", "N", 20.0), ("fz", "N", 20.0),
           ("mx", "N*m", 0.5), ("my", "N*m", 0.5), ("mz", "N*m", 0.5))  # fmt: skip


def plug_fields() -> tuple[Field, ...]:
    """Return the table of a plugging station; nothing in it is hidden from a real cell.

    It knows a class of connectors by its data alone, so that one policy can serve all of them.
    """
    pose = (
        Field("pose axial", "m", 0.03, "believed front behind the observed mouth plane"),
        # 50 mm: on the way back from a wrong port, 32 mm away where connectors are of power
        Field("pose lateral", "m", 0.005, "believed front sideways of the observed axis", 10.0),
        Field("pose height", "m", 0.005, "believed front above the observed axis", 10.0),
        *(Field(f"pose {turn}", "rad", 0.05, "believed, against the observed axis")
          for turn in _AXES[3:]),
        Field("depth left", "m", 0.03, "believed distance to full depth"),
    )  # fmt: skip
    scales = (0.05, 0.02, 0.02, 0.3, 0.3, 0.3)
    velocity = tuple(
        Field(f"velocity {axis}", "m/s" if i < 3 else "rad/s", scales[i], "of the front")
        for i, axis in enumerate(_AXES)
    )
    sensed = sensed_fields(_AXES, _WRENCH, "the connector about its front")
    plan = (
        Field("plan lateral", "m", 0.02, "the drawing's place of the port, sideways of the axis"),
        Field("plan height", "m", 0.02, "the drawing's place of the port, above the axis"),
    )
    kind = (
        Field("class width", "m", 0.02, "of the connector's section"),
        Field("class height", "m", 0.01, "of the connector's section"),
        Field("class depth", "m", 0.03, "guided by the port"),
        Field("class latch", "N", 50.0, "most that seating takes"),
        Field("class budget", "N", 100.0, "axial force that damages it"),
    )
    return pose + velocity + sensed + plan + kind


class PlugTask:
    """One connector on its way into a port (`envs.station.Task`).

    Args:
        spec: the station.
        setting: its difficulty.
        slot: number of the port.
        visit: what the rack's docking fixed.
        draw: what the connector fixed.
        make: makes the robot.
        cycle: the scripted phases around it.
    """

    sensed = port.SENSED

    def __init__(
        self,
        spec: PlugSpec,
        setting: PlugSetting,
        slot: int,
        visit: Visit,
        draw: PartDraw,
        make: MakeRobot,
        cycle: Cycle,
    ) -> None:
        self._cycle = cycle
        self.spec, self.setting, self.visit, self.draw = spec, setting, visit, draw
        self.part_name = spec.part_name(slot)
        part = self.part = spec.parts[self.part_name]
        self.limits = spec.limits.model_copy(
            update={"axial_damage_n": min(spec.limits.axial_damage_n, part.force_budget_n)}
        )
        self.friction, self.full_depth_m = visit.friction, part.depth_m
        self.clearance_m = setting.clearance_m + part.looseness_m
        aside = draw.beside * part.port_pitch_m  # of the port that the perception took
        self.centres = (0.0, aside) if draw.beside else (0.0,)
        self.port = visit.port @ Pose((0.0, -aside, 0.0))
        self.fixture = port.port_body(part, self.clearance_m, self.port, self.centres)
        self.brakes: tuple[Brake, ...] = (port.mating(part, spec.latch, draw.resistance),)
        self.pull = Pull(draw.drag_n, (-part.length_m / 2, 0.0, 0.0))
        self.plan = (draw.plan_m[0] - aside, draw.plan_m[1])
        self.start, self._firm_windows = approach_of(spec), 0
        self.robot = make(
            port.MOUTH,
            Held(part, draw.mass_kg, draw.grasp),
            drive(spec, draw.gain_factor, draw.damping_factor),
            steering(spec, part, self.plan),
        )

    @property
    def approach(self) -> tuple[float, ...]:
        """Positions of the robot's joints where the policy takes over."""
        return self.robot.joints_at(self.start)

    def draws(self) -> dict[str, dict[str, Any]]:
        """Return what was drawn at the levels visit and part: the truth, which no policy sees."""
        return {"visit": asdict(self.visit), "part": asdict(self.draw)}

    def scenery(self) -> Body:
        """Return the rack behind the panel."""
        return port.scenery()

    def support(self, standing: Pose) -> Body:
        """Return the fixture in which the connector hangs."""
        return port.hanger(self.part, standing)

    def carried(self, left: Pose, start: Sequence[float], joints: Sequence[float]) -> Pose:
        """Return where the connector was left: the tug moves nothing."""
        return left

    def seat(self, centre: Pose) -> Seat:
        """Return the true seat of a connector whose centre is there."""
        return seat_of(self.port, centre, self.part.length_m)

    def progress(self, seat: Seat) -> float:
        """Return the share of the depth that is plugged, 0 outside the right port. # [0, 1]."""
        if not in_port(seat, self.clearance_m):
            return 0.0
        return min(1.0, max(0.0, seat.depth_m / self.part.depth_m))

    def observe(self, sensed: Sensed) -> list[float]:
        """Return the unscaled observation, see `plug_fields`."""
        front, speed = self.robot.front(sensed.state)
        sd, part = self.setting.noise, self.part
        noise = sensed.noise.standard_normal(6).tolist()
        pose = [
            f + (sd.position_m if i < 3 else sd.yaw_rad) * n
            for i, (f, n) in enumerate(zip(front, noise, strict=True))
        ]
        return [
            *pose,
            part.depth_m - pose[0],
            *speed,
            *sensed.entries(self.robot.lead(front)),
            *self.plan,
            part.width_m,
            part.height_m,
            part.depth_m,
            part.latch_n,
            self.limits.axial_damage_n,
        ]

    def fixture_forces(self, contact: Sequence[float]) -> tuple[float, float]:
        """Return judged side and axial force (N) of contact forces on the port. # (18,)."""
        return side_force_n(contact), axial_force_n(contact)

    def wrist_forces(self, wrench: Sequence[float]) -> tuple[float, float]:
        """Return side and axial force (N) by the wrist."""
        return math.hypot(wrench[1], wrench[2]), abs(wrench[0])

    def hands_over(self, wrench: Sequence[float], depth_m: float) -> bool:
        """Tell whether the cell takes the latch for snapped: it pushed firmly near full depth."""
        part, latch = self.part, self.spec.latch
        firm = (
            -wrench[0] >= latch.firm_share * part.latch_n
            and depth_m >= part.depth_m - latch.handover_depth_m
        )
        self._firm_windows = self._firm_windows + 1 if firm else 0
        return self._firm_windows >= max(1, round(WINDOW_HZ * latch.firm_s))

    def finish(self, seat: Seat, handed_over: bool, rng: np.random.Generator) -> Finish:
        """Tug at the connector where the cell took over."""
        spec, part = self.spec, self.part
        missing = part.depth_m - seat.depth_m
        latched = missing <= spec.latch.overtravel_m and any(
            in_port(seat, self.clearance_m, centre) for centre in self.centres
        )
        passed = handed_over and pull_test(latched, spec.pull_test, rng)
        state = true_state(seat, part, self.clearance_m, spec.latch)
        return Finish(state, max(0.0, missing), passed)

    def before(self) -> tuple[Phase, ...]:
        """Return pick, transit and the approach."""
        return self._cycle.before(self.part_name)

    def after(self, handed_over: bool, home_m: float = 0.0) -> tuple[Phase, ...]:
        """Return the tug, release and the way back."""
        return self._cycle.after(self.part_name, handed_over)


class Plugging:
    """Stations where a robot plugs connectors into ports (`envs.station.Station`).

    Args:
        spec: the station's data.
        setting: its difficulty.
        make: makes the robot.
    """

    actions = (
        ActionEntry("axial", "along the connector"),
        ActionEntry("lateral", "to its left"),
        ActionEntry("height", "to its top"),
        ActionEntry("yaw", "front to the left"),
        ActionEntry("pitch", "front down"),
        ActionEntry("roll", "left side up"),
    )
    camera: tuple[Vector, Vector] = ((0.2, -0.35, 0.6), (0.48, 0.0, 0.4))

    def __init__(self, spec: PlugSpec, setting: PlugSetting, make: MakeRobot) -> None:
        self.spec, self.setting, self._make = spec, setting, make
        self.fields = plug_fields()
        self._cycle = Cycle(spec, make)

    def presses(self) -> tuple[Body, tuple[Press, ...]]:
        """Return a port and its faces."""
        part = next(iter(self.spec.parts.values()))
        return port.presses(part, self.setting.clearance_m)

    def task(self, slot: int, visit: np.random.Generator, part: np.random.Generator) -> PlugTask:
        """Return the task of a port, drawn from the streams of the levels visit and part."""
        spec, setting = self.spec, self.setting
        held = spec.parts[spec.part_name(slot)]
        drawn = draw_visit(setting, visit), draw_part(held, setting, part)
        return PlugTask(spec, setting, slot, *drawn, self._make, self._cycle)

    def scripted(self, slot: int) -> tuple[Phase, ...]:
        """Return the scripted phases of an operation in which the cell takes over."""
        name = self.spec.part_name(slot)
        return self._cycle.before(name) + self._cycle.after(name, handed_over=True)

    def words(self, written: Written) -> Words:
        """Return what its page says."""
        return page.words(self.spec, written)


def by_wrist(spec: PlugSpec, setting: PlugSetting) -> Plugging:
    """Return the station with a wrist that has no arm behind it."""
    return Plugging(spec, setting, Wrist)


def by_arm(spec: ArmPlugSpec, setting: PlugSetting) -> Plugging:
    """Return the station with the arm that its data names."""
    return Plugging(spec, setting, partial(Arm, spec.robot))
