"""A training run as a folder: each seed learns, is judged on selection seeds, and can be resumed.

::

    OUT/run.json          what is trained, by hash
    OUT/training.yaml     the resolved spec
    OUT/seed-0/           a training seed:
        state/checkpoint-….json   steps, time and one row a chunk, evaluations where due
        checkpoint-…/             what goes on from there: networks, optimisers, random states
        at-…/                     bundles as evaluated
        tensorboard/, steps.txt   curves; steps done, for the progress bar
    OUT/choice/           the records of every policy in the choice, one line an episode
    OUT/bundle/           the policy chosen, and the best of every other seed in seeds/
    OUT/summary.json      the choice in figures
    OUT/curve.png         learning curves
    OUT/recordings/       worst and best episode of the policy chosen
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import RunFolderError
from configs.specs.base import resolved_yaml, spec_hash
from configs.specs.station import StationSpec
from configs.specs.training import TrainingSpec
from envs.registry import station
from envs.station_env import StationEnv
from policies.bundle import load_bundle, reference, write_bundle
from policies.records import LOCK
from policies.results import figures, result_of
from policies.rollout import play, record_of
from policies.scripted.registry import script
from policies.seeds import SELECTION
from policies.training import Learner
from policies.tuning import cost_s

EVALUATION_SEEDS = SELECTION[1_000_000:]
"""Selection seeds of the evaluations during training; the scripts were tuned on the first."""
CHOICE_SEEDS = SELECTION[2_000_000:]
"""Selection seeds of the choice among training seeds."""


@dataclass(frozen=True)
class SeedRun:
    """One training seed of a run: an item of the executor.

    Attributes:
        training: the resolved spec as JSON.
        seed: training seed.
        folder: of this seed.
    """

    training: str = field(repr=False)  # pages of it, and errors name their item
    seed: int
    folder: str


@dataclass(frozen=True)
class SeedState:
    """How far a training seed is.

    Attributes:
        steps: policy steps done.
        wall_s: time spent, in all processes that worked on it.
        rows: one a chunk: what its training operations came to, and evaluations where due.
    """

    steps: int
    wall_s: float
    rows: list[dict[str, Any]]

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        """The rows with an evaluation."""
        return [row for row in self.rows if "cost_s" in row]

    def cheapest(self, n: int) -> list[dict[str, Any]]:
        """Return the ``n`` evaluations with the smallest cost, cheapest first."""
        return sorted(self.evaluations, key=lambda row: float(row["cost_s"]))[:n]


def prepare(spec: TrainingSpec, out: Path) -> list[SeedRun]:
    """Make or check the run folder, and return the work of each seed.

    Raises:
        RunFolderError: the folder holds another run, or cannot be written.
    """
    identity = {
        "training": spec_hash(spec),
        "station": spec_hash(_station(spec)),
        "script": _base_parameters(spec),
    }
    file = out / "run.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if file.exists():
            if json.loads(file.read_text()) != identity:
                raise RunFolderError(
                    f"{out}: holds a training of another file or station, or on a script tuned "
                    f"otherwise; choose another --out"
                )
        elif any(path.name != LOCK for path in out.iterdir()):
            raise RunFolderError(f"{out}: is not empty and holds no training; choose another --out")
        else:
            _write(file, json.dumps(identity))
        _write(out / "training.yaml", resolved_yaml(spec))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{out}: cannot be used ({error}); choose another --out") from None
    text = spec.model_dump_json(by_alias=True)
    return [SeedRun(text, seed, str(out / f"seed-{seed}")) for seed in spec.seeds]


def train_seed(run: SeedRun) -> SeedState:
    """Train one seed to its end, from its last checkpoint where there is one."""
    spec = TrainingSpec.model_validate_json(run.training)
    folder = Path(run.folder)
    folder.mkdir(parents=True, exist_ok=True)
    state, checkpoint = read_state(folder), _checkpoint(folder)
    if _finished(spec, state):
        return state
    learner = Learner(spec, run.seed, folder / "tensorboard")
    try:
        if checkpoint is not None:
            learner.restore(checkpoint)
        while not _finished(spec, state):
            state = _chunk(spec, run.seed, folder, learner, state)
    finally:
        learner.close()
    return state


def read_state(folder: Path) -> SeedState:
    """Return how far the seed of a folder is: that of its last whole checkpoint."""
    checkpoint = _checkpoint(folder)
    if checkpoint is None:
        return SeedState(0, 0.0, [])
    file = folder / "state" / f"{checkpoint.name}.json"
    try:
        data = json.loads(file.read_text())
        return SeedState(data["steps"], data["wall_s"], data["rows"])
    except (OSError, ValueError, KeyError) as error:
        raise RunFolderError(
            f"{file}: cannot be read ({error}); delete {folder} to start the seed again"
        ) from None


def steps_now(folder: Path) -> int:
    """Return the steps done, also within a chunk: for progress bars only."""
    try:
        return int((folder / "steps.txt").read_text())
    except (OSError, ValueError):
        return 0


def _finished(spec: TrainingSpec, state: SeedState) -> bool:
    return state.steps >= spec.steps or state.wall_s >= spec.time_budget_s


def _chunk(
    spec: TrainingSpec, seed: int, folder: Path, learner: Learner, state: SeedState
) -> SeedState:
    """Learn one chunk, evaluate where due, and write the checkpoint behind it."""
    began, shown = time.monotonic(), time.monotonic()
    infos: list[dict[str, Any]] = []

    def on_step(steps: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            (folder / "steps.txt").write_text(str(steps))

    learner.learn(min(spec.chunk, spec.steps - state.steps), on_step, infos.append)
    row = {"steps": learner.steps} | _training_row(infos)
    wall_s = state.wall_s + time.monotonic() - began
    draft = SeedState(learner.steps, wall_s, [*state.rows, row])
    due = (len(state.rows) + 1) % spec.evaluate_chunks == 0
    if due or _finished(spec, draft):
        row |= _evaluate(spec, seed, folder, learner)
    wall_s = state.wall_s + time.monotonic() - began
    after = SeedState(learner.steps, wall_s, [*state.rows, row])
    name = f"checkpoint-{after.steps:09d}"
    (folder / "state").mkdir(exist_ok=True)
    data = {"steps": after.steps, "wall_s": after.wall_s, "rows": after.rows}
    _write(folder / "state" / f"{name}.json", json.dumps(data, indent=1))
    learner.save(folder / name)  # its last act is a rename: now the chunk counts
    for old in folder.glob("checkpoint-*"):
        if old.name != name:
            shutil.rmtree(old)
    (folder / "steps.txt").write_text(str(after.steps))
    return after


def _training_row(infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the operations of a chunk came to."""
    if not infos:
        return {"operations": 0}
    return {
        "operations": len(infos),
        "return": float(np.mean([info["episode"]["r"] for info in infos])),
        "training_success": float(np.mean([info["is_success"] for info in infos])),
        "training_contact_time_s": float(
            np.mean([info["result"]["contact_time_s"] for info in infos])
        ),
    }


