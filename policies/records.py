"""The record of one operation: what a rollout writes, a card summarises and the bridge reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from configs.errors import RunFolderError
from envs.outcome import SUCCESSES, OutcomeClass

LOCK = ".lock"
"""File that keeps a second process out of a run folder; nothing stands in it."""


@dataclass(frozen=True)
class EpisodeRecord:
    """One operation of one policy at one station.

    Attributes:
        seed: campaign seed ``s``; visit stream (s, rack_id), part and step streams (s, rack, slot).
        rack_id: rack visit the part belongs to.
        slot: position of the part within the rack.
        part: name of the part, e.g. ``"compute"``.
        outcome: class of the operation, see `envs.outcome`.
        true_state: where the part truly ended, see `envs.outcome.TrueState`.
        sensor_pass: what the cell's own sensors say.
        attempts: entries into the mouth.
        assisted: a protective stop or an abort handed the part to a person.
        timed_out: the time limit of align + insert ran out.
        void: penetration exceeded the station's limit.
        cycle_time_s: the whole robot cycle, pick to retract; time of people is not in it.
        contact_time_s: time in align + insert.
        max_windowed_force_n: largest lateral contact force, mean over windows of 1/60 s.
        max_windowed_axial_n: largest axial contact force before the levers, same windows.
        penetration_m: deepest penetration of the contact phase.
        short_m: distance short of full mate at the end.
        state_hash: hash of the last simulated state, to prove a replay.
    """

    seed: int
    rack_id: int
    slot: int
    part: str
    outcome: OutcomeClass
    true_state: str
    sensor_pass: bool
    attempts: int
    assisted: bool
    timed_out: bool
    void: bool
    cycle_time_s: float
    contact_time_s: float
    max_windowed_force_n: float
    max_windowed_axial_n: float
    penetration_m: float
    short_m: float
    state_hash: str

    @property
    def success(self) -> bool:
        """Seated without anybody's help (ok or retried)."""
        return self.outcome in SUCCESSES

    def to_json(self) -> str:
        """Return the record as one line of JSON, ``success`` included for the reader."""
        return json.dumps({**asdict(self), "success": self.success})


def parse_record(line: str) -> EpisodeRecord:
    """Return the record of one JSON line; raise `ValueError`, `KeyError` or `TypeError` if cut."""
    data = json.loads(line)
    data.pop("success")
    return EpisodeRecord(**{**data, "outcome": OutcomeClass(data["outcome"])})


def append_records(path: Path, records: Iterable[EpisodeRecord]) -> None:
    """Append records as JSON lines, flushed one by one: a kill cuts the last at most."""
    with path.open("a", encoding="utf-8") as file:
        for record in records:
            file.write(record.to_json() + "\n")
            file.flush()


def heal(path: Path) -> Path:
    """Cut an unfinished last line off, so that the next append starts on a line of its own."""
    if path.exists():
        with path.open("rb+") as stream:
            text = stream.read()
            whole = text.rfind(b"\n") + 1
            if whole != len(text):
                stream.truncate(whole)
    return path


def read_records(path: Path) -> Iterator[EpisodeRecord]:
    """Yield the records of a JSON-lines file, ignoring a last line that a kill cut short.

    Raises:
        RunFolderError: a line other than the last is damaged.
    """
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            yield parse_record(line)
        except (ValueError, KeyError, TypeError):
            if number == len(lines):  # no newline behind it: the write was cut
                return
            raise RunFolderError(
                f"{path}:{number}: record is damaged; delete this line, its episode is run again"
            ) from None


def resume_records(path: Path, seeds: Sequence[int]) -> list[EpisodeRecord]:
    """Return what a campaign that appends its records in the order of seeds has done already.

    Args:
        path: JSON lines, made ready for the next append; may be missing.
        seeds: of the campaign.

    Raises:
        RunFolderError: a record is damaged, or the file is of other seeds.
    """
    records = list(islice(read_records(heal(path)), len(seeds)))
    if [record.seed for record in records] != list(seeds[: len(records)]):
        raise RunFolderError(f"{path}: holds other seeds; delete it, its episodes are run again")
    return records
