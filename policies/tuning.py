"""The search that tunes a script: Latin hypercube, then a smaller one around the best."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from scipy.stats import qmc

from configs.errors import RunFolderError, UnknownNameError
from configs.specs.base import Spec, resolved_yaml, spec_hash
from envs.outcome import OutcomeClass
from envs.registry import station, stations
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
_FIGURES = ("cost_s", "success", "damage", "contact_time_s")


@dataclass(frozen=True)
class Trial:
    """One parameter set on one selection seed."""

    env_id: str
    script: str
    parameters: str
    seed: int


@dataclass(frozen=True)
class TrialResult:
    """What a parameter set came to: mean seconds a part costs the line, and its parts."""

    parameters: Spec
    cost_s: float
    success: float
    damage: float
    contact_time_s: float


@dataclass(frozen=True)
class Search:
    """What is searched.

    Attributes:
        env_id: station.
        script: name of the script.
        trials: parameter sets to try.
        episodes: of each, on the first selection seeds.
        seed: of the sets that are drawn.
    """

    env_id: str
    script: str
    trials: int
    episodes: int
    seed: int


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        best: the cheapest trial.
        stored: the parameters stored so far on the same seeds; None where there are none.
    """

    best: TrialResult
    stored: TrialResult | None

    @property
    def better(self) -> bool:
        """Whether the best trial beats what is stored; an equal one leaves it as it is."""
        return self.stored is None or self.best.cost_s < self.stored.cost_s


class TrialLog:
    """Trials made so far, one line of JSON each: a killed search goes on from there.

    A trial is found again by all that it depends on, so searches may share a file. A line that a
    kill cut short is passed over; its trial is made again.

    Args:
        file: appended to; made if missing, with its folder.
        search: whose trials are read.

    Raises:
        RunFolderError: the file cannot be read or written.
    """

    def __init__(self, file: Path, search: Search) -> None:
        entry = script_called(search.script)
        self._file = file
        self._of = {
            "env": search.env_id,
            "station": spec_hash(station(search.env_id).spec),
            "script": f"{entry.name}@{entry.version}",
            "episodes": search.episodes,
        }
        self._made: dict[str, dict[str, float]] = {}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a+", encoding="utf-8", errors="replace") as stream:
                stream.seek(0)
                text = stream.read()
                if text and not text.endswith("\n"):
                    stream.write("\n")  # the next trial starts on a line of its own
        except OSError as error:
            raise RunFolderError(
                f"{file}: cannot be used ({error.strerror}); choose another --log"
            ) from None
        for line in text.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                if row["of"] == self._of:
                    figures = {name: float(row[name]) for name in _FIGURES}
                    self._made[json.dumps(row["parameters"])] = figures

    def __len__(self) -> int:
        """Return how many trials were found or added: this station, script and episodes."""
        return len(self._made)

    def find(self, parameters: Spec) -> TrialResult | None:
        """Return what these parameters came to; None where they were not tried."""
        figures = self._made.get(json.dumps(_plain(parameters)))
        return None if figures is None else TrialResult(parameters, **figures)

    def add(self, result: TrialResult) -> None:
        """Append a trial."""
        parameters = _plain(result.parameters)
        figures = {name: float(getattr(result, name)) for name in _FIGURES}
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"of": self._of, "parameters": parameters, **figures}) + "\n")
        self._made[json.dumps(parameters)] = figures


def cost_s(records: Sequence[EpisodeRecord]) -> float:
    """Return the mean seconds that a part costs the line: cycle plus what its class costs."""
    return float(np.mean([r.cycle_time_s + COST_S.get(r.outcome, 0.0) for r in records]))


def run_trial(trial: Trial) -> EpisodeRecord:
    """Run one episode of one parameter set."""
    entry = script_called(trial.script)
    env = per_worker(("tune", trial.env_id), lambda: _make(trial.env_id))
    parameters = entry.parameters.model_validate_json(trial.parameters)
    policy = entry.make_with(parameters, env.station)
    return record_of(play(env, policy, trial.seed, 0, trial.seed % len(env.station.slots)))


def tune(
    search: Search,
    log: TrialLog,
    stored: Spec | None,
    workers: int,
    on_trial: Callable[[TrialResult], None],
) -> Found:
    """Search parameter sets on the same selection seeds.

    The stored parameters are tried beside them and steer nothing: a search tries the same sets
    whatever its script works with today, so that a set can be found again by the same command.

    Args:
        search: what is searched.
        log: trials made so far, which are not made again; the others are added.
        stored: parameters that the best trial has to beat, tried first; None for none.
        workers: processes.
        on_trial: called with every result, the stored parameters' first.
    """
    entry = script_called(search.script)
    rng = np.random.default_rng(search.seed)
    names = list(entry.search)
    bounds = np.log(np.array([entry.search[name] for name in names]))
    explore = max(1, round(EXPLORE_SHARE * search.trials))
    results: list[TrialResult] = []
    with Executor(workers) as executor:

        def result_of(parameters: Spec) -> TrialResult:
            result = log.find(parameters)
            if result is None:
                result = _score(executor, search, parameters)
                log.add(result)
            on_trial(result)
            return result

        def evaluate(points: np.ndarray[Any, np.dtype[np.float64]]) -> None:
            for point in points:
                # Four digits: as short as a person would write it, and stored as it was tried.
                short = [float(f"{value:.4g}") for value in np.exp(point)]
                values = dict(zip(names, short, strict=True))
                results.append(result_of(_parameters(entry, values)))

        before = None if stored is None else result_of(stored)
        evaluate(_hypercube(bounds[:, 0], bounds[:, 1], explore, rng))
        best = min(results, key=lambda r: r.cost_s)
        centre = np.log([getattr(best.parameters, name) for name in names])
        half = SHRINK * (bounds[:, 1] - bounds[:, 0]) / 2
        low, high = np.maximum(centre - half, bounds[:, 0]), np.minimum(centre + half, bounds[:, 1])
        if search.trials > explore:
            evaluate(_hypercube(low, high, search.trials - explore, rng))
    return Found(min(results, key=lambda r: r.cost_s), before)


def write_parameters(path: Path, result: TrialResult, effort: str) -> None:
    """Write the tuned parameters as YAML, with the effort that went into them."""
    path.write_text(f"# {effort}\n{resolved_yaml(result.parameters)}", encoding="utf-8")


def script_called(name: str) -> ScriptEntry:
    """Return the script of that name."""
    entry = script(name)
    if entry is None or entry.name != name:
        raise UnknownNameError("script", name, [entry.name for entry in scripts()])
    return entry


def home_of(entry: ScriptEntry) -> str:
    """Return the id of the station that a script's own parameters are for: the first it works.

    Raises:
        UnknownNameError: there is none.
    """
    for place in stations():
        if issubclass(place.spec_type, entry.station):
            return place.env_id
    raise UnknownNameError("station of", entry.name, [place.env_id for place in stations()])


def _score(executor: Executor, search: Search, parameters: Spec) -> TrialResult:
    text = parameters.model_dump_json(by_alias=True)
    records: list[EpisodeRecord] = []
    executor.run(
        [Trial(search.env_id, search.script, text, s) for s in SELECTION[: search.episodes]],
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


def _plain(parameters: Spec) -> dict[str, Any]:
    """Return parameters as they stand in YAML."""
    plain: dict[str, Any] = json.loads(parameters.model_dump_json(by_alias=True))
    return plain


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
