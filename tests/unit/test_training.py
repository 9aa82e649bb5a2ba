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
from contextlib import closing
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
from configs.specs.base import load_spec, resolve_path, spec_hash
from configs.specs.training import SelectionSpec, SlowSpec, TrainingSpec
from policies import training_choice
from policies.bundle import bundle_name, load_bundle, read_bundle
from policies.network import Network
from policies.rollout import run_episode, single_part_episodes
from policies.training import Learner
from policies.training_choice import candidates, choose, draw_curves, episodes_to_choose
from policies.training_env import training_env
from policies.training_file import load_training
from policies.training_run import (
    CHOICE_SEEDS,
    SeedState,
    prepare,
    read_state,
    train_seed,
)
from twin.cli.app import app
from twin.evaluation.runfolder import RunFolder

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


CONTACT = {"a": (1.0, 9.0), "b": (8.0, 8.0), "c": (2.0, 3.0), "d": (7.0, 7.0)}
SLOW = {
    feed: SlowSpec.model_validate({"field": "pose axial", "between": (0.0, 0.04), "feed": feed})
    for feed in (0.5, 0.7)
}
CONTACT |= {f"c-slow-{spec_hash(SLOW[0.7])[:8]}": (2.5, 2.5)}
CONTACT |= {f"c-slow-{spec_hash(SLOW[0.5])[:8]}": (4.0, 4.0)}
"""Seconds of a policy in the first two episodes, and behind."""


@pytest.fixture
def contest(tmp_path, monkeypatch, whole):
    """Four policies of two training seeds, and the script, with times made up.

    Returns what holds the choice: ``hold(first, race, stop)`` gives the choice, the names that were
    run and how often progress was told; behind ``stop`` episodes comes Ctrl-C.
    """
    _, run, spec, state = whole
    states, like = {}, whole_record(spec)
    for seed, names in {0: "ab", 1: "cd"}.items():
        for name in names:
            shutil.copytree(Path(run.folder) / state.cheapest(1)[0]["bundle"],
                            tmp_path / f"seed-{seed}" / name)  # fmt: skip
        states[seed] = SeedState(4, 1.0, [{"bundle": name, "cost_s": 1.0} for name in names])

    def hold(first, race, stop=None, slow=()):
        ran, told = [], []

        def fake(episodes, function, workers, keep, ordered):
            for episode in episodes:
                if len(ran) == stop:
                    raise KeyboardInterrupt
                ran.append(Path(episode.policy).name)
                early, late = CONTACT.get(ran[-1], (5.0, 5.0))
                time_s = early if episode.seed - CHOICE_SEEDS[0] < 2 else late
                times = {"cycle_time_s": time_s, "contact_time_s": time_s}
                keep(episode, replace(like, seed=episode.seed, **times))

        monkeypatch.setattr(training_choice, "run", fake)
        selection = {"episodes": 1, "final_episodes": first, "finalists": 2}
        selection["race"] = {"policies": 2, "episodes": race}
        selection["slow"] = list(slow)
        asked = spec.model_copy(update={"selection": SelectionSpec.model_validate(selection)})
        choice = choose(asked, tmp_path, states, 1, lambda: told.append(1))
        total = 5 * first + 3 * race + (first + race) * len(slow)
        assert len(told) == episodes_to_choose(asked, 5) == total
        return choice, ran

    return hold


def test_a_race_decides_among_the_cheapest(contest, tmp_path):
    """What wins 2 episodes and loses 6 is not chosen; the script works all of them too."""
    choice, ran = contest(2, 4)
    assert len(ran) == 5 * 2 + 3 * 4
    assert choice.chosen == str(tmp_path / "seed-1" / "c")
    assert {seed: Path(name).name for seed, name in choice.best.items()} == {0: "a", 1: "c"}
    assert len(choice.records["scripted/lateral-admittance@1"]) == 6
    card, _ = read_bundle(tmp_path / "bundle")
    assert card.results[-1].episodes == 6
    assert card.results[-1].seeds.startswith(f"selection {CHOICE_SEEDS[0]} to {CHOICE_SEEDS[5]}")


@pytest.mark.parametrize("feeds", [[0.5], [0.5, 0.7]])
def test_the_winner_is_slowed_where_that_is_cheaper(contest, tmp_path, feeds):
    choice, ran = contest(2, 4, slow=[SLOW[feed] for feed in feeds])
    assert len(ran) == 22 + 6 * len(feeds)
    assert ("slow" in Path(choice.chosen).name) is (0.7 in feeds)
    assert choice.best[1] == choice.chosen
    card, _ = read_bundle(tmp_path / "bundle")
    held = card.composition.slow
    assert (held.feed if held else None) == (0.7 if 0.7 in feeds else None)
    assert card.results[-1].episodes == 6


