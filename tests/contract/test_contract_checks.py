"""The contract tells good from bad: a toy station passes, and each broken promise is named."""

from __future__ import annotations

import random
import re
import warnings
from dataclasses import asdict
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from configs.errors import ContractError, PhysicsError
from configs.specs.base import resolve_path
from envs.checks import CHECKS, check_episode, check_levels, check_seeds, check_station
from envs.observation import Field
from envs.outcome import SUCCESSES, Facts, TrueState, outcome_class

LIMIT = 40


class Toy(gym.Env):
    """A cart on a line that has to reach 1: the smallest thing that keeps the contract."""

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's form
    fields = (Field("place", "m", 1.0, "noisy"), Field("time left", "share", 1.0, ""))
    spec_hash = "0123456789abcdef"
    low, high, dtype = -5.0, 5.0, np.float32

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(self.low, self.high, (2,), self.dtype)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.steps = -1

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        seed = int(self.np_random.integers(2**31)) if seed is None else seed
        rng = np.random.default_rng([seed, 0])
        chosen = {"rack": int(rng.integers(99)), "slot": int(rng.integers(9))} | (options or {})
        self.at = (seed, chosen["rack"], chosen["slot"])
        self.wall = float(np.random.default_rng([seed, 1, chosen["rack"]]).uniform(0.8, 1.2))
        rng = np.random.default_rng([seed, 2, *self.at[1:]])
        self.gain = float(rng.uniform(0.9, 1.1))
        self.noise = np.random.default_rng([seed, 3, *self.at[1:]])
        self.place, self.steps, self.ended = 0.0, 0, False
        return self.observe(), self.info() | {"draws": self.draws()}

    def step(self, action):
        if self.steps < 0 or self.ended:
            raise gym.error.ResetNeeded("call reset()")
        self.steps += 1
        self.place += 0.1 * self.gain * self.clipped(action)
        home, late = self.place >= self.wall, self.steps >= LIMIT
        self.ended = home or late
        info = self.info() | {"reward_terms": {"place": self.place}}
        if self.ended:
            info |= self.last(home)
        return self.observe(), self.place, home, late and not home, info

    def clipped(self, action):
        value = float(action[0])
        return 0.0 if np.isnan(value) else min(1.0, max(-1.0, value))

    def last(self, home):
        facts = Facts(
            TrueState.SEATED if home else TrueState.SHORT, home, 1, False, not home, False
        )
        outcome = outcome_class(facts)
        return {
            "facts": asdict(facts),
            "outcome": outcome.value,
            "is_success": outcome in SUCCESSES,
            "result": {"cycle_time_s": self.steps / 10},
        }

    def draws(self):
        return {"visit": {"wall": self.wall}, "part": {"gain": self.gain}}

    def observe(self):
        place = self.place + 0.01 * self.noise.standard_normal()
        return np.clip(np.array([place, 1 - self.steps / LIMIT]), -5, 5).astype(np.float32)

    def info(self):
        seed, rack, slot = self.at
        return {"state_hash": self.place.hex(), "seed": seed, "rack": rack, "slot": slot,
                "part": "cart"}  # fmt: skip


class Wide(Toy):
    low, high = -np.inf, np.inf


class Double(Toy):
    dtype = np.float64

    def observe(self):
        return super().observe().astype(np.float64)


class Untold(Toy):
    fields = Toy.fields[:1]


class Remembering(Toy):
    """Carries something over from the operation before."""

    worn = 0.0

    def reset(self, **kwargs):
        Remembering.worn += 1e-12
        result = super().reset(**kwargs)
        self.gain += Remembering.worn
        return result


class Frozen(Toy):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=3 if seed is None else seed, options=options)


class OneStream(Toy):
    """Draws the visit from the part's stream."""

    def draws(self):
        return {"visit": {"wall": self.gain}, "part": {"gain": self.gain}}


class SameParts(Toy):
    def draws(self):
        return {"visit": {"wall": self.wall}, "part": {"gain": self.wall}}


class Unclipped(Toy):
    def clipped(self, action):
        return 0.0 if np.isnan(action[0]) else float(np.clip(action[0], -2, 2))


class Poisoned(Toy):
    """Lets a NaN through."""

    def clipped(self, action):
        return float(np.clip(action[0], -1, 1))


