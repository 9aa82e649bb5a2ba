"""Recordings: the same operation bit for bit, small, whole in time, and readable up to a cut."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace

import numpy as np
import pybullet
import pytest
from mcap.reader import make_reader

from configs.errors import ContractError, RecordingError
from envs.physics.kinematics import link_poses, moving_links
from envs.physics.pose import Pose, about_axis, multiply
from envs.physics.shapes import Body, Box, Contact, Joint, Link
from envs.physics.world import World
from envs.robots.gantry_body import Grasp, gantry_body
from envs.stations.insertion.seat import seat_of
from policies.executor import _release
from policies.recorder import file_name, record, record_file
from policies.recording import CONTACT, parse_recording, read_recording
from policies.rollout import Episode, environment, policy_of, run_episode

ENV = "rackline/TrayInsert-v0"
EPISODE = Episode(ENV, "scripted/lateral-admittance", None, 30_000_005, 0, 5)
DAMAGED = Episode(ENV, "scripted/straight-push", None, 30_000_006, 0, 12)


@pytest.fixture(scope="module", autouse=True)
def _free():
    yield
    _release()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Return file, record and recording of one operation."""
    file = tmp_path_factory.mktemp("recording") / file_name(EPISODE)
    made = record_file(EPISODE, file)
    return file, made, read_recording(file)


def hashes(episode: Episode) -> list[str]:
    env, policy = environment(episode), policy_of(episode)
    observation, _ = env.reset(seed=episode.seed, options={"rack": 0, "slot": episode.slot})
    policy.reset()
    found, ended = [], False
    while not ended:
        observation, _, terminated, truncated, info = env.step(policy.act(observation))
        found.append(info["state_hash"])
        ended = terminated or truncated
    return found


def test_a_recorded_operation_is_the_unrecorded_one(recorded):
    _, made, recording = recorded
    assert run_episode(EPISODE) == made
    assert list(recording.steps.hashes) == hashes(EPISODE)
    assert environment(EPISODE).operation.on_window is None


def test_it_says_what_was_run_and_what_it_came_to(recorded):
    _, made, recording = recorded
    header, end = recording.header, recording.end
    assert (header.env_id, header.policy, header.seed, header.slot, header.part) == (
        ENV, EPISODE.policy, EPISODE.seed, 5, "compute",
    )  # fmt: skip
    assert header.setting == "hard"
    assert set(header.versions) == {"python", "rackline", "pybullet", "numpy"}
    assert recording.cut is None
    assert end.outcome == made.outcome
    assert end.facts["true_state"] == made.true_state
    assert end.result["cycle_time_s"] == made.cycle_time_s
    assert recording.steps.hashes[-1] == made.state_hash


def test_thirty_seconds_are_below_200_kb(recorded):
    file, made, _ = recorded
    assert made.cycle_time_s > 30.0
    assert file.stat().st_size < 200_000


def test_the_cycle_is_whole_in_time(recorded):
    _, made, recording = recorded
    frames, steps = recording.frames, recording.steps
    assert frames.time_s[0] == 0.0
    assert frames.time_s[-1] == pytest.approx(made.cycle_time_s, abs=0.01)
    assert np.diff(frames.time_s).min() > 0.0
    assert np.diff(frames.time_s).max() <= 0.0401
    order = [phase for phase, _ in itertools.groupby(frames.phase)]
    assert order == ["pick", "transit", "align", *CONTACT, "close", "release", "retract"]
    assert np.isin(np.round(steps.time_s, 6), np.round(frames.time_s, 6)).all()
    assert np.diff(steps.time_s)[:-1] == pytest.approx(0.1)
    # Nothing jumps: 0.6 m/s is as fast as it goes loaded, 1 m/s empty.
    speed = np.abs(np.diff(frames.poses[:, :, :3], axis=0)).max(axis=(1, 2))
    assert (speed / np.diff(frames.time_s)).max() < 1.02
    turned = np.abs(np.diff(frames.poses[:, :, 3:], axis=0)).max()
    assert turned < 0.011  # half of 0.5 rad/s over 40 ms


