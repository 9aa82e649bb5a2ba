"""Export: ONNX gives what Stable-Baselines3 predicts, to 1e-5, for every kind of policy."""

from __future__ import annotations

import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from policies.export import Normaliser, export_network
from policies.network import Network

OBSERVATIONS = np.random.default_rng(0).normal(0, 2, (1000, 5)).astype(np.float32)
TOLERANCE = 1e-5


class Toy(gym.Env):
    """Draws observations; some actions are forbidden where it is discrete."""

    def __init__(self, discrete=False):
        self.observation_space = gym.spaces.Box(-5, 5, (5,), np.float32)
        box = gym.spaces.Box(np.float32([-1, -2]), np.float32([1, 3]), (2,), np.float32)
        self.action_space = gym.spaces.Discrete(6) if discrete else box

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}

    def action_masks(self):
        return self.np_random.random(6) < 0.5


def made(algorithm, policy="MlpPolicy", discrete=False, env=None, **more):
    more = {"net_arch": [16, 16], **more}
    return algorithm(policy, env or Toy(discrete), policy_kwargs=more, device="cpu", seed=0)


@pytest.mark.parametrize("algorithm", [SAC, TQC, PPO])
def test_plain_policies_agree(algorithm):
    """Actions are scaled to the space's own bounds, here uneven ones."""
    model = made(algorithm)
    network = Network(*export_network(model.policy), "toy")
    predicted = model.predict(OBSERVATIONS, deterministic=True)[0]
    ours = np.stack([network.step(observation)[0] for observation in OBSERVATIONS])
    assert np.ptp(predicted, axis=0).min() > 0.01
    assert np.abs(ours - predicted).max() <= TOLERANCE


def test_normalisation_is_within():
    env = VecNormalize(DummyVecEnv([Toy]), norm_reward=False, clip_obs=2.0)
    env.obs_rms.update(np.random.default_rng(1).normal(1.0, 3.0, (500, 5)))
    model = made(SAC, env=env)
    deviation = np.sqrt(env.obs_rms.var + env.epsilon)
    normaliser = Normaliser(env.obs_rms.mean, deviation, env.clip_obs)
    network = Network(*export_network(model.policy, normaliser), "toy")
    predicted = model.predict(env.normalize_obs(OBSERVATIONS), deterministic=True)[0]
    ours = np.stack([network.step(observation)[0] for observation in OBSERVATIONS])
    assert np.abs(ours - predicted).max() <= TOLERANCE


def test_a_recurrent_policy_agrees_along_an_episode():
    model = made(RecurrentPPO, "MlpLstmPolicy", lstm_hidden_size=8)
    network = Network(*export_network(model.policy), "toy")
    assert network.signature.state == (2, 1, 1, 8)
    state, theirs, worst, first = network.start, None, 0.0, None
    for i, observation in enumerate(OBSERVATIONS):
        ours, state = network.step(observation, state=state)
        first = ours if first is None else first
        predicted, theirs = model.predict(
            observation, theirs, episode_start=np.array([i == 0]), deterministic=True
        )
        worst = max(worst, float(np.abs(ours - predicted).max()))
    assert worst <= TOLERANCE
    again, _ = network.step(OBSERVATIONS[0], state=state)
    assert np.abs(again - first).max() > 1e-4  # it remembers


def test_a_masked_policy_agrees_and_obeys():
    model = made(MaskablePPO, discrete=True)
    network = Network(*export_network(model.policy, masked=True), "toy")
    rng = np.random.default_rng(2)
    for observation in OBSERVATIONS:
        mask = rng.random(6) < 0.5
        mask[rng.integers(6)] = True
        ours, _ = network.step(observation, mask=mask)
        predicted, _ = model.predict(observation, action_masks=mask, deterministic=True)
        assert ours == predicted
        assert mask[ours]


def test_no_path_of_the_machine_is_exported():
    data, _ = export_network(made(SAC).policy)
    for word in (b"policies/", b"site-packages", b".py"):
        assert word not in data


def test_running_bundles_needs_none_of_the_training_packages():
    code = (
        "import sys, policies.rollout, policies.network, policies.training_run, twin.cli.train; "
        "print([m for m in ('torch', 'onnx', 'stable_baselines3') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
