"""The contract of a station, as checks that anyone can run on their own: `check_station(env_id)`.

Beyond Gymnasium's interface a station promises:

- ``reset(seed=s, options={"rack": r, "slot": k})`` is one operation, the same bit by bit from any
  history; without options r and k come from s. Randomness has levels: the visit depends on (s, r)
  alone, part and steps on (s, r, k).
- Every slot can be worked, whatever kind of part goes into it.
- Spaces are float32 boxes with finite bounds, actions in [-1, 1]; whatever an action says, what
  comes back is finite and within bounds. Observations are new arrays.
- A time limit truncates; everything else that ends an operation terminates. A step behind the end
  raises `gymnasium.error.ResetNeeded`.
- ``info`` always carries ``state_hash``, ``seed``, ``rack``, ``slot`` and ``part``; a reset's also
  ``draws`` with the levels ``visit`` and ``part``, a step's ``reward_terms``, the last step's
  ``facts`` (`envs.outcome.Facts`), ``outcome``, ``is_success`` and ``result``. Nothing that is
  observed depends on it.
- The unwrapped environment has ``fields``, the table of its observation (`envs.observation`), and
  ``spec_hash``. No global random number generator is used.

Every check takes an environment made by `gymnasium.make`, raises `ContractError`, and leaves the
environment fit for the next one.
"""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils.env_checker import check_env

from configs.errors import ContractError, RacklineError
from configs.specs.station import StationSpec
from envs.fingerprint import (
    MOST_STEPS,
    Env,
    box_of,
    digest,
    idle_actions,
    name_of,
    play,
    random_actions,
)
from envs.outcome import SUCCESSES, Facts, outcome_class

Check = Callable[[Env], None]

SEED = 7
"""Seed of the checks' operations; any other must do as well."""


def check_station(env_id: str, **kwargs: Any) -> None:
    """Run the whole contract on the station registered as ``env_id``.

    Args:
        env_id: Gymnasium id, e.g. ``"envs:rackline/TrayInsert-v0"``.
        **kwargs: what the station is made with.

    Raises:
        ContractError: the station breaks the contract; the message says how.
    """
    env = gym.make(env_id, **kwargs)
    try:
        for check in CHECKS:
            check(env)
    finally:
        env.close()


