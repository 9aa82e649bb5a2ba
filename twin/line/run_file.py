"""A line run on file, for a replay: what every server did when, and the visits of every rack."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.errors import RacklineError

FORMAT = "rackline line run"
VERSION = 1


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StationRow(_Row):
    """A station: id, name, servers, and places behind it (``None`` = no limit)."""

    id: str
    name: str
    servers: int
    buffer: int | None


class Stay(_Row):
    """A rack's visit of a station; times in seconds of the run, ``None`` = not before its end.

    Attributes:
        station: index of the station.
        server: index of the server the rack is on, over all stations. A rack that changes servers
            between attempts counts as on its first.
        arrived_s: stands before the station.
        started_s: is on the server.
        left_s: leaves the server for the next station, or the line.
    """

    station: int
    server: int | None
    arrived_s: float
    started_s: float | None
    left_s: float | None


class LineRun(_Row):
    """What happened on a line between two moments; times count from the first of them.

    Attributes:
        format: `FORMAT`.
        version: of this layout of the file.
        line: name of the line.
        title: one line for people.
        line_hash: hash of the line's content.
        seed: campaign seed.
        replication: number of the replication.
        warmup_s: how long the line had run, from empty, before the first moment.
        length_s: from the first moment to the last.
        takt_s: time between two racks pushed in; ``None`` where one is always waiting.
        stations: in order.
        states: names of the states that ``stretches`` count in.
        stretches: of every server, (end_s, state) in order from 0 to ``length_s``.
        racks: visits by number of the rack, in order; those that the run sees something of.
    """

    format: Literal["rackline line run"] = "rackline line run"
    version: Literal[1] = 1
    line: str
    title: str
    line_hash: str
    seed: int
    replication: int
    warmup_s: float
    length_s: float
    takt_s: float | None
    stations: tuple[StationRow, ...]
    states: tuple[str, ...]
    stretches: tuple[tuple[tuple[float, int], ...], ...]
    racks: dict[int, tuple[Stay, ...]]


def write_line_run(path: Path, run: LineRun) -> None:
    """Write a run as a file that `read_line_run` reads.

    Raises:
        RacklineError: the file cannot be written.
    """
    try:
        path.write_text(run.model_dump_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise RacklineError(
            f"{path}: cannot be written ({error.strerror}); choose another file"
        ) from None


def read_line_run(path: Path) -> LineRun:
    """Return the line run in a file.

    Raises:
        RacklineError: no such file, not a line run, of another version, cut or wrong.
    """
    again = "record it again with `rackline line record`"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text"
        raise RacklineError(f"{path}: cannot be read ({why}); name a line run") from None
    head = f'{{"format":"{FORMAT}","version":'
    if not text.startswith(head):
        raise RacklineError(f"{path}: is not a line run; {again}")
    version = text.removeprefix(head).split(",", 1)[0]
    if version != str(VERSION):
        raise RacklineError(
            f"{path}: version = {version}: this Rackline reads version {VERSION}; {again}"
        )
    try:
        return LineRun.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"]) or "file"
        raise RacklineError(f"{path}: {field}: {first['msg']}; {again}") from None
