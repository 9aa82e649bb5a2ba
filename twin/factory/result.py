"""What a factory question found: plain dataclasses, all that terminal and report are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twin.evaluation.result import PolicyEpisodes, Tornado
from twin.factory.mixes import Kind, Size
from twin.kpi.gates import Answer, GateResult
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval


@dataclass(frozen=True)
class Tried:
    """One try of the search, and what the gates said."""

    size: Size
    answer: Answer
    why: str


@dataclass(frozen=True)
class Need:
    """Fewest people, and then cells, that hold the gates in one case.

    Attributes:
        found: the size that holds; ``None`` if none is shown to.
        recorded: where none is, the smallest at which the points of all gates hold but ``missed``:
            the likeliest, proven by nothing; ``None`` where that leaves no gate.
        missed: KPIs of the gates whose points do not hold at the largest size either, or are not
            known; more cells and people do not help them.
        answer: holds if one was found, else what the largest size says.
        tried: every try that was judged, in order; the largest first.
    """

    found: Size | None
    recorded: Size | None
    missed: tuple[str, ...]
    answer: Answer
    tried: tuple[Tried, ...]


@dataclass(frozen=True)
class Row:
    """One case, its size, and what its line does.

    Attributes:
        key: short name of the case; ``staffed`` for the line as it is today.
        title: name for people.
        bound: no real policy.
        kinds: kind of policy by station; empty for the staffed line.
        size: cells and technicians of the figures: as found, else as recorded, else the largest;
            ``None`` for the staffed line.
        people: people present on the line.
        need: the search; ``None`` for the staffed line.
        blockers: why no gate may be answered; empty where the campaigns suffice.
        gates: what every gate says at that size; empty for the staffed line.
        kpis: at takt, by KPI.
        against: at takt minus staffed, run by run; empty for the staffed line.
        capacity: racks a day, saturated.
        yield_between: where too few episodes were run to report the mean of the rolled throughput
            yield: its lower bound, and its mean if nothing happens that was seen too seldom;
            ``None`` where enough were.
        settles: the racks in the line do not keep growing at takt.
    """

    key: str
    title: str
    bound: bool
    kinds: Mapping[str, Kind]
    size: Size | None
    people: int
    need: Need | None
    blockers: tuple[str, ...]
    gates: tuple[GateResult, ...]
    kpis: Mapping[str, NestedInterval]
    against: Mapping[str, NestedInterval]
    capacity: NestedInterval
    yield_between: tuple[float, float] | None
    settles: bool

    @property
    def open_gates(self) -> tuple[GateResult, ...]:
        """Gates that are not shown to hold, those that fail first."""
        failing = [gate for gate in self.gates if gate.answer is Answer.FAILS]
        return (*failing, *(gate for gate in self.gates if gate.answer is Answer.INCONCLUSIVE))


@dataclass(frozen=True)
class Bought:
    """What one station's policy buys alone, the others scripted: against all scripted, run by run.

    Attributes:
        station: the station.
        bound: the policy is the perfect one.
        differences: by KPI, at takt.
    """

    station: str
    bound: bool
    differences: Mapping[str, NestedInterval]


@dataclass(frozen=True)
class Buys:
    """Which station's policy buys most.

    Attributes:
        kpi: what they are ranked by.
        size: cells and technicians of all these lines: those of the case that the answer rests on.
        base: the line with all scripted, by KPI.
        trained: trained policies, best first; empty where there are none.
        perfect: perfect ones, best first: the most that any policy at a station could buy.
        apart: whether the first and the second of ``trained`` (of ``perfect`` where fewer than two
            are trained) differ by more than their doubt.
    """

    kpi: str
    size: Size
    base: Mapping[str, NestedInterval]
    trained: tuple[Bought, ...]
    perfect: tuple[Bought, ...]
    apart: bool


@dataclass(frozen=True)
class Seconds:
    """Whether seconds decide how many cells a station takes, on average and without the line.

    Attributes:
        station: the station.
        name: the policy; "" for the perfect one.
        operation_s: mean time of an operation, contact and retries included.
        helped_s: time that assists, corrections and swaps add to an operation on average.
        calls: operations that called for people, and all that were run; none of none if perfect.
        load: time of a rack, stops included, over takt: the cells that it fills.
        bearable_s: by number of cells from 1, what takt leaves for one operation.
        first_pass: share of racks that leave the station with nobody's help and no defect.
    """

    station: str
    name: str
    operation_s: Interval
    helped_s: float
    calls: tuple[int, int]
    load: float
    bearable_s: tuple[float, ...]
    first_pass: Interval


@dataclass(frozen=True)
class Stiffer:
    """What contact 4 times as stiff would do to a station's cells, on average.

    Attributes:
        policy: whose damages were measured at that stiffness.
        damaged: share of operations that were damaged there.
        load: cells that a rack would then fill.
        cells_of_all: cells that swaps would fill were every operation damaged: what a share costs.
    """

    policy: str
    damaged: float
    load: float
    cells_of_all: float

    def bearable(self, cells: int) -> float:
        """Return the share of damaged operations, 0 or more, at which so many cells are full."""
        return max(0.0, self.damaged - (self.load - cells) / self.cells_of_all)


@dataclass(frozen=True)
class Factory:
    """Everything the report shows, except what it reads from the plan.

    Attributes:
        answer: holds if one case without a bound does, fails if all do, else not decided.
        exit_code: 0 holds, 1 fails, 3 not decided.
        decides: key of the case that the answer rests on.
        rows: staffed first, then the cases.
        buys: which station's policy buys most.
        seconds: how many cells each station's operations fill.
        stiffer: by station, what contact 4 times as stiff would do to its cells.
        episodes: the campaigns.
        short: by campaign, episodes run and needed where they are too few for a yield.
        tornado: of the case that the answer rests on; ``None`` where no input is named.
        physics: by station, whether its physics is converged.
    """

    answer: Answer
    exit_code: int
    decides: str
    rows: tuple[Row, ...]
    buys: Buys
    seconds: tuple[Seconds, ...]
    stiffer: Mapping[str, Stiffer]
    episodes: tuple[PolicyEpisodes, ...]
    short: Mapping[str, tuple[int, int]]
    tornado: Tornado | None
    physics: Mapping[str, str]

    def row(self, key: str) -> Row:
        """Return a case's row."""
        return next(row for row in self.rows if row.key == key)
