"""Every key figure of the line: title, unit, definition, denominator, and which way is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LineKpi:
    """What a key of `line_kpis` means.

    Attributes:
        key: name in the mapping.
        title: name for people.
        unit: unit of the number, "" for a ratio.
        definition: what it is.
        denominator: what it is divided by, "" where nothing is.
        higher_is_better: which way is better; ``None`` where neither is.
    """

    key: str
    title: str
    unit: str
    definition: str
    denominator: str
    higher_is_better: bool | None


_WINDOW = "measured window"
_OPERATIONS = "operations (trays, cables) at attached stations"
_ROWS = (
    LineKpi(
        "racks_per_day",
        "Racks per day",
        "1/d",
        "racks shipped (throughput)",
        _WINDOW,
        True,
    ),
    LineKpi(
        "lead_time_mean_h",
        "Lead time, mean",
        "h",
        "from pushed in to shipped",
        "racks shipped",
        False,
    ),
    LineKpi(
        "lead_time_p50_h",
        "Lead time, median",
        "h",
        "half of the racks take no longer",
        "",
        False,
    ),
    LineKpi(
        "lead_time_p95_h",
        "Lead time, p95",
        "h",
        "95 % of the racks take no longer",
        "",
        False,
    ),
    LineKpi(
        "wip_mean",
        "WIP",
        "racks",
        "racks pushed in and not shipped, mean over time",
        _WINDOW,
        False,
    ),
    LineKpi(
        "inventory_turns_per_day",
        "Inventory turns",
        "1/d",
        "throughput TH",
        "average inventory (WIP)",
        True,
    ),
    LineKpi(
        "rolled_throughput_yield",
        "Rolled throughput yield",
        "",
        "product of the first pass yields of all stations with a test",
        "racks inspected at first, station by station",
        True,
    ),
    LineKpi(
        "rework_ratio",
        "Rework ratio",
        "",
        "attempts at a test that failed",
        "attempts at stations with a test",
        False,
    ),
    LineKpi(
        "process_ratio",
        "Production process ratio",
        "",
        "working, repair and set-up time of shipped racks (APT + AUST over AOET)",
        "their lead time",
        True,
    ),
    LineKpi(
        "line_balance_ratio",
        "Line balance ratio",
        "",
        "sum of planned run times per server",
        "number of stations x the longest of them",
        True,
    ),
    LineKpi(
        "technician_use",
        "Technician use",
        "",
        "time of roaming technicians at or on the way to a cell",
        "technicians x measured window",
        False,
    ),
    LineKpi(
        "bench_use",
        "Debug bench use",
        "",
        "time of racks on debug benches",
        "benches x measured window",
        False,
    ),
    LineKpi(
        "people",
        "People present",
        "people",
        "crews, and roaming technicians where a model is attached",
        "",
        False,
    ),
    LineKpi(
        "racks_per_person_hour",
        "Racks per person-hour",
        "1/h",
        "racks shipped",
        "people present x measured window",
        True,
    ),
    LineKpi(
        "assists_per_1000",
        "Assists per 1,000 operations",
        "",
        "operations that called a technician",
        _OPERATIONS,
        False,
    ),
    LineKpi(
        "damages_per_1000",
        "Damages per 1,000 operations",
        "",
        "operations that damaged a part",
        _OPERATIONS,
        False,
    ),
    LineKpi(
        "escapes_per_1000",
        "Escapes per 1,000 operations",
        "",
        "defects that no sensor of the cell saw",
        _OPERATIONS,
        False,
    ),
    LineKpi(
        "escapes_shipped_per_rack",
        "Escapes shipped",
        "",
        "defects that no station found",
        "racks shipped",
        False,
    ),
    LineKpi(
        "power_mean_kw",
        "Mean test power",
        "kW",
        "power of servers while they work, mean over time",
        _WINDOW,
        None,
    ),
    LineKpi(
        "littles_law_ratio",
        "Little's law",
        "",
        "WIP (1 in steady state: a self-check)",
        "throughput x mean lead time",
        None,
    ),
)
LINE_KPIS: Mapping[str, LineKpi] = {row.key: row for row in _ROWS}
"""Every key of `twin.kpi.line_kpis.line_kpis`, in the order of the report."""
RACK_FIRST_PASS = LineKpi(
    "rack_first_pass",
    "Rack first pass",
    "",
    "racks whose every operation needs nobody and leaves no defect",
    "racks at the station",
    True,
)
"""Of the policy itself: it follows from the episodes, and no run of the line is needed for it."""
OF_CELLS_ALONE = frozenset(
    {
        "technician_use",
        "assists_per_1000",
        "damages_per_1000",
        "escapes_per_1000",
        "escapes_shipped_per_rack",
    }
)
"""KPIs of what only a cell does: a line without one has nothing there to compare with."""
