"""Scripted phases: the times of their profiles are those that a servo drives in physics."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.operation import Operation
from envs.perturbation import Perturbation
from envs.phases import (
    RATE_HZ,
    Moment,
    Phase,
    Servo,
    displaced,
    measured_durations,
    simulate_phases,
)
from envs.physics.motion import Trapezoid
from envs.robots.gantry import Gantry
from envs.robots.gantry_body import AXES, Grasp, gantry_model
from envs.stations.insertion.cycle import (
    QUARTER_TURN_RAD,
    at_mouth,
    phases_after,
    phases_before,
)
from envs.stations.insertion.slot import MOUTH
from envs.stations.insertion.station import Insertion

SPEC = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
SETTING = SPEC.settings[SPEC.default_setting]
CASES = [(0, 1.05, 0.04), (12, 0.95, -0.04), (28, 1.0, 0.0)]  # slot, mass factor, grasp yaw


def cycle(slot: int) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
    part = SPEC.parts[SPEC.part_name(slot)]
    return (
        phases_before(SPEC.motion, slot),
        phases_after(SPEC.motion, slot, part, SPEC.levers, closed=True),
    )


def gantry(slot: int, mass_factor: float = 1.0, yaw_rad: float = 0.0) -> Gantry:
    part = SPEC.parts[SPEC.part_name(slot)]
    grasp = Grasp(0.002, -0.002, yaw_rad)
    return Gantry(SPEC, part, MOUTH, mass_factor * part.mass_kg, grasp)


def starts(slot: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return where the phases before and after the contact skill start."""
    part = SPEC.parts[SPEC.part_name(slot)]
    before, _ = cycle(slot)
    return (
        displaced(at_mouth(SETTING, part, -SPEC.motion.approach_m), AXES, before, -1.0),
        at_mouth(SETTING, part, part.length_m),
    )


def run(slot: int) -> list[Moment]:
    held = gantry(slot)
    return [
        moment
        for phases, start in zip(cycle(slot), starts(slot), strict=True)
        for moment in simulate_phases(held, phases, start)
    ]


@pytest.mark.parametrize(("slot", "mass_factor", "yaw_rad"), CASES)
def test_profiles_take_as_long_as_physics(slot, mass_factor, yaw_rad):
    held = gantry(slot, mass_factor, yaw_rad)
    planned, measured = [], []
    for phases, start in zip(cycle(slot), starts(slot), strict=True):
        planned += [phase.duration_s for phase in phases]
        measured += measured_durations(held, phases, start)
    assert sum(measured) == pytest.approx(sum(planned), rel=0.01)
    for took, plan in zip(measured, planned, strict=True):
        # Below 5 mm/s counts as arrived: with 1 m/s² that is 5 ms before the profile's end.
        assert took == pytest.approx(plan, rel=0.01, abs=0.006)


def test_a_slow_servo_is_measured_as_late(monkeypatch):
    """What the measurement is for: a servo that lags does not keep the profile's time."""
    monkeypatch.setattr("envs.robots.gantry.BANDWIDTH_RAD_PER_S", 3.0)
    phases, start = cycle(3)[0], starts(3)[0]
    wrong = gantry(3, mass_factor=2.0)
    planned = sum(phase.duration_s for phase in phases)
    assert sum(measured_durations(wrong, phases, start)) > 1.01 * planned


def test_the_way_back_ends_where_the_way_there_began():
    for slot in range(len(SPEC.slots)):
        before, after = cycle(slot)
        cart, home = starts(slot)
        assert displaced(home, AXES, after) == pytest.approx(cart)
        assert [p.loaded for p in (*before, *after)] == [False, *[True] * 5, False, False]


def test_before_ends_where_the_policy_takes_over():
    operation = Operation(Insertion(SPEC, SETTING), Perturbation(), False)
    try:
        operation.start(seed=1, rack=0, slot=0)
        task = operation.task
        expected = task.robot.put(task.start)[: len(AXES)]
    finally:
        operation.close()
    assert task.approach == pytest.approx(expected)


