"""What independent episodes come to, as the rows of a bundle's card and of training curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.outcome import OutcomeClass
from policies.intervals import clopper_pearson_upper, wilson
from policies.records import EpisodeRecord
from policies.tuning import cost_s


def figures(records: Sequence[EpisodeRecord]) -> dict[str, float]:
    """Return shares, times (s) and force (N) of records, as numbers."""
    return {
        "success": float(np.mean([r.success for r in records])),
        "damage": float(np.mean([r.outcome is OutcomeClass.DAMAGE for r in records])),
        "assisted": float(np.mean([r.outcome is OutcomeClass.ASSISTED for r in records])),
        "cost_s": cost_s(records),
        "contact_time_s": float(np.mean([r.contact_time_s for r in records])),
        "lateral_force_p95_n": float(np.percentile([r.max_windowed_force_n for r in records], 95)),
    }


def result_of(records: Sequence[EpisodeRecord], seeds: str) -> dict[str, Any]:
    """Return the row of a card, as in its YAML."""
    units = {"cost_s": "s", "contact_time_s": "s", "lateral_force_p95_n": "N"}
    n, success = len(records), wilson(sum(r.success for r in records), len(records))
    damages = sum(r.outcome is OutcomeClass.DAMAGE for r in records)
    row: dict[str, Any] = {
        "seeds": seeds,
        "episodes": n,
        "success_interval": [float(f"{end:.5g}") for end in (success.low, success.high)],
        "damage_at_most": float(f"{clopper_pearson_upper(damages, n):.5g}"),
    }
    for key, value in figures(records).items():
        unit = units.get(key)
        name = key.removesuffix("_s").removesuffix("_n")
        row[name] = f"{value:.6g} {unit}" if unit else value
    return row
