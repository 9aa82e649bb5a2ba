"""The one run of the line that most of an open gate's interval rests on, and what happens in it.

Where an outcome was seen in one rack or none, the episodes leave open how often it happens and
also whether it comes singly or a whole rack at a time. Every run of a policy's line draws both. A
draw with whole racks of it is rare, but met once in some thirty runs it makes the interval wide
all by itself, so that a policy without one damage may seem less certain than one with three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from configs.specs.effects import Effects
from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK
from twin.bridge.explanations import Draw
from twin.evaluation import cases
from twin.evaluation.answers import gate_interval
from twin.evaluation.cases import Fitted
from twin.evaluation.causes import OF_DEFECTS, OF_TIME, lost_s
from twin.evaluation.lines import Lines
from twin.evaluation.plan import Plan
from twin.kpi.gates import Answer, GateResult, judge

_HALF: Final = 0.5
_LEAST: Final = 3  # line replications, so that without one of them there is still an interval
_RACKS: Final = 2000  # quantiles of racks' own rates; the mean needs no more


@dataclass(frozen=True)
class LoneRun:
    """A run without which an open gate's interval is less than half as wide.

    Attributes:
        letter: of the policy.
        kpi: of the gate.
        run: its number, from 0.
        runs: how many there are.
        value: the KPI in it.
        others: lowest and highest value in the other runs.
        outcome: what costs most in it, seen by the campaign in one rack or none.
        rate: share of the operations that end so in it.
        in_a_rack: mean number of them in a rack that has any.
    """

    letter: str
    kpi: str
    run: int
    runs: int
    value: float
    others: tuple[float, float]
    outcome: OutcomeClass
    rate: float
    in_a_rack: float


def lone_runs(
    plan: Plan, lines: Lines, fitted: Fitted, results: Sequence[GateResult], count: int
) -> Iterator[LoneRun]:
    """Yield the lone run of each gate whose own interval leaves it open, where there is one.

    Args:
        plan: the evaluation.
        lines: its line runs, made.
        fitted: the policy.
        results: its gates.
        count: runs of its line.
    """
    for result in results:
        if judge(result.gate, result.measured.interval) is Answer.INCONCLUSIVE:
            found = _lone_run(plan, lines, fitted, result, count)
            if found is not None:
                yield found


def _lone_run(
    plan: Plan, lines: Lines, fitted: Fitted, result: GateResult, count: int
) -> LoneRun | None:
    gate, case = result.gate, cases.cell(plan, fitted, "takt")
    values = lines.kpi(case, gate.kpi, count)
    run = int(values.argmax() if gate.at_most is not None else values.argmin())
    replication = case.replication_of(run)
    if len({case.replication_of(r) for r in range(count)}) < _LEAST:
        return None
    staffed = cases.staffed(plan, "takt")
    rest = gate_interval(gate, lines, case, staffed, count, without=replication)
    if not rest.interval.half_width < _HALF * result.measured.interval.half_width:
        return None
    model = fitted.model
    drawn = model.replicate(plan.spec.line_runs.seed, replication, draw=run).drawn
    outcome = _costliest(gate.kpi, drawn, model.effects)
    if outcome is None or model.posterior.counts.racks_with(outcome) > 1:
        return None
    others = np.delete(values, run)
    return LoneRun(
        letter=fitted.letter,
        kpi=gate.kpi,
        run=run,
        runs=count,
        value=float(values[run]),
        others=(float(others.min()), float(others.max())),
        outcome=outcome,
        rate=_rate(drawn, outcome),
        in_a_rack=in_a_rack(drawn, outcome, model.operations),
    )


def _costliest(kpi: str, drawn: Draw, effects: Effects) -> OutcomeClass | None:
    """Return the outcome that a KPI suffers from most under a draw; ``None`` if it has no cause."""
    if kpi in OF_DEFECTS:
        return OutcomeClass.ESCAPED
    costs = {outcome: _rate(drawn, outcome) * s for outcome, s in lost_s(effects).items()}
    return max(costs, key=lambda outcome: costs[outcome]) if kpi in OF_TIME else None


def _rate(drawn: Draw, outcome: OutcomeClass) -> float:
    return float(drawn.rates[NOT_OK.index(outcome)])


def in_a_rack(drawn: Draw, outcome: OutcomeClass, operations: int) -> float:
    """Return how many operations end so in a rack that has any, on average, under a draw.

    Args:
        drawn: one draw of the posterior.
        outcome: what they end in.
        operations: operations of a rack.
    """
    luck = (np.arange(_RACKS) + 0.5) / _RACKS
    begin = drawn.edges(np.repeat(luck[:, None], len(NOT_OK), axis=1))
    ends = np.append(begin[:, 1:], np.ones((_RACKS, 1)), axis=1)
    at = NOT_OK.index(outcome)
    rates = ends[:, at] - begin[:, at]
    any_ = float((1 - (1 - rates) ** operations).mean())
    return float(operations * rates.mean() / any_) if any_ > 0 else 0.0
