"""Arms at work: impedance as specified, forces read right, limits kept, resets exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pybullet
import pytest

from configs.errors import PhysicsError
from configs.specs.arm import load_arm_spec
from configs.specs.station import Axis, Part
from envs.phases import Leg, displaced, measured_durations, simulate_phases
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Contact, Joint, Link
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.robots.arm import Arm
from envs.robots.arm_control import Limits, reach
from envs.robots.chain import Chain
from envs.robots.six_axis import Drive, Held

ARMS = ("franka_panda", "kuka_iiwa7")
PART = Part.model_validate_json(
    '{"mass": "0.08 kg", "width": "18 mm", "height": "8.5 mm", "length": "70 mm"}'
)
MOUTH = Pose((0.5, 0.0, 0.4))
STIFFNESS = (5000.0, 2000.0, 2000.0, 15.0, 15.0, 15.0)
LEADS = (0.02, 0.01, 0.01, 0.08, 0.08, 0.08)
STEPS = (0.002, 0.0015, 0.0015, 0.02, 0.02, 0.02)
WINDOW = (0.04, 0.007, 0.007, 0.1, 0.1, 0.1)
START = (-0.03, 0.0, 0.0, 0.0, 0.0, 0.0)
CONTACT = Contact(2e6, 1e3, 1.0)
RATE_HZ, TICKS = 240.0, 12
PERIOD_S = TICKS / RATE_HZ


class Straight:
    """Moves a target entry by entry within a window, and pulls it to within the leads."""

    def __init__(self, window: Sequence[float]) -> None:
        self.leads, self._window = LEADS, window
        self.target: list[float] = []
        self._start: list[float] = []

    def put(self, place: Sequence[float]) -> None:
        self.target = self._start = [float(p) for p in place]

    def aim(self, action: Sequence[float], front: Sequence[float]) -> None:
        near = zip(self.target, front, LEADS, strict=True)
        self._start = [min(f + lead, max(f - lead, t)) for t, f, lead in near]
        moved = zip(self._start, STEPS, action, self._window, strict=True)
        self.target = [min(w, max(-w, s + m * a)) for s, m, a, w in moved]

    def at(self, share: float) -> list[float]:
        return [s + share * (t - s) for s, t in zip(self._start, self.target, strict=True)]

    def lead(self, front: Sequence[float]) -> list[float]:
        return [(t - f) / c for t, f, c in zip(self.target, front, LEADS, strict=True)]


class Rig:
    """An arm alone in a world, or before a wall, driven as `envs.operation` drives robots."""

    def __init__(
        self, name: str, window: Sequence[float] = WINDOW, wall: Body | None = None,
        held: Held | None = None, world: World | None = None,
    ) -> None:  # fmt: skip
        spec = load_arm_spec(name)
        self.steering = Straight(window)
        drive = Drive(STIFFNESS, 0.7, PERIOD_S)
        held = held or Held(PART, PART.mass_kg)
        self.arm = Arm(spec, MOUTH, held, drive, self.steering)
        self.world = world or World()
        self.world.clear(RATE_HZ, 50)
        self.wall = self.world.add(wall, CONTACT) if wall else -1
        self.handle = self.world.add(self.arm.body, CONTACT)
        self.world.sense(self.handle, self.arm.wrist)
        if wall:
            self.world.sense(self.wall, 1)
        self._read = (*self.arm.moving, self.arm.wrist)
        self.fastest, self.torques = np.zeros(len(self.arm.moving)), np.zeros(len(self.arm.moving))
        self.lowest, self.highest = self.torques + np.inf, self.torques - np.inf
        self.put(START)

    def put(self, place: Sequence[float]) -> None:
        self.world.place(self.handle, self.arm.put(place))
        self.state: Any = self.world.joints(self.handle, self._read)

    def step(self, action: Sequence[float] | None, steps: int = 1, pull: Any = None) -> None:
        """Simulate policy steps; None holds the target, as a task's settling does."""
        for _ in range(steps):
            if action is not None:
                self.arm.aim(action, self.state)
            for tick in range(1, TICKS + 1):
                forces = self.arm.forces(tick / TICKS, self.state)
                self.world.drive(self.handle, self.arm.moving, forces)
                if pull is not None:
                    pull()
                self.world.step()
                self.state = self.world.joints(self.handle, self._read)
                q, v = np.array([s[:2] for s in self.state[:-1]]).T
                self.fastest = np.maximum(self.fastest, np.abs(v))
                self.torques = np.maximum(self.torques, np.abs(forces))
                self.lowest = np.minimum(self.lowest, q)
                self.highest = np.maximum(self.highest, q)

    @property
    def front(self) -> np.ndarray:
        return np.array(self.arm.front(self.state)[0])

    @property
    def wrench(self) -> np.ndarray:
        return np.array(self.state[-1][2])

    def keeps_its_limits(self) -> bool:
        limits = self.arm.limits
        inside = (self.lowest > limits.low).all() and (self.highest < limits.high).all()
        slow = (self.fastest < limits.speed).all() and (self.torques <= limits.torque).all()
        return bool(inside and slow and np.isfinite(self.front).all())


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_stands_still_and_its_sensor_weighs_what_hangs_on_it(name):
    rig = Rig(name)
    rig.step(None, 10)
    off = rig.front - START
    assert np.abs(off[:3]).max() < 1e-5  # m: gravity is compensated to within 0.05 N
    assert np.abs(off[3:]).max() < 1e-4  # rad
    spec = load_arm_spec(name)
    weight = GRAVITY_M_PER_S2 * (spec.hand.mass_kg + PART.mass_kg)
    assert rig.wrench[:3] == pytest.approx([0.0, 0.0, weight], abs=0.02)
    assert np.abs(rig.wrench[[3, 5]]).max() < 1e-3
    assert rig.arm.depth_m(rig.state) == pytest.approx(rig.front[0], abs=1e-12)


