"""Composition: what a learnt action makes of a script's, alike in training and at run time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from configs.errors import RacklineError, UnknownNameError
from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.training import CompositionSpec, TrainingSpec, ZonesSpec
from envs.observation import Field, mirror
from policies.catalogue import load_policy
from policies.composition import Composition
from policies.rollout import play
from policies.seeds import TRAINING
from policies.training_env import training_env

SPEC = load_spec(TrainingSpec, resolve_path("training", "tray_insert"))
FIELDS = tuple(Field(name, "m", 0.1, "") for name in ("depth", "aside", "height"))
ACTIONS = ("axial", "lateral", "height", "yaw")
BASE = "scripted/lateral-admittance@1"
ANYWHERE = SPEC.model_copy(
    update={"composition": SPEC.composition.model_copy(update={"begin": None})}
)
TERMS = dict.fromkeys(SPEC.reward.model_dump(), 0.0)


class Fixed:
    """A script that always does the same, and counts."""

    def __init__(self, *action):
        self.action, self.resets, self.acts = np.array(action, dtype=np.float32), 0, 0

    def reset(self):
        self.resets += 1

    def act(self, observation):
        self.acts += 1
        return self.action.copy()


def composition(kind, base=None, **fields):
    spec = CompositionSpec.model_validate({"kind": kind, "base": base and BASE, **fields})
    return Composition(spec, base, FIELDS, ACTIONS)


def joined(made, *learnt):
    made.see(np.zeros(3, dtype=np.float32))
    return made.join(np.array(learnt, dtype=np.float32))


def test_pure_is_the_learnt_action_clipped():
    assert joined(composition("pure"), 2.0, -3.0, 0.5, 0.0) == pytest.approx([1, -1, 0.5, 0])


def test_residual_adds_a_share_and_clips():
    made = composition("residual", Fixed(0.5, -0.9, 0.0, 0.2), scale=0.5)
    assert joined(made, 0.2, -1.0, 1.0, 0.0) == pytest.approx([0.6, -1.0, 0.5, 0.2])


def test_override_scales_the_feed_and_corrects_the_rest():
    made = composition("override", Fixed(0.2, 0.1, -0.1, 0.95), scale=0.3, feed=(0.25, 4.0))
    for learnt, factor in ((-1.0, 0.25), (-0.5, 0.5), (0.0, 1.0), (0.5, 2.0), (1.0, 4.0)):
        action = joined(made, learnt, 1.0, -1.0, 1.0)
        assert action == pytest.approx([0.2 * factor, 0.4, -0.4, 1.0])
    assert joined(composition("override", Fixed(0.9, 0, 0, 0), feed=(0.3, 2.5)), 1, 0, 0, 0)[0] == 1


def test_override_speeds_a_retreat_up_too_and_never_turns_it():
    made = composition("override", Fixed(-0.2, 0, 0, 0), feed=(0.3, 2.5))
    assert joined(made, 1.0, 0, 0, 0)[0] == pytest.approx(-0.5)
    assert joined(made, -1.0, 0, 0, 0)[0] == pytest.approx(-0.06)


def test_zones_are_seen_between_the_observation_and_the_script():
    """Ends are in the entry's unit, the observation is over its scale of .1 m."""
    zones = [{"field": "depth", "at": [-0.1, 0.0, 0.2]}]
    made = composition("residual", Fixed(0.1, 0, 0, 0), zones=zones)
    assert made.extra == 2 + 4
    for depth, shares in ((-2.0, (0, 0)), (-0.25, (0.75, 0)), (1.0, (1, 0.5)), (5.0, (1, 1))):
        seen = made.see(np.array([depth, 7, 7], dtype=np.float32))
        assert seen == pytest.approx([depth, 7, 7, *shares, 0.1, 0, 0, 0])
        assert seen.dtype == np.float32
    with pytest.raises(UnknownNameError, match="did you mean 'depth'"):
        composition("pure", zones=[{"field": "dept", "at": [0, 1]}])


def test_what_is_learnt_begins_where_it_is_said_to():
    """.07 m is .7 of the entry's scale."""
    begin = {"field": "depth", "above": 0.07}
    fields = {"scale": 0.5, "feed": (0.5, 2.0), "begin": begin}
    made = composition("override", Fixed(0.2, 0.1, 0.0, -0.1), **fields)
    learnt = np.array([1.0, 0.4, -0.4, 0.2], dtype=np.float32)
    for depth, expected in ((0.69, [0.2, 0.1, 0.0, -0.1]), (0.71, [0.4, 0.3, -0.2, 0.0])):
        action = made.act(np.array([depth, 0, 0], dtype=np.float32), lambda _: learnt)
        assert action == pytest.approx(expected)
    assert list(learnt) == pytest.approx([1.0, 0.4, -0.4, 0.2])


