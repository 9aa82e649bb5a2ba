"""Recordings of campaigns: every episode of a rollout, and those worth seeing afterwards."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import twin.cli.rollout  # noqa: F401 - registers the command
from configs.errors import RacklineError, RecordingError
from envs.outcome import OutcomeClass
from policies.executor import Executor
from policies.recording import read_recording
from policies.recording_campaign import LABELS, highlights, record_highlights
from policies.recording_film import close_jpeg
from policies.records import EpisodeRecord, append_records, parse_record
from policies.rollout import Episode, run_episode
from policies.training_choice import Choice, record_choice
from policies.training_file import load_training
from twin.cli.app import app
from twin.cli.evaluate_view import show_recordings
from twin.evaluation.plan import load_plan
from twin.evaluation.recordings import record_evaluation
from twin.replay.highlights import write_replays

STATION, PUSH = "rackline/TrayInsert-v0", "scripted/straight-push"
LIKE = Episode(STATION, PUSH, "hard", 0, 0, 0)
RECORD = EpisodeRecord(
    1, 0, 0, "compute", OutcomeClass.OK, "seated", True, 1, False, False, False,
    30.0, 15.0, 5.0, 100.0, 0.0, 0.0, "0",
)  # fmt: skip


@pytest.fixture(scope="module")
def rolled_out(tmp_path_factory):
    """Return folder and records of a rollout of two episodes, both recorded."""
    home = tmp_path_factory.mktemp("rollout")
    options = ["--episodes", "2", "--seed", "5", "--workers", "1", "--json", home / "out.json"]
    command = ["rollout", STATION, "--policy", PUSH, *options, "--record", home / "films"]
    result = CliRunner().invoke(app, [str(word) for word in command])
    assert result.exit_code == 0, result.output
    said, command = result.output.splitlines()[-2:]
    assert said == f"2 recordings in {home / 'films'}; see the first with"
    assert Path(command.split()[2]).exists()  # rackline replay FILE
    rows = json.loads((home / "out.json").read_text())["episodes"]
    for row in rows:
        del row["policy"]
    return home / "films", [parse_record(json.dumps(row)) for row in rows]


def test_a_rollout_records_every_episode(rolled_out):
    folder, records = rolled_out
    found = {r.header.seed: r for r in map(read_recording, folder.iterdir())}
    assert sorted(found) == [record.seed for record in records]
    for record in records:
        recording = found[record.seed]
        assert recording.steps.hashes[-1] == record.state_hash
        assert recording.end.outcome == record.outcome


def test_highlights_are_simulated_again_to_the_same_end_and_then_kept(rolled_out, tmp_path):
    _, records = rolled_out
    told = []
    with Executor(1) as executor:
        made = record_highlights(
            {"x": (LIKE, records)}, tmp_path / "new", executor, ("worst", "best"),
            lambda: told.append(1),
        )  # fmt: skip
        times = [one.file.stat().st_mtime_ns for one in made]
        again = record_highlights({"x": (LIKE, records)}, tmp_path / "new", executor,
                                  ("worst", "best"))  # fmt: skip
    assert [one.file.name for one in made] == ["x-worst.mcap", "x-best.mcap"]
    assert len(told) == 2
    assert all(one.same for one in made)
    assert made == again
    assert times == [one.file.stat().st_mtime_ns for one in again]
    for one in made:
        assert read_recording(one.file).header.seed == one.record.seed


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Return folder, policy and recordings of an evaluation of one episode of policy x."""
    folder = tmp_path_factory.mktemp("evaluated")
    plan = load_plan("smoke")
    seed, policy = plan.spec.campaign.seed, plan.policy("x")
    record = run_episode(Episode(STATION, policy, plan.spec.setting, seed, 0, 0))
    append_records(folder / "episodes-x.jsonl", [record])  # and none of y, as in a cut campaign
    return folder, policy, record_evaluation(plan, folder, workers=1)