@pytest.mark.parametrize("stop", [0, 3, 13])
def test_a_killed_choice_goes_on(contest, tmp_path, stop):
    """Killed before, in the first round and in the race, within the writing of a record."""
    with pytest.raises(KeyboardInterrupt):
        contest(2, 4, stop)
    files = sorted((tmp_path / "choice").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    if files:
        files[-1].write_bytes(files[-1].read_bytes()[:-9])
    choice, ran = contest(2, 4)
    assert len(ran) == 22 - stop + bool(files)
    assert contest(2, 4) == (choice, [])
    shutil.rmtree(tmp_path / "choice")
    assert contest(2, 4)[0] == choice


def test_a_choice_with_more_seeds_runs_these_alone(contest, tmp_path, monkeypatch):
    """And one with fewer looks at no more than it is asked to; a script tuned anew starts anew."""
    contest(2, 4)
    choice, ran = contest(3, 4)
    assert sorted(ran) == ["a", "b", "c", "d", "lateral-admittance@1"]
    assert {len(records) for records in choice.records.values()} == {3, 7}
    card, _ = read_bundle(tmp_path / "bundle")
    assert card.training.selection.final_episodes == 3
    choice, ran = contest(1, 1)
    assert ran == []
    assert Path(choice.chosen).name == "a"
    content = training_choice.policy_content
    tuned = {"name": "lateral-admittance", "parameters": "others"}
    monkeypatch.setattr(
        training_choice, "policy_content", lambda n: tuned if "scripted" in n else content(n)
    )
    assert contest(1, 1)[1] == ["lateral-admittance@1"] * 2


def whole_record(spec):
    """Return any record of the station."""
    name = spec.composition.base
    (episode,) = single_part_episodes("rackline/TrayInsert-v0", name, CHOICE_SEEDS[:1], "hard")
    return run_episode(episode)


@pytest.fixture(scope="module")
def both_sides(tmp_path_factory):
    """A mirrored PPO that has learnt, its actions and what it has seen as wide as late in training.

    Returns its spec, the learner, and the weights of its actions before and after.
    """
    home = tmp_path_factory.mktemp("mirrored")
    steps = {"on_policy": SMALL_PPO, "algorithm": "PPO", "off_policy": None, "normalise": True}
    spec = load_training(str(small_file(home, **steps, chunk=64)))
    assert spec.composition.mirror
    learner = Learner(spec, 1)
    try:
        before = learner.parameters()["policy"]["action_net.plain.weight"].clone()
        learner.learn(64, lambda steps: None, lambda info: None)
        after = learner.parameters()["policy"]["action_net.plain.weight"].clone()
        seen, _ = learner._station.sides
        learner._env.obs_rms.update(np.random.default_rng(1).normal(size=(500, len(seen))))
        with torch.no_grad():
            learner._model.policy.action_net.plain.weight.mul_(30.0)
        yield spec, learner, before, after
    finally:
        learner.close()


def done(learner, seen):
    """Return what the policy does in training, without its noise."""
    return learner._model.predict(learner._env.normalize_obs(seen), deterministic=True)[0]


def test_ppo_learns_both_sides_at_once(both_sides):
    """Action and value of a mirror image are the mirror image's, after weights have moved."""
    _, learner, before, after = both_sides
    assert not torch.equal(before, after)
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
    assert ours[:, 1].abs().max() > 1e-2


def test_the_exported_network_is_the_one_that_learnt_both_sides(both_sides):
    _, learner, *_ = both_sides
    network = Network(*learner.network(), "policy.onnx")
    given = np.random.default_rng(2).normal(size=(1000, network.signature.observation))
    given = given.astype(np.float32)
    theirs = done(learner, given)
    ours = np.array([network.step(row)[0] for row in given])
    assert np.abs(ours - theirs).max() <= 1e-5
    assert np.abs(theirs).max(axis=0).min() > 0.1


def test_a_bundle_does_what_the_policy_did_in_training(both_sides, tmp_path):
    """Action by action: the script's to where learning begins, what was learnt behind it."""
    spec, learner, *_ = both_sides
    row = policies.training_run._evaluate(spec, 1, tmp_path, learner)
    env = training_env(spec, 3)
    bundle = load_bundle(tmp_path / row["bundle"], env.unwrapped.station)
    start, work, last, apart = env.env.reset, env.env.step, [], []

    def reset(**options):
        bundle.reset()
        last[:] = start(**options)
        return tuple(last)

    def step(action):
        apart.append(np.abs(action - bundle.act(last[0])).max())
        last[:] = work(action)
        return tuple(last)

    env.env.reset, env.env.step = reset, step
    try:
        seen, _ = env.reset()
        scripted, learnt, ended = len(apart), [], False
        while not ended:
            learnt.append(done(learner, seen))
            seen, _, terminated, truncated, _ = env.step(learnt[-1])
            ended = terminated or truncated
    finally:
        env.close()
    assert max(apart[:scripted]) == 0.0
    assert max(apart) <= 1e-5
    assert min(scripted, len(learnt)) > 10
    assert np.abs(learnt).max() > 0.1


def test_the_curves_show_every_evaluation(tmp_path):
    rows = [
        {"steps": 1000 * n, "cost_s": 1.0, "contact_time_s": 20.0 - n, "success": 0.9}
        | {"damage": 0.01 * n, "lateral_force_p95_n": 40.0 + n}
        for n in (1, 2, 3)
    ]
    states = {
        4: SeedState(3500, 1.0, [*rows, {"steps": 3500, "operations": 2}]),
        7: SeedState(1000, 1.0, rows[:1]),
    }
    figure = draw_curves(tmp_path / "curve.png", states, rows[2])
    contact, _, damage, _ = figure.axes
    labels = [line.get_label() for line in contact.lines]
    assert labels == ["training seed 4", "training seed 7", "script alone"]
    assert contact.lines[0].get_xydata().tolist() == [[1, 19], [2, 18], [3, 17]]
    assert contact.lines[1].get_xydata().tolist() == [[1, 19]]
    assert list(contact.lines[2].get_ydata()) == [17, 17]
    assert damage.lines[0].get_ydata() == pytest.approx([1, 2, 3])
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


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


def test_a_folder_is_worked_in_by_one_process(tmp_path):
    command = ["train", str(small_file(tmp_path)), "--out", str(tmp_path / "run")]
    with closing(RunFolder(tmp_path / "run")):
        result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RunFolderError)
    assert "another process is working in this folder" in str(result.exception)