def test_what_is_learnt_counts_only_within_what_it_is_said_to():
    """-.05 to .02 m are -.5 and .2 of the entry's scale; its begin holds beside it.

    From its lower end on, up to its upper, as where a script is slower.
    """
    within = {"field": "depth", "between": (-0.05, 0.02)}
    made = composition("residual", Fixed(0.2, 0.1, 0.0, -0.1), scale=0.5, within=within)
    learnt = np.array([1.0, 0.4, -0.4, 0.2], dtype=np.float32)
    script, both = [0.2, 0.1, 0.0, -0.1], [0.7, 0.3, -0.2, 0.0]
    ends = (-0.51, script), (-0.5, both), (-0.49, both), (0.19, both), (0.2, script), (0.21, script)
    for depth, expected in ends:
        action = made.act(np.array([depth, 0, 0], dtype=np.float32), lambda _: learnt)
        assert action == pytest.approx(expected)
    begin = {"field": "depth", "above": 0.01}
    made = composition("residual", Fixed(0.2, 0.1, 0.0, -0.1), within=within, begin=begin)
    counted = []
    for depth in (0.0, 0.15, 0.25):
        made.see(np.array([depth, 0, 0], dtype=np.float32))
        counted.append(made.begun)
    assert counted == [False, True, False]
    with pytest.raises(UnknownNameError, match="did you mean 'depth'"):
        composition("residual", Fixed(0, 0, 0, 0), within=within | {"field": "dept"})


@pytest.mark.parametrize("mirror", [False, True])
def test_the_network_is_asked_only_where_what_it_learnt_counts(mirror):
    """What a network with a memory saw begins there, as in training."""
    begin = {"field": "depth", "above": 0.07}
    made = composition("residual", Fixed(0.2, 0.1, 0.0, -0.1), begin=begin, mirror=mirror)
    asked = []

    def learnt(seen):
        asked.append(seen[0])
        return np.zeros(4, dtype=np.float32)

    for depth in (0.1, 0.69, 0.75, 0.8):
        made.act(np.array([depth, 0, 0], dtype=np.float32), learnt)
    assert asked == pytest.approx([0.75, 0.8] if not mirror else [0.75, 0.75, 0.8, 0.8])
    with pytest.raises(UnknownNameError, match="did you mean 'depth'"):
        composition("residual", Fixed(0, 0, 0, 0), begin=begin | {"field": "dept"})


def test_the_script_is_slower_where_it_is_said_to_be():
    """From its lower end on, up to its upper; the learner sees the slower script, and scales it."""
    slow = {"field": "depth", "between": (0.02, 0.04), "feed": 0.5}
    made = composition("override", Fixed(0.2, 0.1, 0.0, -0.1), feed=(0.5, 2.0), slow=slow)
    for depth, feed in ((0.19, 0.2), (0.21, 0.1), (0.39, 0.1), (0.41, 0.2)):
        seen = made.see(np.array([depth, 0, 0], dtype=np.float32))
        assert seen[-4:] == pytest.approx([feed, 0.1, 0.0, -0.1])
        assert made.join(np.array([1, 0, 0, 0])) == pytest.approx([2 * feed, 0.1, 0.0, -0.1])
    with pytest.raises(UnknownNameError, match="did you mean 'depth'"):
        composition("residual", Fixed(0, 0, 0, 0), slow=slow | {"field": "dept"})
    with pytest.raises(ValueError, match="has no script to work with"):
        composition("pure", slow=slow)
    with pytest.raises(ValueError, match="does not rise"):
        composition("residual", Fixed(0, 0, 0, 0), slow=slow | {"between": (0.04, 0.02)})


def test_what_is_mirrored_does_mirrored_what_the_network_does():
    """For the tuned script itself, any network, zones of both kinds, and every observed entry."""
    env = training_env(SPEC, seed=1)
    try:
        fields = env.unwrapped.fields
        spec = SPEC.composition.model_copy(update={"mirror": True, "scale": 1.0})
        zones = ZonesSpec.model_validate({"field": "pose lateral", "at": [-0.01, 0.0, 0.02]})
        spec = spec.model_copy(update={"zones": [*spec.zones, zones]})
        station = env.unwrapped.station
        rng = np.random.default_rng(0)
        made = Composition(spec, load_policy(BASE, station), fields, ACTIONS)
        weights = rng.normal(0.0, 0.1, (len(fields) + made.extra, 4)).astype(np.float32)
        swaps, turns = mirror([field.name for field in fields]), mirror(ACTIONS)
        assert (swaps == -1).sum() == 17
        for observation in rng.normal(0.0, 0.5, (100, len(fields))).astype(np.float32):
            made.reset()
            action = made.act(observation, lambda seen: np.tanh(seen @ weights))
            made.reset()
            again = made.act(swaps * observation, lambda seen: np.tanh(seen @ weights))
            assert again == pytest.approx(turns * action, abs=1e-5)
    finally:
        env.close()


