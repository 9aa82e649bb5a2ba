"""The page of a line run: racks on the line's layout, states as a Gantt, racks in line, shipped."""

from __future__ import annotations

from typing import Any, Final

from twin.line.process import State
from twin.line.run_file import LineRun
from twin.replay.page import page
from twin.replay.tracks import MOST_PLACES, Segment, tracks
from twin.report.style import STATE_COLOURS

_SCRIPTS = ("player.js", "plots.js", "line.js")
_TONES: Final = {**STATE_COLOURS, State.STARVED: "--idle"}  # pale in light, dim in dark


def line_page(run: LineRun) -> str:
    """Return the replay of a line run as HTML."""
    found = tracks(run)
    data = {
        "length_s": run.length_s,
        "stations": _stations(run, found),
        "states": list(run.states),
        "tones": [_TONES[State(name)] for name in run.states],
        "stretches": run.stretches,
        "tracks": {
            rack: [[s.start_s, s.end_s, s.origin, s.goal] for s in some]
            for rack, some in found.items()
        },
        "in_line": in_line(run),
        "shipped": shipped(run),
        "takt_s": run.takt_s,
    }
    hours, day = run.length_s / 3600, run.warmup_s / 86_400
    return page(
        "line.html.j2",
        data,
        _SCRIPTS,
        title=f"{run.line}: {hours:g} h",
        heading=run.title or run.line,
        meta=f"{run.line} · {hours:g} h from day {day:g} · seed {run.seed}, "
        f"replication {run.replication}",
    )


def in_line(run: LineRun) -> tuple[list[float], list[int]]:
    """Return times (s) and the number of racks in the line from each on."""
    changes = [(max(stays[0].arrived_s, 0.0), 1) for stays in run.racks.values()]
    changes += [(time_s, -1) for time_s in _ships(run)]
    times, counts, count = [0.0], [0], 0
    for time_s, change in sorted(changes):
        count += change
        if time_s > times[-1]:
            times.append(time_s)
            counts.append(count)
        counts[-1] = count
    return times, counts


def shipped(run: LineRun) -> tuple[list[float], list[int]]:
    """Return times (s) and the number of racks that have left the last station by each."""
    times = _ships(run)
    return [0.0, *times], list(range(len(times) + 1))


def _ships(run: LineRun) -> list[float]:
    last = len(run.stations) - 1
    ends = (stays[-1] for stays in run.racks.values())
    return sorted(stay.left_s for stay in ends if stay.station == last and stay.left_s is not None)


def _stations(run: LineRun, found: dict[int, tuple[Segment, ...]]) -> list[dict[str, Any]]:
    """Return what the layout draws: a station's first server, servers, and places before it."""
    places = {place for some in found.values() for s in some for place in (s.origin, s.goal)}
    rows: list[dict[str, Any]] = []
    first, behind = 0, None
    for i, station in enumerate(run.stations):
        used = [k for k in range(MOST_PLACES) if f"q{i}.{k}" in places]
        count = max([k + 1 for k in used] + [min(behind or 0, MOST_PLACES)])
        row = {"id": station.id, "name": station.name, "first": first, "servers": station.servers}
        rows.append({**row, "places": count})
        first, behind = first + station.servers, station.buffer
    return rows
