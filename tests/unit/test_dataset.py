"""Exported datasets: what was seen and done live, in formats that others' loaders read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import h5py
import minari
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import policies.dataset
import twin.cli.dataset
import twin.cli.replay  # noqa: F401 - registers the command
from configs.errors import EnvironmentSetupError, RecordingError
from envs.stage import Stage
from policies import recording_film_steps as film
from policies import recording_rerun
from policies.dataset import about, check_one_dataset, transitions
from policies.dataset_export import export, recordings
from policies.dataset_format import Format
from policies.dataset_lerobot import CAMERA, LeRobotWriter
from policies.dataset_minari import MinariWriter
from policies.executor import WorkItemError, _release
from policies.recorder import record_file
from policies.recording import read_recording
from policies.rollout import Episode, environment, policy_of
from twin.cli.app import app

ENV = "rackline/TrayInsert-v0"
DAMAGED = Episode(ENV, "scripted/straight-push", None, 30_000_006, 0, 12)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return the recording of a short operation."""
    file = tmp_path_factory.mktemp("films") / "damaged.mcap"
    record_file(DAMAGED, file)
    yield file
    _release()


@pytest.fixture(scope="module")
def recording(file):
    return read_recording(file)


@pytest.fixture(scope="module")
def live(file):
    """Return observations and rewards of the same operation, played without a recording."""
    env, policy = environment(DAMAGED), policy_of(DAMAGED)
    observation, _ = env.reset(seed=DAMAGED.seed, options={"rack": 0, "slot": 12})
    policy.reset()
    seen, rewards, ended = [observation], [], False
    while not ended:
        observation, reward, terminated, truncated, _ = env.step(policy.act(observation))
        seen.append(observation)
        rewards.append(reward)
        ended = terminated or truncated
    assert terminated
    return np.stack(seen), np.array(rewards)


@pytest.fixture(scope="module")
def lerobot(file, tmp_path_factory):
    """Return the folder of an export with pictures."""
    out = tmp_path_factory.mktemp("lerobot") / "trays"
    export([file], Format.LEROBOT, out, film=True)
    return out


@pytest.fixture(scope="module")
def episode(file):
    return transitions(file)


def made_up(episode, outcome: str, *, truncated: bool = False, success: bool = False):
    """Return an episode that ended otherwise, of another seed and part."""
    header = replace(episode.header, seed=episode.header.seed + 1, part="switch")
    return replace(episode, header=header, task="another", outcome=outcome, success=success,
                   terminated=not truncated, truncated=truncated)  # fmt: skip


def test_an_episode_is_what_was_seen_live_and_done_as_recorded(episode, recording, live):
    seen, rewards = live
    assert episode.observations.dtype == np.float32
    np.testing.assert_array_equal(episode.observations, seen)
    np.testing.assert_array_equal(episode.actions, recording.steps.actions)
    np.testing.assert_array_equal(episode.rewards, recording.steps.rewards)
    np.testing.assert_allclose(episode.rewards, rewards, atol=1e-6)
    assert (episode.terminated, episode.truncated, episode.success) == (True, False, False)
    assert episode.outcome == "damage"
    assert len(episode.observations) == len(episode) + 1


def test_lerobot_rows_are_the_recording(lerobot, recording, live):
    table = pq.read_table(lerobot / "data/chunk-000/file-000.parquet")
    count = len(recording.steps.hashes)
    found = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    last = np.arange(count) == count - 1
    np.testing.assert_array_equal(found["observation.state"].astype(np.float32), live[0][:-1])
    np.testing.assert_array_equal(found["action"].astype(np.float32), recording.steps.actions)
    np.testing.assert_array_equal(found["next.reward"].astype(np.float32), recording.steps.rewards)
    np.testing.assert_array_equal(found["next.done"], last)
    assert not found["next.truncated"].any()
    assert not found["next.success"].any()
    np.testing.assert_allclose(found["timestamp"], np.arange(count) / 10, rtol=1e-7)
    assert found["frame_index"].tolist() == found["index"].tolist() == list(range(count))


