"""Scripted phases: timed by their motion profiles, and simulated for those who show or record.

Evaluations time phases by their profiles; a test holds both durations together. Nothing is in the
way of a robot in the simulation: racks and carts are not in it, and what is compliant in a hand is
locked, as such wrists are while a load travels (assumed).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from configs.specs.station import Axis
from envs.physics.kinematics import link_poses
from envs.physics.motion import Trapezoid
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Contact
from envs.physics.world import World

RATE_HZ = 1000.0  # assumed: a servo's cycle; a tick is under 1 % of the shortest move
NEAR = (0.001, 0.005)
"""A target is reached within 1 mm (1 mrad) and below 5 mm/s (5 mrad/s)."""
HOLD_S = 0.2
"""Time for which a reached target has to be held when durations are measured (assumed)."""
_LOCK_NM = 1e6
_FREE = Contact(1e6, 1e3, 0.1)  # nothing touches anything; bodies want contact parameters


@dataclass(frozen=True)
class Phase:
    """One scripted phase: axes move together from rest to rest, then a dwell.

    Attributes:
        name: phase of the operation: pick, transit, align, close, release, retract.
        moves: profile of each moving axis, by joint name; the slowest sets the time.
        dwell_s: time at rest behind the move.
        loaded: the part is in the hand.
    """

    name: str
    moves: dict[str, Trapezoid]
    dwell_s: float = 0.0
    loaded: bool = True

    @property
    def move_s(self) -> float:
        """Duration of the slowest move."""
        return max((m.duration_s for m in self.moves.values()), default=0.0)

    @property
    def duration_s(self) -> float:
        """Duration of the slowest move plus the dwell."""
        return self.move_s + self.dwell_s


def move(distance_m: float, axis: Axis) -> Trapezoid:
    """Return a rest-to-rest move within the limits of an axis."""
    return Trapezoid(distance_m, axis.speed_m_per_s, axis.acceleration_m_per_s2)


@dataclass(frozen=True)
class Leg:
    """One scripted move of a part's front, as the work wants it: robots make a `Phase` of it.

    Attributes:
        name: of the phase.
        axis: what the front may do along its path.
        turn: how the front may turn: rad/s and rad/s².
        by: where it goes from where it was: along x, y, z of the cell (m), yaw, pitch, roll (rad).
        dwell_s: time at rest behind the move.
        loaded: the part is in the hand; the front is that of one in the empty hand otherwise.
    """

    name: str
    axis: Axis
    turn: tuple[float, float]
    by: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    dwell_s: float = 0.0
    loaded: bool = True


def origin_of(place: Sequence[float], legs: Sequence[Leg]) -> tuple[float, ...]:
    """Return the place of the front from which ``legs`` lead to ``place``."""
    return tuple(p - sum(leg.by[i] for leg in legs) for i, p in enumerate(place))


class Dynamics(Protocol):
    """What a robot believes of its dynamics with what it carries: nominal, never the truth.

    Joints are its driven ones, n of them, in m or rad; forces in N or N·m.
    """

    def mass_matrix(self, joints: Sequence[float]) -> NDArray[np.float64]:
        """Return the joint-space mass matrix (kg, kg·m, kg·m²) at joint positions. # (n, n)."""

    def bias(self, joints: Sequence[float], rates: Sequence[float]) -> NDArray[np.float64]:
        """Return the joint forces that no acceleration takes: against weight, and turning's pull.

        Args:
            joints: positions, (n,).
            rates: velocities (m/s or rad/s), (n,).
        """


class Servo:
    """Drives joints along a trajectory, critically damped, with the dynamics fed forward.

    ``force = M(q) (a + 2 w (v - q') + w² (p - q)) + c(q, q')``.

    Source: Siciliano et al., "Robotics: Modelling, Planning and Control" (2009), section 8.5.2.

    Args:
        dynamics: of the robot.
        bandwidth_rad_per_s: w.
    """

    def __init__(self, dynamics: Dynamics, bandwidth_rad_per_s: float) -> None:
        self._dynamics, self._w = dynamics, bandwidth_rad_per_s

    def forces(
        self,
        position: Sequence[float],
        velocity: Sequence[float],
        acceleration: Sequence[float],
        state: Sequence[Sequence[float]],
    ) -> list[float]:
        """Return joint forces (N or N·m) for a wanted state, (n,).

        Args:
            position: wanted joint positions (m or rad), (n,).
            velocity: wanted joint velocities (m/s or rad/s), (n,).
            acceleration: wanted joint accelerations (m/s² or rad/s²), (n,).
            state: measured (position, velocity, ...) of each joint.
        """
        w = self._w
        wanted = [
            a + 2.0 * w * (v - s[1]) + w * w * (p - s[0])
            for p, v, a, s in zip(position, velocity, acceleration, state, strict=True)
        ]
        joints, rates = [s[0] for s in state], [s[1] for s in state]
        dynamics = self._dynamics
        forces: list[float] = (
            dynamics.mass_matrix(joints) @ wanted + dynamics.bias(joints, rates)
        ).tolist()
        return forces


