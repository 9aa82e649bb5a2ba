"""The run that an interval rests on: found where there is one, and what happens in its racks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.specs.gates import GateSpec
from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK
from twin.bridge.explanations import CommonCause, Draw, OwnCauses
from twin.bridge.process import fit_station
from twin.evaluation import cases
from twin.evaluation.answers import gate_interval
from twin.evaluation.assumed import assumed_records
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase
from twin.evaluation.lone import in_a_rack, lone_runs
from twin.evaluation.plan import Plan
from twin.kpi.gates import evaluate_gate

USE = GateSpec(kpi="technician_use", at_most=0.8)
YIELD = GateSpec(kpi="rolled_throughput_yield", at_least=-0.1, against="reference difference")
OF_TIME = (OutcomeClass.DAMAGE, OutcomeClass.ASSISTED, OutcomeClass.DETECTED)
ONE = np.array([0.50, 0.52, 0.48, 0.51, 0.49, 2.0, 0.50, 0.51])
ALL = np.array([0.10, 1.30, 0.20, 1.40, 0.10, 1.60, 0.30, 1.20])


@dataclass
class Runs:
    """A cell's line of which every run is written down, and a staffed line that never varies."""

    values: NDArray[np.float64]

    def kpi(self, case: LineCase, name: str, count: int) -> NDArray[np.float64]:
        """Return the first ``count`` runs."""
        return self.values[:count] if case.sources else np.full(count, 0.5)


def fitted(plan: Plan, twice: tuple[OutcomeClass, ...] = ()) -> Fitted:
    """Return a policy that ended so in two racks each and else never erred."""
    ends = dict(zip(range(0, 160, 4), twice * 2, strict=False))
    records = [
        replace(record, outcome=ends.get(k, OutcomeClass.OK))
        for k, record in enumerate(assumed_records(plan))
    ]
    model = fit_station(records, station="S60", label="x", effects=plan.spec.effects)
    return Fitted("x", model, "made up")


def found(plan: Plan, policy: Fitted, gate: GateSpec, values: NDArray[np.float64]) -> list[Any]:
    lines: Any = Runs(values)
    pair = cases.cell(plan, policy, "takt"), cases.staffed(plan, "takt")
    result = evaluate_gate(gate, gate_interval(gate, lines, *pair, 8))
    return list(lone_runs(plan, lines, policy, [result], 8))


def test_the_run_that_widens_an_open_interval_is_named(small_plan: Plan) -> None:
    policy = fitted(small_plan)
    (one,) = found(small_plan, policy, USE, ONE)
    assert (one.letter, one.kpi, one.run, one.runs) == ("x", USE.kpi, 5, 8)
    assert (one.value, one.others) == (2.0, (0.48, 0.52))
    drawn = policy.model.replicate(small_plan.spec.line_runs.seed, 2, draw=5).drawn
    assert one.rate == drawn.rates[NOT_OK.index(one.outcome)]
    assert one.in_a_rack == in_a_rack(drawn, one.outcome, 29) >= 1
    (worst,) = found(small_plan, policy, YIELD, 1 - ONE)  # of a yield the lowest is the bad one
    assert (worst.run, worst.outcome) == (5, OutcomeClass.ESCAPED)


@pytest.mark.parametrize(
    ("twice", "gate", "values"),
    [
        ((), USE, ALL),  # open, but not for one run
        ((), USE, ONE / 10),  # holds
        (OF_TIME, USE, ONE),  # whatever costs most has been seen: it is no question any more
        ((), GateSpec(kpi="power_mean_kw", at_most=0.8), ONE),  # suffers from no outcome
    ],
)
def test_no_run_is_blamed_where_none_is_to_blame(
    twice: tuple[OutcomeClass, ...], gate: GateSpec, values: NDArray[np.float64], small_plan: Plan
) -> None:
    assert found(small_plan, fitted(small_plan, twice), gate, values) == []


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.65])
@pytest.mark.parametrize("own", [False, True])
def test_how_many_a_bad_rack_has_is_that_of_the_beta_binomial(rho: float, own: bool) -> None:
    p, n, only = 0.0116, 29, np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    drawn: Draw = CommonCause(np.array(p), np.array(rho), only)
    if own:
        drawn = OwnCauses(p * only, rho * only)
    j = np.arange(n)
    none = np.prod(((1 - p) * (1 - rho) + j * rho) / (1 - rho + j * rho))
    found = in_a_rack(drawn, OutcomeClass.DAMAGE, n)
    assert found == pytest.approx(n * p / (1 - none), rel=0.03)
    assert in_a_rack(drawn, OutcomeClass.ESCAPED, n) == 0.0
