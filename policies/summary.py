"""What a policy's independent episodes come to: shares with intervals, times, forces.

One part a rack visit, so that episodes are independent and Wilson's interval holds.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from envs.outcome import OutcomeClass
from policies.intervals import Interval, paired_t, wilson
from policies.records import EpisodeRecord


@dataclass(frozen=True)
class Spread:
    """Mean and 95th percentile of a quantity over all operations."""

    mean: float
    p95: float


@dataclass(frozen=True)
class Summary:
    """What one policy's episodes came to.

    Attributes:
        episodes: number of operations, those of every class; each share is over all of them.
        success: share of ok and retried, with its 95 % interval (Wilson).
        outcomes: operations of each class.
        cycle_time_s: whole robot cycle, pick to retract; time of people is not in it.
        contact_time_s: time in align + insert.
        windowed_force_n: largest windowed lateral force of each operation.
        windowed_axial_n: largest windowed axial force before the levers of each operation.
        penetration_max_m: deepest penetration of all.
    """

    episodes: int
    success: Interval
    outcomes: Mapping[OutcomeClass, int]
    cycle_time_s: Spread
    contact_time_s: Spread
    windowed_force_n: Spread
    windowed_axial_n: Spread
    penetration_max_m: float

    def share(self, outcome: OutcomeClass) -> float:
        """Return the share of operations that ended in ``outcome``."""
        return self.outcomes[outcome] / self.episodes

    def as_data(self) -> dict[str, Any]:
        """Return the summary as plain data for JSON."""
        outcomes = {outcome.value: count for outcome, count in self.outcomes.items()}
        return asdict(self) | {"outcomes": outcomes}


@dataclass(frozen=True)
class Difference:
    """One policy against another on the same operations.

    Attributes:
        operations: how many both have done.
        gained: operations that succeeded here and not there.
        lost: operations that succeeded there and not here.
        cycle_time_s: mean difference, here minus there, with its 95 % interval (paired t).
        windowed_force_n: the same for the largest windowed lateral force.
    """

    operations: int
    gained: int
    lost: int
    cycle_time_s: Interval
    windowed_force_n: Interval

    def as_data(self) -> dict[str, Any]:
        """Return the difference as plain data for JSON."""
        return asdict(self)


def summarise(records: Sequence[EpisodeRecord]) -> Summary:
    """Return the summary of one policy's records, of which there is at least one."""

    def spread(of: Callable[[EpisodeRecord], float]) -> Spread:
        values = [of(record) for record in records]
        return Spread(statistics.fmean(values), float(np.percentile(values, 95)))

    return Summary(
        episodes=len(records),
        success=wilson(sum(record.success for record in records), len(records)),
        outcomes={o: sum(record.outcome is o for record in records) for o in OutcomeClass},
        cycle_time_s=spread(lambda r: r.cycle_time_s),
        contact_time_s=spread(lambda r: r.contact_time_s),
        windowed_force_n=spread(lambda r: r.max_windowed_force_n),
        windowed_axial_n=spread(lambda r: r.max_windowed_axial_n),
        penetration_max_m=max(record.penetration_m for record in records),
    )


def compare(ours: Sequence[EpisodeRecord], theirs: Sequence[EpisodeRecord]) -> Difference:
    """Return ours against theirs over the operations that both have done.

    Raises:
        ValueError: fewer than two operations are common to both.
    """
    other = {(r.seed, r.rack_id, r.slot): r for r in theirs}
    keys = [(r.seed, r.rack_id, r.slot) for r in ours]
    pairs = [(r, other[key]) for r, key in zip(ours, keys, strict=True) if key in other]

    def difference(of: Callable[[EpisodeRecord], float]) -> Interval:
        return paired_t([of(a) for a, _ in pairs], [of(b) for _, b in pairs])

    return Difference(
        operations=len(pairs),
        gained=sum(a.success and not b.success for a, b in pairs),
        lost=sum(b.success and not a.success for a, b in pairs),
        cycle_time_s=difference(lambda r: r.cycle_time_s),
        windowed_force_n=difference(lambda r: r.max_windowed_force_n),
    )