class Aliased(Toy):
    def observe(self):
        if not hasattr(self, "kept"):
            self.kept = np.zeros(2, np.float32)
        self.kept[:] = super().observe()
        return self.kept


class Trusting(Toy):
    """Reads back what it keeps in info."""

    kept: dict[str, Any]

    def info(self):
        if self.steps == 0:
            self.kept = {"steps": 0}
        elif self.kept["steps"] == "poison":
            self.place += 0.1
        return super().info() | {"kept": self.kept}


class Global(Toy):
    def observe(self):
        np.random.rand()  # noqa: NPY002
        return super().observe()


class GlobalPython(Toy):
    def observe(self):
        return super().observe() + np.float32(0.0 * random.random())


class LimitTerminates(Toy):
    def step(self, action):
        observation, reward, home, late, info = super().step(action)
        return observation, reward, home or late, False, info


class Endless(Toy):
    def step(self, action):
        self.ended = False
        return super().step(action)


class Boasting(Toy):
    def last(self, home):
        return super().last(home) | {"is_success": True}


class Silent(Toy):
    def info(self):
        info = super().info()
        del info["state_hash"]
        return info


class Infinite(Toy):
    def last(self, home):
        return super().last(home) | {"result": {"cycle_time_s": float("inf")}}


class Warning_(Toy):  # noqa: N801
    def observe(self):
        warnings.warn("careful", stacklevel=1)
        return super().observe()


class Nameless(Toy):
    spec_hash = ""


class Clumsy(Toy):
    def reset(self, *, seed=None, options=None):
        if options and options["slot"] == 1:
            raise PhysicsError("it does not come to rest")
        return super().reset(seed=seed, options=options)


BROKEN = {
    Clumsy: "check_parts",
    Wide: "check_spaces",
    Double: "check_spaces",
    Untold: "check_spaces",
    Remembering: "check_seeds",
    Frozen: "check_seeds",
    OneStream: "check_levels",
    SameParts: "check_levels",
    Unclipped: "check_actions",
    Poisoned: "check_actions",
    Aliased: "check_aliasing",
    Trusting: "check_info",
    Global: "check_random_state",
    GlobalPython: "check_random_state",
    LimitTerminates: "check_episode",
    Endless: "check_episode",
    Boasting: "check_episode",
    Silent: "check_episode",
    Infinite: "check_episode",
    Warning_: "check_gymnasium",
    Nameless: "check_spec_hash",
}


@pytest.fixture
def registered(request):
    """Register a toy for one test and return its id."""
    toy = request.param
    env_id = f"toys/{toy.__name__}-v0"
    gym.register(env_id, entry_point=toy, order_enforce=False, disable_env_checker=True)
    yield env_id
    del gym.registry[env_id]


@pytest.mark.parametrize("registered", [Toy], indirect=True)
def test_a_station_of_ones_own_passes(registered):
    check_station(registered)


def test_a_station_may_have_one_slot(tmp_path):
    file, text = tmp_path / "one.yaml", resolve_path("stations", "tray_insert").read_text()
    file.write_text(re.sub(r"(?s)slots:.*?\]", "slots: [compute]", text, count=1))
    env = gym.make("envs:rackline/TrayInsert-v0", config=file)
    try:
        check_levels(env)
    finally:
        env.close()


@pytest.mark.parametrize(
    ("registered", "check"),
    BROKEN.items(),
    indirect=["registered"],
    ids=[toy.__name__ for toy in BROKEN],
)
def test_a_broken_promise_is_named(registered, check):
    env = gym.make(registered)
    named = next(c for c in CHECKS if c.__name__ == check)
    with pytest.raises(ContractError, match="toys/"):
        named(env)
    with pytest.raises(ContractError):
        check_station(registered)


class Eternal(Toy):
    def step(self, action):
        self.steps = 0
        return super().step(0.0 * action)


@pytest.mark.parametrize("registered", [Eternal], indirect=True)
def test_an_operation_without_end_is_not_waited_for(registered, monkeypatch):
    monkeypatch.setattr("envs.checks.MOST_STEPS", 100)
    monkeypatch.setattr("envs.fingerprint.MOST_STEPS", 100)
    env = gym.make(registered)
    for check in (check_episode, check_seeds):
        with pytest.raises(ContractError, match="no end within 100 steps"):
            check(env)


def test_every_check_has_a_station_that_breaks_it():
    assert {check.__name__ for check in CHECKS} == set(BROKEN.values())
