"""The episodes of a campaign worth seeing, recorded afterwards: the same bits, from their seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.errors import RecordingError
from policies.executor import Executor
from policies.recorder import SUFFIX, make_folder, policy_digest, record_file
from policies.recording import read_recording
from policies.recording_code import code_digest
from policies.records import EpisodeRecord
from policies.rollout import Episode
from policies.tuning import cost_s

ORDER = (
    "by what the operation costs the line in server seconds (cycle time, and what its outcome "
    "adds: 480 s for a call, 3600 s for damage or an escape), then by the largest lateral force"
)
"""The order behind worst, median and best, for captions."""
LABELS = ("worst", "median", "best")


@dataclass(frozen=True)
class Highlight:
    """One recorded episode of a campaign.

    Attributes:
        policy: name of the policy.
        label: worst, median or best.
        record: the campaign's record of it.
        file: the recording.
        same: simulated again it came to the same record; False says that the record was made
            elsewhere, by another machine or another version.
    """

    policy: str
    label: str
    record: EpisodeRecord
    file: Path
    same: bool


@dataclass(frozen=True)
class _Work:
    """An item of the executor."""

    label: str
    episode: Episode
    record: EpisodeRecord
    file: Path


def highlights(
    records: Sequence[EpisodeRecord], labels: Sequence[str] = LABELS
) -> dict[str, EpisodeRecord]:
    """Return the episodes of one policy under their labels, by `ORDER`; seeds break ties."""
    ordered = sorted(
        records,
        key=lambda r: (cost_s([r]), r.max_windowed_force_n, r.seed, r.rack_id, r.slot),
    )
    at = {"worst": -1, "median": (len(ordered) - 1) // 2, "best": 0}
    return {label: ordered[at[label]] for label in labels} if ordered else {}


def record_highlights(
    campaigns: Mapping[str, tuple[Episode, Sequence[EpisodeRecord]]],
    folder: Path,
    executor: Executor,
    labels: Sequence[str] = LABELS,
    on_done: Callable[[], None] = lambda: None,
) -> list[Highlight]:
    """Record the highlights of campaigns as ``<key>-<label>.mcap``; what is there already is kept.

    Args:
        campaigns: by key: an episode that says station, policy, setting and perturbation, and the
            records of all that were run.
        folder: where files go; made if missing.
        executor: its workers record.
        labels: which ones.
        on_done: called after each.

    Raises:
        RecordingError: the folder or a file cannot be written.
    """
    make_folder(folder)
    found: list[Highlight] = []

    def keep(work: _Work, again: EpisodeRecord) -> None:
        found.append(
            Highlight(work.episode.policy, work.label, work.record, work.file, again == work.record)
        )
        on_done()

    executor.run(_work(campaigns, folder, labels), _record, keep, ordered=True)
    return found


def _work(
    campaigns: Mapping[str, tuple[Episode, Sequence[EpisodeRecord]]],
    folder: Path,
    labels: Sequence[str],
) -> Iterator[_Work]:
    for key, (like, records) in campaigns.items():
        for label, record in highlights(records, labels).items():
            episode = Episode(
                like.env_id, like.policy, like.setting, record.seed, record.rack_id, record.slot,
                like.perturbation,
            )  # fmt: skip
            yield _Work(label, episode, record, folder / f"{key}-{label}{SUFFIX}")


def _record(work: _Work) -> EpisodeRecord:
    return work.record if _is_there(work) else record_file(work.episode, work.file)


def _is_there(work: _Work) -> bool:
    """Tell whether the file is this episode, whole, of this policy and code, and ends the same."""
    if not work.file.exists():
        return False
    try:
        there = read_recording(work.file)
    except RecordingError:
        return False
    header = there.header
    return (
        there.cut is None
        and (header.seed, header.rack, header.slot)
        == (work.record.seed, work.record.rack_id, work.record.slot)
        and header.policy_digest == policy_digest(work.episode.policy)
        and header.code == code_digest(work.episode.env_id)
        and there.steps.hashes[-1:] == (work.record.state_hash,)
    )