def test_lerobot_says_what_the_columns_are(lerobot, recording, live):
    info = json.loads((lerobot / "meta/info.json").read_text())
    fields = about(recording.header).fields
    assert info["fps"] == 10
    assert info["features"]["observation.state"]["names"] == [field.name for field in fields]
    assert info["features"]["action"]["names"] == ["axial", "lateral", "height", "yaw"]
    told = json.loads((lerobot / "meta/rackline.json").read_text())
    assert told["spec_hash"] == recording.header.spec_hash
    assert [entry["scale"] for entry in told["fields"]] == [field.scale for field in fields]
    stats = json.loads((lerobot / "meta/stats.json").read_text())
    np.testing.assert_allclose(
        stats["observation.state"]["mean"], live[0][:-1].astype(float).mean(axis=0), atol=1e-9
    )
    (row,) = pq.read_table(lerobot / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert (row["outcome"], row["seed"], row["slot"]) == ("damage", DAMAGED.seed, 12)
    assert row["cycle_time_s"] == recording.end.result["cycle_time_s"]
    assert row["tasks"] == ["S60 - insert trays by gantry: switch"]


def test_a_picture_is_what_the_recording_showed_before_the_action(lerobot, recording):
    frames = film.frames_before_actions(recording)
    with av.open(str(lerobot / f"videos/{CAMERA}/chunk-000/file-000.mp4")) as container:
        pictures = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode()]
    assert len(pictures) == len(frames) == len(recording.steps.hashes)
    assert [time for time, _ in pictures] == pytest.approx(np.arange(len(frames)) / 10)
    times_s = recording.frames.time_s[frames]
    assert np.diff(times_s) == pytest.approx(0.1)
    assert recording.steps.time_s[0] - times_s[0] == pytest.approx(0.1)
    stage = Stage(recording.scene)
    stage.put(recording.frames.poses[frames[20]].tolist())
    drawn = stage.picture(*film.SIZE).astype(int)
    stage.close()
    error = [np.abs(picture.astype(int) - drawn).mean() for _, picture in pictures]
    assert np.argmin(error) == 20
    assert error[20] < 3.0  # of 255: what compression takes


