"""Key figures of a work unit under their ISO 22400-2 names, as pure functions of time elements.

Names and formulas: ISO 22400-2 as in the hsu-aut ISO22400-2 ontology; time elements as in the AAS
submodel template IDTA 02066. What the states of the line count as follows the IPC-2591 (CFX) state
codes: working and rework (1100, 1300) → APT · set-up (4500) → AUST · down (5xxx, minor stops
included) → ADET · waiting for crew, blocked, starved (2100, 2201, 2202) and waiting for transport
→ ADOT.
Every function's docstring says what it is divided by; `ISO_KPIS` says it to the report.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from twin.line.ledger import STATES, Ledger
from twin.line.process import State

ELEMENT_OF: Mapping[State, str] = {
    State.WORKING: "apt_s",
    State.REWORK: "apt_s",
    State.SETUP: "aust_s",
    State.DOWN: "adet_s",
    State.WAITING_FOR_CREW: "adot_s",
    State.BLOCKED: "adot_s",
    State.STARVED: "adot_s",
    State.WAITING_FOR_TRANSPORT: "adot_s",
}
"""Time element of every state of a server."""


@dataclass(frozen=True)
class Elements:
    """Time elements and quantities of one work unit (station) in the measured window.

    Attributes:
        pbt_s: planned busy time, all servers (nothing is planned down: servers x window).
        apt_s: actual production time.
        aust_s: actual unit set-up time.
        adet_s: actual unit delay time (down).
        adot_s: actual order delay time (transport and queueing).
        pri_s: planned run time per item; nan where nobody planned one.
        pq: produced quantity: attempts on units that left the station in the window.
        gq: good quantity: units that left it.
        rq: rework quantity: attempts that were followed by another.
        ip: inspected parts: first attempts.
        gp: good parts: passed on the first attempt.
    """

    pbt_s: float
    apt_s: float
    aust_s: float
    adet_s: float
    adot_s: float
    pri_s: float
    pq: int
    gq: int
    rq: int
    ip: int
    gp: int

    @property
    def aupt_s(self) -> float:
        """Actual unit processing time APT + AUST."""
        return self.apt_s + self.aust_s

    @property
    def aubt_s(self) -> float:
        """Actual unit busy time AUPT + ADET."""
        return self.aupt_s + self.adet_s

    @property
    def aoet_s(self) -> float:
        """Actual order execution time APT + AUST + ADET + ADOT."""
        return self.aubt_s + self.adot_s


def elements(ledger: Ledger, station: str) -> Elements:
    """Return the time elements and quantities of a station.

    Raises:
        ValueError: the line has no such station.
    """
    index = ledger.station_index(station)
    info = ledger.stations[index]
    times = dict.fromkeys(("apt_s", "aust_s", "adet_s", "adot_s"), 0.0)
    spent_s = ledger.server_time_s[ledger.server_station == index].sum(axis=0)  # (n_states,)
    for state, time_s in zip(STATES, spent_s, strict=True):
        times[ELEMENT_OF[state]] += float(time_s)
    visits = ledger.visits[
        (ledger.visits["station"] == index) & ledger.in_window(ledger.visits["left_s"])
    ]
    produced, good = int(visits["attempts"].sum()), len(visits)
    planned_s = info.planned_run_time_s
    if math.isnan(planned_s) and good:
        planned_s = float(visits["work_s"].sum()) / produced
    return Elements(
        pbt_s=info.servers * ledger.length_s,
        **times,
        pri_s=planned_s,
        pq=produced,
        gq=good,
        rq=produced - good,
        ip=good,
        gp=int(np.count_nonzero(visits["passed_first"])),
    )


def availability(e: Elements) -> float:
    """APT / PBT: share of the planned busy time in which something was produced."""
    return _ratio(e.apt_s, e.pbt_s)


def effectiveness(e: Elements) -> float:
    """PRI · PQ / APT: planned over actual production time; above 1 where tests end early."""
    return _ratio(e.pri_s * e.pq, e.apt_s)


def quality_ratio(e: Elements) -> float:
    """GQ / PQ: good over produced quantity, every attempt produced."""
    return _ratio(e.gq, e.pq)


def oee_index(e: Elements) -> float:
    """Availability · effectiveness · quality ratio = PRI · GQ / PBT."""
    return _ratio(e.pri_s * e.gq, e.pbt_s)


def nee_index(e: Elements) -> float:
    """AUPT / PBT · effectiveness · quality ratio: OEE with set-up counted as use."""
    return _ratio(e.aupt_s, e.pbt_s) * effectiveness(e) * quality_ratio(e)


def utilisation_efficiency(e: Elements) -> float:
    """APT / AUBT: production over busy time."""
    return _ratio(e.apt_s, e.aubt_s)


def allocation_efficiency(e: Elements) -> float:
    """AUBT / PBT: busy over planned busy time."""
    return _ratio(e.aubt_s, e.pbt_s)


def allocation_ratio(e: Elements) -> float:
    """AUBT / AOET: busy over execution time; on one work unit AOET is PBT."""
    return _ratio(e.aubt_s, e.aoet_s)


def technical_efficiency(e: Elements) -> float:
    """APT / (APT + ADET): production time over itself and the delays of the unit."""
    return _ratio(e.apt_s, e.apt_s + e.adet_s)


def setup_ratio(e: Elements) -> float:
    """AUST / AUPT: set-up over processing time."""
    return _ratio(e.aust_s, e.aupt_s)


def first_pass_yield(e: Elements) -> float:
    """GP / IP: passed at first over inspected."""
    return _ratio(e.gp, e.ip)


def rework_ratio(e: Elements) -> float:
    """RQ / PQ: attempts that had to be repeated over all attempts."""
    return _ratio(e.rq, e.pq)


@dataclass(frozen=True)
class IsoKpi:
    """A key figure of a work unit, as the report shows it.

    Attributes:
        key: name in `station_kpis`.
        title: name for people, as in ISO 22400-2.
        function: the function of `Elements`.
        denominator: what it is divided by, in words.
    """

    key: str
    title: str
    function: Callable[[Elements], float]
    denominator: str

    @property
    def definition(self) -> str:
        """First line of the function's docstring."""
        return (self.function.__doc__ or "").splitlines()[0]