def _evaluate(spec: TrainingSpec, seed: int, folder: Path, learner: Learner) -> dict[str, Any]:
    """Export the policy as it is, and let the bundle itself work selection seeds."""
    target = folder / f"at-{learner.steps:09d}"
    network, signature = learner.network()
    place = _station(spec)
    card = {
        "name": f"{place.id}, {spec.algorithm} seed {seed} at {learner.steps} steps",
        "signature": signature.model_dump(mode="json"),
        "station": reference(place, spec.setting).model_dump(mode="json"),
        "composition": spec.composition.model_dump(mode="json"),
        "base_parameters": _base_parameters(spec),
        "training": spec.model_dump(by_alias=True, mode="json"),
        "training_seed": seed,
        "training_steps": learner.steps,
    }
    env = StationEnv(spec.env, spec.setting)
    try:
        write_bundle(target, card, network)
        policy = load_bundle(target, place)
        seeds = EVALUATION_SEEDS[: spec.selection.episodes]
        slots = len(place.slots)
        records = [record_of(play(env, policy, s, 0, s % slots)) for s in seeds]
        first, last = seeds[0], seeds[-1]
        row = result_of(records, f"selection {first} to {last}")
        write_bundle(target, card | {"results": [row]}, network)
    finally:
        env.close()
    return {"bundle": target.name, "cost_s": cost_s(records)} | {
        key: value for key, value in figures(records).items() if key != "cost_s"
    }


def _base_parameters(spec: TrainingSpec) -> dict[str, Any] | None:
    entry = script(spec.composition.base or "")
    return entry.tuned.model_dump(by_alias=True, mode="json") if entry else None


def _station(spec: TrainingSpec) -> StationSpec:
    return station(spec.env).spec


def _checkpoint(folder: Path) -> Path | None:
    found = sorted(p for p in folder.glob("checkpoint-*") if p.suffix != ".draft")
    return found[-1] if found else None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
