"""Export: ONNX gives what Stable-Baselines3 predicts, to 1e-5, for every kind of policy."""

from __future__ import annotations

import pickle
import subprocess
import sys

import gymnasium as gym
import numpy as np
import pytest
import torch
from sb3_contrib import TQC, MaskablePPO, RecurrentPPO
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from typer.testing import CliRunner

import twin.cli.train  # noqa: F401 - registers the command
from configs.errors import BundleError, RacklineError
from envs.registry import station, station_of
from policies.bundle import read_bundle
from policies.export import Normaliser, export_network
from policies.network import Network
from twin.cli.app import app

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


class Tray(Toy):
    """Shows as many numbers as the tray station, and takes its actions."""

    def __init__(self):
        place = station_of(station("rackline/TrayInsert-v0").spec)
        self.observation_space = gym.spaces.Box(-5, 5, (len(place.fields),), np.float32)
        self.action_space = gym.spaces.Box(-1, 1, (len(place.actions),), np.float32)


class Own(BaseFeaturesExtractor):
    """Features that are not the observation."""

    def __init__(self, space, features):
        super().__init__(space, features)
        self.layer = torch.nn.Linear(space.shape[0], features)

    def forward(self, observations):
        return self.layer(observations)


def normalised(env):
    """Return the environment behind running statistics that have seen something."""
    env = VecNormalize(DummyVecEnv([env]), norm_reward=False, clip_obs=2.0)
    (n,) = env.observation_space.shape
    env.obs_rms.update(np.random.default_rng(1).normal(1.0, 3.0, (500, n)))
    return env


def export(model, out, *more):
    arguments = ("export", model, "--trust-pickle", "--out", out, *more)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


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
    env = normalised(Toy)
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


def test_a_foreign_model_keeps_its_normalisation(tmp_path):
    env = normalised(Tray)
    model = made(SAC, env=env)
    model.save(tmp_path / "own.zip")
    env.save(str(tmp_path / "own.pkl"))
    done = export(tmp_path / "own.zip", tmp_path / "own", "--normalisation", tmp_path / "own.pkl")
    assert done.exit_code == 0, done.output
    assert "--normalisation" not in done.output
    _, network = read_bundle(tmp_path / "own")
    seen = np.random.default_rng(3).normal(0, 2, (200, network.signature.observation))
    seen = seen.astype(np.float32)
    predicted = model.predict(env.normalize_obs(seen), deterministic=True)[0]
    assert np.abs(predicted - model.predict(seen, deterministic=True)[0]).max() > 0.01
    ours = np.stack([network.step(observation)[0] for observation in seen])
    assert np.abs(ours - predicted).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("features", "says"), [(None, "actions would differ"), (8, "is not exported")]
)
def test_a_foreign_model_with_parts_of_its_own_is_refused(tmp_path, features, says):
    """Left out in silence, they would make a bundle that acts otherwise than its model."""
    env = Tray()
    features = features or env.observation_space.shape[0]
    more = {"features_extractor_class": Own, "features_extractor_kwargs": {"features": features}}
    made(SAC, env=env, **more).save(tmp_path / "own.zip")
    done = export(tmp_path / "own.zip", tmp_path / "out")
    assert isinstance(done.exception, BundleError)
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (tmp_path / "out").exists()


class Ran:
    """Unpickling this makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"import os; os.mkdir({str(self.path)!r})",))


def test_mistakes_with_a_foreign_model_are_one_error(tmp_path):
    model, file, out = tmp_path / "own.zip", tmp_path / "own.pkl", tmp_path / "out"
    model.write_bytes(b"is not read before its statistics")

    def says(*more, of=model):
        error = export(of, out, *more).exception
        assert isinstance(error, BundleError)
        assert "\n" not in str(error)
        return str(error)

    assert says(of=tmp_path / "nothere.zip").endswith(
        "nothere.zip: no such file; give the file that model.save wrote"
    )
    assert says(of=tmp_path / "own").endswith(f"own: no such file; did you mean {model}?")
    assert "own.pkl: no such file; give the file that VecN" in says("--normalisation", file)
    for stray in (b"", b"no pickle", pickle.dumps({"mean": 0.0})):
        file.write_bytes(stray)
        assert "is not read as VecNormalize's" in says("--normalisation", file)
    normalised(Toy).save(str(file))
    assert "normalises observations (5,), and the station's are" in says("--normalisation", file)
    assert not out.exists()


def test_statistics_are_not_loaded_without_consent(tmp_path):
    file, ran = tmp_path / "own.pkl", tmp_path / "ran"
    file.write_bytes(pickle.dumps(Ran(ran)))
    arguments = ["export", str(file), "--out", str(tmp_path / "out"), "--normalisation", str(file)]
    refused = CliRunner().invoke(app, arguments).exception
    assert isinstance(refused, RacklineError)
    assert "--trust-pickle" in str(refused)
    assert not ran.exists()
    pickle.loads(file.read_bytes())
    assert ran.exists()  # the attack works where it is let


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
