"""What the station's committed convergence result says about the physics behind the episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from configs.errors import ConfigError
from configs.specs.base import spec_hash
from configs.specs.station import StationSpec
from envs import registry
from policies.convergence import result_path
from twin.evaluation.words import number, percent

_STIFFER = "4 x stiffness, 4 x rate"  # stiffer contact needs a finer rate: at 4 x both converge


def physics_statement(
    env_id: str,
    station: StationSpec,
    setting: str | None = None,
    bearable_damage: float | None = None,
) -> str:
    """Return what reports and cards say on whether the physics is converged, and what it assumes.

    Args:
        env_id: id of the station's environment.
        station: the station as it is used.
        setting: the setting it is used at; by default the station's own.
        bearable_damage: share of the operations that may end in damage before the line no longer
            holds takt (`twin.evaluation.before.EpisodeNeed`); ``None`` where no line is judged.

    Raises:
        ConfigError: the committed result cannot be read.
    """
    card = _result(env_id)
    if card is None:
        return (
            f"Physics not converged: no convergence result is shipped for {station.id}, so "
            f"nothing shows that a finer simulation would give the same answers."
        )
    if card.measured_on != spec_hash(station):
        return (
            f"Physics not converged: the station was changed since its convergence was measured "
            f"(rackline converge {env_id})."
        )
    asked = setting or station.default_setting
    if card.setting != asked:
        return (
            f"Physics not converged: that was measured at setting “{card.setting}”, and nothing "
            f"shows it for “{asked}”."
        )
    said = f"Physics not converged at {card.rate_hz:g} Hz: {'; '.join(card.failures)}."
    if card.converged:
        said = (
            f"The physics is converged: {card.seeds} operations of {card.policy} at setting "
            f"“{asked}” gave the same answers at 2 and 4 times its {card.rate_hz:g} Hz."
        )
    sensitivity = _sensitivity(card.base, card.stiffer, len(station.slots))
    return f"{said} {sensitivity}{_consequence(card.base, card.stiffer, bearable_damage)}"


def damage_if_stiffer(env_id: str, station: StationSpec, setting: str) -> tuple[str, float] | None:
    """Return the share of operations that damage the part where contact is 4 times as stiff.

    With the policy that it was measured with; ``None`` where no result is shipped for the station
    as it is.

    Raises:
        ConfigError: the committed result cannot be read.
    """
    card = _result(env_id)
    if card is None or (card.measured_on, card.setting) != (spec_hash(station), setting):
        return None
    return card.policy, card.stiffer["damage"]


@dataclass(frozen=True)
class _Result:
    """What a committed convergence result says."""

    converged: bool
    rate_hz: float
    measured_on: str
    failures: list[str]
    base: Mapping[str, float]
    stiffer: Mapping[str, float]
    policy: str
    setting: str
    seeds: int


def _result(env_id: str) -> _Result | None:
    """Return a station's committed result, ``None`` where there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    path = result_path(registry.station(env_id))
    if not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        base, stiffer = _stiffness_rows(card["rows"])
        return _Result(
            converged=bool(card["converged"]),
            rate_hz=float(card["rate_hz"]),
            measured_on=str(card["spec_hash"]),
            failures=[str(text) for text in card["failures"]],
            base=base,
            stiffer=stiffer,
            policy=str(card["policy"]),
            setting=str(card["setting"]),
            seeds=int(card["seeds"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        remedy = f"write it again: rackline converge {env_id} --save"
        raise ConfigError(f"{path}:1", "file", None, "is damaged", remedy) from None


def _stiffness_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return success and damage of the station as it is, and with contact 4 times as stiff.

    Raises:
        IndexError, KeyError, TypeError, ValueError: the card does not hold them.
    """
    stiffer = next((row for row in rows if row["variant"] == _STIFFER), None)
    if stiffer is None:
        raise KeyError(_STIFFER)
    base, other = (
        {key: float(row[key]) for key in ("success", "damage")} for row in (rows[0], stiffer)
    )
    return base, other


def _sensitivity(base: Mapping[str, float], stiffer: Mapping[str, float], operations: int) -> str:
    """Say what stiffer contact does: stiffness is a parameter of the model, which nobody measured.

    Args:
        base: shares at the station as it is.
        stiffer: shares with contact 4 times as stiff.
        operations: operations of one rack.
    """
    return (
        f"How stiff part and rack are where they touch was assumed, not measured. Were they 4 "
        f"times as stiff, {percent(stiffer['success'])} of these operations would succeed instead "
        f"of {percent(base['success'])}, and {percent(stiffer['damage'])} would damage the part "
        f"instead of {percent(base['damage'])}: {number(operations * stiffer['damage'], 1)} "
        f"damaged parts a rack of {operations}."
    )


def _consequence(
    base: Mapping[str, float], stiffer: Mapping[str, float], bearable: float | None
) -> str:
    """Say what that would do to the answer: damage is what a stiffer contact does most."""
    if bearable is None or stiffer["damage"] <= base["damage"]:
        return ""
    limit = f" The line can bear damage in at most about {percent(bearable, 2)} of the operations"
    if stiffer["damage"] <= bearable:
        # On average the cell keeps up; a line that waits and varies needs more room than that.
        return f"{limit}, and racks wait before that: whether a yes would stay one is not shown."
    return f"{limit}: a yes would become a no. Measure the stiffness before you rely on a yes."