@pytest.mark.parametrize("name", ARMS)
def test_a_part_heavier_than_believed_sinks_by_its_surplus_over_the_stiffness(name):
    rig = Rig(name, held=Held(PART, PART.mass_kg + 0.1))
    rig.step((0.0,) * 6, 20)
    assert rig.front[2] == pytest.approx(-0.1 * GRAVITY_M_PER_S2 / STIFFNESS[2], rel=0.1)


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize("axis", range(3))
def test_a_known_force_moves_the_front_by_force_over_stiffness(name, axis):
    """A probe that is not the arm's own model: the engine pushes at the true front."""
    rig, force = Rig(name), [0.0, 0.0, 0.0]
    force[axis] = 8.0
    part = len(rig.arm.body.links) - 1

    def pull() -> None:
        pybullet.applyExternalForce(
            rig.handle, part, force, (PART.length_m / 2, 0.0, 0.0), pybullet.LINK_FRAME,
            physicsClientId=rig.world._id,
        )  # fmt: skip

    rig.step((0.0,) * 6, 30, pull)
    moved = rig.front - START
    assert moved[axis] == pytest.approx(8.0 / STIFFNESS[axis], rel=0.02)
    rest = np.delete(moved, axis)
    assert np.abs(rest[:2]).max() < 0.05 * moved[axis]


@pytest.mark.parametrize("name", ARMS)
def test_the_front_follows_its_target_and_settles_on_it(name):
    rig = Rig(name)
    rig.step((1.0, 0.3, -0.3, 0.2, 0.2, -0.2), 12)
    lag = np.array(rig.arm.lead(rig.front.tolist())) * LEADS
    assert np.abs(lag[:3]).max() < 1.0e-3  # at 40 mm/s
    assert np.abs(lag[3:]).max() < 0.02
    rig.step((0.0,) * 6, 20)
    error = np.array(rig.steering.target) - rig.front
    assert np.abs(error[:3]).max() < 5e-5
    assert np.abs(error[3:]).max() < 2e-3


def panel(half_m: float = 0.1) -> Body:
    """Return a wall in the mouth plane on a sensed joint of a mount."""
    face = Link("face", "mount", Joint.FIXED, 50.0,
                boxes=(Box((0.01, half_m, half_m), Pose((0.01, 0.0, 0.0))),))  # fmt: skip
    return Body(MOUTH, (Link("mount", "", Joint.FIXED, 0.0), face))


