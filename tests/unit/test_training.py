"""Training: it learns on the station, resumes exactly, and ends in a bundle that works."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

import policies.training
import policies.training_run
import twin.cli.rollout
import twin.cli.train  # noqa: F401 - registers the commands
from configs.errors import ConfigError, EnvironmentSetupError, RacklineError, RunFolderError
from configs.specs.base import load_spec, resolve_path
from configs.specs.training import SelectionSpec, TrainingSpec
from policies import training_choice
from policies.bundle import read_bundle
from policies.rollout import run_episode, single_part_episodes
from policies.training import Learner
from policies.training_choice import candidates, choose, episodes_to_choose
from policies.training_run import (
    CHOICE_SEEDS,
    SeedRun,
    SeedState,
    load_training,
    prepare,
    read_state,
    train_seed,
)
from twin.cli.app import app

SMALL = {
    "algorithm": "SAC",
    "on_policy": None,
    "normalise": False,
    "network": [8],
    "batch": 16,
    "steps": 240,
    "chunk": 60,
    "evaluate_chunks": 100,
    "seeds": [3],
    "selection": {"episodes": 1, "final_episodes": 2},
}
SMALL_PPO = {"steps": 32, "epochs": 2, "gae": 0.95, "clip": 0.2, "entropy": 0.0}
SMALL_PPO |= {"log_std_start": -1.0}
OFF_POLICY = {"buffer": 100, "learning_starts": 20, "tau": 0.01, "updates": 0.5}


def small_file(folder, **changes):
    data = yaml.safe_load(resolve_path("training", "tray_insert").read_text())
    data |= SMALL | {"off_policy": OFF_POLICY | {"entropy_start": 0.1}} | changes
    path = folder / "small.yaml"
    path.write_text(
        yaml.safe_dump({key: value for key, value in data.items() if value is not None})
    )
    return path


def learnt(spec, run):
    """Return all weights, optimisers and what the next chunk would draw, from a run's end."""
    learner = Learner(spec, run.seed)
    try:
        (checkpoint,) = Path(run.folder).glob("checkpoint-*")
        learner.restore(checkpoint)
        draws = (torch.rand(1).item(), learner._station.stream)
        return learner.parameters(), draws
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


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Train a small run without a break; returns its file, folder, spec and state."""
    home = tmp_path_factory.mktemp("training")
    file = small_file(home)
    spec = load_spec(TrainingSpec, file)
    (run,) = prepare(spec, home / "whole")
    return file, run, spec, train_seed(run)


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
    spec = load_spec(TrainingSpec, small_file(tmp_path, **changes))
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
    """Weights move: the end differs from the start, and from another training seed's."""
    _, run, spec, _ = whole
    fresh = Learner(spec, run.seed)
    try:
        start = fresh.parameters()["policy"]
    finally:
        fresh.close()
    end, _ = learnt(spec, run)
    assert not same(start, end["policy"])


def test_the_cheapest_policies_of_every_seed_come_to_the_choice(tmp_path):
    costs = {"at-1": 40.0, "at-2": 35.0, "at-3": 71.0, "at-4": 36.0}
    rows = [{"bundle": name, "cost_s": cost} for name, cost in costs.items()]
    states = {n: SeedState(4, 1.0, [*rows, {"operations": 3}]) for n in (0, 1)}
    selection = {"episodes": 1, "final_episodes": 2, "finalists": 2}
    spec = load_training(str(small_file(tmp_path, selection=selection)))
    found = candidates(spec, tmp_path, states)
    assert list(found.values()) == [None, 0, 0, 1, 1]
    assert [Path(name).name for name in found][1:] == ["at-2", "at-4"] * 2
    assert next(iter(found)) == "scripted/lateral-admittance@1"


def test_a_race_decides_among_the_cheapest(tmp_path, monkeypatch, whole):
    """What wins 2 episodes and loses 6 is not chosen; the script works all of them too."""
    _, run, spec, state = whole
    seeds = {0: ["a", "b"], 1: ["c", "d"]}
    contact = {"a": (1.0, 9.0), "b": (8.0, 8.0), "c": (2.0, 3.0), "d": (7.0, 7.0)}
    selection = {"episodes": 1, "final_episodes": 2, "finalists": 2}
    selection["race"] = {"policies": 2, "episodes": 4}
    spec = spec.model_copy(update={"selection": SelectionSpec.model_validate(selection)})
    states = {}
    for seed, names in seeds.items():
        for name in names:
            shutil.copytree(Path(run.folder) / state.cheapest(1)[0]["bundle"],
                            tmp_path / f"seed-{seed}" / name)  # fmt: skip
        states[seed] = SeedState(4, 1.0, [{"bundle": name, "cost_s": 1.0} for name in names])
    like = whole_record(spec)

    def fake(episodes, function, workers, keep, ordered):
        for episode in episodes:
            early, late = contact.get(Path(episode.policy).name, (5.0, 5.0))
            time_s = early if episode.seed - CHOICE_SEEDS[0] < 2 else late
            keep(episode, replace(like, cycle_time_s=time_s, contact_time_s=time_s))

    monkeypatch.setattr(training_choice, "run", fake)
    counted = []
    choice = choose(spec, tmp_path, states, 1, lambda: counted.append(1))
    assert len(counted) == episodes_to_choose(spec, 5) == 5 * 2 + 3 * 4
    assert choice.chosen == str(tmp_path / "seed-1" / "c")
    assert {seed: Path(name).name for seed, name in choice.best.items()} == {0: "a", 1: "c"}
    assert len(choice.records["scripted/lateral-admittance@1"]) == 6
    card, _ = read_bundle(tmp_path / "bundle")
    assert card.results[-1].episodes == 6
    assert card.results[-1].seeds.startswith(f"selection {CHOICE_SEEDS[0]} to {CHOICE_SEEDS[5]}")


