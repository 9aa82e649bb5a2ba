"""One operation at an insertion station: physics of align + insert, and the judged result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from configs.errors import UnknownNameError
from configs.specs.station import PoseError, Setting, StationSpec
from envs.judge import Judge, OperationResult
from envs.physics.sensors import WINDOW_HZ, WrenchFilter
from envs.physics.shapes import Contact
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.reward import Snapshot
from envs.robots.gantry import (
    FT,
    MOVING,
    PART,
    PITCH,
    ImpedanceController,
    gantry_body,
    gantry_model,
)
from envs.selftest import check_force_reading
from envs.stations import tray_insert as scene

SETTLE_S = 0.25
"""Time at rest before the policy takes over, in which the wrist sensor is tared (assumed)."""
_ALL = (*MOVING, FT)
_WINDOW = len(scene.SENSED) * 3


@dataclass(frozen=True)
class Perturbation:
    """Factors on a station's data, for convergence and robustness studies; 1 is the station."""

    rate: int = 1
    stiffness: float = 1.0
    pose_error: float = 1.0
    friction: float = 1.0


@dataclass(frozen=True)
class Window:
    """One window of 1/60 s as the judge saw it, for those who record.

    Attributes:
        time_s: time in align + insert at its end.
        joints: positions of x, y, z (m), yaw and wrist pitch (rad) then. # (5,)
        fixture: mean contact force on left guide, right guide, shelf and top. # (12,)
        wrist: mean wrench on the part as the wrist measures it, tared. # (6,)
    """

    time_s: float
    joints: tuple[float, ...]
    fixture: tuple[float, ...]
    wrist: tuple[float, ...]


