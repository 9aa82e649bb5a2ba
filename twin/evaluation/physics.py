"""What the station's committed convergence result says about the physics behind the episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from configs.errors import ConfigError
from configs.specs.base import spec_hash
from configs.specs.station import StationSpec
from envs import registry
from policies.convergence import result_path
from twin.evaluation.words import percent

_STIFFER = "4 x stiffness"


def physics_statement(env_id: str, station: StationSpec) -> str:
    """Return what reports and cards say on whether the physics is converged.

    Raises:
        ConfigError: the committed result cannot be read.
    """
    path = result_path(registry.station(env_id).config)
    if not path.is_file():
        return (
            f"Physics not converged: no convergence result is shipped for {station.id}, so "
            f"nothing shows that a finer simulation would give the same answers."
        )
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        converged, rate_hz = bool(card["converged"]), float(card["rate_hz"])
        measured_on, failures = str(card["spec_hash"]), [str(text) for text in card["failures"]]
        sensitivity = _sensitivity(card["rows"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        remedy = f"write it again: rackline converge {env_id} --save"
        raise ConfigError(f"{path}:1", "file", None, "is damaged", remedy) from None
    if measured_on != spec_hash(station):
        return (
            f"Physics not converged: the station was changed since its convergence was measured "
            f"(rackline converge {env_id})."
        )
    if not converged:
        return f"Physics not converged at {rate_hz:g} Hz: {'; '.join(failures)}."
    return (
        f"The physics is converged: {card['seeds']} operations at 2 and 4 times its {rate_hz:g} Hz "
        f"gave the same answers.{sensitivity}"
    )


def _sensitivity(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what stiffer contact does: stiffness is a parameter of the model, which nobody measured.

    Args:
        rows: the card's rows, the station as it is first.
    """
    stiffer = next((row for row in rows if row["variant"] == _STIFFER), None)
    if stiffer is None:
        return ""
    base = rows[0]
    return (
        f" With contact 4 times as stiff (assumed, not measured) {percent(stiffer['success'])} "
        f"succeed instead of {percent(base['success'])}, and {percent(stiffer['damage'])} are "
        f"damaged instead of {percent(base['damage'])}."
    )
