"""Every registered station keeps the contract, by itself, in vectors and in other processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from envs.checks import CHECKS, SEED, check_station
from envs.fingerprint import play, play_elsewhere, random_actions
from envs.registry import stations

IDS = [f"envs:{entry.env_id}" for entry in stations()]


@pytest.fixture(scope="module", params=IDS)
def env_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def env(env_id: str) -> Iterator[gym.Env[Any, Any]]:
    env = gym.make(env_id)
    yield env
    env.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(env, check):
    check(env)


def test_another_process_plays_the_same(env, env_id):
    here = play(env, random_actions(env, SEED), SEED)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        there = pool.submit(play_elsewhere, env_id, SEED).result()
    assert len(here) > 10
    assert there == here


@pytest.mark.parametrize(
    ("mode", "vector_kwargs"),
    [("sync", {}), ("async", {"context": "spawn"})],
    ids=["sync", "async"],
)
def test_gymnasium_vectors_play_the_same(env, env_id, mode, vector_kwargs):
    actions = [a for a, _ in zip(random_actions(env, SEED), range(12), strict=False)]
    alone = []
    play(env, actions, SEED, on_step=lambda observation, _: alone.append(observation))
    vector = gym.make_vec(env_id, 2, vectorization_mode=mode, vector_kwargs=vector_kwargs)
    try:
        observations, infos = vector.reset(seed=[SEED, SEED + 1])
        together = [observations[0].copy()]
        assert list(infos["seed"]) == [SEED, SEED + 1]
        for action in actions:
            observations, _, terminated, truncated, _ = vector.step(np.stack([action, action]))
            together.append(observations[0].copy())
            if terminated[0] or truncated[0]:
                break
    finally:
        vector.close()
    assert len(together) == len(alone) > 1
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_stable_baselines_checks_the_station(env):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(env, warn=True)


def test_stable_baselines_vectors_in_spawned_processes(env_id):
    util = pytest.importorskip("stable_baselines3.common.env_util")
    from stable_baselines3.common.vec_env import SubprocVecEnv

    vector = util.make_vec_env(
        env_id,
        n_envs=2,
        seed=SEED,
        vec_env_cls=SubprocVecEnv,
        vec_env_kwargs={"start_method": "spawn"},
    )
    try:
        first = vector.reset()
        assert first.shape == (2, *vector.observation_space.shape)
        ended = [False, False]
        while not any(ended):  # full speed ahead; a time limit ends it at the latest
            observations, _, ended, infos = vector.step(np.ones((2, *vector.action_space.shape)))
            assert np.isfinite(observations).all()
        facts = ["facts" in info for info in infos]
        assert facts == list(ended)
        assert vector.step(np.ones((2, *vector.action_space.shape)))[0].shape == first.shape
    finally:
        vector.close()


def test_check_station_runs_the_whole_contract(env_id, monkeypatch):
    ran: list[str] = []
    checks = tuple(lambda env, name=check.__name__: ran.append(name) for check in CHECKS)
    monkeypatch.setattr("envs.checks.CHECKS", checks)
    check_station(env_id)
    assert ran == [check.__name__ for check in CHECKS]
