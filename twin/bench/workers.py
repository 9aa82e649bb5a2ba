"""What a second worker gains: the same episodes with one process and with two."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policies.executor import Executor
from policies.rollout import Episode, run_episode


@dataclass(frozen=True)
class WorkerGain:
    """Episodes a second (wall clock) of each round, with one worker and with two."""

    one: tuple[float, ...]
    two: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median over rounds of two workers over one."""
        return statistics.median(b / a for a, b in zip(self.one, self.two, strict=True))


def measure(episodes: Sequence[Episode], rounds: int, on_round: Callable[[], None]) -> WorkerGain:
    """Run the same episodes in turn with one worker and with two; their start is not counted."""
    with Executor(1) as one, Executor(2) as two:
        for executor in (one, two):  # build every worker's environment first
            _pace(executor, episodes[: 4 * executor.workers])
        paces: dict[Executor, list[float]] = {one: [], two: []}
        for _ in range(rounds):
            for executor, found in paces.items():
                found.append(_pace(executor, episodes))
            on_round()
        return WorkerGain(tuple(paces[one]), tuple(paces[two]))


def _pace(executor: Executor, episodes: Sequence[Episode]) -> float:
    start = time.perf_counter()
    executor.run(episodes, run_episode, lambda *_: None)
    return len(episodes) / (time.perf_counter() - start)