def test_signals_are_those_of_the_judge(recorded):
    _, made, recording = recorded
    frames, result = recording.frames, recording.end.result
    touching = np.isin(frames.phase, CONTACT)
    for name, values in frames.signals.items():
        assert (
            frames.units[name]
            == {"n": "N", "nm": "N*m", "m": "m", "rad": "rad"}[name.rpartition("_")[2]]
        )
        assert np.isnan(values[~touching]).all()
        assert np.isfinite(values[touching]).all()
    peak = {name: np.nanmax(values) for name, values in frames.signals.items()}
    assert peak["side_force_n"] == pytest.approx(made.max_windowed_force_n, abs=1e-4)
    assert peak["axial_force_n"] == pytest.approx(made.max_windowed_axial_n, abs=1e-4)
    # The pose of the part tells the depth, and the levers draw it home.
    dock = next(link.pose for link in recording.scene if link.name == "slot/shelf")
    part = recording.frames.poses[:, -1].astype(float)
    depths = [seat_of(dock, Pose(tuple(p[:3]), tuple(p[3:])), 0.7).depth_m for p in part]
    np.testing.assert_allclose(
        np.array(depths)[touching], frames.signals["depth_m"][touching], atol=2e-6
    )
    assert depths[-1] == pytest.approx(0.7 - result["short_m"], abs=1e-5)


def test_damage_is_recorded_to_its_end(tmp_path):
    made = record_file(DAMAGED, tmp_path / "damaged.mcap")
    recording = read_recording(tmp_path / "damaged.mcap")
    assert recording.end.outcome == made.outcome == "damage"
    assert "close" not in recording.frames.phase
    assert np.nanmax(recording.frames.signals["side_force_n"]) > 70.0
    still = [p for p, phase in zip(recording.frames.poses[:, -1], recording.frames.phase,
                                   strict=True) if phase in ("release", "retract")]  # fmt: skip
    assert np.ptp(still, axis=0).max() == 0.0  # what is stuck stays behind


def test_a_cut_is_read_up_to_it_and_said(recorded):
    file, _, whole = recorded
    data = file.read_bytes()
    rng = np.random.default_rng(4)
    seen = set()
    with file.open("rb") as stream:
        first, *_ = make_reader(stream).get_summary().chunk_indexes
    began = first.chunk_start_offset + first.chunk_length  # scene and poses of what stays
    sizes = [0, 1, 8, 300, began - 1, began, *rng.integers(0, len(data), 40).tolist()]
    for size in sizes:
        if size < began:
            with pytest.raises(RecordingError, match="cut before the operation began"):
                parse_recording(data[:size], "cut")
            continue
        part = parse_recording(data[:size], "cut")
        assert "the file is cut" in part.cut
        frames, steps = len(part.frames.phase), len(part.steps.hashes)
        assert part.frames.phase == whole.frames.phase[:frames]
        np.testing.assert_array_equal(part.frames.poses, whole.frames.poses[:frames])
        assert part.steps.hashes == whole.steps.hashes[:steps]
        assert part.end in (None, whole.end)
        if part.end is None:
            # At most the chunk in work is lost: 2 s, in a file that is 160 kB for 34 s.
            assert "missing" in part.cut
            seen.add("cut")
        else:
            assert (frames, steps) == (len(whole.frames.phase), len(whole.steps.hashes))
            seen.add("index")
    assert seen >= {"cut", "index"}


def test_a_kill_loses_two_seconds_at_most():
    """What is on disk when the process dies: all but the chunk in work."""

    class Dies(Exception):  # noqa: N818
        pass

    stream, disk = io.BytesIO(), []

    class Policy:
        steps = 0

        def reset(self):
            self.steps = 0

        def act(self, observation):
            self.steps += 1
            if self.steps == 60:
                disk.append(stream.getvalue())
                raise Dies
            return np.zeros(4, np.float32)

    with pytest.raises(Dies):
        record(EPISODE, environment(EPISODE), Policy(), stream)
    left = parse_recording(disk[0], "killed")
    assert 59 - 21 <= len(left.steps.hashes) <= 59
    assert left.end is None
    assert "missing" in left.cut
    stopped = parse_recording(stream.getvalue(), "stopped by an exception")
    assert len(stopped.steps.hashes) == 59
    assert environment(EPISODE).operation.on_window is None


def test_damaged_bytes_are_no_data(recorded):
    file, _, whole = recorded
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    part = parse_recording(bytes(data), "damaged")
    assert "damaged" in part.cut
    assert 0 < len(part.frames.phase) < len(whole.frames.phase)


@pytest.mark.parametrize("data", [b"", b"not a recording", b"\x89MCAP0\r\n"])
def test_what_is_no_recording_is_refused(tmp_path, data):
    (tmp_path / "x.mcap").write_bytes(data)
    with pytest.raises(RecordingError, match=r"x\.mcap: is no recording"):
        read_recording(tmp_path / "x.mcap")
    with pytest.raises(RecordingError, match="cannot be read"):
        read_recording(tmp_path / "y.mcap")


def test_another_format_is_refused(recorded, monkeypatch):
    file, _, _ = recorded
    monkeypatch.setattr("policies.recording.FORMAT", 2)
    with pytest.raises(RecordingError, match="has format 1, this Rackline reads 2"):
        read_recording(file)


