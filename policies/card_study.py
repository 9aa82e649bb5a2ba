"""A policy's card: held-out seeds against the tuned scripts, robustness, training seeds, bars.

One part a rack visit, so that episodes are independent. The same seeds for every policy, so that
comparisons are paired. A run folder keeps every record; a killed study goes on from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.errors import BundleError, RacklineError, RunFolderError
from configs.specs.bars import TrialSpec
from configs.specs.base import resolved_yaml
from configs.specs.station import StationSpec
from envs.perturbation import Perturbation
from envs.registry import station
from policies.bundle import CARD, bundle_name, load_bundle, other_seeds, read_bundle
from policies.card_looks import BLOCK, read_looks, take_look
from policies.catalogue import policy_content
from policies.executor import run
from policies.records import EpisodeRecord, append_records, resume_records
from policies.rollout import NO_PERTURBATION, Episode, run_episode, single_part_episodes
from policies.scripted.registry import scripts
from policies.seeds import HELD_OUT
from policies.tuning import cost_s

ROBUSTNESS: Final[Mapping[str, Perturbation]] = {
    "pose error x 1.5": Perturbation(pose_error=1.5),
    "pose error x 2": Perturbation(pose_error=2.0),
    "friction x 0.5": Perturbation(friction=0.5),
    "friction x 1.5": Perturbation(friction=1.5),
    "physics rate x 2": Perturbation(rate=2),
    "physics rate x 4": Perturbation(rate=4),
}


@dataclass(frozen=True)
class Campaign:
    """One policy on the first ``episodes`` seeds of the block, under one perturbation.

    Attributes:
        env_id: station.
    """

    name: str
    policy: str
    env_id: str
    episodes: int
    perturbation: Perturbation = NO_PERTURBATION

    @property
    def file(self) -> str:
        """Name of its records within the run folder."""
        return "".join(c if c.isalnum() else "-" for c in self.name) + ".jsonl"


@dataclass(frozen=True)
class Study:
    """What a card's study runs, and where.

    Attributes:
        bundle: folder of the policy.
        env_id: station.
        setting: the station's setting that the policy was made in, and is judged in.
        folder: run folder.
        block: number of the held-out block.
        looks: how often the block was looked at, this study included.
        trial: on how many seeds, where else, and the bars.
        bars: name or path of its file, "" where there is none.
    """

    bundle: Path
    env_id: str
    setting: str
    folder: Path
    block: int
    looks: int
    trial: TrialSpec
    bars: str

    @property
    def seeds(self) -> range:
        """The block's seeds that are run."""
        return HELD_OUT[self.block * BLOCK : self.block * BLOCK + self.trial.episodes]

    @property
    def main(self) -> tuple[Campaign, ...]:
        """The policy on all seeds, then every tuned script."""
        names = [entry.name for entry in scripts(station(self.env_id).spec)]
        return (
            Campaign("policy", str(self.bundle), self.env_id, self.trial.episodes),
            *(Campaign(name, name, self.env_id, self.trial.scripted) for name in names),
        )

    @property
    def others(self) -> tuple[Campaign, ...]:
        """The other training seeds, shipped beside the policy."""
        return tuple(
            Campaign(f"training seed {path.name}", str(path), self.env_id, self.trial.rows)
            for path in other_seeds(self.bundle)
        )

    def rows(self, script: str) -> tuple[Campaign, ...]:
        """Every perturbation and other station, the policy and ``script`` each."""
        seeds, both = self.trial.rows, (("policy", str(self.bundle)), (script, script))
        of_contact = {f.name: Perturbation(**f.model_dump()) for f in self.trial.contact}
        perturbed = (
            Campaign(f"{name}, {policy}", path, self.env_id, seeds, perturbation)
            for name, perturbation in {**ROBUSTNESS, **of_contact}.items()
            for policy, path in both
        )
        elsewhere = (
            Campaign(elsewhere_name(env_id, policy), path, env_id, seeds)
            for env_id in self.trial.stations
            for policy, path in both
        )
        return (*perturbed, *elsewhere)

    @property
    def total(self) -> int:
        """Episodes of the whole study."""
        known = (*self.main, *self.others, *self.rows(""))
        return sum(campaign.episodes for campaign in known)


def elsewhere_name(env_id: str, policy: str) -> str:
    """Return the name of the row of a policy at another station."""
    return f"at {env_id}, {policy}"


@dataclass(frozen=True)
class Found:
    """The records of a study by campaign name, and the script with the smallest cost."""

    records: Mapping[str, Sequence[EpisodeRecord]]
    script: str


