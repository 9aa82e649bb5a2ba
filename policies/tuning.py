"""The search that tunes a script: Latin hypercube, then a smaller one around the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from scipy.stats import qmc

from configs.errors import UnknownNameError
from configs.specs.base import Spec, resolved_yaml
from envs.outcome import OutcomeClass
from envs.registry import station
from envs.station_env import StationEnv
from policies.executor import Executor, per_worker
from policies.records import EpisodeRecord
from policies.rollout import play, record_of
from policies.scripted.registry import ScriptEntry, script, scripts
from policies.seeds import SELECTION

EXPLORE_SHARE = 0.6
"""Share of the trials spent on the whole range; the rest searches around the best (assumed)."""
SHRINK = 0.25
"""Width of the second search as a share of the first (assumed)."""
COST_S = {
    OutcomeClass.ASSISTED: 480.0,
    OutcomeClass.DETECTED: 480.0,
    OutcomeClass.VOID: 480.0,
    OutcomeClass.ESCAPED: 3600.0,
    OutcomeClass.DAMAGE: 3600.0,
}
"""Server seconds a class costs the line beyond the cycle: 3 + 5 min of a technician, 60 min for
a swap (domain assumptions); an escape is charged like a swap."""


@dataclass(frozen=True)
class Trial:
    """One parameter set on one selection seed."""

    env_id: str
    script: str
    parameters: str
    seed: int


@dataclass(frozen=True)
class TrialResult:
    """What a parameter set came to: mean seconds a tray costs the line, and its parts."""

    parameters: Spec
    cost_s: float
    success: float
    damage: float
    contact_time_s: float


def cost_s(records: Sequence[EpisodeRecord]) -> float:
    """Return the mean seconds that a tray costs the line: cycle plus what its class costs."""
    return float(np.mean([r.cycle_time_s + COST_S.get(r.outcome, 0.0) for r in records]))


def run_trial(trial: Trial) -> EpisodeRecord:
    """Run one episode of one parameter set."""
    entry = script_called(trial.script)
    env = per_worker(("tune", trial.env_id), lambda: _make(trial.env_id))
    parameters = entry.parameters.model_validate_json(trial.parameters)
    policy = entry.make_with(parameters, env.station)
    return record_of(play(env, policy, trial.seed, 0, trial.seed % len(env.station.slots)))


def tune(
    env_id: str,
    script: str,
    trials: int,
    episodes: int,
    workers: int,
    seed: int,
    on_trial: Callable[[TrialResult], None],
) -> list[TrialResult]:
    """Search ``trials`` parameter sets on the same selection seeds; return them, best first."""
    entry = script_called(script)
    rng = np.random.default_rng(seed)
    names = list(entry.search)
    bounds = np.log(np.array([entry.search[name] for name in names]))
    explore = max(1, round(EXPLORE_SHARE * trials))
    seeds = SELECTION[:episodes]
    results: list[TrialResult] = []
    with Executor(workers) as executor:

        def evaluate(points: np.ndarray[Any, np.dtype[np.float64]]) -> None:
            for point in points:
                # Four digits: as short as a person would write it, and stored as it was tried.
                short = [float(f"{value:.4g}") for value in np.exp(point)]
                values = dict(zip(names, short, strict=True))
                parameters = _parameters(entry, values)
                results.append(_score(executor, env_id, entry, parameters, seeds))
                on_trial(results[-1])

        evaluate(_hypercube(bounds[:, 0], bounds[:, 1], explore, rng))
        best = min(results, key=lambda r: r.cost_s)
        centre = np.log([getattr(best.parameters, name) for name in names])
        half = SHRINK * (bounds[:, 1] - bounds[:, 0]) / 2
        low, high = np.maximum(centre - half, bounds[:, 0]), np.minimum(centre + half, bounds[:, 1])
        if trials > explore:
            evaluate(_hypercube(low, high, trials - explore, rng))
    return sorted(results, key=lambda r: r.cost_s)


def write_parameters(path: Path, result: TrialResult, effort: str) -> None:
    """Write the tuned parameters as YAML, with the effort that went into them."""
    path.write_text(f"# {effort}\n{resolved_yaml(result.parameters)}", encoding="utf-8")


def script_called(name: str) -> ScriptEntry:
    """Return the script of that name."""
    entry = script(name)
    if entry is None or entry.name != name:
        raise UnknownNameError("script", name, [entry.name for entry in scripts()])
    return entry


def _score(
    executor: Executor, env_id: str, entry: ScriptEntry, parameters: Spec, seeds: Sequence[int]
) -> TrialResult:
    text = parameters.model_dump_json(by_alias=True)
    records: list[EpisodeRecord] = []
    executor.run(
        [Trial(env_id, entry.name, text, s) for s in seeds],
        run_trial,
        lambda _, record: records.append(record),
        ordered=True,
    )
    return TrialResult(
        parameters,
        cost_s(records),
        float(np.mean([r.success for r in records])),
        float(np.mean([r.outcome is OutcomeClass.DAMAGE for r in records])),
        float(np.mean([r.contact_time_s for r in records])),
    )


def _parameters(entry: ScriptEntry, values: dict[str, float]) -> Spec:
    """Return typed parameters from SI values, through the same door as YAML."""
    draft = entry.parameters.model_construct(None, **values)
    return entry.parameters.model_validate_json(draft.model_dump_json(by_alias=True))


def _hypercube(
    low: np.ndarray[Any, np.dtype[np.float64]],
    high: np.ndarray[Any, np.dtype[np.float64]],
    count: int,
    rng: np.random.Generator,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    unit = qmc.LatinHypercube(d=len(low), rng=rng).random(count)
    return np.asarray(low + unit * (high - low))


def _make(env_id: str) -> StationEnv:
    env = gym.make(station(env_id).env_id).unwrapped
    assert isinstance(env, StationEnv)
    return env
