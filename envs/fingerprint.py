"""What "the same operation" means: a digest of each step, to compare runs bit by bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import gymnasium as gym
import numpy as np

from configs.errors import ContractError

Env = gym.Env[Any, Any]

HOLD = 5
"""Steps for which a random action is held, so that a random walk gets somewhere."""
MOST_STEPS = 100_000
"""An operation that is longer than this has no end."""


def random_actions(env: Env, seed: int) -> Iterable[Any]:
    """Yield random actions within the action space without end, each held for some steps."""
    box, rng = box_of(env.action_space), np.random.default_rng(seed)
    while True:
        action = rng.uniform(box.low, box.high).astype(np.float32)
        for _ in range(HOLD):
            yield action.copy()


def play(
    env: Env,
    actions: Iterable[Any],
    seed: int,
    options: dict[str, Any] | None = None,
    on_step: Callable[[Any, dict[str, Any]], None] = lambda _observation, _info: None,
) -> list[str]:
    """Play one operation and return a digest of each reset and step: what "the same" means.

    Args:
        env: the environment.
        actions: actions in turn; the operation is left where they end.
        seed: campaign seed.
        options: rack and slot.
        on_step: called with observation and info after their digest was taken.
    """
    observation, info = env.reset(seed=seed, options=options)
    digests = [digest(observation, 0.0, info)]
    on_step(observation, info)
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        digests.append(digest(observation, reward, info))
        on_step(observation, info)
        if terminated or truncated:
            break
        if len(digests) > MOST_STEPS:
            raise ContractError(
                f"{name_of(env)}: no end within {MOST_STEPS} steps; set a time limit"
            )
    return digests


def idle_actions(env: Env) -> Iterable[Any]:
    """Yield actions of zero without end."""
    while True:
        yield np.zeros(env.action_space.shape or (), np.float32)


def play_elsewhere(env_id: str, seed: int) -> list[str]:
    """Return the digests of one random operation in an environment of its own.

    For another process: only strings and numbers go in and out.
    """
    env = gym.make(env_id)
    try:
        return play(env, random_actions(env, seed), seed)
    finally:
        env.close()


def digest(observation: Any, reward: Any, info: dict[str, Any]) -> str:
    """Return 16 hex digits of everything that one reset or step came to."""
    said = (float(reward), info["state_hash"], info.get("facts"), info.get("result"))
    text = np.asarray(observation).tobytes() + repr(said).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def box_of(space: gym.Space[Any]) -> gym.spaces.Box:
    """Return ``space`` as the box it has to be; raise `ContractError` if it is none."""
    if not isinstance(space, gym.spaces.Box):
        raise ContractError(f"{space} is no Box; stations have boxes of float32")
    return space


def name_of(env: Env) -> str:
    """Return the id of an environment, or its class where it has none."""
    return env.spec.id if env.spec else type(env.unwrapped).__name__
