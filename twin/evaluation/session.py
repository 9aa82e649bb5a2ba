"""One session of a study: its run folder, workers, episodes and lines, opened and closed as one."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from configs.specs.evaluation import LineStudy
from policies.executor import Executor
from twin.evaluation.cell import Trial
from twin.evaluation.episodes import Episodes
from twin.evaluation.lines import Lines
from twin.evaluation.progress import Progress, Quiet
from twin.evaluation.runfolder import RunFolder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_WALL_CLOCK = frozenset({"episode_s", "minutes", "seconds"})


class Study(Protocol):
    """What is checked and ready to run: an evaluation, or a factory question."""

    @property
    def spec(self) -> LineStudy:
        """Its file."""
        ...

    @property
    def trials(self) -> Sequence[Trial]:
        """Its campaigns."""
        ...

    def resolved(self) -> dict[str, Any]:
        """Return all that its records depend on, as plain data."""
        ...


@dataclass(frozen=True)
class Session:
    """What a study works with.

    Attributes:
        folder: the run folder, held against other processes.
        workers: processes.
        episodes: of all its campaigns.
        lines: their replications.
    """

    folder: RunFolder
    workers: int
    episodes: Episodes
    lines: Lines

    def keep(self, found: DataclassInstance) -> None:
        """Write what was found to ``result.json``."""
        self.folder.write("result.json", _as_json(found))


@contextlib.contextmanager
def open_session(
    study: Study, out: Path, workers: int, progress: Progress | None
) -> Iterator[Session]:
    """Open a study's run folder and start its workers; close both behind the block.

    Args:
        study: the checked study.
        out: run folder; a killed run is resumed there.
        workers: processes; the result does not depend on it.
        progress: told how far it is.

    Raises:
        RunFolderError: the folder holds another study, or cannot be used.
    """
    folder, told = RunFolder(out), progress or Quiet()
    try:
        folder.claim(study.resolved())
        with Executor(workers) as executor:
            yield Session(
                folder,
                workers,
                Episodes(study.trials, folder, executor, told),
                Lines(folder, executor, told, study.spec.line_runs),
            )
    finally:
        folder.close()


def _as_json(found: DataclassInstance) -> str:
    """Return what was found as JSON; wall-clock times are left out, so equal runs are equal.

    What is not known (nan) or has no bound (infinite) is null: JSON has no such numbers.
    """

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items() if k not in _WALL_CLOCK}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if hasattr(value, "model_dump"):
            return value.model_dump(mode="json", by_alias=True)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        return value

    return json.dumps(plain(asdict(found)), indent=1, default=str, allow_nan=False) + "\n"
