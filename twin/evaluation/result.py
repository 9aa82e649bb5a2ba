"""What an evaluation found: plain dataclasses, all that report and verdict are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envs.outcome import OutcomeClass
from twin.evaluation.before import Mode, Preflight
from twin.evaluation.lone import LoneRun
from twin.kpi.definitions import LineKpi
from twin.kpi.gates import Answer, GateResult
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval


@dataclass(frozen=True)
class ClassShare:
    """How often a class was seen, and its interval (racks are clusters).

    Attributes:
        count: operations that ended so.
        racks: racks with at least one.
        share: share of the valid operations, with its 95 % interval.
        bound: upper 95 % bound that the line is also run at; ``None`` where it is seen often.
    """

    count: int
    racks: int
    share: Interval
    bound: float | None


@dataclass(frozen=True)
class PolicyEpisodes:
    """The campaign of one policy.

    Attributes:
        letter: ``x`` or ``y``.
        name: of the policy.
        racks: rack visits.
        operations: operations, void ones included.
        void: operations whose physics cannot be trusted.
        success: ok + retried over valid operations.
        classes: every class but void.
        cycle_s: cycle time of each valid operation, ascending.
        contact_s: contact time of each, ascending.
        lateral_n: largest windowed side force of each, ascending.
        axial_n: largest windowed axial force of each, ascending.
        penetration_p99_m: 99th percentile of the deepest penetration.
        rho: posterior mean of the correlation of misses within a rack.
        own_causes: probability that each kind of miss has a cause of its own, not one for all.
        marks: why intervals are marked.
        blockers: why no gate can be answered.
    """

    letter: str
    name: str
    racks: int
    operations: int
    void: int
    success: Interval
    classes: Mapping[OutcomeClass, ClassShare]
    cycle_s: tuple[float, ...]
    contact_s: tuple[float, ...]
    lateral_n: tuple[float, ...]
    axial_n: tuple[float, ...]
    penetration_p99_m: float
    rho: float
    own_causes: float
    marks: tuple[str, ...]
    blockers: tuple[str, ...]


@dataclass(frozen=True)
class Unseen:
    """An outcome that a campaign never saw.

    Attributes:
        operations: valid operations of the campaign.
        most_per_1000: upper one-sided 95 % bound on its rate, per 1,000 operations.
    """

    operations: int
    most_per_1000: float


@dataclass(frozen=True)
class KpiRow:
    """One KPI of the three lines in one mode.

    Attributes:
        kpi: what it is.
        mode: at takt or saturated.
        staffed: the line as in the table.
        cells: the line with the cell, by policy letter.
        differences: cell minus staffed, pair by pair.
        between: policy y minus policy x, pair by pair.
        reduction: how many times smaller the variance of the difference to staffed is than that
            of independent runs, by letter (common random numbers).
        perfect: the line with the perfect policy (fewer replications); ``None`` where not run.
        unseen: by letter, where the KPI is the rate of an outcome that the campaign never saw: the
            line's mean is then the prior's.
    """

    kpi: LineKpi
    mode: Mode
    staffed: Interval
    cells: Mapping[str, NestedInterval]
    differences: Mapping[str, NestedInterval]
    between: NestedInterval
    reduction: Mapping[str, float]
    perfect: Interval | None
    unseen: Mapping[str, Unseen]


@dataclass(frozen=True)
class StationRow:
    """One ISO 22400 figure of the station at takt: means over replications.

    Attributes:
        title: name in ISO 22400-2.
        definition: formula and meaning.
        denominator: what it is divided by, in words.
        staffed: with people, as in the table.
        cells: with the cell, by policy letter.
    """

    title: str
    definition: str
    denominator: str
    staffed: float
    cells: Mapping[str, float]


@dataclass(frozen=True)
class PolicyVerdict:
    """What the gates say of one policy.

    Attributes:
        letter: ``x`` or ``y``.
        name: of the policy.
        answer: holds if all gates hold, fails if any fails, else inconclusive.
        gates: every gate.
        blockers: why none of its gates may be answered.
    """

    letter: str
    name: str
    answer: Answer
    gates: tuple[GateResult, ...]
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Try:
    """One try of the search: so many cells and technicians, and what the gates said."""

    cells: int
    technicians: int
    answer: Answer
    why: str


@dataclass(frozen=True)
class Size:
    """So many cells and technicians, and the people then present on the line."""

    cells: int
    technicians: int
    people: int


@dataclass(frozen=True)
class CellsForTakt:
    """The smallest number of people, then cells, that holds the gates, for one policy.

    Attributes:
        letter: ``x`` or ``y``.
        name: of the policy.
        found: the try that holds; ``None`` if none did.
        people: people present then: crews of the other stations, crew at the cells, technicians.
        answer: holds if one was found; fails if every try does; else not decided.
        tried: every try, in order; the largest first.
        replications: of each try.
        recorded: where none did, the smallest whose gates hold by their points alone: proven by
            nothing, but what is likeliest; ``None`` where there is none either.
    """

    letter: str
    name: str
    found: Try | None
    people: int | None
    answer: Answer
    tried: tuple[Try, ...]
    replications: int
    recorded: Size | None = None


@dataclass(frozen=True)
class TornadoBar:
    """What one assumed input does to a KPI at takt, cell minus staffed.

    Attributes:
        says: the input in words.
        input: its path.
        now: its value in this evaluation, as text.
        low: the low end, as text.
        high: the high end, as text.
        at_low: cell minus staffed with the low end, in the KPI's unit.
        at_high: with the high end, hours.
        flips: gates whose point changes sides at the policy's mean rates, in words.
    """

    says: str
    input: str
    now: str
    low: str
    high: str
    at_low: Interval
    at_high: Interval
    flips: tuple[str, ...]


@dataclass(frozen=True)
class Tornado:
    """The tornado of one policy.

    Attributes:
        letter: ``x`` or ``y``.
        name: of the policy.
        kpi: what the bars show.
        base: cell minus staffed with all inputs as assumed, at the policy's mean rates.
        bars: widest first.
        replications: of each end.
    """

    letter: str
    name: str
    kpi: str
    base: Interval
    bars: tuple[TornadoBar, ...]
    replications: int


@dataclass(frozen=True)
class LineCharts:
    """What charts show of one line at takt.

    Attributes:
        label: for the legend.
        states: share of server time by state, by station, mean over replications.
        day: end of each day since the line was started, warm-up included.
        shipped: racks shipped a day: mean, 5th and 95th percentile over replications.
        wip: racks in the line: mean, 5th and 95th percentile over replications.
        lead_h: lead times of all replications, ascending (thinned to at most 2,000).
        settles: the WIP does not grow through the measured window.
    """

    label: str
    states: Mapping[str, Mapping[str, float]]
    day: tuple[float, ...]
    shipped: tuple[tuple[float, float, float], ...]
    wip: tuple[tuple[float, float, float], ...]
    lead_h: tuple[float, ...]
    settles: bool


@dataclass(frozen=True)
class Verdict:
    """The answer to the evaluation's question.

    Attributes:
        answer: over both policies, as the evaluation's ``verdict`` combines them.
        exit_code: 0 holds, 1 fails, 3 inconclusive.
        headline: the decision in one sentence.
        reasons: why, in plain sentences.
        policies: x and y.
    """

    answer: Answer
    exit_code: int
    headline: str
    reasons: tuple[str, ...]
    policies: tuple[PolicyVerdict, ...]


@dataclass(frozen=True)
class Evaluation:
    """Everything the report shows, except what it reads from the plan."""

    verdict: Verdict
    preflight: Preflight
    episodes: tuple[PolicyEpisodes, ...]
    kpis: tuple[KpiRow, ...]
    station: tuple[StationRow, ...]
    charts: tuple[LineCharts, ...]
    cells: tuple[CellsForTakt, ...]
    tornado: Tornado | None
    physics: str
    people_staffed: int
    people_cell: int
    seconds: Mapping[str, float]
    lone: tuple[LoneRun, ...] = ()