def test_lerobot_counts_episodes_on(episode, recording, tmp_path):
    writer = LeRobotWriter(tmp_path, about(recording.header))
    writer.add(episode)
    writer.add(made_up(episode, "assisted", truncated=True))
    writer.add(made_up(episode, "ok", success=True))
    writer.finish()
    count = len(episode)
    table = pq.read_table(tmp_path / "data/chunk-000/file-000.parquet").to_pylist()
    assert [row["index"] for row in table] == list(range(3 * count))
    lasts = [table[k * count - 1] for k in (1, 2, 3)]
    assert [row["next.done"] for row in lasts] == [True, True, True]
    assert [row["next.truncated"] for row in lasts] == [False, True, False]
    assert [row["next.success"] for row in lasts] == [False, False, True]
    assert [row["task_index"] for row in lasts] == [0, 1, 1]
    assert sum(row["next.done"] for row in table) == 3
    rows = pq.read_table(tmp_path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    spans = [(row["dataset_from_index"], row["dataset_to_index"]) for row in rows]
    assert spans == [(0, count), (count, 2 * count), (2 * count, 3 * count)]
    tasks = pq.read_table(tmp_path / "meta/tasks.parquet")
    assert tasks["task"].to_pylist() == [episode.task, "another"]
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    info = json.loads((tmp_path / "meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (3, 3 * count, 2)
    assert CAMERA not in info["features"]


def test_minari_reads_it_with_its_own_loader(file, recording, live, tmp_path, monkeypatch):
    export([file], Format.MINARI, tmp_path / "trays-v0")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    dataset = minari.load_dataset("trays-v0")
    assert list(minari.list_local_datasets()) == ["trays-v0"]
    (episode,) = dataset.iterate_episodes()
    count = len(recording.steps.hashes)
    assert (dataset.total_episodes, dataset.total_steps) == (1, count)
    np.testing.assert_array_equal(episode.observations, live[0])
    np.testing.assert_array_equal(episode.actions, recording.steps.actions)
    np.testing.assert_array_equal(episode.rewards.astype(np.float32), recording.steps.rewards)
    assert episode.terminations.nonzero()[0].tolist() == [count - 1]
    assert not episode.truncations.any()
    assert episode.infos["outcome"][-1] == b"damage"
    (facts,) = dataset.storage.get_episode_metadata([0])
    assert facts["outcome"] == "damage"
    env = dataset.recover_environment()
    assert env.observation_space == dataset.observation_space
    assert env.action_space == dataset.action_space
    options = {name: int(value) for name, value in facts["options"].items()}
    observation, _ = env.reset(seed=facts["seed"], options=options)
    np.testing.assert_array_equal(observation, episode.observations[0])
    env.close()


def test_minari_tells_ends_apart(episode, recording, tmp_path):
    folder = tmp_path / "trays-v0"
    folder.mkdir()
    writer = MinariWriter(folder, about(recording.header))
    writer.add(made_up(episode, "assisted", truncated=True))
    writer.add(made_up(episode, "ok", success=True))
    writer.finish()
    timed_out, seated = minari.MinariDataset(folder / "data").iterate_episodes()
    assert timed_out.truncations.nonzero()[0].tolist() == [len(episode) - 1]
    assert not timed_out.terminations.any()
    assert not timed_out.infos["is_success"].any()
    assert seated.terminations[-1]
    assert seated.infos["is_success"].nonzero()[0].tolist() == [len(episode)]
    with h5py.File(folder / "data/main_data.hdf5") as told:
        assert len(told) == 2


def refused(files: list[Path], form: Format, out: Path, **options: bool) -> str:
    with pytest.raises((RecordingError, WorkItemError)) as error:
        export(files, form, out, **options)
    assert list(out.parent.iterdir()) == ([out] if out.exists() else [])
    return str(error.value)


def test_what_is_no_one_dataset_is_refused(recording):
    header = recording.header
    other = replace(header, seed=1, spec_hash="0123")
    with pytest.raises(RecordingError, match="b: was recorded at a station with spec_hash 0123"):
        check_one_dataset([(Path("a"), header), (Path("b"), other)])
    with pytest.raises(RecordingError, match="b: is the same operation as a"):
        check_one_dataset([(Path("a"), header), (Path("b"), header)])
    check_one_dataset([(Path("a"), header), (Path("b"), replace(header, seed=1))])


def test_refusals_come_before_the_work_and_leave_nothing(file, tmp_path, monkeypatch):
    monkeypatch.setattr(policies.dataset, "environment", None)  # would fail if it came to that
    assert "same operation" in refused([file, file], Format.LEROBOT, tmp_path / "trays")
    assert "write trays-v0" in refused([file], Format.MINARI, tmp_path / "trays")
    assert "no --video" in refused([file], Format.MINARI, tmp_path / "trays-v0", film=True)
    cut, inside = tmp_path.parent / "cut.mcap", tmp_path / "out"
    cut.write_bytes(file.read_bytes()[:-20_000])
    assert "needs its end" in refused([cut], Format.LEROBOT, inside)
    inside.mkdir()
    assert "is there already" in refused([file], Format.LEROBOT, inside)
    with pytest.raises(RecordingError, match=r"without a \.mcap file"):
        recordings([inside])
    missing = tmp_path / "none" / "such"
    with pytest.raises(RecordingError, match="cannot be written"):
        export([file], Format.LEROBOT, missing)


def test_a_rate_that_lerobot_cannot_say_is_refused(recording, tmp_path):
    with pytest.raises(RecordingError, match=r"12\.5 Hz"):
        LeRobotWriter(tmp_path, replace(about(recording.header), rate_hz=12.5))


@pytest.mark.parametrize("changed", ["actions", "rewards"])
def test_what_did_not_happen_is_not_exported(file, recording, changed, tmp_path, monkeypatch):
    values = getattr(recording.steps, changed).copy()
    values[3] += np.float32(0.25) if values[3].max() < 0.5 else np.float32(-0.25)
    false = replace(recording, steps=replace(recording.steps, **{changed: values}))
    monkeypatch.setattr(policies.dataset, "read_recording", lambda _: false)
    quantity = {"actions": "state hash", "rewards": "reward"}[changed]
    said = refused([file], Format.LEROBOT, tmp_path / "trays")
    assert f"step 3: {quantity} is" in said
    assert "--verify says more" in said
    older = replace(false, header=replace(false.header, code="0" * 16))
    monkeypatch.setattr(policies.dataset, "read_recording", lambda _: older)
    said = refused([file], Format.LEROBOT, tmp_path / "trays")
    assert "it was made by other code (0000000000000000, here it is" in said


def test_the_command_takes_folders(file, tmp_path):
    assert recordings([file.parent]) == [file]
    result = CliRunner().invoke(
        app,
        ["dataset", "export", str(file.parent), "--format", "lerobot",
         "--out", str(tmp_path / "trays"), "--workers", "1"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "1 episodes, " in result.output
    assert "every state hash as recorded" in result.output
    assert (tmp_path / "trays/meta/info.json").exists()


def test_rerun_says_what_to_install(file, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rerun", None)
    with pytest.raises(EnvironmentSetupError, match=r"rackline\[rerun\]"):
        recording_rerun.require_rerun()
    result = CliRunner().invoke(app, ["replay", str(file), "--rerun", str(tmp_path / "x.rrd")])
    assert isinstance(result.exception, EnvironmentSetupError)
