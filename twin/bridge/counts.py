"""The records of one policy as counts a rack: what its outcome rates are fitted to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord

NOT_OK: Final = (
    OutcomeClass.RETRIED,
    OutcomeClass.ASSISTED,
    OutcomeClass.DETECTED,
    OutcomeClass.ESCAPED,
    OutcomeClass.DAMAGE,
)
"""The classes that share the mass of "not ok", mildest first: the order of arrays of classes."""


@dataclass(frozen=True)
class RackCounts:
    """The records of one policy as counts a rack.

    Attributes:
        operations: valid operations of each rack (void ones left out), shape (racks,).
        events: operations of each rack by class in the order of `NOT_OK`, shape (racks, 5).
        void: void operations of the campaign; racks with nothing else are not in the arrays.
    """

    operations: NDArray[np.int64]
    events: NDArray[np.int64]
    void: int

    @classmethod
    def from_records(cls, records: Iterable[EpisodeRecord]) -> Self:
        """Return the counts of a campaign; racks in the order of their ids.

        Raises:
            ValueError: no valid operation among the records.
        """
        rows: dict[int, list[int]] = {}
        void = 0
        for record in records:
            if record.outcome is OutcomeClass.VOID:
                void += 1
                continue
            row = rows.setdefault(record.rack_id, [0] * (1 + len(NOT_OK)))
            row[0] += 1
            if record.outcome is not OutcomeClass.OK:
                row[1 + NOT_OK.index(record.outcome)] += 1
        if not rows:
            raise ValueError("no valid operation among the records")
        table = np.array([rows[rack] for rack in sorted(rows)], dtype=np.int64)
        return cls(table[:, 0], table[:, 1:], void)

    @property
    def not_ok(self) -> NDArray[np.int64]:
        """Operations of each rack that were not ok, shape (racks,)."""
        counts: NDArray[np.int64] = self.events.sum(axis=1)
        return counts

    @property
    def racks(self) -> int:
        """How many racks have a valid operation."""
        return len(self.operations)

    @property
    def total(self) -> int:
        """Valid operations of the campaign."""
        return int(self.operations.sum())

    @property
    def void_share(self) -> float:
        """Void operations over all operations."""
        return self.void / (self.void + self.total)

    def racks_with(self, outcome: OutcomeClass) -> int:
        """Return how many racks saw the class at least once."""
        return int(np.count_nonzero(self.events[:, NOT_OK.index(outcome)]))
