"""What a plant manager reads of a line, as pure functions of its ledger.

`line_kpis` gives one number a key; `twin.kpi.definitions` says what each key means, in which unit,
divided by what, and which way is better. `replication_kpis` adds every station's figures and shares
of time under ``"S60.oee"`` and ``"S60.blocked"``: the flat mapping that workers return.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.kpi.iso22400 import station_kpis
from twin.line.ledger import STATES, Ledger
from twin.line.process import State

HOUR_S, DAY_S = 3600.0, 86_400.0


def line_kpis(ledger: Ledger) -> dict[str, float]:
    """Return the key figures of the line in the measured window, by key.

    A ratio without a denominator (no rack shipped, no operation done) is nan.
    """
    units = ledger.units
    shipped = units[ledger.in_window(units["shipped_s"])]
    lead_h = (shipped["shipped_s"] - shipped["entered_s"]) / HOUR_S
    throughput_per_s = len(shipped) / ledger.length_s
    wip = _overlap_s(units["entered_s"], units["shipped_s"], ledger.window_s) / ledger.length_s
    p50, p95 = np.percentile(lead_h, (50, 95)) if len(lead_h) else (math.nan, math.nan)
    lead_mean_h = float(lead_h.mean()) if len(lead_h) else math.nan
    benches = ledger.benches or math.inf
    return {
        "racks_per_day": throughput_per_s * DAY_S,
        "lead_time_mean_h": lead_mean_h,
        "lead_time_p50_h": float(p50),
        "lead_time_p95_h": float(p95),
        "wip_mean": wip,
        "inventory_turns_per_day": _ratio(throughput_per_s * DAY_S, wip),
        "technician_use": ledger.technician_busy_s / (ledger.technicians * ledger.length_s),
        "bench_use": ledger.bench_busy_s / (benches * ledger.length_s),
        "people": float(ledger.people),
        "racks_per_person_hour": _ratio(throughput_per_s * HOUR_S, ledger.people),
        "littles_law_ratio": _ratio(wip, throughput_per_s * lead_mean_h * HOUR_S),
        "power_mean_kw": _power_kw(ledger),
        "line_balance_ratio": line_balance_ratio(ledger),
        "escapes_shipped_per_rack": _ratio(
            float(shipped["escapes_shipped"].sum()), float(len(shipped))
        ),
        "process_ratio": _process_ratio(ledger),
        **_quality(ledger),
        **_per_1000(ledger),
    }


def replication_kpis(ledger: Ledger) -> dict[str, float]:
    """Return `line_kpis`, and every station's key figures and shares of time under "S60.<name>".

    The names are the keys of `twin.kpi.iso22400.ISO_KPIS` and the values of
    `twin.line.process.State`.
    """
    flat = line_kpis(ledger)
    for id_, shares in time_by_state(ledger).items():
        flat.update({f"{id_}.{key}": value for key, value in station_kpis(ledger, id_).items()})
        flat.update({f"{id_}.{state.value}": share for state, share in shares.items()})
    return flat


def time_by_state(ledger: Ledger) -> dict[str, dict[State, float]]:
    """Return each station's share of server time by state; the shares sum to 1."""
    shares = {}
    for index, info in enumerate(ledger.stations):
        spent_s = ledger.server_time_s[ledger.server_station == index].sum(axis=0)
        total_s = info.servers * ledger.length_s
        shares[info.id] = {
            state: float(time_s) / total_s for state, time_s in zip(STATES, spent_s, strict=True)
        }
    return shares


def bottleneck(shares: Mapping[str, Mapping[State, float]]) -> str:
    """Return the station whose servers spend least time starved, blocked or without transport."""
    idle = (State.STARVED, State.BLOCKED, State.WAITING_FOR_TRANSPORT)
    return min(shares, key=lambda id_: sum(shares[id_][state] for state in idle))


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """The line over time, warm-up included.

    Attributes:
        day: (n_days,) end of each whole day, in days since the line was started.
        shipped: (n_days,) racks shipped on that day.
        wip: (n_days,) racks in the line, mean over that day.
    """

    day: npt.NDArray[np.float64]
    shipped: npt.NDArray[np.int64]
    wip: npt.NDArray[np.float64]