def check_gymnasium(env: Env) -> None:
    """Gymnasium's own checker passes without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            check_env(env.unwrapped)
        except Exception as error:  # the checker raises whatever it finds
            raise ContractError(f"{name_of(env)}: Gymnasium's check_env: {error}") from error


def check_spaces(env: Env) -> None:
    """Spaces are bounded float32 boxes, actions in [-1, 1], observations as their table says."""
    for name, space in (("observation", env.observation_space), ("action", env.action_space)):
        box = box_of(space)
        finite = bool(np.isfinite(box.low).all() and np.isfinite(box.high).all())
        _require(box.dtype == np.float32, env, f"the {name} space is {box.dtype}, not float32")
        _require(finite, env, f"the {name} space has infinite bounds; clip what is observed")
    action = box_of(env.action_space)
    unit = bool((action.low == -1.0).all() and (action.high == 1.0).all())
    _require(unit, env, "actions are not in [-1, 1]; scale them in the station")
    names = [field.name for field in env.unwrapped.fields]  # type: ignore[attr-defined]
    _require(len(set(names)) == len(names), env, "two entries of the observation share a name")
    shape = env.observation_space.shape
    _require(shape == (len(names),), env, f"{len(names)} fields describe observations {shape}")


def check_parts(env: Env) -> None:
    """Every kind of part can be taken on: a robot may not hold one as it holds another."""
    seen: set[str] = set()
    for slot in range(_slots(env)):
        try:
            _, info = env.reset(seed=SEED, options={"rack": 0, "slot": slot})
        except RacklineError as error:
            raise ContractError(f"{name_of(env)}: slot {slot} cannot be worked: {error}") from None
        if info["part"] not in seen:
            env.step(next(iter(idle_actions(env))))
        seen.add(info["part"])


def check_episode(env: Env) -> None:
    """What a whole operation returns is finite, typed and complete, and ends as its facts say."""
    for actions in (random_actions(env, SEED), idle_actions(env)):
        observation, info = env.reset(seed=SEED)
        _check_observation(env, observation)
        _check_info(env, info, {"draws"}, {"facts", "outcome"})
        for step, action in enumerate(actions):
            _require(step < MOST_STEPS, env, f"no end within {MOST_STEPS} steps")
            observation, reward, terminated, truncated, info = env.step(action)
            _check_observation(env, observation)
            ended = terminated or truncated
            kinds = type(reward) is float and type(terminated) is bool and type(truncated) is bool
            _require(kinds, env, "reward, terminated and truncated are not float, bool and bool")
            _require(math.isfinite(float(reward)), env, f"the reward is {reward}")
            last = {"facts", "outcome", "is_success", "result"}
            _check_info(env, info, {"reward_terms"} | (last if ended else set()),
                        set() if ended else last)  # fmt: skip
            if ended:
                _check_end(env, info, bool(terminated), bool(truncated))
                break


def check_seeds(env: Env) -> None:
    """`reset(seed)` is bit-identical after any history, in a new environment, and in a row."""
    once = play(env, random_actions(env, SEED), SEED)
    for other in range(3):
        play(env, islice(random_actions(env, other), 40 * other), seed=SEED + 1 + other)
    _require_same(env, once, play(env, random_actions(env, SEED), SEED), "after other operations")
    fresh = _fresh(env)
    _require_same(env, once, play(fresh, random_actions(env, SEED), SEED), "in a new environment")
    rows = []
    for one in (env, fresh):
        one.reset(seed=SEED)
        rows.append([digest(*_reset(one)) for _ in range(2)])
    fresh.close()
    _require_same(env, rows[0], rows[1], "in resets without a seed behind one with a seed")
    _require(rows[0][0] != rows[0][1], env, "resets without a seed repeat the same operation")
    changed = play(env, random_actions(env, SEED), seed=SEED + 1)
    _require(changed != once, env, "the seed changes nothing")


def check_levels(env: Env) -> None:
    """The visit depends on seed and rack, part and steps on the slot too, where there are two."""

    def draw(seed: int, rack: int, slot: int) -> tuple[Any, Any, str]:
        observation, info = env.reset(seed=seed, options={"rack": rack, "slot": slot})
        asked = (info["seed"], info["rack"], info["slot"]) == (seed, rack, slot)
        _require(asked, env, "info does not carry the seed, rack and slot that were asked for")
        draws = info["draws"]
        return draws["visit"], draws["part"], np.asarray(observation).tobytes().hex()

    first = draw(SEED, 0, 0)
    if _slots(env) > 1:
        visit, part, _ = draw(SEED, 0, 1)
        _require(visit == first[0], env, "another slot of the same rack changes the visit")
        _require(part != first[1], env, "another slot of the same rack has the same part draw")
    for seed, rack, what in ((SEED, 1, "rack"), (SEED + 1, 0, "seed")):
        other = draw(seed, rack, 0)
        for level in (0, 1, 2):
            name = ("visit", "part", "first observation")[level]
            _require(other[level] != first[level], env, f"another {what} has the same {name}")
    _require(draw(SEED, 0, 0) == first, env, "the same seed, rack and slot draw differently")


def check_actions(env: Env) -> None:
    """Actions beyond the space are clipped, and nothing that an action says breaks the station."""
    box = box_of(env.action_space)
    actions = list(islice(random_actions(env, SEED), 60))
    wild = [3.0 * action for action in actions]
    clipped = [np.clip(action, box.low, box.high) for action in wild]
    _require_same(
        env, play(env, clipped, SEED), play(env, wild, SEED), "with actions beyond the space"
    )
    for value in (math.nan, math.inf, -math.inf):
        broken = [np.full(box.shape, value, np.float32)] * 5 + actions[:5]
        play(env, broken, SEED, on_step=lambda observation, _: _check_observation(env, observation))


def check_aliasing(env: Env) -> None:
    """Observations are the caller's own: no step changes them, no change of them changes a step."""
    actions = list(islice(random_actions(env, SEED), 30))
    kept: list[tuple[Any, Any]] = []
    plain = play(env, actions, SEED, on_step=lambda o, _: kept.append((o, o.copy())))
    same = all(np.array_equal(old, copy) for old, copy in kept)
    _require(same, env, "a step changes observations that were returned before; return new arrays")
    copies = [action.copy() for action in actions]
    spoilt = play(env, copies, SEED, on_step=lambda o, _: o.fill(0.0))
    _require_same(env, plain, spoilt, "when returned observations are written to")
    untouched = all(np.array_equal(a, b) for a, b in zip(actions, copies, strict=True))
    _require(untouched, env, "step() writes to the action it is given")


def check_info(env: Env) -> None:
    """Nothing that is observed or simulated depends on ``info``, which is poisoned here."""
    plain = play(env, random_actions(env, SEED), SEED)
    poisoned = play(env, random_actions(env, SEED), SEED, on_step=lambda _, info: _poison(info))
    _require_same(env, plain, poisoned, "when info is written to")


