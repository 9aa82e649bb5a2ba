"""What a policy has to reach at a station, read from a file and checked against what there is."""

from __future__ import annotations

from pathlib import Path

from configs.errors import UnknownNameError
from configs.specs.bars import TrialSpec
from configs.specs.base import error_at, load_spec, resolve_path, spec_hash
from configs.specs.card import Card
from envs.registry import StationEntry, station, stations
from policies.scripted.registry import scripts


def load_trial(name_or_path: str | Path, home: StationEntry) -> TrialSpec:
    """Return the trial of a shipped name or a path.

    Args:
        name_or_path: of `configs/bars`, or a file of one's own.
        home: the station that a policy is tried at.

    Raises:
        ConfigError: naming file and line; also for a station that is not here, is the one itself,
            has no setting of its name, or takes other scripts.
        UnknownNameError: neither a file nor a shipped name.
    """
    path = resolve_path("bars", name_or_path)
    trial = load_spec(TrialSpec, path)
    for n, name in enumerate(trial.stations):
        at = ("stations", n)
        try:
            other = station(name)
        except UnknownNameError as error:
            problem, _, remedy = str(error).partition("; ")
            raise error_at(path, at, f"is an {problem}", remedy) from None
        if other is home:
            raise error_at(path, at, "is the station itself", "leave it out")
        if other.spec.id != home.spec.id:
            raise error_at(
                path, at, f"does other work than {home.env_id}", "name one with the same id"
            )
        missing = {entry.name for entry in scripts(home.spec)} - {
            entry.name for entry in scripts(other.spec)
        }
        if missing:
            raise error_at(path, at, f"does not take {', '.join(sorted(missing))}", "leave it out")
    return trial


def home_of(card: Card) -> StationEntry | None:
    """Return the station that a policy was trained at, None where that is none of ours.

    A bundle that was exported says what the station was, not which.
    """
    if card.training is not None:
        return station(card.training.env)
    made = card.station
    alike = [entry for entry in stations() if made is not None and entry.spec.id == made.id]
    same = [entry for entry in alike if made and spec_hash(entry.spec) == made.spec_hash]
    return next(iter(same or alike), None)


def trial_of(entry: StationEntry) -> TrialSpec | None:
    """Return the trial that is shipped for a station, None where there is none.

    Raises:
        ConfigError: see `load_trial`.
    """
    if not entry.env_id.startswith("rackline/"):
        return None
    try:
        return load_trial(entry.stem, entry)
    except UnknownNameError:
        return None