@pytest.mark.parametrize("name", ARMS)
def test_a_static_push_reads_at_the_wrist_what_the_wall_feels(name):
    rig = Rig(name, wall=panel())
    rig.step(None, 5)
    tare, weight = rig.wrench, np.array(rig.world.wrench(rig.wall, 1))
    rig.step((1.0, 0.0, 0.0, 0.0, 0.0, 0.0), 40)
    rig.step((0.0,) * 6, 20)
    wrist, wall = tare - rig.wrench, weight - np.array(rig.world.wrench(rig.wall, 1))
    most = STIFFNESS[0] * LEADS[0]
    assert wall[0] == pytest.approx(most, rel=0.02)  # the clamp: 40 steps would ask for 250 N
    assert -wrist[0] == pytest.approx(wall[0], rel=0.01)
    assert np.abs(wrist[:3] + wall[:3]).max() < 0.01 * wall[0]
    assert rig.keeps_its_limits()


@pytest.mark.parametrize("name", ARMS)
def test_the_clamp_holds_while_a_policy_leans_on_the_wall(name):
    rig, most = Rig(name, wall=panel()), 0.0
    rig.step((1.0, 0.0, 0.0, 0.0, 0.0, 0.0), 15)
    for _ in range(30):
        rig.step((1.0, 1.0, -1.0, 0.5, -0.5, 0.5))
        most = max(most, -float(rig.world.wrench(rig.wall, 1)[0]))
    assert most < 1.1 * STIFFNESS[0] * LEADS[0]


@pytest.mark.parametrize("name", ARMS)
def test_no_limit_breaks_on_the_way_to_random_targets(name):
    """Windows of 0.3 m and 0.6 rad: far beyond any task's."""
    rig, rng = Rig(name, window=(0.3, 0.3, 0.3, 0.6, 0.6, 0.6)), np.random.default_rng(3)
    for _ in range(12):
        rig.step(rng.uniform(-1.0, 1.0, 6).round().tolist(), 40)
    assert rig.keeps_its_limits()


@pytest.mark.parametrize("name", ARMS)
@pytest.mark.parametrize(
    "way", [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)]
)
def test_an_arm_that_is_sent_out_of_its_reach_stretches_and_stays_calm(name, way):
    """The elbow straightens, where the Jacobian loses its rank; or folds up to its stops."""
    rig = Rig(name, window=(2.0, 2.0, 2.0, 0.1, 0.1, 0.1))
    rig.step((*way, 0.0, 0.0, 0.0), 400)
    assert rig.keeps_its_limits()
    assert np.abs([s[1] for s in rig.state[:-1]]).max() < 0.5  # rad/s