def time_series(ledger: Ledger) -> TimeSeries:
    """Return racks shipped and WIP day by day."""
    n_days = int(ledger.window_s[1] // DAY_S)
    entered, shipped = ledger.units["entered_s"], ledger.units["shipped_s"]
    days = (shipped[~np.isnan(shipped)] // DAY_S).astype(np.int64)
    counts = np.bincount(days, minlength=n_days)[:n_days]
    wip = [
        _overlap_s(entered, shipped, (i * DAY_S, (i + 1) * DAY_S)) / DAY_S for i in range(n_days)
    ]
    return TimeSeries(
        day=np.arange(1, n_days + 1, dtype=np.float64),
        shipped=np.asarray(counts, dtype=np.int64),
        wip=np.asarray(wip, dtype=np.float64),
    )


def line_balance_ratio(ledger: Ledger) -> float:
    """Sum of t over N · t_max, with t the planned run time of a station over its servers.

    Where nobody planned a run time, t is the mean working time of a visit.
    """
    times_s = []
    for index, info in enumerate(ledger.stations):
        time_s = info.planned_run_time_s
        if math.isnan(time_s):
            visits = _visits(ledger, index)
            time_s = float(visits["work_s"].mean()) if len(visits) else math.nan
        times_s.append(time_s / info.servers)
    return sum(times_s) / (len(times_s) * max(times_s))


def _quality(ledger: Ledger) -> dict[str, float]:
    rolled, attempts, failed = 1.0, 0, 0
    for index, info in enumerate(ledger.stations):
        if info.tested:
            visits = _visits(ledger, index)
            rolled *= _ratio(float(visits["passed_first"].sum()), float(len(visits)))
            attempts += int(visits["attempts"].sum())
            failed += int(visits["attempts"].sum()) - len(visits)
    return {"rolled_throughput_yield": rolled, "rework_ratio": _ratio(failed, attempts)}


def _per_1000(ledger: Ledger) -> dict[str, float]:
    visits = ledger.visits[ledger.in_window(ledger.visits["left_s"])]
    operations = float(visits["operations"].sum())
    columns = {"assists": "assists", "damages": "damages", "escapes": "escapes_made"}
    return {
        f"{name}_per_1000": _ratio(1000.0 * float(visits[column].sum()), operations)
        for name, column in columns.items()
    }


def _process_ratio(ledger: Ledger) -> float:
    """APT and AUST over AOET; repairs are production time (`twin.kpi.iso22400.ELEMENT_OF`)."""
    in_window = ledger.in_window(ledger.units["shipped_s"])
    units, visits, repairs = ledger.units[in_window], ledger.visits, ledger.repairs
    spent_s = np.zeros(len(ledger.units))
    np.add.at(spent_s, visits["unit"], visits["work_s"])
    np.add.at(spent_s, repairs["unit"], repairs["ended_s"] - repairs["started_s"])
    total_s = float((units["shipped_s"] - units["entered_s"]).sum())
    return _ratio(float(spent_s[in_window].sum()), total_s)


def _power_kw(ledger: Ledger) -> float:
    power_kw = np.array([station.power_kw for station in ledger.stations])
    working_s = ledger.server_time_s[:, STATES.index(State.WORKING)]
    return float((power_kw[ledger.server_station] * working_s).sum() / ledger.length_s)


def _visits(ledger: Ledger, station: int) -> npt.NDArray[np.void]:
    """Return the visits of a station that ended in the window."""
    visits = ledger.visits
    chosen: npt.NDArray[np.void] = visits[
        (visits["station"] == station) & ledger.in_window(visits["left_s"])
    ]
    return chosen


def _overlap_s(
    starts_s: npt.NDArray[np.float64],
    ends_s: npt.NDArray[np.float64],
    window_s: tuple[float, float],
) -> float:
    """Return the summed overlap of intervals with the window; a nan end has not come yet."""
    low = np.maximum(starts_s, window_s[0])
    high = np.minimum(np.where(np.isnan(ends_s), np.inf, ends_s), window_s[1])
    return float(np.maximum(high - low, 0.0).sum())


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
