"""The line's only output: what every server's time went to, and every unit's history.

All of it is plain numpy, so that a ledger can be pickled and compared. KPIs are pure functions of
it (`twin.kpi`). Times are seconds since the empty line was started; the measured window begins
after the warm-up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.line.process import State

STATES: tuple[State, ...] = tuple(State)
"""Order of the columns of `Ledger.server_time_s`."""

UNITS = np.dtype(
    [
        ("entered_s", "f8"),  # pushed into the line
        ("shipped_s", "f8"),  # left the last station; nan while it is still in
        ("escapes_shipped", "i4"),  # defects that no station found
    ]
)
"""One row a unit, in the order of entry: the row's index is the unit's number."""

VISITS = np.dtype(
    [
        ("unit", "i4"),
        ("station", "i2"),  # index into Ledger.stations
        ("server", "i2"),  # index into Ledger.server_time_s; -1 in a visit that has not ended
        ("arrived_s", "f8"),  # asks for a server
        ("started_s", "f8"),  # gets it
        ("done_s", "f8"),  # work, test and repairs are over
        ("left_s", "f8"),  # frees the server; nan, like the others, where that is still to come
        ("work_s", "f8"),  # working and set-up, all attempts
        ("attempts", "i2"),  # times the work was done (1 = passed at first)
        ("passed_first", "?"),  # the station's test passed on the first attempt
        ("clean", "?"),  # no operation needed a person or left a defect, on any attempt
        ("escapes_made", "i4"),
        ("escapes_found", "i4"),
        ("operations", "i4"),
        ("assists", "i4"),
        ("damages", "i4"),
    ]
)
"""One row a visit of a unit at a station (the server is the last it had there)."""

REPAIRS = np.dtype(
    [
        ("unit", "i4"),
        ("station", "i2"),
        ("failed_s", "f8"),  # asks for a debug bench
        ("started_s", "f8"),
        ("ended_s", "f8"),
    ]
)
"""One row a completed repair on a debug bench."""

Rows = npt.NDArray[np.void]


@dataclass(frozen=True)
class StationInfo:
    """What KPIs need to know of a station.

    Attributes:
        id: station id.
        name: what is done there.
        servers: parallel servers.
        crew: people a shift.
        tested: the station has a test.
        attached: run by an attached process model.
        planned_run_time_s: planned time of one unit on one server; nan = nobody planned one.
        power_kw: power of one server in use.
    """

    id: str
    name: str
    servers: int
    crew: int
    tested: bool
    attached: bool
    planned_run_time_s: float
    power_kw: float


@dataclass(frozen=True, eq=False)
class Ledger:
    """What happened on the line in one replication.

    Attributes:
        line: name of the line.
        seed: campaign seed.
        replication: number of the replication.
        window_s: start and end of the measured window.
        stations: in order.
        people: present at any time (crews; technicians where a model is attached).
        technicians: roaming technicians.
        benches: debug benches; ``None`` = no limit.
        server_time_s: (n_servers, n_states), time by `STATES`; rows sum to the window's length.
        server_station: (n_servers,), index of each server's station.
        technician_busy_s: time of all technicians in the window, response included.
        bench_busy_s: time of all debug benches in the window.
        units: rows of `UNITS`, warm-up included.
        visits: rows of `VISITS`, warm-up included, in the order of their ends; open ones last.
        repairs: rows of `REPAIRS`, warm-up included.
    """

    line: str
    seed: int
    replication: int
    window_s: tuple[float, float]
    stations: tuple[StationInfo, ...]
    people: int
    technicians: int
    benches: int | None
    server_time_s: npt.NDArray[np.float64]
    server_station: npt.NDArray[np.int64]
    technician_busy_s: float
    bench_busy_s: float
    units: Rows
    visits: Rows
    repairs: Rows

    @property
    def length_s(self) -> float:
        """Length of the measured window."""
        return self.window_s[1] - self.window_s[0]

    def in_window(self, times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which times lie in the measured window (nan does not)."""
        start, end = self.window_s
        inside: npt.NDArray[np.bool_] = (times_s >= start) & (times_s <= end)
        return inside

    def station_index(self, id_: str) -> int:
        """Return the index of a station id."""
        return [station.id for station in self.stations].index(id_)

    def events(self) -> Iterator[tuple[float, int, str, str]]:
        """Yield (time_s, unit, station id, what) in time order: the event log.

        ``what`` is arrived, started, failed, repair started, repaired, done, left. A unit's own
        events at one instant keep this order.
        """
        rows: list[tuple[float, int, int, int, str]] = []
        for visit in self.visits:
            at = int(visit["unit"]), int(visit["station"])
            for order, what in ((0, "arrived"), (1, "started"), (5, "done"), (6, "left")):
                rows.append((float(visit[f"{what}_s"]), *at, order, what))
        for repair in self.repairs:
            at = int(repair["unit"]), int(repair["station"])
            rows.append((float(repair["failed_s"]), *at, 2, "failed"))
            rows.append((float(repair["started_s"]), *at, 3, "repair started"))
            rows.append((float(repair["ended_s"]), *at, 4, "repaired"))
        past = (row for row in rows if not math.isnan(row[0]))  # nan would spoil the sorting
        for time_s, unit, station, _, what in sorted(past):
            yield time_s, unit, self.stations[station].id, what
