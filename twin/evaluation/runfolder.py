"""The run folder: resolved specs, append-only records, seconds by phase; what resume rests on.

::

    runs/tray_cell/
        resolved.yaml           evaluation, line and station with every default filled in
        episodes-x.jsonl        one line an episode, policy x
        episodes-y.jsonl
        lines.jsonl             one line a line replication
        timings.jsonl           one line a phase and session
        pace.json               seconds an episode and a replication, as measured
        result.json             what the report shows
        recordings/             worst, median and best episode of both policies
        replay-worst.html …     their pages, which the report links
        report.html  report.md  junit.xml

Only the parent process writes. A kill cuts the last line at most; the same command goes on behind
the last whole one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from configs.errors import RunFolderError
from policies.records import LOCK, heal

_RESOLVED = "resolved.yaml"
_HEADER = "# Written by rackline: what this folder's records were made from. Do not edit.\n"


class RunFolder:
    """One evaluation's folder, locked against a second process while it is open.

    Args:
        path: the folder; made if missing.

    Raises:
        RunFolderError: it cannot be written, or another process works in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / LOCK).open("w")
        except OSError as error:
            raise RunFolderError(
                f"{path}: cannot be written ({error.strerror}); choose another --out"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise RunFolderError(
                f"{path}: another process is working in this folder; wait for it or choose "
                f"another --out"
            ) from None

    def close(self) -> None:
        """Give the folder free."""
        self._lock.close()

    def claim(self, resolved: Mapping[str, Any]) -> None:
        """Make the folder this evaluation's, or see that it is.

        Args:
            resolved: plain data of all that the records depend on.

        Raises:
            RunFolderError: the folder holds another evaluation (names the first difference), or
                records of which nothing says what they were made from.
        """
        file = self.path / _RESOLVED
        if not file.exists():
            if kept := self._kept():  # records know their seed, not their policy or station
                raise RunFolderError(
                    f"{file}: is missing, and nothing else says what {kept[0].name} beside it was "
                    f"made from; put it back, choose another --out, or delete the folder to start "
                    f"again"
                )
            temporary = file.with_suffix(".tmp")
            text = yaml.safe_dump(dict(resolved), sort_keys=False, allow_unicode=True)
            temporary.write_text(_HEADER + text, encoding="utf-8")
            temporary.replace(file)
            return
        try:
            held = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (yaml.YAMLError, OSError, UnicodeDecodeError):
            raise RunFolderError(
                f"{file}: cannot be read; delete the folder or choose another --out"
            ) from None
        # Through YAML, so that tuples and lists compare as they are stored.
        asked = yaml.safe_load(yaml.safe_dump(dict(resolved), sort_keys=False))
        difference = first_difference(held, asked)
        if difference is not None:
            where, theirs, ours = difference
            raise RunFolderError(
                f"{self.path}: holds another evaluation: {where} is {theirs!r} there and {ours!r} "
                f"in what is asked; choose another --out, or delete the folder to start again"
            )

    def _kept(self) -> list[Path]:
        """Return the files of records that hold any."""
        files = sorted([*self.path.glob("episodes-*.jsonl"), *self.path.glob("lines.jsonl")])
        return [file for file in files if file.stat().st_size]

    def episodes_file(self, letter: str) -> Path:
        """Return the file of one policy's records, rid of a line that a kill cut short."""
        return heal(self.path / f"episodes-{letter}.jsonl")

    def line_records(self) -> dict[str, dict[str, Any]]:
        """Return the cached line replications by key."""
        file = heal(self.path / "lines.jsonl")
        found: dict[str, dict[str, Any]] = {}
        if not file.exists():
            return found
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                record = json.loads(line)
                found[record["key"]] = record["values"]
            except (ValueError, KeyError, TypeError):
                raise RunFolderError(
                    f"{file}:{number}: record is damaged; delete this line, it is run again"
                ) from None
        return found

    @contextlib.contextmanager
    def line_writer(self) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
        """Yield ``write(key, values)``, flushed line by line."""
        with heal(self.path / "lines.jsonl").open("a", encoding="utf-8") as stream:

            def write(key: str, values: Mapping[str, Any]) -> None:
                stream.write(json.dumps({"key": key, "values": values}) + "\n")
                stream.flush()

            yield write

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record the seconds that a phase took in this session, also when it was interrupted."""
        start = time.perf_counter()
        complete = False
        try:
            yield
            complete = True
        finally:
            row = {
                "phase": name,
                "seconds": round(time.perf_counter() - start, 3),
                "complete": complete,
            }
            with heal(self.path / "timings.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    def seconds_by_phase(self) -> dict[str, float]:
        """Return the seconds of every phase, summed over sessions, in order of appearance."""
        return seconds_by_phase(self.path)

    def pace(self) -> dict[str, float]:
        """Return the wall-clock pace measured by the session that ran first; empty before."""
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.path / "pace.json").read_text(encoding="utf-8")))
        return {}

    def keep_pace(self, pace: Mapping[str, float]) -> None:
        """Keep the measured pace, so that a resumed run reports the same."""
        self.write("pace.json", json.dumps(dict(pace)) + "\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file whole or not at all, and return its path."""
        file = self.path / name
        temporary = file.with_name(f".{name}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
        return file


def seconds_by_phase(folder: Path) -> dict[str, float]:
    """Return the seconds of every phase of a run folder, summed over sessions; empty without one.

    Reads only: the folder may be in use or not exist.
    """
    file = folder / "timings.jsonl"
    total: dict[str, float] = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                total[row["phase"]] = total.get(row["phase"], 0.0) + float(row["seconds"])
    return total


def first_difference(held: Any, asked: Any, at: str = "") -> tuple[str, Any, Any] | None:
    """Return (dotted path, held value, asked value) of the first difference, or `None`."""
    if isinstance(held, dict) and isinstance(asked, dict):
        for key in [*held, *(key for key in asked if key not in held)]:
            below = f"{at}.{key}" if at else str(key)
            found = first_difference(held.get(key), asked.get(key), below)
            if found:
                return found
        return None
    if isinstance(held, list) and isinstance(asked, list) and len(held) == len(asked):
        for index, (theirs, ours) in enumerate(zip(held, asked, strict=True)):
            found = first_difference(theirs, ours, f"{at}[{index}]")
            if found:
                return found
        return None
    return None if held == asked else (at or "file", held, asked)