def check_random_state(env: Env) -> None:
    """No global random number generator is read or moved."""
    legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - guarded here, not used
    state = random.getstate()
    runs = []
    try:
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            before = (repr(np.random.get_state()), random.getstate())  # noqa: NPY002
            fresh = _fresh(env)
            runs.append(play(fresh, islice(random_actions(env, SEED), 60), SEED))
            fresh.close()
            after = (repr(np.random.get_state()), random.getstate())  # noqa: NPY002
            _require(before == after, env, "a global random number generator is used")
    finally:
        np.random.set_state(legacy)  # noqa: NPY002
        random.setstate(state)
    _require_same(env, runs[0], runs[1], "when global generators are seeded differently")


def check_spec_hash(env: Env) -> None:
    """``spec_hash`` names what the station was made from, the same each time."""
    fresh = _fresh(env)
    one, two = (e.unwrapped.spec_hash for e in (env, fresh))  # type: ignore[attr-defined]
    fresh.close()
    _require(isinstance(one, str) and len(one) >= 8, env, f"spec_hash is {one!r}")
    _require(one == two, env, "spec_hash differs between two environments of the same station")


CHECKS: tuple[Check, ...] = (
    check_gymnasium,
    check_spaces,
    check_parts,
    check_episode,
    check_seeds,
    check_levels,
    check_actions,
    check_aliasing,
    check_info,
    check_random_state,
    check_spec_hash,
)
"""The whole contract, in the order in which `check_station` runs it."""


def _check_observation(env: Env, observation: Any) -> None:
    right = isinstance(observation, np.ndarray) and observation.dtype == np.float32
    _require(right, env, f"an observation is no float32 array: {observation!r:.60}")
    values = np.asarray(observation)
    _require(bool(np.isfinite(values).all()), env, f"an observation is not finite: {values}")
    _require(env.observation_space.contains(values), env, f"an observation is off bounds: {values}")


def _check_info(env: Env, info: dict[str, Any], more: set[str], without: set[str]) -> None:
    wanted = {"state_hash", "seed", "rack", "slot", "part"} | more
    missing, early = wanted - info.keys(), without & info.keys()
    _require(not missing, env, f"info lacks {', '.join(sorted(missing))}")
    _require(not early, env, f"info has {', '.join(sorted(early))} before the end")
    for name, value in info.get("reward_terms", {}).items():
        _require(math.isfinite(value), env, f"reward term {name} is {value}")


def _check_end(env: Env, info: dict[str, Any], terminated: bool, truncated: bool) -> None:
    try:
        facts = Facts(**info["facts"])
    except TypeError as error:
        raise ContractError(f"{name_of(env)}: info['facts'] is not Facts: {error}") from error
    _require(terminated != truncated, env, "the end is both terminated and truncated")
    _require(truncated == facts.timed_out, env, "a time limit, and nothing else, truncates")
    outcome = outcome_class(facts)
    _require(info["outcome"] == outcome.value, env, f"outcome is not {outcome}, as its facts say")
    _require(info["is_success"] == (outcome in SUCCESSES), env, f"is_success is wrong at {outcome}")
    for name, value in info["result"].items():
        finite = not isinstance(value, float) or math.isfinite(value)
        _require(finite, env, f"result {name} is {value}")
    try:
        env.step(np.zeros(env.action_space.shape or (), np.float32))
    except gym.error.ResetNeeded:
        return
    raise ContractError(f"{name_of(env)}: steps behind the end; raise gymnasium.error.ResetNeeded")


def _slots(env: Env) -> int:
    """Return how many slots a rack has: as many as the station says, and two where it does not."""
    station = getattr(env.unwrapped, "station", None)
    return len(station.slots) if isinstance(station, StationSpec) else 2


def _reset(env: Env) -> tuple[Any, float, dict[str, Any]]:
    observation, info = env.reset()
    return observation, 0.0, info


def _fresh(env: Env) -> Env:
    if env.spec is None:
        raise ContractError(f"{name_of(env)} was not made by gymnasium.make; register it")
    return gym.make(env.spec)


def _poison(thing: Any) -> None:
    """Overwrite all that can be written to, however deep."""
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            _poison(value)
            thing[key] = "poison"
    elif isinstance(thing, list):
        thing.clear()
    elif isinstance(thing, np.ndarray):
        thing.fill(math.nan if thing.dtype.kind == "f" else 0)


def _require(holds: bool, env: Env, problem: str) -> None:
    if not holds:
        raise ContractError(f"{name_of(env)}: {problem}")


def _require_same(env: Env, one: Sequence[str], two: Sequence[str], when: str) -> None:
    if list(one) == list(two):
        return
    pairs = zip(one, two, strict=False)
    step = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(two)))
    raise ContractError(f"{name_of(env)}: not the same {when}: differs from step {step} on")