def test_an_evaluation_records_what_its_folder_holds(evaluated):
    _, policy, found = evaluated
    names = [f"x-{label}.mcap" for label in ("worst", "median", "best")]
    assert [one.file.name for one in found] == names
    assert all(one.same for one in found)
    assert read_recording(found[0].file).header.policy == policy
    said = show_recordings([found[0], replace(found[1], same=False)]).plain
    assert "Recordings of 2 episodes" in said
    assert said.count("came to another end than its record") == 1


def test_pages_and_stills_of_an_evaluation_for_its_report(evaluated):
    folder, policy, found = evaluated
    shown = write_replays(found, folder)
    assert [row.page for row in shown] == [f"replay-{label}.html" for label in LABELS]
    for row, one in zip(shown, found, strict=True):
        assert (
            f"<h1>The {row.label} operation of each policy</h1>" in (folder / row.page).read_text()
        )
        (episode,) = row.episodes
        assert (episode.policy, episode.record, episode.same) == (policy, one.record, True)
        recording = read_recording(one.file)
        time_s, side = recording.frames.time_s, recording.frames.signals["side_force_n"]
        worst = side[np.searchsorted(time_s, episode.most_force_s)]
        assert worst == pytest.approx(one.record.max_windowed_force_n, abs=1e-3)
        assert base64.b64decode(episode.still) == close_jpeg(recording, episode.most_force_s)
    on_the_cart = Image.open(io.BytesIO(close_jpeg(recording, 0.0)))
    assert (on_the_cart.format, on_the_cart.size) == ("JPEG", (480, 270))
    middle = np.asarray(on_the_cart).astype(int)[100:170, 180:320]
    assert (middle[:, :, 2] - middle[:, :, 0] > 60).mean() > 0.25  # the tray, blue


def test_training_records_the_worst_and_best_that_decided(rolled_out, tmp_path):
    _, records = rolled_out
    spec = load_training("tray_insert")
    choice = Choice(PUSH, {0: PUSH}, {PUSH: records, "another": [replace(RECORD, seed=99)]})
    made = record_choice(spec.model_copy(update={"setting": "hard"}), tmp_path, choice, workers=1)
    assert [one.file for one in made] == [
        tmp_path / "recordings" / f"chosen-{label}.mcap" for label in ("worst", "best")
    ]
    assert all(one.same for one in made)
    ranked = highlights(records)
    for one in made:
        header = read_recording(one.file).header
        assert (header.policy, header.setting) == (PUSH, "hard")
        assert header.seed == ranked[one.label].seed


def test_a_record_that_was_not_made_here_is_told(rolled_out, tmp_path):
    _, records = rolled_out
    foreign = replace(records[1], state_hash="0" * 16)
    with Executor(1) as executor:
        (found,) = record_highlights({"x": (LIKE, [foreign])}, tmp_path, executor, ("worst",))
    assert not found.same


def test_the_order_is_the_stated_one():
    slow = replace(RECORD, seed=2, cycle_time_s=40.0)
    pressed = replace(RECORD, seed=3, max_windowed_force_n=50.0)
    assisted = replace(RECORD, seed=4, outcome=OutcomeClass.ASSISTED)
    damaged = replace(RECORD, seed=5, outcome=OutcomeClass.DAMAGE, cycle_time_s=20.0)
    found = highlights([damaged, slow, RECORD, assisted, pressed])
    assert {label: record.seed for label, record in found.items()} == {
        "worst": 5, "median": 2, "best": 1,
    }  # fmt: skip
    assert highlights([replace(RECORD, seed=9), RECORD])["median"].seed == 1
    assert highlights([]) == {}


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with Executor(1) as executor, pytest.raises(RecordingError, match="cannot be made"):
        record_highlights({"x": (LIKE, [RECORD])}, tmp_path / "file", executor)
    command = ["rollout", STATION, "--policy", PUSH, "--record", str(tmp_path / "file")]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RacklineError)
    assert "--record" in str(result.exception)