@dataclass(frozen=True)
class Travel:
    """A robot on its way, with the part in its hand or without.

    Attributes:
        body: the robot; a part in its hand is the last link.
        axes: names of the driven joints, which are the first that move.
        locked: joints that move in contact only.
        servo: drives the axes.
    """

    body: Body
    axes: tuple[str, ...]
    locked: tuple[int, ...]
    servo: Servo

    @property
    def driven(self) -> tuple[int, ...]:
        """Numbers of the driven joints."""
        return tuple(self.body.index(axis) for axis in self.axes)

    def all_joints(self, joints: Sequence[float]) -> tuple[float, ...]:
        """Return the positions of all joints that move: those that are locked are at 0."""
        return (*joints, *[0.0] * len(self.locked))

    def part(self, joints: Sequence[float]) -> Pose:
        """Return the centre of the part in the hand, by the positions of the axes."""
        return link_poses(self.body, self.all_joints(joints))[self.body.links[-1].name]


class Traveller(Protocol):
    """What can go through scripted phases."""

    def travel(self, loaded: bool) -> Travel:
        """Return the robot as it is on its way."""


@dataclass(frozen=True)
class Moment:
    """Where everything is at one time.

    Attributes:
        phase: number of the phase in the sequence given.
        time_s: time since this phase began.
        joints: positions (m or rad) of the robot's axes.
        velocities: their velocities.
        travel: the robot.
        loaded: the part is in the hand.
    """

    phase: int
    time_s: float
    joints: tuple[float, ...]
    velocities: tuple[float, ...]
    travel: Travel
    loaded: bool

    @property
    def part(self) -> Pose | None:
        """Centre of the part in the cell, None while the hand is empty."""
        return self.travel.part(self.joints) if self.loaded else None


def displaced(
    start: Sequence[float], axes: Sequence[str], phases: Sequence[Phase], sign: float = 1.0
) -> tuple[float, ...]:
    """Return where ``phases`` lead from ``start``; with ``sign`` -1, where they come from."""
    return tuple(
        s + sign * sum(p.moves[axis].distance for p in phases if axis in p.moves)
        for s, axis in zip(start, axes, strict=True)
    )


def simulate_phases(
    robot: Traveller,
    phases: Sequence[Phase],
    start: Sequence[float],
    rate_hz: float = RATE_HZ,
    hold_s: float = 0.0,
) -> Iterator[Moment]:
    """Drive a robot through ``phases`` and yield every tick.

    Args:
        robot: with what it carries; in phases that are loaded the part is in its hand.
        phases: in turn.
        start: positions of its axes, at rest.
        rate_hz: physics and servo rate.
        hold_s: time at rest added behind each phase; it counts in ``time_s``.
    """
    world, origin, state = World(), tuple(start), tuple(start)
    moved: _Moved | None = None
    try:
        for number, phase in enumerate(phases):
            if moved is None or moved.loaded != phase.loaded:
                moved = _Moved(world, robot.travel(phase.loaded), phase.loaded, state, rate_hz)
            for tick in range(1, round((phase.duration_s + hold_s) * rate_hz) + 1):
                time_s = tick / rate_hz
                moved.drive(origin, phase, time_s)
                moment = moved.look(number, time_s)
                state = moment.joints
                yield moment
            origin = displaced(origin, moved.travel.axes, (phase,))
    finally:
        world.close()


def measured_durations(
    robot: Traveller, phases: Sequence[Phase], start: Sequence[float], rate_hz: float = RATE_HZ
) -> list[float]:
    """Return the duration (s) of each phase as simulated: target reached and held, plus dwell."""
    axes = robot.travel(loaded=True).axes
    ends = [displaced(start, axes, phases[: i + 1]) for i in range(len(phases))]
    late = [0.0] * len(phases)  # last time at which a phase's target was not held
    for moment in simulate_phases(robot, phases, start, rate_hz, HOLD_S):
        target = ends[moment.phase]
        far = any(abs(q - t) > NEAR[0] for q, t in zip(moment.joints, target, strict=True))
        if far or any(abs(v) > NEAR[1] for v in moment.velocities):
            late[moment.phase] = moment.time_s
    return [
        (time_s + 1.0 / rate_hz if phase.move_s > 0.0 else 0.0) + phase.dwell_s
        for time_s, phase in zip(late, phases, strict=True)
    ]


class _Moved:
    """A robot on its way, alone in a world."""

    def __init__(
        self, world: World, travel: Travel, loaded: bool, place: Sequence[float], rate_hz: float
    ) -> None:
        self.travel, self.loaded = travel, loaded
        self._world, self._driven = world, travel.driven
        world.clear(rate_hz, 50)
        self._handle = world.add(travel.body, _FREE)
        for joint in travel.locked:
            world.lock(self._handle, joint, _LOCK_NM)
        world.place(self._handle, travel.all_joints(place))

    def drive(self, origin: Sequence[float], phase: Phase, time_s: float) -> None:
        """Advance by one tick along ``phase``, which began at ``origin``."""
        moves, still = phase.moves, (0.0, 0.0, 0.0)
        at = [moves[a].at(time_s) if a in moves else still for a in self.travel.axes]
        position, velocity, acceleration = zip(*at, strict=True)
        wanted = [o + p for o, p in zip(origin, position, strict=True)]
        state = self._world.joints(self._handle, self._driven)
        forces = self.travel.servo.forces(wanted, velocity, acceleration, state)
        self._world.drive(self._handle, self._driven, forces)
        self._world.step()

    def look(self, phase: int, time_s: float) -> Moment:
        """Return where everything is."""
        state = self._world.joints(self._handle, self._driven)
        joints, velocities = tuple(s[0] for s in state), tuple(s[1] for s in state)
        return Moment(phase, time_s, joints, velocities, self.travel, self.loaded)
