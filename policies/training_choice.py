"""The end of a training run: the choice among its policies on selection seeds, and the curves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.specs.training import TrainingSpec
from envs.registry import station
from policies.bundle import OTHERS, read_bundle, write_bundle
from policies.executor import Executor, run
from policies.recording_campaign import Highlight, record_highlights
from policies.records import EpisodeRecord
from policies.results import figures, result_of
from policies.rollout import Episode, run_episode, single_part_episodes
from policies.training_run import CHOICE_SEEDS, SeedState

CHOSEN = "bundle"
"""Folder of the chosen policy within a run."""
RECORDINGS = "recordings"
"""Folder of recorded episodes within a run."""


@dataclass(frozen=True)
class Choice:
    """What every seed's finalists did on the same selection seeds.

    Attributes:
        chosen: path of the bundle with the smallest cost.
        best: path of the best bundle of each training seed.
        records: of each policy, by name; the script under them is first, if there is one.
    """

    chosen: str
    best: Mapping[int, str]
    records: Mapping[str, Sequence[EpisodeRecord]]


def candidates(
    spec: TrainingSpec, out: Path, states: Mapping[int, SeedState]
) -> dict[str, int | None]:
    """Return what takes part in the choice and its training seed: the script, then finalists.

    An evaluation along the way is too short to see 1 % of damage: of each seed several policies
    come this far, and the choice decides.
    """
    found: dict[str, int | None] = {}
    if spec.composition.base is not None:
        found[spec.composition.base] = None
    for seed, state in states.items():
        for row in state.cheapest(spec.selection.finalists):
            found[str(out / f"seed-{seed}" / row["bundle"])] = seed
    return found


def choose(
    spec: TrainingSpec,
    out: Path,
    states: Mapping[int, SeedState],
    workers: int,
    on_record: Callable[[], None],
) -> Choice:
    """Run the candidates on the same selection seeds and write the cheapest to OUT/bundle.

    The cost is the one that scripts are tuned by: server seconds a tray, see `policies.tuning`.
    With a race the cheapest few, and the script, then work more seeds; the cheapest of these wins.
    """
    takes_part = candidates(spec, out, states)
    first = CHOICE_SEEDS[: spec.selection.final_episodes]
    env_id = station(spec.env).env_id
    found: dict[str, list[EpisodeRecord]] = {name: [] for name in takes_part}

    def keep(episode: Episode, record: EpisodeRecord) -> None:
        found[episode.policy].append(record)
        on_record()

    def work(names: Iterable[str], seeds: Sequence[int]) -> None:
        each = [e for n in names for e in single_part_episodes(env_id, n, seeds, spec.setting)]
        run(each, run_episode, workers, keep, ordered=True)

    def cost(name: str) -> tuple[int, float]:
        return -len(found[name]), figures(found[name])["cost_s"]

    work(takes_part, first)
    race = spec.selection.race
    if race is not None:
        learnt = sorted((n for n in takes_part if takes_part[n] is not None), key=cost)
        scripts = [name for name in takes_part if takes_part[name] is None]
        more = CHOICE_SEEDS[len(first) : len(first) + race.episodes]
        work([*scripts, *learnt[: race.policies]], more)
    best = {
        seed: min((name for name in takes_part if takes_part[name] == seed), key=cost)
        for seed in states
    }
    chosen = min(best.values(), key=cost)
    shutil.rmtree(out / CHOSEN, ignore_errors=True)
    for seed, name in best.items():
        target = out / CHOSEN if name == chosen else out / CHOSEN / OTHERS / str(seed)
        _write_chosen(Path(name), target, found[name])
    summary = {
        "chosen": chosen,
        "seeds": [first[0], CHOICE_SEEDS[len(found[chosen]) - 1]],
        "policies": {name: figures(records) for name, records in found.items()},
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return Choice(chosen, best, found)


def record_choice(spec: TrainingSpec, out: Path, choice: Choice, workers: int) -> list[Highlight]:
    """Record the worst and the best episode that decided for the chosen policy."""
    like = Episode(station(spec.env).env_id, choice.chosen, spec.setting, 0, 0, 0)
    campaigns = {"chosen": (like, choice.records[choice.chosen])}
    with Executor(workers) as executor:
        return record_highlights(campaigns, out / RECORDINGS, executor, ("worst", "best"))


def episodes_to_choose(spec: TrainingSpec, takes_part: int) -> int:
    """Return how many episodes `choose` runs for so many policies, the script among them."""
    race = spec.selection.race
    scripts = spec.composition.base is not None
    deciding = 0 if race is None else min(race.policies, takes_part - scripts) + scripts
    return spec.selection.final_episodes * takes_part + (race.episodes * deciding if race else 0)


def _write_chosen(source: Path, target: Path, records: Sequence[EpisodeRecord]) -> None:
    card, _ = read_bundle(source)
    data: dict[str, Any] = card.model_dump(by_alias=True, mode="json")
    seeds = f"{CHOICE_SEEDS[0]} to {CHOICE_SEEDS[len(records) - 1]}"
    data["results"].append(result_of(records, f"selection {seeds}, the choice"))
    write_bundle(target, data, (source / "policy.onnx").read_bytes())


def draw_curves(
    file: Path, states: Mapping[int, SeedState], script: Mapping[str, float] | None
) -> None:
    """Draw what each evaluation on selection seeds found, by steps; one line a training seed.

    Args:
        file: picture to write, e.g. a PNG.
        states: by training seed.
        script: figures of the script under the policies, drawn as a dashed line.
    """
    from matplotlib.figure import Figure

    panels = (
        ("contact_time_s", "mean contact time (s)", 1.0),
        ("success", "success (%)", 100.0),
        ("damage", "damage (%)", 100.0),
        ("lateral_force_p95_n", "lateral force, p95 (N)", 1.0),
    )
    figure = Figure(figsize=(9, 6), layout="constrained")
    for axes, (key, label, factor) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        for seed, state in states.items():
            rows = state.evaluations
            axes.plot(
                [row["steps"] / 1000 for row in rows],
                [factor * row[key] for row in rows],
                marker="o",
                markersize=3,
                label=f"training seed {seed}",
            )
        if script is not None:
            axes.axhline(factor * script[key], color="0.4", linestyle="--", label="script alone")
        axes.set(xlabel="policy steps (thousands)", ylabel=label)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(frameon=False)
    figure.suptitle("Deterministic policy on selection seeds during training")
    figure.savefig(file, dpi=120)