_PBT = "planned busy time: servers x measured window, nothing planned down"
ISO_KPIS: tuple[IsoKpi, ...] = (
    IsoKpi("availability", "Availability", availability, _PBT),
    IsoKpi("effectiveness", "Effectiveness", effectiveness, "actual production time"),
    IsoKpi("quality_ratio", "Quality ratio", quality_ratio, "attempts, retests included"),
    IsoKpi("oee", "OEE index", oee_index, _PBT),
    IsoKpi("nee", "NEE index", nee_index, _PBT),
    IsoKpi(
        "utilisation_efficiency",
        "Utilisation efficiency",
        utilisation_efficiency,
        "actual unit busy time: production, set-up and down",
    ),
    IsoKpi("allocation_efficiency", "Allocation efficiency", allocation_efficiency, _PBT),
    IsoKpi("allocation_ratio", "Allocation ratio", allocation_ratio, "actual order execution time"),
    IsoKpi(
        "technical_efficiency",
        "Technical efficiency",
        technical_efficiency,
        "actual production time and unit delays",
    ),
    IsoKpi("setup_ratio", "Set-up ratio", setup_ratio, "actual unit processing time"),
    IsoKpi("first_pass_yield", "First pass yield", first_pass_yield, "racks inspected at first"),
    IsoKpi("rework_ratio", "Rework ratio", rework_ratio, "attempts, retests included"),
)
"""The key figures of a work unit, in the order of the report."""


def station_kpis(ledger: Ledger, station: str) -> dict[str, float]:
    """Return every key figure of `ISO_KPIS` for one station, by key."""
    of_station = elements(ledger, station)
    return {kpi.key: kpi.function(of_station) for kpi in ISO_KPIS}


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
