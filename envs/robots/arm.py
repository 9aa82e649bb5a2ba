"""An arm at work: how actions steer a part in its hand, and how it travels between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from configs.errors import PhysicsError
from configs.specs.arm import ArmSpec
from configs.specs.station import Part
from envs.phases import Leg, Phase, Servo, Travel
from envs.physics.motion import Trapezoid
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Link
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.arm_body import FT, arm_body, frame_pose
from envs.robots.arm_control import ArmImpedance, Limits, reach, tip_error
from envs.robots.chain import Array, Chain, Posture, angles_of, rotation_of
from envs.robots.held import part_link
from envs.robots.six_axis import Drive, Held
from envs.robots.steering import Steering
from envs.station import State

BANDWIDTH_RAD_PER_S = 80.0  # assumed: about 13 Hz, what an arm's joint servos reach
LINEAR_RAD = 0.015
"""Way of the joints over which the front is taken for linear: 0.9 m x (0.015)²/2 is 0.1 mm."""
PLACES = 9
"""Places along a move at which the front's speed is looked at."""
_NONE = 1e-12  # of a way (rad, m): what does not move sets no time


class Arm:
    """An arm with one part in its hand (`envs.robots.six_axis.SixAxis`).

    Readings of the force/torque sensor are about the part's front and along its axes, as a cell's
    controller gives them.

    Args:
        spec: the arm.
        mouth: where it believes the mouth to be, in the cell; its base stands accordingly.
        held: the part in its hand.
        drive: its impedance.
        steering: moves the target.
    """

    def __init__(
        self, spec: ArmSpec, mouth: Pose, held: Held, drive: Drive, steering: Steering
    ) -> None:
        base = base_at(spec, mouth)
        self.name = spec.id
        self.limits = Limits.of(spec)
        self.axes = tuple(spec.joints)
        self.moving = tuple(range(len(self.axes)))
        length = held.part.length_m
        true = _link(held.part, held.mass_kg, held.grasp)
        self.body: Body = arm_body(spec, base, true, length)
        self.wrist = self.body.index(FT)
        self._spec, self._base, self._steering = spec, base, steering
        front = Pose((length / 2, 0.0, 0.0))
        believed = _link(held.part, held.part.mass_kg, Pose())
        self._nominal = arm_body(spec, base, believed, length)
        self._chain = Chain(self._nominal, mouth, front, GRAVITY_M_PER_S2)
        x, y, z, yaw, pitch, roll = steering.leads
        self._leads = np.array((x, y, z, roll, pitch, yaw))  # turns about x, y, z
        self._period_s = drive.period_s
        self._impedance = ArmImpedance(
            self._chain, self.limits, np.array(drive.stiffness), spec.posture_nm_per_rad,
            drive.damping_ratio, drive.gain_factor, drive.damping_factor,
        )  # fmt: skip
        self._seen: tuple[State | None, Posture] = None, self._chain.at(self.limits.home.tolist())

    def travel(self, loaded: bool) -> Travel:
        """Return the arm on its way."""
        body = self.body if loaded else arm_body(self._spec, self._base, None)
        known = self._nominal if loaded else body
        chain = Chain(known, Pose(), Pose(), GRAVITY_M_PER_S2)
        return Travel(body, self.axes, (), Servo(chain, BANDWIDTH_RAD_PER_S))

    def put(self, place: Sequence[float]) -> Sequence[float]:
        """Set the target to ``place`` and return joint positions that hold the part there.

        Raises:
            PhysicsError: the arm does not reach there.
        """
        self._steering.put(place)
        posture = self._reach(place)
        self._seen = None, posture
        self._impedance.settle(posture)
        return tuple(posture.joints.tolist())

    def aim(self, action: Sequence[float], state: State) -> None:
        """Move the target by one clipped action; `forces` goes there over one policy step.

        What it leads the measured front by is clamped at both ends of the step, so that the arm
        pushes with stiffness x lead at most, whatever the policy asks for.
        """
        posture = self._posture(state)
        self._steering.aim(action, _front_of(posture))
        start, end = (self._led(posture, self._steering.at(share)) for share in (0.0, 1.0))
        rates = np.array([s[1] for s in state[: len(self.axes)]])
        self._impedance.aim(posture, rates, start, end, self._period_s)

    def forces(self, share: float, state: State) -> Sequence[float]:
        """Return joint torques (N·m) at ``share`` (0 to 1) of the way to the target."""
        return self._impedance.torques(share, state)

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed front (m, rad) in the observed frame, and its speed (m/s, rad/s)."""
        posture = self._posture(state)
        x, y, z, wx, wy, wz = (posture.jacobian @ [s[1] for s in state[: len(self.axes)]]).tolist()
        return _front_of(posture), [x, y, z, wz, wy, wx]

    def lead(self, front: Sequence[float]) -> list[float]:
        """Return how far the target leads a front, as shares of the clamp, (6,)."""
        return self._steering.lead(front)

    def depth_m(self, state: State) -> float:
        """Return the believed front behind the observed mouth plane.

        Judges ask at every window: within a policy step it is linear about the posture seen last,
        which is off by no more than 0.1 mm.
        """
        posture = self._seen[1]
        way = np.array([s[0] for s in state[: len(self.axes)]]) - posture.joints
        if self._seen[0] is state or way @ way > LINEAR_RAD**2:
            return float(self._posture(state).position[0])
        return float(posture.position[0] + posture.jacobian[0] @ way)

    def joints_at(self, place: Sequence[float]) -> tuple[float, ...]:
        """Return joint positions that hold the part's front there.

        Raises:
            PhysicsError: the arm does not reach there.
        """
        return tuple(self._reach(place).joints.tolist())

    def phases(self, start: Sequence[float], legs: Sequence[Leg]) -> tuple[Phase, ...]:
        """Return the scripted phases that take the part's front through ``legs``.

        Every move is straight in joint space: all joints start and stop at once. From place to
        place the arm takes the posture nearest home.

        Args:
            start: place of the front.
            legs: in turn.

        Raises:
            PhysicsError: the arm does not reach one of the places.
        """
        phases, place, here = [], tuple(start), self.joints_at(start)
        for leg in legs:
            moves: dict[str, Trapezoid] = {}
            if any(leg.by):
                place = tuple(p + d for p, d in zip(place, leg.by, strict=True))
                there = self.joints_at(place)
                moves, here = self._moves(here, there, leg), there
            phases.append(Phase(leg.name, moves, leg.dwell_s, leg.loaded))
        return tuple(phases)

    def _moves(
        self, start: Sequence[float], end: Sequence[float], leg: Leg
    ) -> dict[str, Trapezoid]:
        """Return the profile of each joint, as slow as the slowest of joints and front needs."""
        begin, way = np.array(start), np.array(end) - np.array(start)
        # The front's path by share of the way, and its turn, at the worst of some places along it.
        shares = np.linspace(0.0, 1.0, PLACES)
        paths = [self._chain.at((begin + s * way).tolist()).jacobian @ way for s in shares]
        path_m = max(float(np.linalg.norm(path[:3])) for path in paths) + _NONE
        turn_rad = max(float(np.linalg.norm(path[3:])) for path in paths) + _NONE
        far = np.abs(way) + _NONE
        limits, axis = self.limits, leg.axis
        speed = min(
            float((limits.speed / far).min()), axis.speed_m_per_s / path_m, leg.turn[0] / turn_rad
        )
        acceleration = min(
            float((limits.acceleration / far).min()),
            axis.acceleration_m_per_s2 / path_m,
            leg.turn[1] / turn_rad,
        )
        return {
            name: Trapezoid(d, abs(d) * speed, abs(d) * acceleration)
            for name, d in zip(self.axes, way.tolist(), strict=True)
            if abs(d) > 1e-9
        }

    def _led(self, posture: Posture, place: Sequence[float]) -> Array:
        error = tip_error(posture, *_target(place))
        led: Array = np.minimum(self._leads, np.maximum(-self._leads, error))
        return led

    def _reach(self, place: Sequence[float]) -> Posture:
        try:
            return reach(self._chain, self.limits, *_target(place))
        except PhysicsError as error:
            at = " ".join(f"{x:g}" for x in self._spec.work.position_m)
            raise PhysicsError(
                f"robot {self.name} {error}; in its YAML, set work.position = '{at} m' nearer, or "
                f"home of its joints to a posture that holds the grip there"
            ) from None

    def _posture(self, state: State) -> Posture:
        """Return the arm at a state; observation and the next aim ask for the same one."""
        if self._seen[0] is not state:
            self._seen = state, self._chain.at([s[0] for s in state[: len(self.axes)]])
        return self._seen[1]


def base_at(spec: ArmSpec, mouth: Pose) -> Pose:
    """Return where an arm's base stands, for a mouth that is nominally there in the cell."""
    return mouth @ frame_pose(spec.work).inverse()


def _link(part: Part, mass_kg: float, grasp: Pose) -> Link:
    """Return a part as a link in the frame of the grip, which has it by its rear end."""
    return part_link(part, mass_kg, "", Pose((part.length_m, 0.0, 0.0)) @ grasp)


def _front_of(posture: Posture) -> list[float]:
    return [*posture.position.tolist(), *angles_of(posture.rotation)]


def _target(place: Sequence[float]) -> tuple[Array, Array]:
    return np.array(place[:3], dtype=np.float64), rotation_of(place[3], place[4], place[5])
