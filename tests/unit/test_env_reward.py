"""Reward terms: pure functions of the true state, weighted in the YAML, summed as they say."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.station import RewardWeights
from envs import reward
from envs.reward import Snapshot
from envs.station_env import StationEnv

BEFORE = Snapshot(0.2, 0.002, 0.01, 0.0, 0.0)
WEIGHTS = load_spec(InsertionSpec, resolve_path("stations", "tray_insert")).reward


def test_progress_is_depth_gained():
    assert reward.progress(BEFORE, replace(BEFORE, depth=0.5)) == pytest.approx(0.3)
    assert reward.progress(BEFORE, BEFORE) == 0.0


def test_progress_and_alignment_add_up_to_their_ends():
    """They are differences of a potential: going there and back earns nothing."""
    path = [BEFORE, Snapshot(0.4, -0.004, 0.03, 0, 0), Snapshot(0.1, 0.02, -0.2, 0, 0), BEFORE]
    for term in (reward.progress, reward.alignment):
        total = sum(term(a, b) for a, b in itertools.pairwise(path))
        assert total == pytest.approx(0.0)


def test_alignment_is_misalignment_lost():
    straight = replace(BEFORE, lateral_m=0.0, yaw_rad=0.0)
    assert reward.alignment(BEFORE, straight) == pytest.approx(0.002 / 0.005 + 0.01 / 0.05)
    assert reward.alignment(straight, BEFORE) < 0.0
    far, farther = replace(BEFORE, lateral_m=0.1), replace(BEFORE, lateral_m=0.2)
    assert reward.alignment(far, farther) == 0.0


def test_force_costs_nothing_below_its_threshold_and_1_at_damage():
    assert reward.force(replace(BEFORE, side_force_share=0.5)) == 0.0
    assert reward.force(replace(BEFORE, side_force_share=1.0)) == pytest.approx(-1.0)
    assert reward.force(replace(BEFORE, axial_force_share=1.0)) == pytest.approx(-1.0)
    shares = [reward.force(replace(BEFORE, side_force_share=s)) for s in (0.6, 0.75, 0.9)]
    assert shares == pytest.approx([-0.04, -0.25, -0.64])


def test_effort_is_the_squared_action():
    assert reward.effort((0.5, -1.0, 0.0, 0.0)) == -1.25


def test_total_weighs_every_term():
    names = set(RewardWeights.model_fields)
    terms = dict.fromkeys(names, 1.0)
    assert reward.total(terms, WEIGHTS) == pytest.approx(sum(getattr(WEIGHTS, n) for n in names))
    assert reward.total({}, WEIGHTS) == 0.0


def test_an_env_pays_what_its_terms_say():
    env = StationEnv("rackline/TrayInsert-v0")
    env.reset(seed=2)
    rng = np.random.default_rng(0)
    ended = False
    while not ended:
        action = rng.uniform(-1, 1, 4).astype(np.float32)
        _, paid, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
        terms = info["reward_terms"]
        assert set(terms) == set(RewardWeights.model_fields)
        assert paid == pytest.approx(sum(v * getattr(WEIGHTS, n) for n, v in terms.items()))
    env.close()
