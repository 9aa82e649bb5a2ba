"""Records a replication of a line: the reference engine, with servers that keep their accounts.

The ledger has the servers' time as sums; a replay needs it as stretches. The engine that fills the
ledger fills these, so that both tell the same (a test holds their sums together).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from configs.specs.base import spec_hash
from configs.specs.line import StationSpec
from twin.line.ledger import STATES, Ledger
from twin.line.model import LineModel
from twin.line.parts import Pool, Server, Station, Unit, Visit, Window
from twin.line.process import ProcessModel, State
from twin.line.reference import DAY_S, _Run, _Steps
from twin.line.run_file import LineRun, StationRow, Stay

_DIGITS = 2  # of seconds: finer than anybody sees, and files stay small


def record_line(
    model: LineModel, *, seed: int, replication: int = 0, days: float, warmup_days: float = 0.0
) -> LineRun:
    """Return what happened in the measured days of one replication.

    Args:
        model: the line, with nothing attached.
        seed: campaign seed.
        replication: number of the replication.
        days: days to record, after the warm-up.
        warmup_days: days from the empty line until recording begins.
    """
    run = _Recorded(model, seed, replication, days * DAY_S, warmup_days * DAY_S, {})
    ledger = run.ledger()
    spec = model.spec
    start_s, end_s = ledger.window_s
    return LineRun(
        line=spec.name,
        title=spec.title,
        line_hash=spec_hash(spec),
        seed=seed,
        replication=replication,
        warmup_s=start_s,
        length_s=end_s - start_s,
        takt_s=None if spec.arrivals == "saturated" else spec.takt_s,
        stations=tuple(
            StationRow(id=row.id, name=row.name, servers=row.servers, buffer=row.buffer)
            for row in spec.stations
        ),
        states=tuple(state.value for state in STATES),
        stretches=tuple(_stretches(server.entries, ledger.window_s) for server in run.kept),
        racks=_racks(ledger, run.server_of),
    )


class _KeptServer(Server):
    """A server that keeps the entries of its account: (up to when, state)."""

    __slots__ = ("entries",)

    def __init__(self, index: int, window: Window) -> None:
        super().__init__(index, window)
        self.entries: list[tuple[float, State]] = []

    def until(self, time: float, state: State) -> None:
        """Account the time since the last entry up to ``time`` to ``state``, and keep the entry."""
        self.entries.append((time, state))
        super().until(time, state)


class _Recorded(_Run):
    """A replication that keeps its servers' accounts, and which server a rack went on first."""

    def __init__(self, *what: Any) -> None:
        self.kept: list[_KeptServer] = []
        self.server_of: dict[tuple[int, int], int] = {}  # by rack and station
        super().__init__(*what)

    def _station(
        self, index: int, spec: StationSpec, processes: Mapping[str, ProcessModel]
    ) -> Station:
        station = super()._station(index, spec, processes)
        servers = [_KeptServer(server.index, self.window) for server in self.all_servers]
        servers = servers[len(self.kept) :]  # earlier stations have theirs
        self.kept += servers
        self.all_servers[:] = self.kept
        station.servers = Pool(self.env, servers)
        return station

    def _serve(self, station: Station, server: Server, unit: Unit, visit: Visit) -> _Steps:
        self.server_of[unit.number, station.index] = server.index
        return (yield from super()._serve(station, server, unit, visit))


def _stretches(
    entries: list[tuple[float, State]], window_s: tuple[float, float]
) -> tuple[tuple[float, int], ...]:
    """Return (end, state) of the stretches within the window, neighbours of one state joined."""
    start_s, end_s = window_s
    found: list[tuple[float, int]] = []
    for time_s, state in entries:
        end = round(min(time_s, end_s) - start_s, _DIGITS)
        if end <= (found[-1][0] if found else 0.0):
            continue
        number = STATES.index(state)
        if found and found[-1][1] == number:
            found.pop()
        found.append((end, number))
    return tuple(found)


def _racks(ledger: Ledger, server_of: Mapping[tuple[int, int], int]) -> dict[int, tuple[Stay, ...]]:
    """Return the visits of every rack that is in the line at some time of the window."""
    start_s, end_s = ledger.window_s

    def within(time_s: float) -> float | None:
        known = not math.isnan(time_s) and time_s <= end_s
        return round(float(time_s) - start_s, _DIGITS) if known else None

    stays: dict[int, list[Stay]] = defaultdict(list)
    for row in sorted(ledger.visits, key=lambda row: (row["unit"], row["station"])):
        unit, station = int(row["unit"]), int(row["station"])
        before = stays[unit]
        if before and before[-1].left_s is not None and row["arrived_s"] < start_s:
            before.pop()  # it had reached this station before the first moment
        started = within(row["started_s"])
        stay = Stay(
            station=station,
            server=None if started is None else server_of[unit, station],
            arrived_s=round(float(row["arrived_s"]) - start_s, _DIGITS),
            started_s=started,
            left_s=within(row["left_s"]),
        )
        before.append(stay)
    last = len(ledger.stations) - 1
    shipped_before = {
        unit
        for unit, some in stays.items()
        if some[-1].station == last and (some[-1].left_s or 0.0) < 0.0
    }
    return {unit: tuple(some) for unit, some in stays.items() if unit not in shipped_before}
