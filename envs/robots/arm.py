"""An arm at work: how actions steer a part in its hand, and how it travels between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.specs.arm import ArmSpec
from envs.phases import Travel
from envs.physics.motion import Trapezoid
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Link
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.arm_body import FT, arm_body, frame_pose
from envs.robots.arm_control import ArmImpedance, ArmServo, Limits, reach, tip_error
from envs.robots.chain import Array, Chain, Posture, matrix_of, rotation_of, rotation_vector
from envs.station import State


@dataclass(frozen=True)
class Compliance:
    """How an arm yields at the part's front and how actions move its target, as plain numbers.

    Everything is along and about the axes of the observed frame, x along the insertion: three
    lengths (m), then three angles (rad), as axis times angle.

    Attributes:
        stiffness: N/m and N·m/rad. # (6,)
        damping_ratio: of every mode.
        lead: bound of target less measured front; stiffness x lead is the most it pushes. # (6,)
        steps: what an action of 1 moves the target by, in the part's own axes. # (actions, 6)
        low: where targets end, in the observed frame. # (6,)
        high: the same, upwards. # (6,)
        period_s: one policy step.
    """

    stiffness: Sequence[float]
    damping_ratio: float
    lead: Sequence[float]
    steps: Sequence[Sequence[float]]
    low: Sequence[float]
    high: Sequence[float]
    period_s: float


class Arm:
    """An arm with one part in its hand (`envs.station.Robot`).

    Places and targets are those of the part's front as the robot believes it: position (m) and axis
    times angle (rad) in the observed frame, whose origin is the mouth and whose x axis goes in.

    Args:
        spec: the arm.
        base: where its base stands in the cell, see `base_at`.
        mouth: where it believes the mouth to be, in the cell.
        part: what it truly holds, its pose in the frame of the grip.
        believed: what it believes to hold, and where.
        front: the part's front in the part's frame, x pointing into the mouth.
        compliance: impedance and scale of actions.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    def __init__(
        self,
        spec: ArmSpec,
        base: Pose,
        mouth: Pose,
        part: Link,
        believed: Link,
        front: Pose,
        compliance: Compliance,
        gain_factor: float = 1.0,
        damping_factor: float = 1.0,
    ) -> None:
        self.name = spec.id
        self.body: Body = arm_body(spec, base, part)
        self.axes = tuple(spec.joints)
        self.moving = tuple(range(len(self.axes)))
        self.wrist = self.body.index(FT)
        self.limits = Limits.of(spec)
        self._spec, self._base, self._mouth = spec, base, mouth
        nominal = arm_body(spec, base, believed)
        self._chain = Chain(nominal, mouth, front, GRAVITY_M_PER_S2)
        self._loaded = Chain(nominal, Pose(), Pose(), GRAVITY_M_PER_S2)
        self._front = front
        self._lead, self._steps = np.array(compliance.lead), np.array(compliance.steps)
        self._low, self._high = np.array(compliance.low), np.array(compliance.high)
        self._period_s = compliance.period_s
        self._impedance = ArmImpedance(
            self._chain, self.limits, np.array(compliance.stiffness), spec.posture_nm_per_rad,
            compliance.damping_ratio, gain_factor, damping_factor,
        )  # fmt: skip
        self._seen: tuple[State | None, Posture] = (None, self._chain.at(self.limits.home.tolist()))
        self._target = self._seen[1].position, self._seen[1].rotation

    def travel(self, loaded: bool) -> Travel:
        """Return the arm on its way."""
        if loaded:
            return Travel(self.body, self.axes, (), ArmServo(self._loaded))
        body = arm_body(self._spec, self._base, None)
        chain = Chain(body, Pose(), Pose(), GRAVITY_M_PER_S2)
        return Travel(body, self.axes, (), ArmServo(chain))

    def put(self, place: Sequence[float]) -> Sequence[float]:
        """Set the target to ``place`` and return joint positions that hold the part there.

        Raises:
            PhysicsError: the arm does not reach there.
        """
        values = np.array(place, dtype=np.float64)
        self._target = values[:3], rotation_of(values[3:])
        posture = reach(self._chain, self.limits, *self._target)
        self._impedance.settle(posture)
        return tuple(posture.joints.tolist())

    def aim(self, action: Sequence[float], state: State) -> None:
        """Pull the target to within its lead of the front, then move it by an action.

        The action is relative to the part's axes; targets stay in a window about the mouth, and
        within the lead: the arm never pushes harder than stiffness x lead.
        """
        posture = self._posture(state)
        start = self._led(posture, *self._target)
        position, rotation = _beyond(posture, start)
        step = np.asarray(action, dtype=np.float64) @ self._steps
        position = position + rotation @ step[:3]
        turn = rotation_vector(rotation @ rotation_of(step[3:]))
        wanted = np.minimum(self._high, np.maximum(self._low, np.concatenate((position, turn))))
        end = self._led(posture, wanted[:3], rotation_of(wanted[3:]))
        self._target = _beyond(posture, end)
        self._impedance.aim(posture, start, end, self._period_s)

    def forces(self, share: float, state: State) -> Sequence[float]:
        """Return joint torques (N·m) at ``share`` (0 to 1) of the way to the target."""
        return self._impedance.torques(share, state)

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed front in the observed frame, and its speed, (6,) each."""
        posture = self._posture(state)
        turn = rotation_vector(posture.rotation)
        speed = posture.jacobian @ [s[1] for s in state[: len(self.axes)]]
        return [*posture.position.tolist(), *turn.tolist()], speed.tolist()

    def lead(self, state: State) -> list[float]:
        """Return how far the target leads the front, as shares of the clamp, (6,)."""
        shares: list[float] = (tip_error(self._posture(state), *self._target) / self._lead).tolist()
        return shares

    def depth_m(self, state: State) -> float:
        """Return the believed front edge behind the observed mouth plane."""
        return float(self._posture(state).position[0])

    def joints_at(self, part: Pose) -> tuple[float, ...]:
        """Return joint positions that hold the part there in the cell: ends of scripted moves.

        Raises:
            PhysicsError: the arm does not reach there.
        """
        front = self._mouth.inverse() @ part @ self._front
        place = np.array(front.position), matrix_of(front)
        return tuple(reach(self._chain, self.limits, *place).joints.tolist())

    def moves(
        self, start: Sequence[float], end: Sequence[float], pace: float = 1.0
    ) -> dict[str, Trapezoid]:
        """Return the profiles of a straight move in joint space: all joints start and stop at once.

        Args:
            start: joint positions (rad).
            end: joint positions (rad).
            pace: share of the joints' speed and acceleration limits that is used.
        """
        way = np.array(end) - np.array(start)
        far = np.maximum(np.abs(way), 1e-12)
        speed = pace * float((self.limits.speed / far).min())  # shares of the way a second
        acceleration = pace * float((self.limits.acceleration / far).min())
        return {
            axis: Trapezoid(float(d), abs(float(d)) * speed, abs(float(d)) * acceleration)
            for axis, d in zip(self.axes, way, strict=True)
            if abs(d) > 1e-12
        }

    def _led(self, posture: Posture, position: Array, rotation: Array) -> Array:
        error = tip_error(posture, position, rotation)
        led: Array = np.minimum(self._lead, np.maximum(-self._lead, error))
        return led

    def _posture(self, state: State) -> Posture:
        """Return the arm at a state; observation and the next aim ask for the same one."""
        if self._seen[0] is not state:
            joints = [s[0] for s in state[: len(self.axes)]]
            self._seen = state, self._chain.at(joints)
        return self._seen[1]


def base_at(spec: ArmSpec, mouth: Pose) -> Pose:
    """Return where an arm's base stands, for a mouth that is nominally there in the cell."""
    return mouth @ frame_pose(spec.work).inverse()


def _beyond(posture: Posture, error: Array) -> tuple[Array, Array]:
    """Return the target that is ``error`` away from a posture's tip."""
    return posture.position + error[:3], rotation_of(error[3:]) @ posture.rotation
