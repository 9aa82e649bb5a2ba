"""PPO learns both sides of a station at once, and its bundle does what it did in training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import policies.training
import policies.training_run
from policies.bundle import load_bundle
from policies.network import Network
from policies.training import Learner
from policies.training_env import training_env
from policies.training_file import load_training
from tests.small_training import SMALL_PPO, training_file


@pytest.fixture(scope="module")
def both_sides(tmp_path_factory):
    """A mirrored PPO that has learnt, its actions and what it has seen as wide as late in training.

    Returns its spec, the learner, and the weights of its actions before and after.
    """
    home = tmp_path_factory.mktemp("mirrored")
    steps = {"on_policy": SMALL_PPO, "algorithm": "PPO", "off_policy": None, "normalise": True}
    spec = load_training(str(training_file(home, **steps, chunk=64)))
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
