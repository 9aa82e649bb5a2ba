"""What preflight found: plain dataclasses for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from envs.outcome import OutcomeClass
from twin.kpi.definitions import LineKpi
from twin.kpi.intervals import Interval

Mode = Literal["takt", "saturated"]
MODES: tuple[Mode, ...] = ("takt", "saturated")


@dataclass(frozen=True)
class PerfectRow:
    """What a perfect policy at the station would do to one KPI.

    Attributes:
        kpi: the KPI.
        mode: at takt or saturated.
        staffed: the staffed line.
        perfect: the line with a perfect policy in the cell.
        change: perfect minus staffed, pair by pair.
        can_move: it is better by a part that matters (see `twin.evaluation.preflight`).
        smallest: smallest effect that the budget can be expected to show: half-width of the 95 %
            interval of a difference to staffed, from the luck of the verdict's line runs and from
            what the campaign leaves open, for the assumed policy (`twin.evaluation.assumed`).
        reduction: how many times smaller common random numbers make the variance of the change.
    """

    kpi: LineKpi
    mode: Mode
    staffed: Interval
    perfect: Interval
    change: Interval
    can_move: bool
    smallest: float
    reduction: float


@dataclass(frozen=True)
class Assumed:
    """The policy that is assumed before any episode is run.

    Attributes:
        operations: of its campaign, as many as the evaluation's.
        misses: operations of it that are not ok.
        runs: line runs a mode.
    """

    operations: int
    misses: int
    runs: int


@dataclass(frozen=True)
class EpisodeNeed:
    """How often the line can bear an outcome, and what it takes to show that a policy is better.

    Attributes:
        outcome: the class.
        bearable: rate at which it alone uses up what the line can give, per operation.
        limit: the limit that is reached there, in words.
        shown: upper bound on the rate after this campaign without one event.
        episodes: episodes without an event that bring the bound down to ``bearable``.
        minutes: wall-clock minutes they take, both policies, at the pace measured here.
    """

    outcome: OutcomeClass
    bearable: float
    limit: str
    shown: float
    episodes: int
    minutes: float | None


@dataclass(frozen=True)
class Preflight:
    """What can be known before an episode is run.

    Attributes:
        perfect_visit_s: time of a rack with the perfect policy.
        bearable_operation_s: mean time of an operation, assists and swaps included, at which the
            cells have no time left at takt; an upper end, since a line that waits and varies needs
            more room than that.
        rows: what a perfect policy would change.
        movers: stations that would raise saturated racks/day if their work took no time, with the
            change; the busiest were tried.
        tried: stations that were tried.
        needs: what rare outcomes take.
        assumed: operations, misses and line runs a mode of the policy assumed for ``smallest``.
        difference: smallest difference in success between the policies that the campaign can be
            expected to show (power 80 %), at the assumed correlation.
        episode_s: wall-clock seconds of an episode on one worker; ``None`` before the probe.
        minutes: expected wall-clock minutes of the whole evaluation; ``None`` before the probe.
        sentences: the findings in words.
    """

    perfect_visit_s: float
    bearable_operation_s: float
    rows: tuple[PerfectRow, ...]
    movers: Mapping[str, Interval]
    tried: tuple[str, ...]
    needs: tuple[EpisodeNeed, ...]
    assumed: Assumed
    difference: float
    episode_s: float | None
    minutes: float | None
    sentences: tuple[str, ...]

    @property
    def bearable_damage(self) -> float | None:
        """Rate of damage that uses up takt by itself; ``None`` where nothing is left to use up."""
        rates = (need.bearable for need in self.needs if need.outcome is OutcomeClass.DAMAGE)
        return next(rates, None)
