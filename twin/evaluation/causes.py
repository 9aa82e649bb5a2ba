"""Which outcomes a KPI of the line suffers from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from configs.specs.effects import Effects
from envs.outcome import OutcomeClass

OF_TIME: Final = frozenset(
    {
        "racks_per_day",
        "lead_time_mean_h",
        "lead_time_p95_h",
        "wip_mean",
        "technician_use",
        "racks_per_person_hour",
    }
)
"""KPIs that suffer from the time that a cell takes or waits."""
OF_DEFECTS: Final = frozenset({"rolled_throughput_yield", "bench_use", "escapes_shipped_per_rack"})
"""KPIs that suffer from parts that are not seated and that nobody noticed."""


def lost_s(effects: Effects) -> Mapping[OutcomeClass, float]:
    """Return the mean time that an outcome costs the cell, of those that cost any, in seconds."""
    return {
        OutcomeClass.DAMAGE: effects.damage.mean_s,
        OutcomeClass.ASSISTED: effects.assisted.mean_s,
        OutcomeClass.DETECTED: effects.detected.mean_s,
    }