class Operation:
    """The simulation behind the environment: rebuilt at `start`, advanced policy step by step.

    Args:
        spec: the station.
        setting_name: difficulty.
        perturbation: factors for studies.
        visible: give bodies shapes to look at.

    Attributes:
        on_window: called with every judged window by those who record; None costs nothing.
        visit, part_draw: what was drawn for this operation.
        slot_body, robot_body: what stands in the cell, as data.
    """

    def __init__(
        self, spec: StationSpec, setting_name: str, perturbation: Perturbation, visible: bool
    ) -> None:
        self.spec = spec
        self.setting = perturbed(spec, setting_name, perturbation)
        physics = spec.physics
        self._rate_hz = physics.rate_hz * perturbation.rate
        self._stiffness = perturbation.stiffness
        self._substeps = round(self._rate_hz / physics.control_rate_hz)
        self._controls = round(physics.control_rate_hz / physics.policy_rate_hz)
        self._window_controls = round(physics.control_rate_hz / WINDOW_HZ)
        self._visible = visible
        self._world = World(visible)
        self._clear()
        part = next(iter(spec.parts.values()))
        slot = scene.slot_body(part, self.setting, scene.MOUTH)
        check_force_reading(self._world, slot, part, self._contact(0.3), self._rate_hz)
        self.result: OperationResult | None = None
        self.on_window: Callable[[Window], None] | None = None

    def start(self, seed: int, rack: int, slot: int) -> None:
        """Build the scene of one part and settle it; streams are (seed, rack[, slot])."""
        spec, setting = self.spec, self.setting
        self.seed, self.rack, self.slot = seed, rack, slot
        self.part_name, self.part = scene.part_in_slot(spec, slot)
        visit = scene.draw_visit(setting, np.random.default_rng([seed, 1, rack]))
        draw = scene.draw_part(self.part, setting, np.random.default_rng([seed, 2, rack, slot]))
        self.visit, self.part_draw = visit, draw
        self._noise = np.random.default_rng([seed, 3, rack, slot])
        self._sensor_rng = np.random.default_rng([seed, 4, rack, slot])
        world = self._world
        self._clear()
        self.slot_body = scene.slot_body(self.part, setting, visit.dock)
        self.robot_body = gantry_body(self.part, draw.mass_kg, draw.grasp)
        self._fixture = world.add(self.slot_body, self._contact(visit.friction))
        self._robot = world.add(self.robot_body, self._contact(1.0))
        if self._visible:
            looked_at = scene.scenery(self.part, visit.dock, spec.motion, slot)
            world.add(looked_at, self._contact(1.0))
        for joint in scene.SENSED:
            world.sense(self._fixture, joint)
        world.sense(self._robot, FT)
        self._controller = ImpedanceController(
            spec.impedance,
            gantry_model(self.part),
            self.part.length_m,
            draw.gain_factor,
            draw.damping_factor,
        )
        self.put([-spec.motion.approach_m, 0.0, setting.clearance_m, 0.0])
        self.judge = Judge(spec, setting, self.part, draw.mass_kg * GRAVITY_M_PER_S2)
        self.result = None
        self.last_action = (0.0, 0.0, 0.0, 0.0)
        self._ticks = 0
        self._wrench = WrenchFilter()
        self._wrist_mean = [0.0] * 6
        self._sums, self._wrist_sums = [0.0] * _WINDOW, [0.0] * 6
        self._settle()
        self._seat = self._look_up_seat()

    def put(self, front: list[float]) -> None:
        """Place the part at rest, its believed front edge (x, y, z, yaw) in the observed frame.

        `start` does so at the approach; whoever tries the judge may do so anywhere.
        """
        self._target = list(front)
        self._world.place(self._robot, (*self._joint_target(front), 0.0))
        self._state = self._world.joints(self._robot, _ALL)

    def advance(self, action: tuple[float, float, float, float], damage_ends: bool) -> None:
        """Move the target by one clipped action and simulate one policy step (or to the end)."""
        judge = self.judge
        judge.damage_ends = damage_ends
        judge.begin_step()
        old = self._joint_target(self._rebase_target())
        self._shift_target(action)
        new = self._joint_target(self._target)
        self.last_action = action
        period = 1.0 / self.spec.physics.policy_rate_hz
        x, y, z, w = old
        dx, dy, dz, dw = (b - a for a, b in zip(old, new, strict=True))
        velocity = (dx / period, dy / period, dz / period, dw / period)
        for i in range(1, self._controls + 1):
            share = i / self._controls
            self._control(
                (x + share * dx, y + share * dy, z + share * dz, w + share * dw), velocity
            )
            self._ticks += 1
            if self._ticks % self._window_controls == 0:
                self._judge_window()
            if judge.ended:
                break
        self._wrench.update(self._measured_wrench())
        seat = self._seat = self._look_up_seat()
        judge.step(seat.depth_m, self.contact_time_s)
        if judge.ended:
            self.result = judge.result(seat, self.slot, self.contact_time_s, self._sensor_rng)

    def draws(self) -> dict[str, dict[str, Any]]:
        """Return what was drawn at the levels visit and part: the truth, which no policy sees."""
        return {"visit": asdict(self.visit), "part": asdict(self.part_draw)}

    @property
    def contact_time_s(self) -> float:
        """Time in align + insert so far."""
        return self._ticks / self.spec.physics.control_rate_hz

    @property
    def joints(self) -> tuple[float, ...]:
        """Positions of x, y, z (m), yaw and wrist pitch (rad). # (5,)."""
        return tuple(joint[0] for joint in self._state[: len(MOVING)])

    def snapshot(self) -> Snapshot:
        """Return the true state that rewards read."""
        seat, limits = self._seat, self.spec.limits
        inside = scene.in_mouth(seat, self.setting)
        return Snapshot(
            depth=min(1.0, max(0.0, seat.depth_m / self.part.length_m)) if inside else 0.0,
            lateral_m=seat.lateral_m,
            yaw_rad=seat.yaw_rad,
            side_force_share=self.judge.step_side_n / limits.lateral_damage_n,
            axial_force_share=self.judge.step_axial_n / limits.axial_damage_n,
        )

    def observation(self) -> list[float]:
        """Return the unscaled observation, see `envs.observation.insertion_fields`."""
        setting, limits = self.setting, self.spec.limits
        front, speed = self._front()
        noise = self._noise.standard_normal(10).tolist()
        sd = setting.noise
        pose = [front[i] + sd.position_m * noise[i] for i in range(3)]
        pose.append(front[3] + sd.yaw_rad * noise[3])
        lead = [
            (t - f) / c for t, f, c in zip(self._target, front, self._controller.lead, strict=True)
        ]
        wrenches = []
        for kind in (self._wrench.raw, self._wrench.fast, self._wrench.slow):
            wrenches += kind
        kinds = [1.0 if name == self.part_name else 0.0 for name in self.spec.parts]
        return [
            *pose,
            self._state[PITCH][0],
            self.part.length_m - pose[0],
            *speed,
            *lead,
            *self.last_action,
            *wrenches,
            1.0 - self.contact_time_s / limits.time_limit_s,
            self.judge.wrist_side_n / limits.lateral_damage_n,
            self.judge.wrist_axial_n / limits.axial_damage_n,
            *kinds,
        ]

    def state_hash(self) -> str:
        """Return the hash of the robot's exact positions and velocities."""
        return self._world.state_hash(self._robot, MOVING)

    def render(self, width: int, height: int) -> Any:
        """Return a picture of mouth and tray, (height, width, 3) uint8."""
        return self._world.render(width, height, (-0.7, -1.9, 2.0), (0.85, 0.0, 0.95))

    def close(self) -> None:
        """Free the simulation."""
        self._world.close()

    def _clear(self) -> None:
        physics = self.spec.physics
        self._world.clear(self._rate_hz, physics.solver_iterations, physics.solver_residual)

    def _contact(self, friction: float) -> Contact:
        physics, factor = self.spec.physics, self._stiffness
        # Damping goes with the root of stiffness, so that contact keeps its damping ratio.
        damping = physics.contact_damping_ns_per_m * math.sqrt(factor)
        return Contact(physics.contact_stiffness_n_per_m * factor, damping, friction)

    def _settle(self) -> None:
        """Hold still, then tare the wrist and take the fixture's own weight as bias."""
        target = self._joint_target(self._target)
        ticks = round(SETTLE_S * self.spec.physics.control_rate_hz)
        for _ in range(ticks - self._window_controls):
            self._control(target, (0.0, 0.0, 0.0, 0.0))
        self._take_window()
        for _ in range(self._window_controls):
            self._control(target, (0.0, 0.0, 0.0, 0.0))
        self._bias, self._tare = self._take_window()

    def _control(
        self,
        target: tuple[float, float, float, float],
        velocity: tuple[float, float, float, float],
    ) -> None:
        """Simulate one control period, reading the fixture's force at every physics tick."""
        world, robot, fixture = self._world, self._robot, self._fixture
        forces = self._controller.forces(target, velocity, self._state)
        wrist, read = self._wrist_sums, self._state[-1][2]
        wrist[0] += read[0]
        wrist[1] += read[1]
        wrist[2] += read[2]
        wrist[3] += read[3]
        wrist[4] += read[4]
        wrist[5] += read[5]
        sums = self._sums
        for _ in range(self._substeps):
            world.drive(robot, MOVING, forces)
            world.step()
            left, right, shelf, top = world.joints(fixture, scene.SENSED)
            a, b, c, d = left[2], right[2], shelf[2], top[2]
            sums[0] += a[0]
            sums[1] += a[1]
            sums[2] += a[2]
            sums[3] += b[0]
            sums[4] += b[1]
            sums[5] += b[2]
            sums[6] += c[0]
            sums[7] += c[1]
            sums[8] += c[2]
            sums[9] += d[0]
            sums[10] += d[1]
            sums[11] += d[2]
        self._state = world.joints(robot, _ALL)  # read once: all that follows works from it

    def _take_window(self) -> tuple[list[float], list[float]]:
        """Return the means of fixture (12,) and wrist (6,) readings since the last call."""
        n = self._substeps * self._window_controls
        fixture = [s / n for s in self._sums]
        wrist = [s / self._window_controls for s in self._wrist_sums]
        self._sums = [0.0] * _WINDOW
        self._wrist_sums = [0.0] * 6
        return fixture, wrist

    def _judge_window(self) -> None:
        """Hand one window of 1/60 s to the judge."""
        fixture, wrist = self._take_window()
        # A joint's reaction carries what hangs on it: contact forces are minus the change.
        self._wrist_mean = [b - a for a, b in zip(wrist, self._tare, strict=True)]
        contact = [b - a for a, b in zip(fixture, self._bias, strict=True)]
        self.judge.window(
            contact,
            self._wrist_mean,
            self.contact_time_s,
            self._believed_depth_m(),
            lambda: self._world.penetration_m(self._robot, self._fixture),
        )
        if self.on_window is not None:
            self.on_window(
                Window(self.contact_time_s, self.joints, tuple(contact), tuple(self._wrist_mean))
            )

    def _measured_wrench(self) -> list[float]:
        noise, sd = self._noise.standard_normal(6).tolist(), self.setting.noise
        scale = [sd.force_n] * 3 + [sd.torque_nm] * 3
        return [w + s * n for w, s, n in zip(self._wrist_mean, scale, noise, strict=True)]

    def _front(self) -> tuple[list[float], list[float]]:
        """Return believed front edge (x, y, z, yaw) in the observed frame, and its speed."""
        (x, vx, *_), (y, vy, *_), (z, vz, *_), (w, vw, *_) = self._state[:4]
        reach, s, c = self.part.length_m, math.sin(w), math.cos(w)
        ox, oy, oz = scene.MOUTH.position
        front = [x + reach * c - ox, y + reach * s - oy, z - oz, w]
        return front, [vx - reach * s * vw, vy + reach * c * vw, vz, vw]

    def _believed_depth_m(self) -> float:
        """Return the believed front edge behind the observed mouth plane, as `_front` has it."""
        x, w = self._state[0][0], self._state[3][0]
        return float(x + self.part.length_m * math.cos(w) - scene.MOUTH.position[0])

    def _joint_target(self, front: list[float]) -> tuple[float, float, float, float]:
        """Return joint positions for a wanted front edge in the observed frame."""
        reach, w = self.part.length_m, front[3]
        ox, oy, oz = scene.MOUTH.position
        return (
            front[0] - reach * math.cos(w) + ox,
            front[1] - reach * math.sin(w) + oy,
            front[2] + oz,
            w,
        )

    def _rebase_target(self) -> list[float]:
        """Pull the target to within its lead of the measured front edge, and return it."""
        front, _ = self._front()
        lead = self._controller.lead
        self._target = [
            min(f + c, max(f - c, t)) for t, f, c in zip(self._target, front, lead, strict=True)
        ]
        return self._target

    def _shift_target(self, action: tuple[float, float, float, float]) -> None:
        """Move the target by a part-relative action, within the window around the slot axis."""
        scale, (x, y, z, w) = self.spec.action, self._target
        dx, dy = action[0] * scale.axial_m, action[1] * scale.lateral_m
        s, c = math.sin(w), math.cos(w)
        reach, wide, turn = self.part.length_m, scale.window_m, scale.window_yaw_rad
        self._target = [
            min(reach + 0.02, max(-0.05, x + c * dx - s * dy)),
            min(wide, max(-wide, y + s * dx + c * dy)),
            min(wide, max(-wide, z + action[2] * scale.height_m)),
            min(turn, max(-turn, w + action[3] * scale.yaw_rad)),
        ]

    def _look_up_seat(self) -> scene.Seat:
        return scene.seat_of(
            self.visit.dock, self._world.link_pose(self._robot, PART), self.part.length_m
        )


def perturbed(spec: StationSpec, name: str, p: Perturbation) -> Setting:
    """Return a setting of the station with the perturbation's factors applied.

    Raises:
        UnknownNameError: the station has no such setting.
    """
    if name not in spec.settings:
        raise UnknownNameError("setting", name, spec.settings)
    setting = spec.settings[name]

    def wider(e: PoseError) -> PoseError:
        f = p.pose_error
        return e.model_copy(
            update={
                "axial_m": f * e.axial_m,
                "lateral_m": f * e.lateral_m,
                "height_m": f * e.height_m,
                "yaw_rad": f * e.yaw_rad,
            }
        )

    low, high = setting.friction
    return setting.model_copy(
        update={
            "dock": wider(setting.dock),
            "grasp": wider(setting.grasp),
            "friction": (p.friction * low, p.friction * high),
        }
    )
