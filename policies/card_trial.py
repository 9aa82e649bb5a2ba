"""What a policy has to reach at a station, read from a file and checked against what there is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from configs.errors import UnknownNameError
from configs.specs.bars import TrialSpec
from configs.specs.base import error_at, load_spec, resolve_path
from configs.specs.card import Card
from envs.registry import StationEntry, station, stations
from policies.bundle import reference


def load_trial(name_or_path: str | Path, home: StationEntry) -> TrialSpec:
    """Return the trial of a shipped name or a path.

    Args:
        name_or_path: of `configs/bars`, or a file of one's own.
        home: the station that a policy is tried at.

    Raises:
        ConfigError: naming file and line; also for a station that is not here, is the one itself,
            or does other work.
        UnknownNameError: neither a file nor a shipped name.
    """
    path = resolve_path("bars", name_or_path)
    trial, wrong = load_spec(TrialSpec, path), partial(error_at, path, folder=TrialSpec.folder)
    for n, name in enumerate(trial.stations):
        at = ("stations", n)
        try:
            other = station(name)
        except UnknownNameError as error:
            problem, _, remedy = str(error).partition("; ")
            raise wrong(at, f"is an {problem}", remedy) from None
        if other is home:
            raise wrong(at, "is the station itself", "leave it out")
        if other.spec.id != home.spec.id:
            raise wrong(at, f"does other work than {home.env_id}", "name one with the same id")
    return trial


def home_of(card: Card) -> StationEntry | None:
    """Return the station that a policy was trained at, None where that is none of ours.

    A bundle that was exported says what the station was, not which: the one with the same data, or
    the first with the same id and table of observations, for data may have changed since.
    """
    if card.training is not None:
        return station(card.training.env)
    made = card.station
    if made is None:
        return None
    known = [entry for entry in stations() if entry.spec.id == made.id]
    here = [(entry, reference(entry.spec, made.setting)) for entry in known]
    same = [entry for entry, it in here if it.spec_hash == made.spec_hash]
    alike = [entry for entry, it in here if it.table_hash == made.table_hash]
    return next(iter([*same, *alike]), None)


def bars_of(entry: StationEntry) -> str:
    """Return the name that a station's bars are shipped by, "" for one of somebody's own."""
    return entry.stem if entry.env_id.startswith("rackline/") else ""


def trial_of(entry: StationEntry) -> TrialSpec | None:
    """Return the trial that is shipped for a station, None where there is none.

    Raises:
        ConfigError: see `load_trial`.
    """
    name = bars_of(entry)
    try:
        return load_trial(name, entry) if name else None
    except UnknownNameError:
        return None
