"""The scripted phases in physics: poses over time for those who show or record an operation.

Evaluations time these phases by their profiles (`envs.cycle`); a test holds both durations
together. Nothing is in the way of the gantry here: racks and carts are not simulated, and the
compliant wrist is locked, as such wrists are while a load travels (assumed).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from configs.specs.station import Part, Setting, StationSpec
from envs.cycle import Phase
from envs.physics.pose import Pose
from envs.physics.shapes import Contact
from envs.physics.world import World
from envs.robots.gantry import (
    DRIVEN,
    PITCH,
    Grasp,
    empty_gantry_body,
    gantry_body,
    gantry_model,
)
from envs.robots.servo import ComputedTorque, Quad
from envs.stations.tray_insert import MOUTH

RATE_HZ = 1000.0  # assumed: a servo's cycle; a tick is under 1 % of the shortest move
AXES = ("x", "y", "z", "yaw")
NEAR = (0.001, 0.005)
"""A target is reached within 1 mm (1 mrad) and below 5 mm/s (5 mrad/s)."""
HOLD_S = 0.2
"""Time for which a reached target has to be held when durations are measured (assumed)."""
_LOCK_NM = 1e6
_FREE = Contact(1e6, 1e3, 0.1)  # nothing touches anything; bodies want contact parameters


@dataclass(frozen=True)
class Payload:
    """What is carried: the nominal part, and what it truly weighs and how it truly sits."""

    part: Part
    mass_kg: float
    grasp: Grasp = Grasp()  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class Moment:
    """Where everything is at one time.

    Attributes:
        phase: number of the phase in the sequence given.
        time_s: time since this phase began.
        joints: positions of x, y, z (m) and yaw (rad): the gripper in the cell's frame.
        velocities: their velocities.
        part: centre of the part in the cell, None while the hand is empty.
    """

    phase: int
    time_s: float
    joints: Quad
    velocities: Quad
    part: Pose | None


def at_mouth(setting: Setting, part: Part, depth_m: float) -> Quad:
    """Return the joint positions that hold a part's front edge ``depth_m`` behind the mouth.

    In the cell's frame the mouth is always in the same place, whatever the slot: the rack's
    height against the gantry's is in the moves.
    """
    x, y, z = MOUTH.position
    return (x + depth_m - part.length_m, y, z + setting.clearance_m, 0.0)


def approach(spec: StationSpec, setting: Setting, part: Part) -> Quad:
    """Return the joint positions where the policy takes over."""
    return at_mouth(setting, part, -spec.motion.approach_m)


def displaced(start: Quad, phases: Sequence[Phase], sign: float = 1.0) -> Quad:
    """Return where ``phases`` lead from ``start``; with ``sign`` -1, where they come from."""
    x, y, z, w = (
        s + sign * sum(p.moves[axis].distance for p in phases if axis in p.moves)
        for s, axis in zip(start, AXES, strict=True)
    )
    return (x, y, z, w)


def simulate_phases(
    phases: Sequence[Phase],
    start: Quad,
    payload: Payload,
    rate_hz: float = RATE_HZ,
    hold_s: float = 0.0,
) -> Iterator[Moment]:
    """Drive the gantry through ``phases`` and yield every tick.

    Args:
        phases: from `envs.cycle`; in those that are loaded the part is in the hand.
        start: joint positions at rest.
        payload: what the hand carries.
        rate_hz: physics and servo rate.
        hold_s: time at rest added behind each phase; it counts in ``time_s``.
    """
    world, origin, state = World(), start, start
    robot: _Robot | None = None
    try:
        for number, phase in enumerate(phases):
            if robot is None or robot.loaded != phase.loaded:
                robot = _Robot(world, payload, phase.loaded, state, rate_hz)
            for tick in range(1, round((phase.duration_s + hold_s) * rate_hz) + 1):
                time_s = tick / rate_hz
                robot.servo(origin, phase, time_s)
                moment = robot.look(number, time_s)
                state = moment.joints
                yield moment
            origin = displaced(origin, (phase,))
    finally:
        world.close()


def measured_durations(
    phases: Sequence[Phase], start: Quad, payload: Payload, rate_hz: float = RATE_HZ
) -> list[float]:
    """Return the duration (s) of each phase as simulated: target reached and held, plus dwell."""
    ends = [displaced(start, phases[: i + 1]) for i in range(len(phases))]
    late = [0.0] * len(phases)  # last time at which a phase's target was not held
    for moment in simulate_phases(phases, start, payload, rate_hz, HOLD_S):
        target = ends[moment.phase]
        far = any(abs(q - t) > NEAR[0] for q, t in zip(moment.joints, target, strict=True))
        if far or any(abs(v) > NEAR[1] for v in moment.velocities):
            late[moment.phase] = moment.time_s
    return [
        (time_s + 1.0 / rate_hz if phase.move_s > 0.0 else 0.0) + phase.dwell_s
        for time_s, phase in zip(late, phases, strict=True)
    ]


class _Robot:
    """The gantry, loaded or empty, alone in a world."""

    def __init__(
        self, world: World, payload: Payload, loaded: bool, place: Quad, rate_hz: float
    ) -> None:
        self.loaded = loaded
        part = payload.part if loaded else None
        body = (
            gantry_body(payload.part, payload.mass_kg, payload.grasp)
            if loaded
            else empty_gantry_body()
        )
        self._held = body.links[-1].pose if loaded else None
        self._world = world
        world.clear(rate_hz, 50)
        self._handle = world.add(body, _FREE)
        world.lock(self._handle, PITCH, _LOCK_NM)
        world.place(self._handle, (*place, 0.0))
        self._servo = ComputedTorque(gantry_model(part))

    def servo(self, origin: Quad, phase: Phase, time_s: float) -> None:
        """Advance by one tick along ``phase``, which began at ``origin``."""
        at = [phase.moves[a].at(time_s) if a in phase.moves else (0.0, 0.0, 0.0) for a in AXES]
        wanted = [_quad([row[i] for row in at]) for i in range(3)]
        position = _quad([o + p for o, p in zip(origin, wanted[0], strict=True)])
        state = self._world.joints(self._handle, DRIVEN)
        forces = self._servo.forces(position, wanted[1], wanted[2], state)
        self._world.drive(self._handle, DRIVEN, forces)
        self._world.step()

    def look(self, phase: int, time_s: float) -> Moment:
        """Return where everything is."""
        state = self._world.joints(self._handle, DRIVEN)
        joints, velocities = _quad([s[0] for s in state]), _quad([s[1] for s in state])
        part = Pose.planar(*joints) @ self._held if self._held is not None else None
        return Moment(phase, time_s, joints, velocities, part)


def _quad(values: Sequence[float]) -> Quad:
    a, b, c, d = values
    return (a, b, c, d)