CHECKPOINT = ("model.zip", "buffer.npz", "normalisation.pkl", "random.pkl")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint with every kind of file; returns a learner that it fits, and its folder."""
    home = tmp_path_factory.mktemp("checkpoint")
    spec = load_spec(TrainingSpec, small_file(home, algorithm="TQC", normalise=True))
    learner = Learner(spec, 3)
    try:
        learner.learn(30, lambda steps: None, lambda info: None)
        learner.save(home / "checkpoint-000000030")
        yield learner, home / "checkpoint-000000030"
    finally:
        learner.close()


@pytest.mark.parametrize("name", CHECKPOINT)
def test_a_cut_checkpoint_is_one_error(checkpoint, name, tmp_path):
    learner, folder = checkpoint
    assert {file.name for file in folder.iterdir()} == set(CHECKPOINT)
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    data = (copy / name).read_bytes()
    for length in (0, 20, len(data) // 2, len(data) - 1):
        (copy / name).write_bytes(data[:length])
        with pytest.raises(RunFolderError, match="delete this folder"):
            learner.restore(copy)
    (copy / name).write_bytes(data)
    learner.restore(copy)


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
        (
            {
                "selection": SMALL["selection"]
                | {"slow": [{"field": "pose axal", "between": [0, 1], "feed": 0.5}]}
            },
            "selection.slow[0].field",
        ),
        (
            {
                "composition": {"kind": "residual", "base": "scripted/lateral-admittance@1"}
                | {"begin": {"field": "pose axial", "above": 9.0}}
            },
            "composition.begin.above = '9.0': is never exceeded: pose axial is observed up to",
        ),
        *(
            (
                {
                    "composition": {"kind": "residual", "base": "scripted/lateral-admittance@1"}
                    | {"within": {"field": "pose axial", "between": between}}
                },
                "composition.within.between: is never reached: pose axial is observed from",
            )
            for between in ([9.0, 10.0], [-10.0, -9.0])
        ),
    ],
)
def test_names_that_do_not_exist_are_refused_with_their_line(changes, says, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_training(str(small_file(tmp_path, **changes)))
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'small.yaml'}:")
