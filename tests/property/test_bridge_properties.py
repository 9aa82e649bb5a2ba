"""What must hold for any policy: monotone, conserved, alternating, in range."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.specs.effects import Effects
from configs.specs.gates import GateSpec
from twin.bridge.explanations import CommonCause, OwnCauses
from twin.bridge.first_pass import rack_first_pass
from twin.bridge.process import fit_station
from twin.bridge.synthetic import Truth
from twin.kpi.gates import Answer, judge
from twin.kpi.intervals import Interval
from twin.line.draws import Draws

MODEL = fit_station(
    Truth(0.1, 0.1).campaign(40, 8, np.random.default_rng(0)),
    station="S60",
    label="X",
    effects=Effects(),
)
SHARES = st.lists(st.floats(0.01, 1), min_size=5, max_size=5).map(
    lambda raw: np.array(raw) / sum(raw)
)
PROBABILITY = st.floats(0.0, 1.0)
RHO = st.one_of(st.just(0.0), st.floats(1e-6, 0.95))
RHOS = st.lists(RHO, min_size=5, max_size=5).map(np.array)


def common(p, rhos, split):
    """Return one cause for all misses; of ``rhos`` the first holds."""
    return CommonCause(np.array(p), rhos[0], split)


def own(p, rhos, split):
    """Return a cause of its own for every class, with sticks that grow with p."""
    return OwnCauses(p * split, rhos)


EXPLANATION = st.sampled_from([common, own])


@settings(max_examples=60, deadline=None)
@given(
    explain=EXPLANATION,
    p=PROBABILITY,
    rhos=RHOS,
    split=SHARES,
    unit=st.integers(0, 10**6),
    visit=st.integers(0, 5),
)
def test_a_plan_accounts_for_every_operation(explain, p, rhos, split, unit, visit):
    plan = MODEL.with_draw(explain(p, rhos, split), 1, 0).plan(unit, visit)
    assert plan.operations == 29
    assert plan.assists + plan.damages + plan.escapes <= 29
    assert plan.first_pass == (plan.assists + plan.damages + plan.escapes == 0)
    assert sum(step.technician for step in plan.steps) == plan.assists + plan.damages
    assert sum(step.state == "down" for step in plan.steps) == plan.assists + plan.damages
    assert all(step.duration_s > 0 for step in plan.steps)
    kinds = [(step.state, step.technician) for step in plan.steps]
    assert all(a != b for a, b in pairwise(kinds))


@settings(max_examples=60, deadline=None)
@given(
    explain=EXPLANATION,
    ends=st.tuples(PROBABILITY, PROBABILITY).map(sorted),
    rhos=RHOS,
    split=SHARES,
    unit=st.integers(0, 10**6),
)
def test_a_better_policy_never_spoils_a_visit_that_a_worse_one_gets_right(
    explain, ends, rhos, split, unit
):
    good, bad = (MODEL.with_draw(explain(p, rhos, split), 1, 0).plan(unit, 0) for p in ends)
    assert good.first_pass or not bad.first_pass


@settings(max_examples=60, deadline=None)
@given(
    explain=EXPLANATION,
    ends=st.tuples(PROBABILITY, PROBABILITY).map(sorted),
    rhos=RHOS,
    split=SHARES,
)
def test_first_pass_falls_with_p(explain, ends, rhos, split):
    more, fewer = (rack_first_pass(explain(p, rhos, split), 29)[0] for p in ends)
    assert -1e-9 <= fewer <= more + 1e-9 <= 1 + 1e-6


@settings(max_examples=60, deadline=None)
@given(
    unit=st.integers(0, 2**40),
    visit=st.integers(0, 99),
    seed=st.integers(0, 2**63),
    k=st.integers(1, 70),
)
def test_uniforms_at_once_are_those_one_by_one(unit, visit, seed, k):
    draws = Draws(seed, 3, "S60", "x")
    assert draws.block(range(unit, unit + 3), visit, k).tolist() == [
        [draws.uniform(unit + row, visit, i) for i in range(k)] for row in range(3)
    ]
    assert draws.uniforms(unit, visit, k).tolist() == [
        draws.uniform(unit, visit, i) for i in range(k)
    ]


@settings(max_examples=80, deadline=None)
@given(ends=st.tuples(st.floats(-9, 9), st.floats(-9, 9)), limit=st.floats(-9, 9))
def test_a_gate_and_its_mirror_image_agree(ends, limit):
    low, high = sorted(ends)
    at_least = GateSpec.model_construct(kpi="k", at_least=limit)
    at_most = GateSpec.model_construct(kpi="k", at_most=-limit)
    answer = judge(at_least, Interval(low, low, high))
    assert answer is judge(at_most, Interval(-low, -high, -low))
    assert (answer is Answer.INCONCLUSIVE) == (low < limit <= high)
