"""Training files, with what they name checked against stations and scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from configs.errors import ConfigError, UnknownNameError, suggest
from configs.specs.base import error_at, load_spec, resolve_path
from configs.specs.training import BeginSpec, RangeSpec, TrainingSpec, ZonesSpec
from envs.observation import Field, mirror
from envs.registry import station, station_of
from policies.scripted.registry import script, scripts

_Place: TypeAlias = tuple[str | int, ...]


def load_training(name_or_path: str) -> TrainingSpec:
    """Return a shipped training or that of a path, with what it names checked.

    Raises:
        ConfigError: naming file and line; also for a station, setting, entry of the observation or
            script that is not here.
    """
    path = resolve_path("training", name_or_path)
    spec = load_spec(TrainingSpec, path)
    try:
        place = station(spec.env).spec
    except UnknownNameError as error:
        raise _wrong(path, ("env",), *_problem(error)) from None
    if spec.setting not in place.settings:
        remedy = suggest(spec.setting, place.settings)
        raise _wrong(path, ("setting",), "is not a setting of the station", remedy)
    fields = {field.name: field for field in station_of(place).fields}
    for at, where in _observed(spec):
        if where.field not in fields:
            raise _wrong(path, (*at, "field"), "is not observed", suggest(where.field, fields))
        _check_reached(path, at, where, fields[where.field])
    _check_zones(path, spec)
    _check_base(path, spec)
    return spec


def _observed(spec: TrainingSpec) -> Iterator[tuple[_Place, ZonesSpec | BeginSpec | RangeSpec]]:
    """Yield all that names an entry of the observation, and where it stands."""
    composition = spec.composition
    for n, zones in enumerate(composition.zones):
        yield ("composition", "zones", n), zones
    for name in ("begin", "within", "slow"):
        where = getattr(composition, name)
        if where is not None:
            yield ("composition", name), where
    for n, slow in enumerate(spec.selection.slow):
        yield ("selection", "slow", n), slow


def _check_reached(
    path: Path, at: _Place, where: ZonesSpec | BeginSpec | RangeSpec, field: Field
) -> None:
    most = field.most
    match where:
        case BeginSpec(above=low):
            key, reached = "above", low < most
        case RangeSpec(between=(low, high)):
            key, reached = "between", low <= most and high > -most
        case _:
            return
    if not reached:
        raise _wrong(
            path, (*at, key),
            f"is never reached: {field.name} is observed from {-most:g} to {most:g}",
            "write a value within",
        )  # fmt: skip


def _check_zones(path: Path, spec: TrainingSpec) -> None:
    both_sides = spec.composition.mirror and spec.on_policy is not None
    for n, zones in enumerate(spec.composition.zones):
        if both_sides and mirror([zones.field])[0] < 0:
            raise _wrong(
                path, ("composition", "zones", n, "field"),
                "has a side, and PPO learns both at once",
                "take the zones of this entry out, or `mirror`",
            )  # fmt: skip


def _check_base(path: Path, spec: TrainingSpec) -> None:
    base, at = spec.composition.base, ("composition", "base")
    if base is None:
        return
    try:
        entry = script(base)  # one's own is known once its module is imported
    except UnknownNameError as error:
        raise _wrong(path, at, *_problem(error)) from None
    known = [f"{entry.name}@{entry.version}" for entry in scripts()]
    if entry is None or base not in known:
        raise _wrong(path, at, "is no script with its version", suggest(base, known))
    place = station(spec.env).spec
    if not isinstance(place, entry.station):
        able = ", ".join(f"{one.name}@{one.version}" for one in scripts(place)) or "none is there"
        raise _wrong(path, at, f"does other work than {spec.env}'s", f"scripts that can: {able}")


def _wrong(path: Path, at: _Place, problem: str, remedy: str) -> ConfigError:
    return error_at(path, at, problem, remedy, TrainingSpec.folder)


def _problem(error: UnknownNameError) -> tuple[str, str]:
    problem, _, remedy = str(error).partition("; ")
    return problem, remedy