def test_poses_over_time_are_whole_and_smooth():
    slot = 5
    moments = run(slot)
    total = sum(p.duration_s for phases in cycle(slot) for p in phases)
    assert len(moments) == pytest.approx(total * RATE_HZ, abs=8)
    motion = SPEC.motion
    limits = {
        "x": max(motion.linear.speed_m_per_s, motion.loaded_linear.speed_m_per_s),
        "y": 0.0,
        "z": motion.vertical.speed_m_per_s,
        "yaw": motion.yaw.speed_rad_per_s,
    }
    speeds = np.abs([m.velocities for m in moments]).max(axis=0)
    for axis, speed in zip(AXES, speeds, strict=True):
        assert speed <= 1.02 * limits[axis] + 0.01, axis
    jumps = [
        max(abs(a - b) for a, b in zip(one.joints, two.joints, strict=True))
        for one, two in itertools.pairwise(moments)
        if two.phase >= one.phase  # not from before the contact skill to behind it
    ]
    assert max(jumps) <= 1.05 * max(limits.values()) / RATE_HZ


def test_the_part_goes_where_the_hand_goes():
    slot = 5
    moments = run(slot)
    before, after = cycle(slot)
    loaded = [p.loaded for p in before], [p.loaded for p in after]
    second = False
    last = 0
    for moment in moments:
        second = second or moment.phase < last
        last = moment.phase
        assert (moment.part is not None) == loaded[second][moment.phase]
    lifted = next(m for m in moments if m.part is not None)
    arrived = [m for m in moments if m.part is not None and m.phase == 3][-1]
    assert lifted.part.yaw_rad == pytest.approx(-QUARTER_TURN_RAD, abs=0.01)
    assert arrived.part.yaw_rad == pytest.approx(0.0, abs=0.01)
    part = SPEC.parts["compute"]
    reach = np.hypot(*(p - q for p, q in zip(arrived.part.position[:2], arrived.joints[:2],
                                             strict=True)))  # fmt: skip
    assert reach == pytest.approx(part.length_m / 2, abs=0.003)


def test_axes_move_together_and_the_slowest_sets_the_time():
    phase = Phase("move", {"x": Trapezoid(1.0, 1.0, 1.0), "z": Trapezoid(-0.1, 1.0, 1.0)}, 0.5)
    assert phase.move_s == phase.moves["x"].duration_s == 2.0
    assert phase.duration_s == 2.5
    assert Phase("wait", {}, 0.5).duration_s == 0.5
    assert displaced((0.0, 1.0, 2.0, 3.0), AXES, (phase,)) == pytest.approx((1.0, 1.0, 1.9, 3.0))


def test_higher_slots_are_farther_from_the_cart():
    motion = SPEC.motion
    climbs = [phases_before(motion, slot)[2].moves["z"].distance for slot in range(len(SPEC.slots))]
    steps = np.diff(climbs)
    assert steps == pytest.approx([motion.slot_pitch_m] * len(steps))
    assert climbs[0] == pytest.approx(motion.first_slot_height_m - motion.cart_height_m)


def test_the_servo_feeds_forward_what_the_dynamics_take():
    """Inverse dynamics by hand: a held mass turning about the yaw axis."""
    part = SPEC.parts["compute"]
    model = gantry_model(part)
    servo = Servo(model, 30.0)
    still = [(0.0, 0.0)] * 4
    zero = (0.0, 0.0, 0.0, 0.0)
    assert servo.forces(zero, zero, zero, still) == pytest.approx((0, 0, model.weight_n, 0))
    offset = part.mass_kg * part.length_m / 2
    turning = [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.7)]
    fx, fy, _, mw = servo.forces(zero, (0, 0, 0, 0.7), zero, turning)
    assert (fx, fy, mw) == pytest.approx((-offset * 0.49, 0.0, 0.0))  # centripetal, inwards
    fx, fy, _, mw = servo.forces(zero, zero, (0, 0, 0, 2.0), still)
    assert (fx, fy, mw) == pytest.approx((0.0, 2 * offset, 2 * model.mass[3, 3]))
    sideways = [(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (QUARTER_TURN_RAD, 0.0)]
    at = (0.0, 0.0, 0.0, QUARTER_TURN_RAD)
    fx, fy, _, _ = servo.forces(at, zero, (0, 0, 0, 2.0), sideways)
    assert (fx, fy) == pytest.approx((-2 * offset, 0.0))
