"""Recorded cycle times by rack and class, drawn from again when the line runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from twin.bridge.counts import NOT_OK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLASSES: Final = (OutcomeClass.OK, *NOT_OK)
"""The classes by number: 0 is ok, then as in `NOT_OK`."""

_UNSEEN_QUANTILE: Final = 0.9  # assumed: what went wrong takes long, so a class without a record
# draws from the slowest tenth of all records


class RecordedDurations:
    """Cycle times of one campaign, void operations left out.

    A visit picks one recorded rack and draws within it, so that what a rack's operations share
    (its dock pose, its friction) stays shared; a class that rack never saw is drawn from all
    racks, and a class nobody saw from the slowest tenth of all operations.

    Args:
        records: the campaign; at least one operation is not void.
    """

    def __init__(self, records: Sequence[EpisodeRecord]) -> None:
        valid = [record for record in records if record.outcome is not OutcomeClass.VOID]
        times = np.array([record.cycle_time_s for record in valid])
        kinds = np.array([CLASSES.index(record.outcome) for record in valid])
        names, racks = np.unique([record.rack_id for record in valid], return_inverse=True)
        self.racks = len(names)
        """How many recorded racks there are to pick from."""
        own = np.lexsort((times, kinds, racks))
        self._own_s = times[own]
        cell = racks * len(CLASSES) + kinds
        self._sizes = np.bincount(cell, minlength=self.racks * len(CLASSES))
        self._starts = np.cumsum(self._sizes) - self._sizes
        slow = np.flatnonzero(times >= np.quantile(times, _UNSEEN_QUANTILE))
        pools = []
        for number in range(len(CLASSES)):
            pool = np.flatnonzero(kinds == number)
            pool = pool if len(pool) else slow
            pools.append(pool[np.argsort(times[pool])])
        shared = np.concatenate(pools)
        self._shared_s, self._shared_racks = times[shared], racks[shared]
        self._ends = np.cumsum([len(pool) for pool in pools])

    def weighted(self, weights: Floats | None = None) -> WeightedDurations:
        """Return these durations with a weight on each recorded rack.

        Few racks say little about the mean duration. Weights that differ between posterior draws
        carry that (the Bayesian bootstrap: Rubin, "The Bayesian bootstrap", Annals of Statistics
        9, 1981: standard exponential weights).

        Args:
            weights: positive, of any sum, shape (racks,); None: all equal.
        """
        if weights is None:
            weights = np.ones(self.racks)
        levels = []
        for number, pool in enumerate(np.split(weights[self._shared_racks], self._ends[:-1])):
            total = np.cumsum(pool)
            levels.append(number + total / total[-1])
        rack = np.cumsum(weights)
        return WeightedDurations(
            rack / rack[-1],
            np.concatenate(levels),
            self._shared_s,
            self._own_s,
            self._starts,
            self._sizes,
        )


@dataclass(frozen=True)
class WeightedDurations:
    """Recorded durations whose racks have weights, to be drawn from; by `RecordedDurations`."""

    _rack_cdf: Floats  # (racks,)
    _shared_cdf: Floats  # of the pools of all racks, one class behind the other: in [c, c + 1]
    _shared_s: Floats
    _own_s: Floats  # by rack and class
    _starts: Ints  # (racks · classes,)
    _sizes: Ints

    def draw(self, luck: Floats, classes: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Return a recorded duration in seconds for each operation, shape (visits, n).

        Args:
            luck: uniform in (0, 1) of each visit that picks its recorded rack, shape (visits,).
            classes: class numbers (index into `CLASSES`), shape (visits, n).
            uniforms: one draw in (0, 1) for each operation, shape (visits, n).
        """
        cells = self._rack_cdf.searchsorted(luck)[:, None] * len(CLASSES) + classes
        sizes = self._sizes[cells]
        unseen = sizes == 0
        # Without a record of its own the sum may point behind the end: it is overwritten below.
        own = np.minimum(self._starts[cells] + (uniforms * sizes).astype(int), len(self._own_s) - 1)
        drawn: Floats = self._own_s[own]
        levels = classes[unseen] + uniforms[unseen]
        drawn[unseen] = self._shared_s[self._shared_cdf.searchsorted(levels)]
        return drawn