def test_without_mirror_the_network_speaks_alone():
    made = composition("residual", Fixed(0.0, 0.0, 0.0, 0.0), scale=1.0)
    mirrored = composition("residual", Fixed(0.0, 0.0, 0.0, 0.0), scale=1.0, mirror=True)
    leans = np.array([0.4, 0.2, 0.1, -0.2], dtype=np.float32)
    seen = np.zeros(3, dtype=np.float32)
    assert made.act(seen, lambda _: leans) == pytest.approx(leans)
    assert mirrored.act(seen, lambda _: leans) == pytest.approx([0.4, 0.0, 0.1, 0.0])


def test_the_script_is_asked_once_a_step_and_its_action_is_seen():
    script = Fixed(0.1, 0.2, 0.3, 0.4)
    made = composition("residual", script)
    made.reset()
    seen = made.see(np.full(3, 7.0, dtype=np.float32))
    assert seen == pytest.approx([7, 7, 7, 0.1, 0.2, 0.3, 0.4])
    made.join(np.zeros(4, dtype=np.float32))
    assert (script.resets, script.acts, made.extra) == (1, 1, 4)


def test_a_zero_action_is_the_script_in_the_training_env_bit_by_bit():
    """Training and run time agree: the composed operation ends in the script's own state."""
    env = training_env(SPEC.model_copy(update={"damage_ends": True}), seed=3)
    try:
        _, start = env.reset()
        assert start["seed"] in TRAINING
        info, ended = start, False
        while not ended:
            *_, terminated, truncated, info = env.step(np.zeros(4, dtype=np.float32))
            ended = terminated or truncated
        station = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
        alone = play(
            env.unwrapped, load_policy(BASE, station), start["seed"], start["rack"], start["slot"]
        )
        assert info["state_hash"] == alone["state_hash"]
        assert info["result"] == alone["result"]
    finally:
        env.close()


def test_training_starts_where_what_is_learnt_counts():
    """The script is there already, and is the same operation; what is never reached is an error."""
    env = training_env(SPEC, seed=3)
    try:
        depth = [field.name for field in env.unwrapped.fields].index("pose axial")
        scale = env.unwrapped.fields[depth].scale
        for _ in range(3):
            seen, _ = env.reset()
            assert 0.07 < seen[depth] * scale < 0.075
    finally:
        env.close()
    begin = SPEC.composition.begin.model_copy(update={"above": 9.0})
    never = SPEC.composition.model_copy(update={"begin": begin})
    env = training_env(SPEC.model_copy(update={"composition": never}), seed=3)
    try:
        ended = (seen[: len(env.unwrapped.fields)], 0.0, False, True, {"reward_terms": TERMS})
        env.env.step = lambda action: ended
        with pytest.raises(RacklineError, match=r"lower begin\.above"):
            env.reset()
    finally:
        env.close()


def test_the_stream_of_operations_goes_on_from_its_state():
    env = training_env(SPEC, seed=4)
    try:
        env.reset()
        state = env.stream
        following = [env.reset()[1]["seed"] for _ in range(3)]
        env.stream = state
        assert [env.reset()[1]["seed"] for _ in range(3)] == following
        first = env.reset(seed=4)[1]["seed"]
        assert env.reset(seed=4)[1]["seed"] == first
        assert env.reset(seed=5)[1]["seed"] != first
    finally:
        env.close()


def test_training_weights_weigh_the_raw_terms():
    env = training_env(ANYWHERE, seed=0)
    try:
        env.reset()
        *_, reward, _, _, info = env.step(np.ones(4, dtype=np.float32))
        weights = SPEC.reward.model_dump()
        expected = sum(value * weights[name] for name, value in info["reward_terms"].items())
        assert reward == pytest.approx(expected)
        assert weights != env.unwrapped.station.reward.model_dump()
    finally:
        env.close()


def test_only_a_force_higher_than_any_before_is_charged_in_training():
    """A steady push costs once, and a jam not more than the cap."""
    env = training_env(ANYWHERE, seed=0)
    try:
        env.reset()
        observation, _ = env.unwrapped.reset(seed=0)
        env.env.step = lambda action: (observation, 0.0, False, False, {"reward_terms": TERMS})

        def charged(share):
            env.unwrapped._snapshot = replace(env.unwrapped.snapshot, side_force_share=share)
            return -env.step(np.zeros(4, dtype=np.float32))[1] / SPEC.reward.force

        middle = (1.0 + SPEC.force_from) / 2
        assert charged(SPEC.force_from) == 0.0
        assert charged(middle) == pytest.approx(0.25)
        assert charged(middle) == charged(SPEC.force_from) == 0.0
        assert charged(4.0) == pytest.approx(SPEC.force_cap - 0.25)
        env.reset()
        assert charged(middle) == pytest.approx(0.25)
    finally:
        env.close()