def test_a_place_out_of_reach_is_said_to_be():
    rig = Rig("franka_panda")
    with pytest.raises(PhysicsError, match=r"does not reach \(1\.000, 0\.000, 0\.000\)"):
        rig.put((1.0, 0.0, 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("name", ARMS)
def test_reach_finds_random_postures_of_the_arm_within_its_limits(name):
    rig, rng = Rig(name), np.random.default_rng(5)
    chain: Chain = rig.arm._chain
    limits: Limits = rig.arm.limits
    for _ in range(20):
        near = limits.home + rng.uniform(-0.4, 0.4, len(limits.home))
        wanted = chain.at(np.clip(near, limits.low + 0.15, limits.high - 0.15).tolist())
        found = reach(chain, limits, wanted.position, wanted.rotation)
        assert found.position == pytest.approx(wanted.position, abs=1e-6)
        assert np.abs(found.rotation - wanted.rotation).max() < 1e-6
        assert ((found.joints >= limits.low) & (found.joints <= limits.high)).all()


@pytest.mark.parametrize("name", ARMS)
def test_a_reset_is_the_same_to_the_bit_whatever_happened_before(name):
    world, rng = World(), np.random.default_rng(7)

    def run() -> list[str]:
        rig, hashes = Rig(name, wall=panel(), world=world), []
        for i in range(25):
            rig.step((1.0, math.sin(i), 0.2, 0.1, 0.0, 0.0))
            hashes.append(world.state_hash(rig.handle, rig.arm.moving))
        return hashes

    first = run()
    for _ in range(2):
        history = Rig(name, wall=panel(), world=world)
        for _ in range(int(rng.integers(3, 20))):
            history.step(rng.uniform(-1.0, 1.0, 6).tolist())
        assert run() == first
    assert len(set(first)) == len(first)
    world.close()


SLOW = Axis.model_validate_json('{"speed": "0.25 m/s", "acceleration": "1 m/s^2"}')
FAST = Axis.model_validate_json('{"speed": "1 m/s", "acceleration": "2 m/s^2"}')


TURN = (1.0, 4.0)
ABOVE = (-0.15, 0.2, -0.05, math.pi / 4, 0.0, 0.0)
CYCLE = (
    Leg("pick", FAST, TURN, (0.0, 0.0, -0.05, 0.0, 0.0, 0.0), 0.5, loaded=False),
    Leg("pick", SLOW, TURN, (0.0, 0.0, 0.05, 0.0, 0.0, 0.0)),
    Leg("transit", FAST, TURN, (0.12, -0.2, 0.05, -math.pi / 4, 0.0, 0.0)),
    Leg("align", FAST, TURN, dwell_s=0.4),
    Leg("retract", FAST, TURN, (-0.03, 0.0, 0.0, 0.0, 0.0, 0.0), loaded=False),
    Leg("retract", FAST, TURN, (-0.09, 0.2, -0.05, math.pi / 4, 0.0, 0.0), loaded=False),
)
"""A pick from a fixture aside, transit to before the mouth, and the way back."""


@pytest.mark.parametrize("name", ARMS)
def test_travel_takes_as_long_as_its_profiles_within_all_limits(name):
    arm = Rig(name).arm
    phases, start = arm.phases(ABOVE, CYCLE), arm.joints_at(ABOVE)
    measured = measured_durations(arm, phases, start, 500.0)
    assert sum(measured) == pytest.approx(sum(p.duration_s for p in phases), rel=0.01)
    travel, here, place = arm.travel(loaded=True), start, np.array(ABOVE)
    for phase, leg in zip(phases, CYCLE, strict=True):
        durations = [move.duration_s for move in phase.moves.values()] or [0.0]
        assert max(durations) - min(durations) < 1e-9  # all joints at once
        assert phase.duration_s == pytest.approx(durations[0] + leg.dwell_s)
        for share in np.linspace(0.05, 0.95, 10):
            at = {axis: move.at(share * durations[0]) for axis, move in phase.moves.items()}
            rates = np.array([at[axis][1] if axis in at else 0.0 for axis in arm.axes])
            pushes = np.array([at[axis][2] if axis in at else 0.0 for axis in arm.axes])
            assert (np.abs(rates) <= arm.limits.speed * (1 + 1e-9)).all()
            assert (np.abs(pushes) <= arm.limits.acceleration * (1 + 1e-9)).all()
        here, place = displaced(here, arm.axes, (phase,)), place + leg.by
        yaw, back = place[3], -PART.length_m / 2
        centre = place[:3] + back * np.array((math.cos(yaw), math.sin(yaw), 0.0))
        # its centre as the part truly sits: here as it is believed to
        assert travel.part(here).position == pytest.approx(centre + MOUTH.position, abs=1e-6)
    assert here == pytest.approx(start, abs=1e-6)  # the posture nearest home is one, from anywhere


@pytest.mark.parametrize("name", ARMS)
def test_the_hand_is_no_faster_on_its_way_than_it_may_be(name):
    arm = Rig(name).arm
    travel, rate_hz, before = arm.travel(loaded=True), 250.0, None
    fastest = [[0.0, 0.0] for _ in CYCLE]
    phases = arm.phases(ABOVE, CYCLE)
    for moment in simulate_phases(arm, phases, arm.joints_at(ABOVE), rate_hz):
        part = travel.part(moment.joints) @ Pose((PART.length_m / 2, 0.0, 0.0))
        if before is not None:
            speed = math.dist(part.position, before.position) * rate_hz
            turn = abs(part.yaw_rad - before.yaw_rad) * rate_hz
            most = fastest[moment.phase]
            most[:] = max(most[0], speed), max(most[1], turn)
        before = part
    for (speed, turn), leg in zip(fastest, CYCLE, strict=True):
        assert speed < 1.05 * leg.axis.speed_m_per_s
        assert turn < 1.05 * leg.turn[0]