def whole_record(spec):
    """Return any record of the station."""
    name = spec.composition.base
    (episode,) = single_part_episodes("rackline/TrayInsert-v0", name, CHOICE_SEEDS[:1], "hard")
    return run_episode(episode)


def test_ppo_learns_both_sides_at_once(tmp_path):
    """Action and value of a mirror image are the mirror image's, after weights have moved."""
    steps = {"on_policy": SMALL_PPO, "algorithm": "PPO", "off_policy": None, "normalise": True}
    spec = load_training(str(small_file(tmp_path, **steps, chunk=64)))
    learner = Learner(spec, 1)
    try:
        before = learner.parameters()["policy"]["action_net.plain.weight"].clone()
        learner.learn(64, lambda steps: None, lambda info: None)
        weights = learner.parameters()["policy"]["action_net.plain.weight"]
        assert not torch.equal(weights, before)
        seen, action = learner._station.sides
        assert (seen < 0).sum() > 10
        assert list(action) == [1, -1, 1, -1]
        means = learner._env.obs_rms.mean
        assert np.abs(means[seen < 0]).max() < 1e-12 < np.abs(means[seen > 0]).max()
        given = torch.tensor(np.random.default_rng(0).normal(size=(50, len(seen))))
        given = given.to(torch.float32)
        policy = learner._model.policy
        with torch.no_grad():
            ours, value, _ = policy(given, deterministic=True)
            theirs, same_value, _ = policy(given * torch.tensor(seen), deterministic=True)
        assert torch.allclose(theirs, ours * torch.tensor(action), atol=1e-6)
        assert torch.allclose(value, same_value, atol=1e-6)
        assert ours[:, 1].abs().max() > 1e-4
    finally:
        learner.close()


def test_the_command_ends_in_a_bundle_that_works(whole, tmp_path):
    """The rest of the command on a finished run: choice, curves, summary, card, rollout."""
    file, run, *_ = whole
    out = Path(run.folder).parent
    result = CliRunner().invoke(app, ["train", str(file), "--out", str(out), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "seed 3 is chosen" in result.output
    assert (out / "curve.png").stat().st_size > 10_000
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


def test_a_folder_of_another_run_is_refused(whole, tmp_path):
    _, run, spec, _ = whole
    other = spec.model_copy(update={"gamma": 0.9})
    with pytest.raises(RunFolderError, match="another"):
        prepare(other, Path(run.folder).parent)
    (tmp_path / "stray.txt").touch()
    with pytest.raises(RunFolderError, match="not empty"):
        prepare(spec, tmp_path)


def test_a_cut_checkpoint_is_one_error(whole, tmp_path):
    _, run, spec, _ = whole
    (run,) = prepare(spec, tmp_path / "cut")
    short = spec.model_copy(update={"steps": 60})
    train_seed(SeedRun(short.model_dump_json(by_alias=True), run.seed, run.folder))
    (checkpoint,) = Path(run.folder).glob("checkpoint-*")
    data = (checkpoint / "random.pkl").read_bytes()
    (checkpoint / "random.pkl").write_bytes(data[:20])
    with pytest.raises(RunFolderError, match="delete this folder"):
        train_seed(run)


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(policies.training_run, "train_seed", interrupted)
    command = ["train", str(small_file(tmp_path)), "--out", str(tmp_path / "run"), "--workers", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 130
    assert "the same command goes on" in result.output


def test_missing_packages_are_one_sentence(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        policies.training.importlib.util,
        "find_spec",
        lambda name: None if name == "torch" else find(name),
    )
    with pytest.raises(EnvironmentSetupError, match=r"needs torch; install with: pip install"):
        Learner(load_spec(TrainingSpec, resolve_path("training", "tray_insert")), 0)


@pytest.mark.parametrize("seeds", ["0,0", "a", "", "-1", "1000"])
def test_odd_seeds_are_refused(seeds, tmp_path):
    command = ["train", "tray_insert", "--seeds", seeds, "--out", str(tmp_path / "no")]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RacklineError)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"env": "rackline/TrayInsert-v9"}, "env = 'rackline/TrayInsert-v9'"),
        ({"setting": "harder"}, "did you mean 'hard'"),
        (
            {"composition": {"kind": "residual", "base": "scripted/lateral-admittance"}},
            "did you mean 'scripted/lateral-admittance@1'",
        ),
        (
            {"composition": {"kind": "pure", "zones": [{"field": "pose axal", "at": [0, 1]}]}},
            "did you mean 'pose axial'",
        ),
        (
            {
                "composition": {"kind": "pure", "mirror": True}
                | {"zones": [{"field": "pose lateral", "at": [0, 1]}]}
            }
            | {"algorithm": "PPO", "off_policy": None, "on_policy": SMALL_PPO, "chunk": 64},
            "has a side, and PPO learns both at once",
        ),
    ],
)
def test_names_that_do_not_exist_are_refused_with_their_line(changes, says, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_training(str(small_file(tmp_path, **changes)))
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'small.yaml'}:")
