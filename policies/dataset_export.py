"""Recordings exported as a dataset in a format of others: refused whole, or written whole."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from configs.errors import RecordingError
from policies.dataset import Transitions, about, check_one_dataset, transitions, whole_header
from policies.dataset_format import Format, writer_of
from policies.executor import run
from policies.recorder import SUFFIX
from policies.recording_film import require_av


@dataclass
class Exported:
    """What was exported: how many episodes and steps, and how many ended in success."""

    episodes: int = 0
    steps: int = 0
    successes: int = 0


def recordings(named: Sequence[Path]) -> list[Path]:
    """Return the recordings that are named, those of a named folder in the order of their names.

    Raises:
        RecordingError: a folder without a recording.
    """
    found: list[Path] = []
    for path in named:
        inside = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise RecordingError(
                f"{path}: is a folder without a {SUFFIX} file; name a folder of rackline rollout "
                f"--record"
            )
        found += inside
    return found


def export(
    files: Sequence[Path],
    form: Format,
    out: Path,
    workers: int = 1,
    film: bool = False,
    on_done: Callable[[], None] = lambda: None,
) -> Exported:
    """Write recordings as one dataset; ``out`` comes to be when all of it is written.

    Args:
        files: recordings of one station; episodes come in this order.
        form: format of the dataset.
        out: folder to be made; its parent is there.
        workers: processes that simulate again; results do not depend on it.
        film: with pictures of the cell, before each action; not of Minari.
        on_done: called behind each episode.

    Raises:
        EnvironmentSetupError: the format's packages are not installed.
        RecordingError: recordings that are no one dataset, or ``out`` cannot be made.
        WorkItemError: a recording is not what happens when it is simulated again.
    """
    make = writer_of(form)
    if film and form is not Format.LEROBOT:
        raise RecordingError(
            f"--format {form}: has no --video; leave it out, or write --format lerobot"
        )
    if film:
        require_av()
    done = Exported()
    with _made(out) as folder:
        headers = [(file, whole_header(file)) for file in files]
        check_one_dataset(headers)
        writer = make(folder, about(headers[0][1]))

        def keep(_: Path, episode: Transitions) -> None:
            writer.add(episode)
            done.episodes += 1
            done.steps += len(episode)
            done.successes += episode.success
            on_done()

        try:
            run(files, functools.partial(transitions, film=film), workers, keep, ordered=True)
            writer.finish()
        finally:
            writer.close()
    return done


@contextmanager
def _made(out: Path) -> Iterator[Path]:
    """Give a folder beside ``out`` with its name, and put it there if the block ends well."""
    if out.exists():
        raise RecordingError(
            f"{out}: is there already, and a dataset is not added to; name another folder"
        )
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as place:
            folder = Path(place) / out.name
            folder.mkdir()
            yield folder
            folder.rename(out)
    except OSError as error:
        raise RecordingError(
            f"{out}: cannot be written ({error.strerror or error}); name another folder"
        ) from None
