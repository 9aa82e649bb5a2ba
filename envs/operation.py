"""One operation at a station: physics of the contact skill, and the judged result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from configs.errors import PhysicsError
from envs.judge import Judge, OperationResult
from envs.observation import Sensed
from envs.perturbation import Perturbation
from envs.physics.sensors import (
    WINDOW_HZ,
    ForceWindow,
    WrenchFilter,
    mean_forces,
    mean_wrench,
)
from envs.physics.shapes import Contact
from envs.physics.world import World
from envs.reward import Snapshot
from envs.selftest import check_force_reading
from envs.station import Seat, Station, Task

SETTLE_S = 0.25
"""Time at rest before the policy takes over, in which the wrist sensor is tared (assumed)."""
RESTLESS = 1.0
"""Rate (rad/s or m/s) of a joint that is told to rest, from which it does not (assumed)."""


class Operation:
    """The simulation behind the environment: rebuilt at `start`, advanced policy step by step.

    Args:
        station: the station at one setting, perturbed where a study wants that.
        perturbation: factors on rate, stiffness and damping, for studies.
        visible: give bodies shapes to look at.

    Attributes:
        on_window: called with every judged window by those who record; None costs nothing.
        task: what was drawn for this operation.
        judge: of this operation.
        result: what it came to; None until it has ended.
    """

    task: Task
    judge: Judge

    def __init__(self, station: Station, perturbation: Perturbation, visible: bool) -> None:
        self.station = station
        physics = station.spec.physics
        self._rate_hz = physics.rate_hz * perturbation.rate
        self._stiffness, self._damping = perturbation.stiffness, perturbation.damping
        self._substeps = round(self._rate_hz / physics.control_rate_hz)
        self._controls = round(physics.control_rate_hz / physics.policy_rate_hz)
        self._window_controls = round(physics.control_rate_hz / WINDOW_HZ)
        self._visible = visible
        self._world = World(visible, physics.contact_skin_m or 0.0)
        fixture, presses = station.presses()
        check_force_reading(
            self._world, fixture, presses, self._contact(0.3), self._clear, self._rate_hz,
            physics.penetration_limit_m,
        )  # fmt: skip
        self.result: OperationResult | None = None
        self.on_window: Callable[[ForceWindow], None] | None = None

    def start(self, seed: int, rack: int, slot: int) -> None:
        """Build the scene of one part and settle it; streams are (seed, rack[, slot])."""
        self.seed, self.rack, self.slot = seed, rack, slot
        task = self.task = self.station.task(
            slot,
            np.random.default_rng([seed, 1, rack]),
            np.random.default_rng([seed, 2, rack, slot]),
        )
        self._noise = np.random.default_rng([seed, 3, rack, slot])
        self._sensor_rng = np.random.default_rng([seed, 4, rack, slot])
        world, robot = self._world, task.robot
        self._clear()
        self._fixture = world.add(task.fixture, self._contact(task.friction))
        self._robot = world.add(robot.body, self._contact(1.0))
        if self._visible:
            world.add(task.scenery(), self._contact(1.0))
        for joint in task.sensed:
            world.sense(self._fixture, joint)
        world.sense(self._robot, robot.wrist)
        self._sensed, self._moving = task.sensed, robot.moving
        self._pull = task.pull
        self._brakes = [(brake, -1.0) for brake in task.brakes]
        self._set_brakes()
        self._read = (*robot.moving, robot.wrist)
        self._part = len(robot.body.links) - 1
        self.put(task.start)
        self.judge = Judge(task, self.station.spec.physics.penetration_limit_m)
        self.result = None
        self.last_action: tuple[float, ...] = (0.0,) * len(self.station.actions)
        self._ticks = 0
        self._wrench = WrenchFilter()
        self._wrist_mean = [0.0] * 6
        self._settle()
        self._seat = self._look_up_seat()

    def put(self, place: Sequence[float]) -> None:
        """Place the part at rest where the robot believes ``place`` to be, in the observed frame.

        `start` does so at the approach; whoever tries the judge may do so anywhere.
        """
        self._world.place(self._robot, self.task.robot.put(place))
        self._state = self._world.joints(self._robot, self._read)

    def advance(self, action: tuple[float, ...], damage_ends: bool) -> None:
        """Move the target by one clipped action and simulate one policy step (or to the end)."""
        judge = self.judge
        judge.damage_ends = damage_ends
        judge.begin_step()
        self.task.robot.aim(action, self._state)
        self.last_action = action
        for i in range(1, self._controls + 1):
            self._control(i / self._controls)
            self._ticks += 1
            if self._ticks % self._window_controls == 0:
                self._judge_window()
            if judge.ended:
                break
        self._wrench.update(self._measured_wrench())
        seat = self._seat = self._look_up_seat()
        judge.step(seat.depth_m, self.contact_time_s)
        if judge.ended:
            self.result = judge.result(seat, self.contact_time_s, self._sensor_rng)

    @property
    def contact_time_s(self) -> float:
        """Time of the contact skill so far."""
        return self._ticks / self.station.spec.physics.control_rate_hz

    @property
    def joints(self) -> tuple[float, ...]:
        """Positions (m or rad) of the robot's moving joints."""
        return tuple(joint[0] for joint in self._state[: len(self._moving)])

    def snapshot(self) -> Snapshot:
        """Return the true state that rewards read."""
        seat, limits = self._seat, self.task.limits
        return Snapshot(
            depth=self.task.progress(seat),
            lateral_m=seat.lateral_m,
            yaw_rad=seat.yaw_rad,
            side_force_share=self.judge.step_side_n / limits.lateral_damage_n,
            axial_force_share=self.judge.step_axial_n / limits.axial_damage_n,
        )

    def observation(self) -> list[float]:
        """Return the unscaled observation, see `envs.station.Station.fields`."""
        limits = self.task.limits
        return self.task.observe(
            Sensed(
                self._state,
                self._wrench,
                self.last_action,
                1.0 - self.contact_time_s / limits.time_limit_s,
                self.judge.wrist_side_n / limits.lateral_damage_n,
                self.judge.wrist_axial_n / limits.axial_damage_n,
                self._noise,
            )
        )

    def state_hash(self) -> str:
        """Return the hash of the robot's exact positions and velocities."""
        return self._world.state_hash(self._robot, self._moving)

    def render(self, width: int, height: int) -> Any:
        """Return a picture of the contact skill, (height, width, 3) uint8."""
        return self._world.render(width, height, *self.station.camera)

    def close(self) -> None:
        """Free the simulation."""
        self._world.close()

    def _clear(self) -> None:
        physics = self.station.spec.physics
        self._world.clear(self._rate_hz, physics.solver_iterations, physics.solver_residual)

    def _contact(self, friction: float) -> Contact:
        physics, factor = self.station.spec.physics, self._stiffness
        # Damping goes with the root of stiffness, so that contact keeps its damping ratio.
        damping = physics.contact_damping_ns_per_m * math.sqrt(factor) * self._damping
        return Contact(physics.contact_stiffness_n_per_m * factor, damping, friction)

    def _settle(self) -> None:
        """Hold still, then tare the wrist and take the fixture's own weight as bias."""
        self._forget_reads()
        self._between: list[Any] = []  # the wrist's readings of a period's ticks but for the last
        ticks = round(SETTLE_S * self.station.spec.physics.control_rate_hz)
        for _ in range(ticks - self._window_controls):
            self._control(1.0)
        self._forget_reads()
        for _ in range(self._window_controls):
            self._control(1.0)
        self._check_rest()
        self._bias, self._tare = self._take_window()

    def _check_rest(self) -> None:
        rates = [abs(joint[1]) for joint in self._state[: len(self._moving)]]
        fastest = int(np.argmax(rates))  # of one that is no number, too
        if not rates[fastest] <= RESTLESS:
            task, joint = self.task, self._moving[fastest]
            raise PhysicsError(
                f"{self.station.spec.id}: told to hold slot {self.slot}'s part still before the "
                f"fixture, the robot moves its joint '{task.robot.body.links[joint].name}' at "
                f"{rates[fastest]:.3g} rad/s (or m/s): its control does not hold that part. For a "
                f"light one raise physics.rate and physics.control_rate together; else look for a "
                f"mass, a stiffness of impedance or a joint's limit that is far off"
            )

    def _control(self, share: float) -> None:
        """Simulate one control period, reading the fixture's force at every physics tick.

        The wrist's too, which the controller gets a period later: of every other tick alone, a hit
        would count twice or not at all.
        """
        world, robot, moving = self._world, self._robot, self._moving
        fixture, sensed, reads = self._fixture, self._sensed, self._fixture_reads
        forces = self.task.robot.forces(share, self._state)
        self._wrist_reads += (*self._between, self._state[-1][2])
        pull = self._pull
        between: list[Any] = []
        for tick in range(self._substeps):
            if tick:
                between.append(world.wrench(robot, self._read[-1]))
            world.drive(robot, moving, forces)
            if pull is not None:
                world.pull(robot, self._part, pull.force_n, pull.at)
            world.step()
            reads.append(world.joints(fixture, sensed))
        self._between = between
        self._state = world.joints(robot, self._read)  # once: all that follows works from it
        if self._brakes:
            self._set_brakes()

    def _set_brakes(self) -> None:
        """Let the fixture's brakes hold with what they do where they are now."""
        for i, (brake, held_n) in enumerate(self._brakes):
            position = self._world.joints(self._fixture, (brake.joint,))[0][0]
            force_n = brake.force_n(position)
            if force_n != held_n:
                self._world.lock(self._fixture, brake.joint, force_n)
                self._brakes[i] = (brake, force_n)

    def _forget_reads(self) -> None:
        self._fixture_reads: list[Any] = []
        self._wrist_reads: list[Sequence[float]] = []

    def _take_window(self) -> tuple[list[float], list[float]]:
        """Return the means of fixture and wrist (6,) readings since the last call."""
        means = mean_forces(self._fixture_reads), mean_wrench(self._wrist_reads)
        self._forget_reads()
        return means

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
            self.task.robot.depth_m(self._state),
            lambda: self._world.penetration_m(self._robot, self._fixture),
        )
        if self.on_window is not None:
            self.on_window(
                ForceWindow(
                    self.contact_time_s, self.joints, tuple(contact), tuple(self._wrist_mean)
                )
            )

    def _measured_wrench(self) -> list[float]:
        noise, sd = self._noise.standard_normal(6).tolist(), self.station.setting.noise
        scale = [sd.force_n] * 3 + [sd.torque_nm] * 3
        return [w + s * n for w, s, n in zip(self._wrist_mean, scale, noise, strict=True)]

    def _look_up_seat(self) -> Seat:
        return self.task.seat(self._world.link_pose(self._robot, self._part))