def open_study(
    bundle: Path, env_id: str, folder: Path, ledger: Path, trial: TrialSpec, bars: str = ""
) -> Study:
    """Return the study of a bundle; a new one takes a look at held-out seeds, a resumed one none.

    All that can be wrong is said before the look is taken.

    Args:
        bundle: folder of the policy.
        env_id: station.
        folder: run folder, made if missing; the caller holds it against other processes.
        ledger: JSON file of the looks taken so far.
        trial: on how many seeds, where else, and the bars.
        bars: name or path of its file, for people.

    Raises:
        RunFolderError: the folder holds another study, or folder or ledger cannot be used.
        BundleError: ``bundle``, or a training seed beside it, is no policy for the station.
        RacklineError: no script works the station, or one works it and not another station.
    """
    setting = _check_bundle(bundle, env_id, trial.stations)
    identity = _identity(bundle, env_id, setting, trial)
    read_looks(ledger)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "study.json"
    if file.exists():
        block = _block_of(file, identity)
    else:
        block = take_look(ledger, identity["policy"], bundle_name(bundle))
        file.write_text(json.dumps(identity | {"block": block}, indent=1), encoding="utf-8")
    looks = read_looks(ledger)
    if block >= len(looks) or looks[block].policy != identity["policy"]:
        raise RunFolderError(
            f"{folder}: its look is not in {ledger}; name the --ledger that the study began with"
        )
    count = looks[block].looks
    return Study(bundle, env_id, setting, folder, block, count, trial, bars)


def run_study(study: Study, workers: int, on_record: Callable[[], None]) -> Found:
    """Run what the folder lacks and return all records; ``on_record`` counts, kept ones too."""
    found: dict[str, list[EpisodeRecord]] = {}

    def complete(campaigns: Sequence[Campaign]) -> None:
        for campaign in campaigns:
            found[campaign.name] = _complete(study, campaign, workers, on_record)

    complete(study.main)
    script = min((c.name for c in study.main[1:]), key=lambda name: cost_s(found[name]))
    complete(study.others)
    complete(study.rows(script))
    return Found(found, script)


def _complete(
    study: Study, campaign: Campaign, workers: int, on_record: Callable[[], None]
) -> list[EpisodeRecord]:
    """Return the campaign's records in the order of seeds, running those that are missing."""
    file, seeds = study.folder / campaign.file, study.seeds[: campaign.episodes]
    records = resume_records(file, seeds)
    for _ in records:
        on_record()

    def keep(_: Episode, record: EpisodeRecord) -> None:
        append_records(file, [record])
        records.append(record)
        on_record()

    missing = single_part_episodes(
        campaign.env_id,
        campaign.policy,
        seeds[len(records) :],
        study.setting,
        campaign.perturbation,
    )
    run(missing, run_episode, workers, keep, ordered=True)
    return records


def _check_bundle(bundle: Path, env_id: str, elsewhere: Sequence[str]) -> str:
    """Return the setting a bundle was made in, once it loads everywhere it is to work."""
    place = station(env_id).spec
    if not scripts(place):
        raise RacklineError(
            f"{env_id}: no script works it, and a card compares with the best one; register one "
            f"(docs/stations/adding.md)"
        )
    for path in (bundle, *other_seeds(bundle)):
        load_bundle(path, place)
    made = read_bundle(bundle)[0].station
    if made is None or made.setting not in place.settings:
        raise BundleError(
            f"{bundle}/{CARD}: station.setting = {made.setting if made else None!r}: is none of "
            f"{place.id} (known: {', '.join(place.settings)}); train or export it again"
        )
    for other in elsewhere:
        _check_elsewhere(bundle, made.setting, place, other)
    return made.setting


def _check_elsewhere(bundle: Path, setting: str, home: StationSpec, other: str) -> None:
    """Refuse another station where bundle or scripts of the first one cannot work."""
    there, remedy = station(other).spec, "take that station out of the bars"
    load_bundle(bundle, there)
    if setting not in there.settings:
        raise BundleError(
            f"{bundle}/{CARD}: station.setting = {setting!r}: is none of {other}, where the bars "
            f"have it tried; {remedy}"
        )
    unable = [entry.name for entry in scripts(home) if not isinstance(there, entry.station)]
    if unable:
        raise RacklineError(
            f"{other}: {', '.join(unable)} cannot work it, and may be the best here; {remedy}"
        )


def _block_of(file: Path, identity: Mapping[str, str]) -> int:
    """Return the block of the study that a folder holds, if it is this one."""
    try:
        held = dict(json.loads(file.read_text(encoding="utf-8")))
        block = int(held.pop("block"))
    except (OSError, ValueError, TypeError, KeyError):
        raise RunFolderError(
            f"{file}: is damaged; delete the folder, the study then begins anew"
        ) from None
    held = {"episodes of scripts": held.get("episodes"), "other stations": _digest("")} | held
    different = [key for key in {**held, **identity} if held.get(key) != identity.get(key)]
    if different:
        raise RunFolderError(
            f"{file.parent}: holds a study that differs in {', '.join(different)}; choose another "
            f"--out or delete the folder"
        )
    return block


def _identity(bundle: Path, env_id: str, setting: str, trial: TrialSpec) -> dict[str, str]:
    """Return all that the records depend on, in words that tell what differs."""
    place = station(env_id).spec
    tuned = "".join(resolved_yaml(e.tuned) for e in scripts(place))
    others = [(p.name, policy_content(str(p))["sha256"]) for p in other_seeds(bundle)]

    return {
        "policy": str(policy_content(str(bundle))["sha256"])[:16],
        "training seeds": _digest(json.dumps(others)),
        "station": _digest(resolved_yaml(place)),
        "setting": setting,
        "scripts": _digest(tuned),
        "episodes": str(trial.episodes),
        "episodes of scripts": str(trial.scripted),
        "robustness": str(trial.rows),
        "other stations": _digest(
            "".join(name + resolved_yaml(station(name).spec) for name in trial.stations)
        ),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
