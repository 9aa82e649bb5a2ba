"""Arms as data: bodies agree with the engine's own loader, and what cannot be is refused."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pybullet
import pybullet_data
import pytest

from configs.errors import ConfigError
from configs.specs.arm import ArmData, ArmSpec, Inertial, load_arm_spec
from configs.specs.base import Spec, load_spec, resolve_path, resolved_yaml, spec_hash
from envs.physics.kinematics import link_poses
from envs.physics.pose import Pose, about_axis
from envs.physics.shapes import Body, Box, Contact, Joint, Link
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.robots.arm_body import arm_body
from envs.robots.chain import Chain, angles_of, rotation_of, rotation_vector

ARMS = ("franka_panda", "kuka_iiwa7")
CONTACT = Contact(1e6, 1e3, 0.2)
BASE = Pose((0.3, -0.2, 0.1), about_axis((0.0, 0.0, 1.0), 0.7))
HELD = Link("part", "", Joint.FIXED, 0.3, inertia_kg_m2=(1e-4, 2e-4, 3e-4),
            pose=Pose((0.02, 0.001, 0.0)), boxes=(Box((0.02, 0.009, 0.004)),))  # fmt: skip


def random_joints(spec: ArmSpec, rng: np.random.Generator) -> list[float]:
    return [float(rng.uniform(j.low_rad, j.high_rad)) for j in spec.joints.values()]


def test_a_link_with_its_mass_off_its_joint_stands_and_swings_as_it_should():
    """Link frames are joints' frames; the engine's own are centres of mass."""
    mass, off = 2.0, (0.3, 0.1, 0.0)
    inertial = Pose(off, about_axis((0.0, 1.0, 0.0), 0.4))
    arm = Link("arm", "", Joint.REVOLUTE, mass, (0.0, 1.0, 0.0), (0.03, 0.02, 0.04),
               Pose((0.0, 0.0, 0.5)), inertial, boxes=(Box((0.01, 0.01, 0.01)),))  # fmt: skip
    tip = Link("tip", "arm", Joint.FIXED, 1e-6, inertia_kg_m2=(1e-9,) * 3,
               pose=Pose((0.6, 0.0, 0.0)), inertial=Pose((0.0, 0.2, 0.0)))  # fmt: skip
    body = Body(Pose((1.0, 2.0, 3.0), about_axis((0.0, 0.0, 1.0), 0.5)), (arm, tip))
    world = World()
    world.clear(1000.0, 50)
    handle = world.add(body, CONTACT)
    world.place(handle, (0.7,))
    for index, (name, pose) in enumerate(link_poses(body, (0.7,)).items()):
        found = world.link_pose(handle, index)
        assert found.position == pytest.approx(pose.position, abs=1e-6), name
        assert abs(np.dot(found.orientation, pose.orientation)) == pytest.approx(1.0)
    world.place(handle, (0.0,))
    world.step()
    moment = mass * GRAVITY_M_PER_S2 * off[0]  # about +y, down is positive
    about_joint = 0.02 + mass * off[0] ** 2
    assert world.joints(handle, (0,))[0][1] * 1000.0 == pytest.approx(
        moment / about_joint, rel=1e-4
    )
    world.close()


@pytest.mark.parametrize("name", ARMS)
def test_links_are_where_the_engines_own_loader_has_them(name):
    spec, rng = load_arm_spec(name), np.random.default_rng(1)
    body = arm_body(spec, BASE, HELD)
    client = pybullet.connect(pybullet.DIRECT)
    file = f"{pybullet_data.getDataPath()}/{spec.urdf}"
    flags = pybullet.URDF_USE_INERTIA_FROM_FILE
    loaded = pybullet.loadURDF(
        file, BASE.position, BASE.orientation, useFixedBase=True, flags=flags,
        physicsClientId=client,
    )  # fmt: skip
    joints = {
        pybullet.getJointInfo(loaded, i, physicsClientId=client)[1].decode(): i
        for i in range(pybullet.getNumJoints(loaded, physicsClientId=client))
    }
    inertias = spec.inertials
    for _ in range(5):
        q = random_joints(spec, rng)
        poses = link_poses(body, q)
        for axis, position in zip(spec.joints, q, strict=True):
            pybullet.resetJointState(loaded, joints[axis], position, physicsClientId=client)
        for axis in spec.joints:
            state = pybullet.getLinkState(loaded, joints[axis], 0, 1, physicsClientId=client)
            assert poses[axis].position == pytest.approx(state[4], abs=1e-6)
            assert abs(np.dot(poses[axis].orientation, state[5])) == pytest.approx(1.0, abs=1e-6)
        if not inertias:  # those of the file are used: masses have to agree as well
            alone = Body(BASE, body.links[: len(q)])
            known = Chain(alone, Pose(), Pose(), GRAVITY_M_PER_S2).mass_matrix(q)
            engine = pybullet.calculateMassMatrix(loaded, q, physicsClientId=client)
            assert known == pytest.approx(np.array(engine), abs=1e-9)
    pybullet.disconnect(client)


@pytest.mark.parametrize("name", ARMS)
def test_what_a_controller_knows_is_what_the_engine_simulates(name):
    spec, rng = load_arm_spec(name), np.random.default_rng(2)
    body = arm_body(spec, BASE, HELD, 0.07)
    tip, frame = Pose((0.02, 0.0, 0.0)), Pose((0.4, 0.1, 0.5), about_axis((0.0, 1.0, 0.0), 0.3))
    seen = Chain(body, frame, tip, GRAVITY_M_PER_S2)
    world = World()
    world.clear(240.0, 50)
    handle = world.add(body, CONTACT)
    for _ in range(5):
        q = random_joints(spec, rng)
        world.place(handle, q)
        posture, still = seen.at(q), [0.0] * len(q)
        engine = {"physicsClientId": world._id}
        mass = pybullet.calculateMassMatrix(handle, q, **engine)
        assert seen.mass_matrix(q) == pytest.approx(np.array(mass), abs=1e-9)
        holding = pybullet.calculateInverseDynamics(handle, q, still, still, **engine)
        assert posture.gravity == pytest.approx(np.array(holding), abs=1e-9)
        there = frame.inverse() @ world.link_pose(handle, len(body.links) - 1) @ tip
        assert posture.position == pytest.approx(there.position, abs=1e-6)
        for joint in range(len(q)):
            beside = seen.at([v + (1e-6 if i == joint else 0.0) for i, v in enumerate(q)])
            turn = rotation_vector(beside.rotation @ posture.rotation.T)
            moved = np.concatenate((beside.position - posture.position, turn)) / 1e-6
            assert posture.jacobian[:, joint] == pytest.approx(moved, abs=1e-5)
    world.close()


def test_angles_and_rotations_invert_each_other():
    rng = np.random.default_rng(4)
    for _ in range(20):
        angles = rng.uniform(-1.4, 1.4, 3)
        turned = rotation_of(*angles)
        assert turned @ turned.T == pytest.approx(np.eye(3), abs=1e-12)
        assert angles_of(turned) == pytest.approx(angles, abs=1e-9)
    assert rotation_vector(rotation_of(0.3, 0.0, 0.0)) == pytest.approx([0.0, 0.0, 0.3])
    assert rotation_vector(np.eye(3)) == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize("name", ARMS)
def test_arms_are_built_within_a_reset_and_their_part_comes_last(name):
    spec = load_arm_spec(name)
    body = arm_body(spec, BASE, HELD)
    assert [link.name for link in body.links[: len(spec.joints)]] == list(spec.joints)
    assert [link.name for link in body.links[len(spec.joints) :]] == [
        "sensor",
        "ft",
        "hand",
        "part",
    ]
    assert arm_body(spec, BASE, None).links == body.links[:-1]
    assert all(link.visuals for link in body.links[: len(spec.joints) - 1])


class Cell(Spec):
    """A station that names its arm, or writes it out."""

    robot: ArmData


def test_a_station_may_name_its_arm_and_its_hash_holds_all_of_it(tmp_path):
    named, other = tmp_path / "named.yaml", tmp_path / "other.yaml"
    named.write_text("robot: franka_panda\n")
    other.write_text("robot: kuka_iiwa7\n")
    cell = load_spec(Cell, named)
    assert cell.robot == load_arm_spec("franka_panda")
    assert spec_hash(cell) != spec_hash(load_spec(Cell, other))
    written = tmp_path / "written.yaml"
    written.write_text(resolved_yaml(cell))
    assert spec_hash(load_spec(Cell, written)) == spec_hash(cell)


def test_the_hash_covers_what_is_read_of_the_urdf(tmp_path):
    urdf = Path(pybullet_data.getDataPath()) / "kuka_iiwa/model.urdf"
    mine, cell = tmp_path / "mine.urdf", tmp_path / "cell.yaml"
    text = (
        resolve_path("robots", "kuka_iiwa7").read_text().replace("kuka_iiwa/model.urdf", str(mine))
    )
    (tmp_path / "robot.yaml").write_text(text)
    cell.write_text(f"robot: {tmp_path / 'robot.yaml'}\n")
    masses = re.findall(r'<mass value="([0-9.]+)"', urdf.read_text())
    hashes = []
    for mass in (masses[2], "17.1"):
        mine.write_text(
            urdf.read_text().replace(f'<mass value="{masses[2]}"', f'<mass value="{mass}"')
        )
        hashes.append(spec_hash(load_spec(Cell, cell)))
    assert len(set(hashes)) == 2


def test_files_that_a_file_names_are_looked_for_beside_it(tmp_path, monkeypatch):
    """Wherever a command runs; and what is read is the same."""
    urdf = Path(pybullet_data.getDataPath()) / "kuka_iiwa/model.urdf"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/arm.urdf").write_text(urdf.read_text())
    text = resolve_path("robots", "kuka_iiwa7").read_text()
    (tmp_path / "mine/arm.yaml").write_text(text.replace("kuka_iiwa/model.urdf", "arm.urdf"))
    cell = tmp_path / "mine/cell.yaml"
    cell.write_text("robot: arm.yaml\n")
    monkeypatch.chdir(tmp_path)
    robot = load_spec(Cell, cell).robot
    assert robot.chain == load_arm_spec("kuka_iiwa7").chain
    assert pickle.loads(pickle.dumps(robot)).chain == robot.chain
    cell.write_text("robot: other.yaml\n")
    with pytest.raises(ConfigError, match=r"cell\.yaml:1: robot = 'other\.yaml': names an unknown"):
        load_spec(Cell, cell)


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("0.025853 0.007796 -0.001332", "0.025853 0.037796 -0.001332",
         r"inertials\.panda_link4\.inertia = '.*: is that of no rigid body; the largest"),
        ("panda_joint3:", "panda_joint9:",
         r" joints: are others than those of its URDF; list panda_joint1, panda_joint2"),
        ("panda_link6:", "panda_link66:",
         r"inertials\.panda_link66: is no moving link; did you mean 'panda_link6'\?"),
        ("home: 2.65 rad", "home: 3.80 rad",
         r"joints\.panda_joint6\.home = '3\.80 rad': is not within its joint's range, -0\.0175"),
        ("high: 3.7525 rad", "high: 3.9 rad",
         r"joints\.panda_joint6\.high = '3\.9 rad': is beyond its URDF; stay within"),
        ("franka_panda/panda.urdf", "franka_panda/pandas.urdf",
         r" urdf = .*: cannot be used: no file franka_panda/pandas\.urdf beside"),
        ("flange: panda_link8", "flange: panda_link88",
         r" flange = .* has no link 'panda_link88'; it has"),
        ("com: 60.149 -14.117 -10.517 mm", "com: 60.149 -14.117 mm",
         r"com = '60\.149 -14\.117 mm': is not 3 numbers and a unit; write e\.g\."),
    ],
)  # fmt: skip
def test_an_arm_that_cannot_be_is_refused_with_the_place_and_the_remedy(
    tmp_path, was, becomes, said
):
    text = resolve_path("robots", "franka_panda").read_text()
    assert text.count(was) == 1
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(was, becomes))
    with pytest.raises(ConfigError, match=said) as caught:
        load_arm_spec(str(path))
    assert re.match(rf"{re.escape(str(path))}:\d+: ", str(caught.value))


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            '<mass value="4"/>',
            "",
            "moving link 'lbr_iiwa_link_1' mass and inertia of no rigid body",
        ),
        ('<axis xyz="0 0 1"/>', '<axis xyz="0 0 2"/>', "axis that is no unit vector; correct it"),
        ('<axis xyz="0 0 1"/>', '<axis xyz="0 0 0"/>', "axis that is no unit vector; correct it"),
        ('type="revolute"', 'type="fixed"', "joints: are others than those of its URDF"),
    ],
)
def test_a_urdf_that_cannot_be_is_refused_by_the_arm_that_names_it(tmp_path, was, becomes, said):
    text = (Path(pybullet_data.getDataPath()) / "kuka_iiwa/model.urdf").read_text()
    assert was in text
    (tmp_path / "mine.urdf").write_text(text.replace(was, becomes, 1))
    arm = resolve_path("robots", "kuka_iiwa7").read_text()
    path = tmp_path / "mine.yaml"
    path.write_text(arm.replace("kuka_iiwa/model.urdf", str(tmp_path / "mine.urdf")))
    with pytest.raises(ConfigError, match=said):
        load_arm_spec(str(path))


def test_principal_moments_of_shipped_inertias_are_those_of_bodies():
    for name in ARMS:
        for link in arm_body(load_arm_spec(name), BASE, HELD).links:
            a, b, c = sorted(link.inertia_kg_m2 or ())
            assert 0.0 < a <= b <= c <= a + b + 1e-12, link.name


def test_an_inertia_is_judged_by_its_tensor_not_by_its_diagonal():
    """What a published table for the Panda's link 4 says; its diagonal alone could be."""
    bad = "0.00784585566 -0.00339591957 0.00158704074 0.00649543136 -0.00181477884 0.01003079917"
    text = '{"mass": "2.2 kg", "com": "0 0 0 m", "inertia": "%s kg*m^2"}'
    with pytest.raises(ValueError, match="no rigid body"):
        Inertial.model_validate_json(text % bad)
    assert Inertial.model_validate_json(text % bad.replace(" -0.0018", " 0.0018")).mass_kg == 2.2
