"""Recorded cycle times by rack and class, drawn from again when the line runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from twin.bridge.posterior import NOT_OK

CLASSES: Final = (OutcomeClass.OK, *NOT_OK)
"""The classes by number: 0 is ok, then as in `NOT_OK`."""

_UNSEEN_QUANTILE: Final = 0.9  # assumed: what went wrong takes long, so a class without a record
# draws from the slowest tenth of all records


class RecordedDurations:
    """Cycle times of one campaign, void operations left out, as one flat pool with an index.

    A visit picks one recorded rack and draws within it, so that what a rack's operations share
    (its dock pose, its friction) stays shared; a class that rack never saw is drawn from all
    racks, and a class nobody saw from the slowest tenth of all operations.

    Args:
        records: the campaign; at least one operation is not void.
    """

    def __init__(self, records: Sequence[EpisodeRecord]) -> None:
        valid = [record for record in records if record.outcome is not OutcomeClass.VOID]
        racks = sorted({record.rack_id for record in valid})
        row = {rack: number for number, rack in enumerate(racks)}
        cells: dict[tuple[int, int], list[float]] = {}
        for record in valid:
            key = (row[record.rack_id], CLASSES.index(record.outcome))
            cells.setdefault(key, []).append(record.cycle_time_s)
        pool: list[float] = []
        starts = np.zeros((len(racks), len(CLASSES)), dtype=np.int64)
        sizes = np.zeros_like(starts)
        slow = _slowest([record.cycle_time_s for record in valid])
        for number in range(len(CLASSES)):
            whole = sorted(t for (_, c), ts in cells.items() if c == number for t in ts) or slow
            fallback, count = len(pool), len(whole)
            pool += whole
            for rack in range(len(racks)):
                own = sorted(cells.get((rack, number), []))
                starts[rack, number] = len(pool) if own else fallback
                sizes[rack, number] = len(own) or count
                pool += own
        self._pool, self._starts, self._sizes = np.array(pool), starts, sizes

    @property
    def racks(self) -> int:
        """How many recorded racks there are to pick from."""
        return len(self._starts)

    def draw(
        self, rack: int, classes: NDArray[np.intp], uniforms: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a recorded duration in seconds for each operation, shape (n,).

        Args:
            rack: number of the recorded rack to draw within.
            classes: class numbers (index into `CLASSES`), shape (n,).
            uniforms: one draw in (0, 1) for each operation, shape (n,).
        """
        sizes = self._sizes[rack, classes]
        chosen: NDArray[np.float64] = self._pool[
            self._starts[rack, classes] + (uniforms * sizes).astype(np.int64)
        ]
        return chosen


def _slowest(times: list[float]) -> list[float]:
    limit = np.quantile(times, _UNSEEN_QUANTILE)
    return sorted(time for time in times if time >= limit)
