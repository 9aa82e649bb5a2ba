"""Training: it learns on the station, resumes exactly, and ends in a bundle that works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from typer.testing import CliRunner

import policies.training
import policies.training_run
import twin.cli.rollout
import twin.cli.train  # noqa: F401 - registers the commands
from configs.errors import RunFolderError
from configs.specs.base import load_spec
from configs.specs.training import TrainingSpec
from policies.bundle import bundle_name, read_bundle
from policies.training import Learner
from policies.training_run import prepare, read_state, train_seed
from tests.small_training import SMALL_PPO, training_file
from twin.cli.app import app


def learnt(spec, run):
    """Return weights and optimisers, and what the next chunk would draw and how it would see."""
    learner = Learner(spec, run.seed)
    try:
        (checkpoint,) = Path(run.folder).glob("checkpoint-*")
        learner.restore(checkpoint)
        draws = (torch.rand(1).item(), learner._station.stream)
        seen = [vars(learner._env.obs_rms)[k] for k in ("mean", "var")] if spec.normalise else []
        return learner.parameters(), draws, [torch.as_tensor(array) for array in seen]
    finally:
        learner.close()


def same(ours, theirs):
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list | tuple):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, torch.Tensor):
        return ours.dtype == theirs.dtype and torch.equal(ours, theirs)
    return ours == theirs


def test_a_killed_run_resumes_to_the_same_end(whole, tmp_path):
    """Killed with SIGKILL within a chunk; then weights, optimisers and random states are equal."""
    file, reference, spec, finished = whole
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "twin.cli", "train", str(file), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--workers", "1"], env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    try:
        while not list(out.glob("seed-3/checkpoint-????????0")):
            assert process.poll() is None, "ended before it could be killed"
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    (run,) = prepare(spec, out)
    before = read_state(Path(run.folder))
    assert 0 < before.steps < spec.steps
    after = train_seed(run)
    assert [r | {"bundle": 0} for r in after.rows] == [r | {"bundle": 0} for r in finished.rows]
    for ours, theirs in zip(learnt(spec, run), learnt(spec, reference), strict=True):
        assert same(ours, theirs)
    ends = [Path(r.folder) / "at-000000240" / "policy.onnx" for r in (run, reference)]
    assert ends[0].read_bytes() == ends[1].read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "TQC", "normalise": True},
        {
            "algorithm": "PPO",
            "normalise": True,
            "off_policy": None,
            "chunk": 64,
            "on_policy": SMALL_PPO,
        },
    ],
    ids=["TQC", "PPO"],
)
def test_other_algorithms_go_on_exactly(changes, tmp_path):
    """A run of one chunk that is resumed for another equals a run of two."""
    spec = load_spec(TrainingSpec, training_file(tmp_path, **changes))
    assert spec.composition.mirror  # PPO's networks and statistics are mirrored then
    assert spec.composition.begin
    longer = spec.model_copy(update={"steps": 120})
    shorter = spec.model_copy(update={"steps": 60})
    (one,) = prepare(longer, tmp_path / "one")
    train_seed(one)
    (first,) = prepare(shorter, tmp_path / "two")
    train_seed(first)
    (two,) = prepare(longer, tmp_path / "two")
    train_seed(two)
    for ours, theirs in zip(learnt(longer, one), learnt(longer, two), strict=True):
        assert same(ours, theirs)
    if spec.on_policy is not None:
        assert {"train/approx_kl", "time/fps"} <= logged(Path(one.folder) / "tensorboard")


def logged(folder):
    """Return the names of the scalars in the files of a TensorBoard folder."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    tags = set()
    for file in folder.iterdir():
        accumulator = reader.EventAccumulator(str(file))
        accumulator.Reload()
        tags |= set(accumulator.Tags()["scalars"])
    return tags


def test_it_learns_something(whole):
    """Weights move: the end differs from the start, and so does another training seed's start."""
    _, run, spec, _ = whole
    starts = []
    for seed in (run.seed, run.seed, run.seed + 1):
        fresh = Learner(spec, seed)
        starts.append(fresh.parameters()["policy"])
        fresh.close()
    assert same(starts[0], starts[1])
    assert not same(starts[0], starts[2])
    assert not same(starts[0], learnt(spec, run)[0]["policy"])


def test_the_command_ends_in_a_bundle_that_works(whole, tmp_path):
    """The rest of the command on a finished run: choice, curves, summary, card, rollout."""
    file, run, *_ = whole
    out = Path(run.folder).parent
    result = CliRunner().invoke(app, ["train", str(file), "--out", str(out), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "seed 3, at-000000240, is chosen" in " ".join(result.output.split())
    assert (out / "bundle" / "curve.png").read_bytes() == (out / "curve.png").read_bytes()
    assert bundle_name(out / "bundle") == out.name
    assert f"tensorboard --logdir {out}" in result.output
    assert len(list((out / "choice").iterdir())) == 2
    assert (out / "curve.png").exists()
    card, network = read_bundle(out / "bundle")
    assert (card.training_seed, card.training_steps) == (3, 240)
    assert [r.episodes for r in card.results] == [1, 2]
    zones = sum(len(zones.at) - 1 for zones in card.composition.zones)
    assert zones > 0
    assert network.signature.observation == 42 + zones + 4  # table, zones, script
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary["policies"]) == {"scripted/lateral-admittance@1", summary["chosen"]}
    rollout = ["rollout", "rackline/TrayInsert-v0", "--policy", str(out / "bundle")]
    assert CliRunner().invoke(app, [*rollout, "--episodes", "1", "--workers", "1"]).exit_code == 0


def test_a_choice_is_asked_again_of_what_it_made(whole, tmp_path):
    """On more seeds, of a bundle alone: what was trained, and its curves, stay as they are."""
    file, run, *_ = whole
    made, data = Path(run.folder) / "at-000000240", yaml.safe_load(file.read_text())
    more = tmp_path / "more.yaml"
    more.write_text(yaml.safe_dump(data | {"selection": {"episodes": 1, "final_episodes": 3}}))
    command = ["choose", str(more), "--among", str(made), "--out", str(tmp_path / "again")]
    result = CliRunner().invoke(app, [*command, "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "seed 3, at-000000240, is chosen" in " ".join(result.output.split())
    before, _ = read_bundle(made)
    card, _ = read_bundle(tmp_path / "again" / "bundle")
    assert card.policy_sha256 == before.policy_sha256
    assert (card.training_seed, card.training_steps) == (3, 240)
    assert card.results[-1].episodes == 3


def test_a_folder_of_another_run_is_refused(whole, tmp_path):
    _, run, spec, _ = whole
    other = spec.model_copy(update={"gamma": 0.9})
    with pytest.raises(RunFolderError, match="another"):
        prepare(other, Path(run.folder).parent)
    (tmp_path / "stray.txt").touch()
    with pytest.raises(RunFolderError, match="not empty"):
        prepare(spec, tmp_path)


def test_a_run_does_not_go_on_over_a_script_that_was_tuned_meanwhile(whole, monkeypatch):
    _, run, spec, _ = whole
    assert prepare(spec, Path(run.folder).parent)
    tuned = {"insert": "1 mm/s"}
    monkeypatch.setattr(policies.training_run, "_base_parameters", lambda _: tuned)
    with pytest.raises(RunFolderError, match="a script tuned otherwise"):
        prepare(spec, Path(run.folder).parent)
