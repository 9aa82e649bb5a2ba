"""Line replications of an evaluation: cases, run in parallel, each kept in the run folder.

All cases share the line's seed: replication r of one case and of another meet the same racks, stops
and repairs (common random numbers), so that differences are taken pair by pair. A policy's case has
two runs in each replication, one for each of two posterior draws; run k of it is paired with
replication k // 2 of a line without a policy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.specs.evaluation import LineRuns
from policies.executor import Executor
from twin.evaluation.progress import Progress
from twin.evaluation.runfolder import RunFolder
from twin.kpi.line_kpis import replication_kpis, time_series
from twin.line.ledger import Ledger
from twin.line.model import LineModel
from twin.line.process import ProcessModel
from twin.line.reference import DAY_S
from twin.line.study import Replication

Floats = NDArray[np.float64]

_FORMAT = 3  # of the cached values; raised when their meaning changes


class Source(Protocol):
    """Gives a station's process model for a replication; pure, so a digest stands for it."""

    def replicate(self, seed: int, replication: int, *, draw: int | None = None) -> ProcessModel:
        """Return the process model of one replication under posterior draw ``draw``."""
        ...


@dataclass(frozen=True)
class LineCase:
    """One line to be run in several replications.

    Attributes:
        name: unique within the evaluation, for messages.
        model: the line, attachment and takt included.
        sources: by attached station, what gives its process model of each replication; empty with
            the table alone.
        digest: identifies the content of ``sources``.
        replications: line replication of each run, where run k takes posterior draw k; ``None``
            where nothing is drawn, and run k is replication k (see `twin.kpi.nested`).
    """

    name: str
    model: LineModel
    sources: Mapping[str, Source] = field(default_factory=dict)
    digest: str = ""
    replications: tuple[int, ...] | None = None

    @property
    def source(self) -> Source | None:
        """The source of the first attached station: of a line with one cell, the only one."""
        return next(iter(self.sources.values()), None)

    def replication_of(self, run: int) -> int:
        """Return the line replication in which a run happens."""
        return self.replications[run] if self.replications else run

    @cached_property
    def identity(self) -> str:
        """Hash of everything but seed, replication and horizon."""
        content = [
            self.model.spec.model_dump_json(by_alias=True),
            sorted(self.model.attached.items()),
            self.digest,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class LineItem:
    """One replication of one case: all that a worker needs."""

    case: str
    key: str
    replication: Replication
    detail: bool

    def __str__(self) -> str:
        return f"line '{self.case}', replication {self.replication.number}"


def run_item(item: LineItem) -> dict[str, Any]:
    """Return the KPIs of one replication, and with ``detail`` what charts need."""
    ledger = item.replication.ledger()
    values: dict[str, Any] = {"kpis": replication_kpis(ledger)}
    if item.detail:
        values["detail"] = _detail(ledger)
    return values


def _detail(ledger: Ledger) -> dict[str, Any]:
    series = time_series(ledger)
    shipped = ledger.units[ledger.in_window(ledger.units["shipped_s"])]
    lead_h = (shipped["shipped_s"] - shipped["entered_s"]) / 3600.0
    return {
        "day": series.day.tolist(),
        "shipped": series.shipped.tolist(),
        "wip": np.round(series.wip, 2).tolist(),
        "lead_h": np.round(lead_h, 2).tolist(),
    }


class Lines:
    """Runs cases and remembers their values, in this process and in the run folder.

    Args:
        folder: the run folder.
        executor: does the work.
        progress: is told.
        runs: how long a replication is, and the seed of the line.
    """

    def __init__(
        self,
        folder: RunFolder,
        executor: Executor,
        progress: Progress,
        runs: LineRuns,
    ) -> None:
        self._folder, self._executor, self._progress = folder, executor, progress
        self._seed = runs.seed
        self._days, self._warmup_days = runs.horizon_s / DAY_S, runs.warmup_s / DAY_S
        self._values = folder.line_records()
        self.made = 0
        """Replications run by this object, found ones left out."""

    def run(
        self, title: str, wanted: Iterable[tuple[LineCase, int]], *, detail: bool = False
    ) -> None:
        """Make sure that replications 0 … n - 1 of every (case, n) are there."""
        missing: dict[str, LineItem] = {}
        total = 0
        for case, count in wanted:
            for replication in range(count):
                key = self._key(case, replication)
                held = self._values.get(key)
                total += 1
                if held is None or (detail and "detail" not in held):
                    missing.setdefault(key, self._item(case, replication, detail))
        if not missing:
            return
        self._progress.begin(title, total, total - len(missing))
        with self._folder.line_writer() as write:

            def keep(item: LineItem, values: dict[str, Any]) -> None:
                write(item.key, values)
                self._values[item.key] = values
                self.made += 1
                self._progress.advance()

            self._executor.run(missing.values(), run_item, keep)
        self._progress.end()

    def kpi(self, case: LineCase, name: str, count: int) -> Floats:
        """Return a KPI of the first ``count`` replications of a case already run."""
        return np.array(
            [self._values[self._key(case, r)]["kpis"][name] for r in range(count)], dtype=float
        )

    def detail(self, case: LineCase, count: int) -> Sequence[Mapping[str, list[float]]]:
        """Return what charts need of the first ``count`` replications."""
        return [self._values[self._key(case, r)]["detail"] for r in range(count)]

    def _key(self, case: LineCase, run: int) -> str:
        draw = run if case.replications else ""
        return (
            f"{_FORMAT}-{case.identity}-s{self._seed}-r{case.replication_of(run)}-d{draw}"
            f"-{self._days:g}-{self._warmup_days:g}"
        )

    def _item(self, case: LineCase, run: int, detail: bool) -> LineItem:
        draw = run if case.replications else None
        processes = {
            station: source.replicate(self._seed, case.replication_of(run), draw=draw)
            for station, source in case.sources.items()
        }
        replication = Replication(
            case.model,
            self._seed,
            case.replication_of(run),
            self._days,
            self._warmup_days,
            processes,
        )
        return LineItem(case.name, self._key(case, run), replication, detail)


def variance_reduction(ours: Floats, theirs: Floats) -> float:
    """Return var(independent difference) / var(paired difference); nan where nothing varies."""
    paired = float((ours - theirs).var(ddof=1))
    independent = float(ours.var(ddof=1) + theirs.var(ddof=1))
    return independent / paired if paired > 0 else float("nan")