def test_other_tools_read_it(recorded):
    file, _, recording = recorded
    with file.open("rb") as stream:
        reader = make_reader(stream)
        summary = reader.get_summary()
        topics = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()}
        assert topics["/tf"] == "foxglove.FrameTransforms"
        assert topics["/scene"] == "foxglove.SceneUpdate"
        for schema, channel, message in reader.iter_messages():
            fields = json.loads(schema.data)["properties"]
            assert set(json.loads(message.data)) == set(fields), channel.topic
        assert summary.statistics.message_end_time == round(recording.frames.time_s[-1] * 1e9)


def test_equal_runs_are_equal_files(recorded, tmp_path):
    file, _, _ = recorded
    record_file(EPISODE, tmp_path / "again.mcap")
    assert (tmp_path / "again.mcap").read_bytes() == file.read_bytes()


def test_actions_that_float32_cannot_hold_are_refused():
    class Policy:
        def reset(self):
            pass

        def act(self, observation):
            return np.array([0.1, 0, 0, 0])

    with pytest.raises(ContractError, match="is no float32"):
        record(EPISODE, environment(EPISODE), Policy(), io.BytesIO())


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(RecordingError, match="cannot be written"):
        record_file(EPISODE, tmp_path / "no" / "x.mcap")


def test_file_names_tell_episodes_apart():
    others = [replace(EPISODE, **{k: 7}) for k in ("seed", "rack", "slot")]
    names = {file_name(e) for e in (EPISODE, *others, replace(EPISODE, policy="a/b"))}
    assert len(names) == 5
    assert all("/" not in name for name in names)


def test_link_frames_are_those_of_physics(recorded):
    part = environment(EPISODE).station.parts["compute"]
    body = gantry_body(part, 30.0, Grasp(0.002, -0.001, 0.03))
    joints = (0.3, -0.2, 0.8, -1.1, 0.02)
    world = World()
    try:
        world.clear(240.0, 50)
        handle = world.add(body, Contact(1e6, 1e3, 0.1))
        world.place(handle, joints)
        expected = world.link_pose(handle, body.index("part"))
    finally:
        world.close()
    found = link_poses(body, joints)
    assert found["part"].position == pytest.approx(expected.position)
    assert found["part"].orientation == pytest.approx(expected.orientation)
    assert moving_links(body) == {"x", "y", "z", "yaw", "wrist", "ft", "part"}


def test_poses_are_of_the_link_frame_and_not_of_the_centre_of_mass():
    """PyBullet moves a link about its joint but reports a base at its centre of mass."""
    turned = about_axis((0.0, 0.0, 1.0), 0.5)
    body = Body(
        Pose((0.1, 0.2, 0.3), turned),
        (
            Link("arm", "", Joint.REVOLUTE, 1.0, (0.0, 0.0, 1.0), boxes=(Box((0.1, 0.1, 0.1)),),
                 pose=Pose((0.5, 0.0, 0.0))),
        ),
    )  # fmt: skip
    offset = (0.03, -0.02, 0.01)
    client = pybullet.connect(pybullet.DIRECT)
    try:
        handle = pybullet.createMultiBody(
            baseMass=1.0,
            basePosition=body.base.position,
            baseOrientation=body.base.orientation,
            baseInertialFramePosition=offset,
            linkMasses=[1.0],
            linkCollisionShapeIndices=[-1],
            linkVisualShapeIndices=[-1],
            linkPositions=[body.links[0].pose.position],
            linkOrientations=[body.links[0].pose.orientation],
            linkInertialFramePositions=[offset],
            linkInertialFrameOrientations=[(0.0, 0.0, 0.0, 1.0)],
            linkParentIndices=[0],
            linkJointTypes=[pybullet.JOINT_REVOLUTE],
            linkJointAxis=[(0.0, 0.0, 1.0)],
            physicsClientId=client,
        )
        pybullet.resetJointState(handle, 0, 0.7, physicsClientId=client)
        centre = Pose(*pybullet.getBasePositionAndOrientation(handle, physicsClientId=client))
        state = pybullet.getLinkState(handle, 0, 0, 1, client)
    finally:
        pybullet.disconnect(client)
    found = link_poses(body, [0.7])["arm"]
    base = centre @ Pose(offset).inverse()
    assert base.position == pytest.approx(body.base.position)
    assert found.position == pytest.approx(state[4], abs=1e-6)  # the link frame, not state[0]
    assert np.linalg.norm(np.subtract(found.position, state[0])) > 0.03
    assert found.orientation == pytest.approx(multiply(turned, about_axis((0, 0, 1.0), 0.7)))
