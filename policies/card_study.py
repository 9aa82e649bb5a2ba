"""A policy's card: held-out seeds against the tuned scripts, robustness, training seeds, bars.

One part a rack visit, so that episodes are independent. The same seeds for every policy, so that
comparisons are paired. A run folder keeps every record; a killed study goes on from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from configs.errors import BundleError, RunFolderError
from configs.specs.base import resolved_yaml
from envs.perturbation import Perturbation
from envs.registry import station
from policies.bundle import CARD, NETWORK, OTHERS
from policies.executor import run
from policies.records import EpisodeRecord, append_records, heal, read_records
from policies.rollout import NO_PERTURBATION, Episode, run_episode, single_part_episodes
from policies.scripted.registry import scripts
from policies.seeds import HELD_OUT
from policies.tuning import cost_s

BLOCK: Final = 10_000
"""Held-out seeds of a block; every newly trained policy gets a block of its own. The first is for
evaluations: scripts were judged on its seeds before any policy was trained."""
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
    """One policy on the first ``episodes`` seeds of the block, under one perturbation."""

    name: str
    policy: str
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
        folder: run folder.
        block: number of the held-out block.
        episodes: of the policy and of every script.
        robustness: episodes of every row of robustness, and of the other training seeds.
    """

    bundle: Path
    env_id: str
    folder: Path
    block: int
    episodes: int
    robustness: int

    @property
    def seeds(self) -> range:
        """The block's seeds that are run."""
        return HELD_OUT[self.block * BLOCK : self.block * BLOCK + self.episodes]

    @property
    def main(self) -> tuple[Campaign, ...]:
        """The policy, then every tuned script, on all seeds."""
        names = [entry.name for entry in scripts(station(self.env_id).spec)]
        return (
            Campaign("policy", str(self.bundle), self.episodes),
            *(Campaign(name, name, self.episodes) for name in names),
        )

    @property
    def others(self) -> tuple[Campaign, ...]:
        """The other training seeds, shipped beside the policy."""
        found = sorted(self.bundle.glob(f"{OTHERS}/*/{CARD}"))
        return tuple(
            Campaign(f"training seed {path.parent.name}", str(path.parent), self.robustness)
            for path in found
        )

    def rows(self, script: str) -> tuple[Campaign, ...]:
        """Every perturbation, the policy and ``script`` each."""
        return tuple(
            Campaign(f"{name}, {policy}", path, self.robustness, perturbation)
            for name, perturbation in ROBUSTNESS.items()
            for policy, path in (("policy", str(self.bundle)), (script, script))
        )

    @property
    def total(self) -> int:
        """Episodes of the whole study."""
        rows = 2 * len(ROBUSTNESS) + len(self.others)
        return self.episodes * len(self.main) + self.robustness * rows


@dataclass(frozen=True)
class Found:
    """The records of a study by campaign name, and the script with the smallest cost."""

    records: Mapping[str, Sequence[EpisodeRecord]]
    script: str


def open_study(
    bundle: Path, env_id: str, folder: Path, ledger: Path, episodes: int, robustness: int
) -> Study:
    """Return the study of a bundle; a new one takes a look at held-out seeds, a resumed one none.

    Args:
        bundle: folder of the policy.
        env_id: station.
        folder: run folder, made if missing.
        ledger: JSON file of the looks taken so far.
        episodes: of the policy and of every script, at most a block.
        robustness: episodes of the other rows.

    Raises:
        RunFolderError: the folder holds another study.
        BundleError: ``bundle`` is no folder with a bundle.
    """
    identity = _identity(bundle, env_id, episodes, robustness)
    file = folder / "study.json"
    folder.mkdir(parents=True, exist_ok=True)
    if file.exists():
        held = json.loads(file.read_text(encoding="utf-8"))
        block = held.pop("block", None)
        if held != identity:
            different = next(key for key in identity if held.get(key) != identity[key])
            raise RunFolderError(
                f"{folder}: holds the study of another {different}; choose another --out or "
                f"delete the folder"
            )
    else:
        block = take_look(ledger, identity["policy"], bundle.name)
        file.write_text(json.dumps(identity | {"block": block}, indent=1), encoding="utf-8")
    return Study(bundle, env_id, folder, int(block), episodes, robustness)


def take_look(ledger: Path, policy: str, name: str) -> int:
    """Count a look at held-out seeds in the ledger; return the policy's block, a new one if new."""
    looks = read_looks(ledger)
    block = next((n for n, row in enumerate(looks) if row["policy"] == policy), len(looks))
    if block == len(looks):
        if (block + 1) * BLOCK > len(HELD_OUT):
            raise RunFolderError(f"{ledger}: all held-out blocks are used up")
        looks.append({"policy": policy, "name": name, "looks": 0})
    looks[block]["looks"] += 1
    ledger.write_text(json.dumps(looks, indent=1) + "\n", encoding="utf-8")
    return block


def read_looks(ledger: Path) -> list[dict[str, Any]]:
    """Return the rows of a ledger, one a block: ``policy`` (sha256), ``name``, ``looks``."""
    return list(json.loads(ledger.read_text(encoding="utf-8"))) if ledger.exists() else []


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
    file = heal(study.folder / campaign.file)
    records = list(islice(read_records(file), campaign.episodes))
    seeds = study.seeds[: campaign.episodes]
    if [record.seed for record in records] != list(seeds[: len(records)]):
        raise RunFolderError(f"{file}: holds other seeds; delete it, its episodes are run again")
    for _ in records:
        on_record()

    def keep(_: Episode, record: EpisodeRecord) -> None:
        append_records(file, [record])
        records.append(record)
        on_record()

    missing = single_part_episodes(
        study.env_id,
        campaign.policy,
        seeds[len(records) :],
        perturbation=campaign.perturbation,
    )
    run(missing, run_episode, workers, keep, ordered=True)
    return records


def _identity(bundle: Path, env_id: str, episodes: int, robustness: int) -> dict[str, str]:
    """Return all that the records depend on, in words that tell what differs."""
    try:
        network = (bundle / NETWORK).read_bytes()
    except OSError as error:
        raise BundleError(
            f"{bundle}: no bundle in this folder ({error.strerror}); a card needs one that was "
            f"trained or exported"
        ) from None
    place = station(env_id).spec
    tuned = "".join(resolved_yaml(e.tuned) for e in scripts(place))

    def digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()[:16]

    return {
        "policy": digest(network),
        "station": digest(resolved_yaml(place).encode()),
        "scripts": digest(tuned.encode()),
        "episodes": str(episodes),
        "robustness": str(robustness),
    }
