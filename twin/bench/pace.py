"""Env-steps a second of our stations and of panda-gym's PickAndPlace, under random actions.

panda-gym (https://github.com/qgallouedec/panda-gym) runs on the same engine. What a step is
differs, so a table says it: how much time it simulates, in how many steps of physics, and how often
the drives are commanded anew.

Every round takes every environment through the same actions and seeds. Only `env.step` is timed, by
the CPU time of the thread: building a scene again, as `reset` does, is paid once an episode, and
episodes differ in length.
"""

from __future__ import annotations

import importlib.util
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from time import thread_time
from typing import Any

import gymnasium as gym

from envs.registry import station
from envs.station_env import StationEnv

STATIONS = ("rackline/TrayInsert-v0", "rackline/CablePlugLight-v0", "rackline/CablePlug-v0")
PEER = "panda_gym:PandaPickAndPlace-v3"
"""Importing the module registers the environment; dense or sparse reward costs the same."""
MISSING = (
    "panda-gym is missing; install with: pip install 'rackline[bench]' "
    "(in a clone: pip install -c constraints.txt -e '.[bench]')"
)


@dataclass(frozen=True)
class Rates:
    """What a step is.

    Attributes:
        physics_hz: steps of the engine a simulated second.
        control_hz: commands to the drives a simulated second.
        step_hz: calls of `env.step` a simulated second.
    """

    physics_hz: float
    control_hz: float
    step_hz: float

    @property
    def substeps(self) -> float:
        """Steps of the engine in one `env.step`."""
        return self.physics_hz / self.step_hz


@dataclass(frozen=True)
class Pace:
    """How fast one environment went.

    Attributes:
        name: its Gymnasium id, without the module that registers it.
        rates: what a step of it is.
        rounds: env-steps a CPU second of each round.
    """

    name: str
    rates: Rates
    rounds: tuple[float, ...]

    @property
    def simulated(self) -> tuple[float, ...]:
        """Simulated seconds a CPU second of each round."""
        return tuple(pace / self.rates.step_hz for pace in self.rounds)


def peer_is_here() -> bool:
    """Return whether panda-gym is installed."""
    return importlib.util.find_spec(PEER.partition(":")[0]) is not None


def measure(rounds: int, steps: int, on_round: Callable[[], None]) -> tuple[Pace, ...]:
    """Take every environment through ``steps`` random actions a round; panda-gym's comes last."""
    with ExitStack() as stack:
        names = (*(station(name).env_id for name in STATIONS), PEER)
        environments = [
            stack.enter_context(closing(gym.make(name, disable_env_checker=True))) for name in names
        ]
        found: list[list[float]] = [[] for _ in names]
        for _ in range(rounds):
            for env, paces in zip(environments, found, strict=True):
                paces.append(steps / _seconds(env, steps))
            on_round()
        return tuple(
            Pace(name.rpartition(":")[2], _rates(env.unwrapped), tuple(paces))
            for name, env, paces in zip(names, environments, found, strict=True)
        )


def steps_table(paces: Sequence[Pace]) -> str:
    """Return a Markdown table of what a step of each is."""
    lines = [
        "| environment | physics, Hz | drives commanded, Hz | env.step, Hz | physics steps in it |",
        "|---|---|---|---|---|",
    ]
    for pace in paces:
        rates = pace.rates
        figures = (rates.physics_hz, rates.control_hz, rates.step_hz, rates.substeps)
        lines.append(f"| {pace.name} | {' | '.join(f'{figure:.0f}' for figure in figures)} |")
    return "\n".join(lines)


def paces_table(paces: Sequence[Pace]) -> str:
    """Return a Markdown table: medians and ranges over rounds, ratios to the last one's pace."""
    lines = [
        "| environment | env-steps a CPU second | over panda-gym | simulated s a CPU second "
        "| over panda-gym | us a physics step |",
        "|---|---|---|---|---|---|",
    ]
    peer = paces[-1]
    for pace in paces:
        cells = (
            pace.name,
            _spread(pace.rounds, 0),
            _spread(_ratios(pace.rounds, peer.rounds), 2),
            _spread(pace.simulated, 1),
            _spread(_ratios(pace.simulated, peer.simulated), 2),
            _spread([1e6 / (each * pace.rates.substeps) for each in pace.rounds], 1),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _seconds(env: gym.Env[Any, Any], steps: int) -> float:
    """Return the CPU seconds of ``steps`` random actions, without resets."""
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(steps)]
    seconds, done = 0.0, 0
    while done < steps:
        env.reset(seed=done)
        ended = False
        start = thread_time()
        while done < steps and not ended:
            _, _, terminated, truncated, _ = env.step(actions[done])
            ended = terminated or truncated
            done += 1
        seconds += thread_time() - start
    return seconds


def _rates(env: Any) -> Rates:
    """Return what a step is, as the environment itself is set up."""
    if isinstance(env, StationEnv):
        physics = env.station.physics
        return Rates(physics.rate_hz, physics.control_rate_hz, physics.policy_rate_hz)
    sim = env.sim  # panda-gym commands the joints once a step, before its substeps
    step_hz = 1.0 / (sim.timestep * sim.n_substeps)
    return Rates(1.0 / sim.timestep, step_hz, step_hz)


def _ratios(paces: Sequence[float], others: Sequence[float]) -> list[float]:
    """Return the ratio within each round: what slows the machine for a while slows both."""
    return [pace / other for pace, other in zip(paces, others, strict=True)]


def _spread(values: Sequence[float], digits: int) -> str:
    """Return median and range."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
