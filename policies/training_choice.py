"""The end of a training run: the choice among its policies on selection seeds, and the curves.

Every record of the choice is kept as it comes: one that was killed goes on behind it, and one with
more seeds runs these alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.errors import BundleError, UnknownNameError
from configs.specs.base import spec_hash
from configs.specs.training import SlowSpec, TrainingSpec
from envs.registry import station
from policies.bundle import (
    CHOSEN,
    NETWORK,
    OTHERS,
    load_bundle,
    other_seeds,
    read_bundle,
    write_bundle,
)
from policies.catalogue import bundle_path, policy_content, zoo
from policies.executor import Executor, run
from policies.recording_campaign import Highlight, record_highlights
from policies.records import EpisodeRecord, append_records, resume_records
from policies.results import figures, result_of
from policies.rollout import Episode, run_episode, single_part_episodes
from policies.training_run import CHOICE_SEEDS, SeedState

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECORDINGS = "recordings"
"""Folder of recorded episodes within a run."""
KEPT = "choice"
"""Folder of the choice's records within a run, a file a policy."""


@dataclass(frozen=True)
class Choice:
    """What every seed's finalists did on selection seeds.

    Attributes:
        chosen: path of the bundle with the smallest cost.
        best: path of the best bundle of each training seed.
        records: of each policy, by name; the script under them is first, if there is one. All begin
            with the same seeds; those that raced, and the script, go on to further ones.
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


def bundled(spec: TrainingSpec, names: Sequence[str]) -> dict[str, int | None]:
    """Return the same of bundles made before, each with the best of other seeds that lies in it.

    Args:
        spec: what they were trained by.
        names: ``zoo/<name>``, or paths of bundles.

    Raises:
        UnknownNameError: nothing goes by a name.
        BundleError: a bundle is damaged, was made for another station or by no training here.
    """
    found: dict[str, int | None] = candidates(spec, Path(), {})
    for name in names:
        path = bundle_path(name)
        if path is None:
            raise UnknownNameError("policy", name, zoo())
        for each in [path, *other_seeds(path)]:
            card, _ = read_bundle(each)
            load_bundle(each, station(spec.env).spec)
            if card.training_seed is None:
                raise BundleError(
                    f"{each}: no training of Rackline made it; name a bundle of rackline train"
                )
            found[str(each)] = card.training_seed
    return found


def choose(
    spec: TrainingSpec,
    out: Path,
    takes_part: Mapping[str, int | None],
    workers: int,
    on_record: Callable[[], None],
) -> Choice:
    """Run the candidates on the same selection seeds and write the cheapest to OUT/bundle.

    The cost is the one that scripts are tuned by: server seconds a part, see `policies.tuning`.
    With a race the cheapest few, and the script, then work more seeds; the cheapest of these wins.
    The winner then tries each of `selection.slow` on as many: nothing is learnt where the script
    works alone, so how fast it goes there is not trained but chosen.

    Args:
        spec: what was trained, and how it is chosen.
        out: run folder.
        takes_part: the policies, of `candidates` or `bundled`, and the training seed of each.
        workers: number of processes.
        on_record: counts episodes, kept ones too.

    Raises:
        RunFolderError: records kept in the folder are damaged.
    """
    contest = _Contest(spec, out, takes_part, workers, on_record)
    first, race = spec.selection.final_episodes, spec.selection.race
    contest.run_to(first, takes_part)
    if race is not None:
        learnt = sorted((n for n in takes_part if takes_part[n] is not None), key=contest.cost)
        scripts = [name for name in takes_part if takes_part[name] is None]
        contest.run_to(first + race.episodes, [*scripts, *learnt[: race.policies]])
    best = {
        seed: min((name for name in takes_part if takes_part[name] == seed), key=contest.cost)
        for seed in takes_part.values()
        if seed is not None
    }
    winner = min(best.values(), key=contest.cost)
    slower = [_slower(Path(winner), out, slow) for slow in spec.selection.slow]
    contest.join(slower)
    contest.run_to(len(contest.found[winner]), slower)
    chosen = min([winner, *slower], key=contest.cost)
    best[next(seed for seed in best if best[seed] == winner)] = chosen
    choice = Choice(chosen, best, contest.found)
    _write_choice(spec, out, choice)
    return choice


class _Contest:
    """Policies on the same selection seeds, every record kept in a file of its policy.

    Args:
        spec: says station and setting.
        out: run folder.
        names: of the policies.
        workers: number of processes.
        on_record: called for every record found, kept or new.
    """

    def __init__(
        self,
        spec: TrainingSpec,
        out: Path,
        names: Iterable[str],
        workers: int,
        on_record: Callable[[], None],
    ) -> None:
        (out / KEPT).mkdir(exist_ok=True)
        self._env_id, self._setting, self._out = station(spec.env).env_id, spec.setting, out
        self._workers, self._on_record = workers, on_record
        self._files: dict[str, Path] = {}
        self._kept: dict[str, Sequence[EpisodeRecord]] = {}
        self.found: dict[str, list[EpisodeRecord]] = {}
        self.join(names)

    def join(self, names: Iterable[str]) -> None:
        """Let more policies take part."""
        for name in names:
            self._files[name] = _records_file(self._out, name)
            self._kept[name] = resume_records(self._files[name], CHOICE_SEEDS)
            self.found[name] = []

    def run_to(self, episodes: int, names: Iterable[str]) -> None:
        """Bring policies to so many episodes each, running what no file holds."""
        missing: list[Episode] = []
        for name in names:
            for record in self._kept[name][len(self.found[name]) : episodes]:
                self._count(name, record)
            seeds = CHOICE_SEEDS[len(self.found[name]) : episodes]
            missing += single_part_episodes(self._env_id, name, seeds, self._setting)
        run(missing, run_episode, self._workers, self._keep, ordered=True)

    def cost(self, name: str) -> tuple[int, float]:
        """Return what policies are ordered by: those that raced first, then server seconds."""
        return -len(self.found[name]), figures(self.found[name])["cost_s"]

    def _keep(self, episode: Episode, record: EpisodeRecord) -> None:
        append_records(self._files[episode.policy], [record])
        self._count(episode.policy, record)

    def _count(self, name: str, record: EpisodeRecord) -> None:
        self.found[name].append(record)
        self._on_record()


def _records_file(out: Path, name: str) -> Path:
    """Return where a policy's records are kept.

    A script tuned anew gets a file of its own; a bundle of elsewhere the same one wherever it lies.
    """
    content = {key: value for key, value in policy_content(name).items() if key != "name"}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]
    elsewhere = bundle_path(name) is not None and not Path(name).is_relative_to(out)
    shown = Path(name).name if elsewhere else name.removeprefix(f"{out}/")
    short = "".join(c if c.isalnum() else "-" for c in shown)
    return out / KEPT / f"{short}-{digest}.jsonl"


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
    more = 0 if race is None else race.episodes
    first, slower = spec.selection.final_episodes, len(spec.selection.slow)
    return first * takes_part + more * deciding + (first + more) * slower


def _slower(bundle: Path, out: Path, slow: SlowSpec) -> str:
    """Write a bundle again with a script that goes slower somewhere; return its path."""
    card, _ = read_bundle(bundle)
    data: dict[str, Any] = card.model_dump(by_alias=True, mode="json")
    data["composition"]["slow"] = slow.model_dump(mode="json")
    target = out / bundle.parent.name / f"{bundle.name}-slow-{spec_hash(slow)[:8]}"
    write_bundle(target, data | {"results": []}, (bundle / NETWORK).read_bytes())
    return str(target)


def _write_choice(spec: TrainingSpec, out: Path, choice: Choice) -> None:
    shutil.rmtree(out / CHOSEN, ignore_errors=True)
    for seed, name in choice.best.items():
        target = out / CHOSEN if name == choice.chosen else out / CHOSEN / OTHERS / str(seed)
        _write_chosen(spec, Path(name), target, choice.records[name])
    summary = {
        "chosen": choice.chosen,
        "seeds": [CHOICE_SEEDS[0], CHOICE_SEEDS[len(choice.records[choice.chosen]) - 1]],
        "policies": {name: figures(records) for name, records in choice.records.items()},
    }
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _write_chosen(
    spec: TrainingSpec, source: Path, target: Path, records: Sequence[EpisodeRecord]
) -> None:
    card, _ = read_bundle(source)
    data: dict[str, Any] = card.model_dump(by_alias=True, mode="json")
    data["training"] = spec.model_dump(by_alias=True, mode="json")  # the choice may have grown
    seeds = f"{CHOICE_SEEDS[0]} to {CHOICE_SEEDS[len(records) - 1]}"
    data["results"].append(result_of(records, f"selection {seeds}, the choice"))
    write_bundle(target, data, (source / NETWORK).read_bytes())


def draw_curves(
    file: Path, states: Mapping[int, SeedState], script: Mapping[str, float] | None
) -> Figure:
    """Draw what each evaluation on selection seeds found, by steps; one line a training seed.

    Args:
        file: picture to write, e.g. a PNG; the figure is returned as well.
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
    return figure
