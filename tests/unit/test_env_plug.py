"""Plugging: what the port reads, how a latch gives way, what is seated, short, wrong or caught."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from configs.errors import ConfigError
from configs.specs.arm import load_arm_spec
from configs.specs.base import load_spec, resolve_path
from configs.specs.plug import ArmPlugSpec, PlugSpec, PullTest
from envs.observation import scaled
from envs.operation import Operation
from envs.outcome import OutcomeClass, TrueState, outcome_class
from envs.perturbation import Perturbation
from envs.phases import displaced, measured_durations
from envs.physics.pose import Pose
from envs.physics.shapes import Contact
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.registry import station, station_of
from envs.robots.arm import Arm
from envs.robots.six_axis import Held
from envs.robots.steering import Steering
from envs.robots.wrist import FT, MOVING, Wrist, _Model
from envs.station import Brake
from envs.station_env import StationEnv
from envs.stations.plug.port import CONTACTS, MOUTH, SENSED, SLIDER, mating, port_body
from envs.stations.plug.robot import drive, steering
from envs.stations.plug.seat import in_port, pull_test, seat_of, side_force_n
from envs.stations.plug.station import by_wrist
from policies.catalogue import load_policy
from policies.policy import Policy

PLUGGING = (station("rackline/CablePlugLight-v0"), station("rackline/CablePlug-v0"))
SPEC = load_spec(PlugSpec, resolve_path("stations", "cable_plug"))
NOMINAL = SPEC.settings["nominal"]
SURE = SPEC.model_copy(update={"pull_test": SPEC.pull_test.model_copy(
    update={"miss_rate": 0.0, "false_alarm_rate": 0.0})})  # fmt: skip
SLOTS = {name: SPEC.slots.index(name) for name in SPEC.parts}


def operation(spec: PlugSpec = SURE, **setting: Any) -> Operation:
    return Operation(
        by_wrist(spec, NOMINAL.model_copy(update=setting)), Perturbation(), visible=False
    )


def work(op: Operation, policy: Policy, seed: int, slot: int) -> Operation:
    """Let a policy do one operation to its end."""
    fields = op.station.fields
    scales, limits = np.array([(field.scale, field.limit) for field in fields]).T
    op.start(seed, 0, slot)
    policy.reset()
    while op.result is None:
        seen = scaled(op.observation(), scales, limits)
        op.advance(tuple(float(a) for a in policy.act(seen)), damage_ends=True)
    return op


def test_a_brake_holds_with_what_it_has_where_it_is():
    part, latch = SPEC.parts["qsfp28"], SPEC.latch
    brake = mating(part, latch, 0.5)
    snap = part.wipe_m - latch.overtravel_m
    assert brake.force_n(-1e-4) == brake.force_n(0.0) == 0.5 * part.mating_n
    assert brake.force_n(snap - 1e-6) == 0.5 * part.latch_n
    assert brake.force_n(snap) == latch.home_share * 0.5 * part.latch_n
    assert brake.force_n(part.wipe_m) > 1e4
    assert Brake(0, ((0.0, 3.0),)).force_n(1.0) == 3.0


def test_contacts_read_the_force_that_pushes_them_while_they_slide():
    part, world = SPEC.parts["power"], World()
    world.clear(480.0, 50)
    port = world.add(port_body(part, 0.001, MOUTH), Contact(1e7, 2e3, 0.2))
    world.sense(port, CONTACTS)
    world.lock(port, SLIDER, 20.0)
    held = wrist()
    body = world.add(held.body, Contact(1e7, 2e3, 1.0))
    x, y, z = MOUTH.position
    world.place(body, (x + part.depth_m - part.wipe_m - 1e-4, y, z, 0.0, 0.0, 0.0))
    world.set_gravity((0.0, 0.0, 0.0))
    for _ in range(60):
        speed = world.joints(body, MOVING)[0][1]
        world.drive(body, MOVING, (60.0 - 8e2 * speed, 0.0, 0.0, 0.0, 0.0, 0.0))
        world.step()
    assert world.joints(port, (SLIDER,))[0][0] > 1e-3
    assert world.wrench(port, CONTACTS)[0] == pytest.approx(-20.0, rel=0.01)
    world.close()


def wrist(part: str = "power") -> Wrist:
    held = SPEC.parts[part]
    target = steering(SPEC, held, (0.0, 0.0))
    return Wrist(MOUTH, Held(held, held.mass_kg), drive(SPEC), target)


def test_the_wrist_moves_at_the_front_what_an_arm_moves_there():
    """A Panda at its work place, along and about the axes with the others held, and what couples.

    Within two fifths: a rigid hand cannot have different masses sideways and upwards.
    """
    part = SPEC.parts["power"]
    robot = station("rackline/CablePlug-v0").spec.robot
    target = steering(SPEC, part, (0.0, 0.0))
    arm = Arm(robot, MOUTH, Held(part, part.mass_kg), drive(SPEC), target)
    posture = arm._chain.at(arm.joints_at((0.0,) * 6))
    mass = arm._chain.mass_matrix(posture.joints.tolist())
    moved = np.linalg.inv(posture.jacobian @ np.linalg.inv(mass) @ posture.jacobian.T)
    about = [0, 1, 2, 5, 4, 3]  # yaw, pitch, roll are about z, y, x
    theirs, ours = moved[np.ix_(about, about)], _Model(part).mass_matrix((0.0,) * 6)
    for i, j in ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (1, 3), (2, 4), (0, 4)):
        assert ours[i, j] == pytest.approx(theirs[i, j], rel=0.4)


def test_the_wrist_s_own_model_is_what_the_engine_has():
    """A push aside at the front alone moves it as the model says: yaw gives way."""
    world, held = World(), wrist()
    world.clear(960.0, 50)
    world.set_gravity((0.0, 0.0, 0.0))
    body = world.add(held.body, Contact(1e6, 1e3, 1.0))
    push = np.array([30.0, 20.0, -10.0, 0.0, 0.0, 0.0])
    for _ in range(4):
        world.drive(body, MOVING, tuple(push))
        world.step()
    speeds = [joint[1] for joint in world.joints(body, MOVING)]
    expected = (
        np.linalg.solve(_Model(SPEC.parts["power"]).mass_matrix((0.0,) * 6), push) * 4 / 960.0
    )
    assert speeds == pytest.approx(expected.tolist(), rel=0.02, abs=1e-4)
    world.set_gravity((0.0, 0.0, -GRAVITY_M_PER_S2))
    world.place(body, (0.0,) * 6)
    for _ in range(96):
        world.drive(body, MOVING, _Model(SPEC.parts["power"]).carried_n())
        world.step()
    fallen = [abs(joint[0]) for joint in world.joints(body, MOVING)]
    assert max(fallen) < 0.001 * GRAVITY_M_PER_S2 / 2 * 0.1**2  # of a free fall of 0.1 s
    world.close()


def test_a_push_that_does_not_last_is_no_latch():
    """Running into the contacts: two windows of 1/60 s, and a third makes 50 ms."""
    op = operation()
    try:
        op.start(3, 0, SLOTS["sfp_plus"])
        task, part = op.task, SPEC.parts["sfp_plus"]
        firm, near = (-1.2 * part.latch_n, *[0.0] * 5), part.depth_m - 0.005
        asked = [task.hands_over(firm, near) for _ in range(2)]
        asked += [task.hands_over((0.0,) * 6, near)]
        asked += [task.hands_over(firm, near) for _ in range(3)]
        assert asked == [False, False, False, False, False, True]
        assert not task.hands_over(firm, part.depth_m - 0.0061)
    finally:
        op.close()


def test_a_cable_pulls_at_the_boot_and_the_wrist_feels_it():
    world, held = World(), wrist()
    world.clear(480.0, 50)
    world.set_gravity((0.0, 0.0, 0.0))
    body = world.add(held.body, Contact(1e6, 1e3, 1.0))
    world.sense(body, FT)
    for joint in MOVING:
        world.lock(body, joint, 1e6)
    length = SPEC.parts["power"].length_m
    for _ in range(20):
        world.pull(body, len(held.body.links) - 1, (-3.0, 2.0, 0.0), (-length / 2, 0.0, 0.0))
        world.step()
    # A joint's reaction is minus the load; the boot is one length behind the front.
    assert world.wrench(body, FT) == pytest.approx(
        (3.0, -2.0, 0.0, 0.0, 0.0, 2.0 * length), abs=0.01
    )
    world.close()


def test_actions_are_relative_to_the_part_and_bounded_by_leads_and_window():
    part = SPEC.parts["qsfp28"]
    made: Steering = steering(SPEC, part, (0.03, 0.0))
    made.put((0.0, 0.0, 0.0, math.pi / 2, 0.0, 0.0))
    made.aim((1.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, math.pi / 2, 0.0, 0.0))
    assert made.at(1.0)[:2] == pytest.approx((0.0, SPEC.action.axial_m))
    front = (0.0,) * 6
    made.put(front)
    for _ in range(100):
        made.aim((1.0, 1.0, -1.0, 1.0, 1.0, 1.0), front)
    sizes = (SPEC.action.axial_m, SPEC.action.lateral_m)
    assert made.at(1.0)[0] <= made.leads[0] + sizes[0] + 1e-9
    assert made.at(1.0)[1] <= made.leads[1] + sizes[1] + 1e-9
    assert made.at(1.0)[2] == pytest.approx(-SPEC.action.window_m)
    assert made.at(1.0)[3] <= SPEC.action.window_turn_rad


def test_an_action_of_nothing_stays_where_the_policy_takes_over():
    motion = SPEC.motion.model_copy(update={"approach_m": 0.08})
    far = SPEC.model_copy(update={"motion": motion})
    made = steering(far, SPEC.parts["qsfp28"], (0.0, 0.0))
    front = (-0.08, 0.0, 0.0, 0.0, 0.0, 0.0)
    made.put(front)
    made.aim((0.0,) * 6, front)
    assert made.at(1.0) == pytest.approx(front)


def test_seats_are_told_by_section_depth_and_port():
    part, port = SPEC.parts["sfp_plus"], Pose((1.0, 2.0, 3.0))
    centre = port @ Pose((part.depth_m - part.length_m / 2, 1e-4, 0.0))
    seat = seat_of(port, centre, part.length_m)
    assert seat.depth_m == pytest.approx(part.depth_m)
    assert in_port(seat, 2e-4)
    assert not in_port(seat, 2e-4, centre_m=part.port_pitch_m)
    assert not in_port(seat_of(port @ Pose((0.0, 0.0, 5e-4)), centre, part.length_m), 2e-4)


def test_a_wedged_connector_does_not_cancel():
    forces = [0.0] * 3 * len(SENSED)
    forces[1], forces[4] = 30.0, -30.0
    assert side_force_n(forces) == 30.0


def test_the_tug_errs_at_its_rates():
    test = PullTest.model_construct(miss_rate=0.3, false_alarm_rate=0.1, tug_s=0.5)
    rng = np.random.default_rng(0)
    held = [pull_test(True, test, rng) for _ in range(4000)]
    short = [pull_test(False, test, rng) for _ in range(4000)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)
    assert np.mean(short) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("part", SLOTS)
def test_a_straight_push_seats_every_class_on_a_good_day(part):
    op = operation()
    try:
        result = work(op, load_policy("scripted/plug-straight", SPEC), 3, SLOTS[part]).result
        assert result is not None
        assert outcome_class(result.facts) is OutcomeClass.OK
        assert result.short_m < SPEC.latch.overtravel_m
        held_n = op.task.draw.resistance * SPEC.parts[part].latch_n  # type: ignore[attr-defined]
        assert result.max_windowed_axial_n > held_n
    finally:
        op.close()


def test_the_port_beside_latches_and_escapes_unless_the_drawing_is_asked():
    op = operation(identity_error=1.0)
    try:
        slot = SLOTS["qsfp28"]
        straight = load_policy("scripted/plug-straight", SPEC)
        trusting = type(straight)(  # type: ignore[call-arg]
            straight._p.model_copy(update={"mistrust_m": 1.0}),
            SPEC,  # type: ignore[attr-defined]
        )
        result = work(op, trusting, 3, slot).result
        assert result is not None
        assert result.facts.true_state is TrueState.WRONG
        assert outcome_class(result.facts) is OutcomeClass.ESCAPED
        assert op.task.progress(op._seat) == 0.0
    finally:
        op.close()


@pytest.mark.parametrize("part", SLOTS)
def test_the_way_back_from_a_wrong_port_is_seen_to_its_end(part):
    """Ports of power connectors are 32 mm apart: the search finds its way, and plugs."""
    op = operation(identity_error=1.0)
    try:
        asking = work(op, load_policy("scripted/plug-search", SPEC), 3, SLOTS[part]).result
        assert asking is not None
        assert outcome_class(asking.facts) is OutcomeClass.OK
    finally:
        op.close()


def test_pushing_on_the_panel_seats_nothing():
    op = operation(SURE.model_copy(update={
        "limits": SURE.limits.model_copy(update={"time_limit_s": 3.0})}))  # fmt: skip
    try:
        op.start(3, 0, SLOTS["sfp_plus"])
        op.put((-0.004, 0.006, 0.006, 0.0, 0.0, 0.0))
        while op.result is None:
            op.advance((0.3, 0.0, 0.0, 0.0, 0.0, 0.0), damage_ends=True)
        assert op.result.facts.true_state is TrueState.SHORT
        assert not op.result.facts.sensor_pass
        assert op.task.progress(op._seat) == 0.0
    finally:
        op.close()


@pytest.mark.parametrize("entry", PLUGGING, ids=lambda entry: entry.env_id)
def test_profiles_take_as_long_as_physics_and_the_way_back_ends_where_it_began(entry):
    station = station_of(entry.spec)
    task = station.task(0, np.random.default_rng(1), np.random.default_rng(2))
    phases, axes = task.before(), task.robot.travel(loaded=True).axes
    start = displaced(task.approach, axes, phases, -1.0)
    planned = sum(phase.duration_s for phase in phases)
    assert sum(measured_durations(task.robot, phases, start)) == pytest.approx(planned, rel=0.01)
    assert task.approach == pytest.approx(tuple(task.robot.put(task.start)), abs=1e-9)
    home = task.robot.joints_at((task.full_depth_m, 0.0, 0.0, 0.0, 0.0, 0.0))
    assert displaced(home, axes, task.after(True)) == pytest.approx(start, abs=1e-6)
    assert task.before() + task.after(True) == station.scripted(0)


@pytest.mark.parametrize("robot", ["franka_panda", "kuka_iiwa7"])
def test_an_arm_plugs_by_data_alone(robot, tmp_path):
    """A second arm is a line of YAML: no code, no registry row knows it."""
    file = tmp_path / "own.yaml"
    file.write_text(f"extends: cable_plug_arm\nrobot: {robot}\n")
    env = StationEnv("rackline/CablePlug-v0", config=file)
    try:
        assert env.operation.station.spec.robot == load_arm_spec(robot)
        policy, slot = load_policy("scripted/plug-search", env.station), SLOTS["sfp_plus"]
        observation, info = env.reset(seed=1, options={"rack": 0, "slot": slot})
        assert env.operation.task.robot.name == robot
        policy.reset()
        while "outcome" not in info:
            observation, *_, info = env.step(policy.act(observation))
        assert info["outcome"] == "ok"
    finally:
        env.close()


def test_an_arm_that_nobody_ships_is_refused_with_the_line(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("extends: cable_plug_arm\nrobot: franka_pandas\n")
    with pytest.raises(ConfigError) as caught:
        load_spec(ArmPlugSpec, file)
    said = "robot = 'franka_pandas': names an unknown robot 'franka_pandas'; did you mean"
    assert str(caught.value).startswith(f"{file}:2: {said}")


def test_the_light_tier_has_the_arm_s_spaces_judge_and_draws():
    light, arm = (station_of(entry.spec) for entry in PLUGGING)
    assert light.fields == arm.fields
    assert light.actions == arm.actions
    assert type(light.spec).model_validate_json(
        arm.spec.model_dump_json(by_alias=True, exclude={"robot"})
    ) == light.spec  # fmt: skip
    tasks = [s.task(5, np.random.default_rng(1), np.random.default_rng(2)) for s in (light, arm)]
    assert tasks[0].draws() == tasks[1].draws()
    assert tasks[0].fixture == tasks[1].fixture


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port_pitch: 16.25 mm", "port_pitch: 14 mm", r"parts\.sfp_plus\.port_pitch = .* overlap"),
        ("mating: 10 N", "mating: 20 N", r"parts\.sfp_plus\.mating = .* use 18 N or less"),
        ("force_budget: 60 N", "force_budget: 19 N", r"sfp_plus\.force_budget = .* the 19\.8 N at"),
        (
            "push_ratio: 1.3\n  push_spare: 12 N",
            "push_ratio: 1.0\n  push_spare: 1 N",
            r"push_ratio = .* on 'sfp_plus' to 19 N, and the cell takes over at 19\.8 N",
        ),
        ("contact_skin: 0.15 mm", "contact_skin: 2 mm", r"contact_skin = .* use 0\.2 mm or less"),
        ("length: 55 mm", "length: 5 mm", r"parts\.sfp_plus\.length = .* hand would go into"),
        ("rise: 1 mm", "rise: 9 mm", r"parts\.\w+\.wipe = .* latch's rise"),
        ("handover_depth: 6 mm", "handover_depth: 6 m", r"parts\.\w+\.depth = .*than 6000 mm"),
        ("roll: 1.2 deg", "roll: 0 deg", r"action\.roll = '0 deg': is not above zero"),
    ],
)
def test_what_cannot_be_plugged_is_refused(tmp_path, old, new, said):
    file = tmp_path / "own.yaml"
    text = resolve_path("stations", "cable_plug").read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        load_spec(PlugSpec, file)
