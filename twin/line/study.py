"""Replications of one line as independent work items: same numbers with any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from policies.executor import run
from twin.kpi.line_kpis import replication_kpis
from twin.line.ledger import Ledger
from twin.line.model import LineModel
from twin.line.process import ProcessModel
from twin.line.reference import simulate


@dataclass(frozen=True)
class Replication:
    """Everything that one replication of a line needs.

    Attributes:
        line: the line.
        seed: campaign seed.
        number: number of the replication.
        days: measured days, after the warm-up.
        warmup_days: days before the measured window opens.
        processes: process models of attached stations by id, made for this replication.
    """

    line: LineModel = field(repr=False)
    seed: int
    number: int
    days: float
    warmup_days: float
    processes: Mapping[str, ProcessModel] = field(default_factory=dict, repr=False)

    def ledger(self) -> Ledger:
        """Simulate it."""
        return simulate(
            self.line,
            seed=self.seed,
            replication=self.number,
            days=self.days,
            warmup_days=self.warmup_days,
            processes=self.processes,
        )


def kpis_of(item: Replication) -> dict[str, float]:
    """Simulate one replication and return its key figures (see `replication_kpis`)."""
    return replication_kpis(item.ledger())


Columns = dict[str, npt.NDArray[np.float64]]


def replicate(
    line: LineModel,
    *,
    seed: int,
    replications: int | Iterable[int],
    days: float,
    warmup_days: float,
    workers: int = 1,
    on_done: Callable[[], None] | None = None,
) -> Columns:
    """Return every key figure of `replication_kpis` over the replications, each (replications,).

    Args:
        line: the line, with nothing attached.
        seed: campaign seed.
        replications: how many, or which.
        days: measured days of each.
        warmup_days: days before the measured window of each.
        workers: processes; the result does not depend on it.
        on_done: called after each replication, for a progress bar.
    """
    numbers = range(replications) if isinstance(replications, int) else replications
    rows: list[dict[str, float]] = []

    def keep(_: Replication, kpis: dict[str, float]) -> None:
        rows.append(kpis)
        if on_done:
            on_done()

    items = (Replication(line, seed, number, days, warmup_days) for number in numbers)
    run(items, kpis_of, workers, keep, ordered=True)
    return {key: np.array([row[key] for row in rows]) for key in (rows[0] if rows else {})}
