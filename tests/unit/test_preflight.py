"""Preflight with lines whose KPIs are written down: smallest effect, and what takt leaves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.errors import ConfigError
from configs.specs.gates import GateSpec
from envs.outcome import OutcomeClass
from twin.evaluation.assumed import RATE, assumed_policy, assumed_records
from twin.evaluation.before import Preflight
from twin.evaluation.lines import LineCase
from twin.evaluation.perfect import perfect_process
from twin.evaluation.plan import Plan
from twin.evaluation.preflight import cases_needed, check_horizon, preflight
from twin.kpi.intervals import t_quantile
from twin.kpi.nested import nested_interval

Floats = NDArray[np.float64]


@dataclass
class WrittenLines:
    """Every line gives 1 in every run, but for the assumed policy's."""

    assumed: Callable[[int], Floats]

    def kpi(self, case: LineCase, name: str, count: int) -> Floats:
        """Return the KPI of ``count`` runs."""
        return self.assumed(count) if case.replications else np.ones(count)


def found(plan: Plan, assumed: Callable[[int], Floats] = np.ones) -> Preflight:
    return preflight(plan, WrittenLines(assumed), (), {}, 1)  # type: ignore[arg-type]


def with_spec(plan: Plan, **update: object) -> Plan:
    return replace(plan, spec=plan.spec.model_copy(update=update))


def test_the_assumed_campaign_is_the_budget_with_its_misses_spread_evenly(small_plan: Plan) -> None:
    records = assumed_records(small_plan)
    campaign = small_plan.spec.campaign
    assert [(r.rack_id, r.slot) for r in records] == [
        (rack, slot) for rack in range(campaign.racks) for slot in small_plan.slots(rack)
    ]
    assert {r.seed for r in records} == {campaign.seed}
    wrong = [r for r in records if r.outcome is not OutcomeClass.OK]
    assert len(wrong) == round(RATE * 160) == 3
    assert max(Counter(r.outcome for r in wrong).values()) == 1
    assert np.diff([r.rack_id for r in wrong]).tolist() == [14, 13]  # of 40 racks
    big = with_spec(small_plan, campaign=campaign.model_copy(update={"racks": 250}))
    kinds = Counter(r.outcome for r in assumed_records(big))
    assert {kinds[kind] for kind in kinds if kind is not OutcomeClass.OK} == {4}


def test_a_campaign_too_small_for_a_miss_is_one_without(small_plan: Plan) -> None:
    campaign = small_plan.spec.campaign.model_copy(update={"racks": 5, "parts_per_rack": 2})
    assumed = assumed_policy(with_spec(small_plan, campaign=campaign))
    assert (assumed.size.operations, assumed.size.misses) == (10, 0)
    source = assumed.cases["takt"].source
    assert source is not None
    visit = source.replicate(1, 0, draw=0).plan(0, 0)
    assert visit.operations == small_plan.spec.operations.per_rack


def test_every_line_of_preflight_is_asked_for(small_plan: Plan) -> None:
    needed = cases_needed(small_plan)
    assert len({case.identity for case, _ in needed}) == len(needed) == 6
    count = small_plan.spec.line_runs.replications.preflight
    for case, runs in needed:  # pairs meet replications that the staffed line has too
        assert max(case.replication_of(run) for run in range(runs)) < max(2, count)


def test_the_smallest_effect_holds_what_the_episodes_leave_open(small_plan: Plan) -> None:
    def apart(count: int) -> Floats:  # two draws of a pair differ, the replications agree
        return 1.0 + np.arange(count) % 2

    row = found(small_plan, apart).rows[0]
    within, pairs = 0.5, small_plan.spec.line_runs.replications.verdict // 2
    both = within + within / (2 * pairs)
    assert row.smallest == pytest.approx(_t(both, within / (2 * pairs), within, pairs))
    assert row.smallest > t_quantile(2000) * math.sqrt(within)


def test_the_smallest_effect_holds_the_luck_of_the_line(small_plan: Plan) -> None:
    def luck(count: int) -> Floats:  # replications differ, the draws within them agree
        return 1.0 + (np.arange(count) // 2) % 2

    row = found(small_plan, luck).rows[0]
    runs = small_plan.spec.line_runs.replications
    pairs = max(2, runs.preflight // 2)
    of_a_pair = np.var(np.arange(pairs) % 2, ddof=1)
    count = runs.verdict // 2
    assert row.smallest == pytest.approx(t_quantile(count - 1) * math.sqrt(of_a_pair / count))


def test_an_interval_foretells_itself() -> None:
    values = np.random.default_rng(0).normal(size=40) + np.repeat(np.arange(20.0), 2)
    interval = nested_interval(values, np.arange(40) // 2)
    assert interval.half_width_at(40) == pytest.approx(interval.interval.half_width)
    assert interval.half_width_at(160) < 0.6 * interval.half_width_at(40)  # mostly the line's luck


def test_the_sentence_says_what_was_assumed(small_plan: Plan) -> None:
    (sentence,) = (s for s in found(small_plan).sentences if "assumed" in s)
    assert sentence.startswith("160 operations and 8 line runs a policy will hardly tell effects")
    assert "(assumed: 3 of the operations go wrong, spread evenly over racks and kinds)" in sentence


@pytest.mark.parametrize(("stops", "lost"), [("replaced", 0.01), ("kept", 0.01 + 5 / 120)])
def test_stops_that_the_cell_keeps_take_their_time(
    small_plan: Plan, stops: str, lost: float
) -> None:
    attach = small_plan.spec.attach.model_copy(update={"minor_stops": stops})
    plan = with_spec(small_plan, attach=attach)
    before = found(plan)
    assert before.bearable_operation_s == pytest.approx((3600.0 / (1 + lost) - 240.0) / 29)
    motion_s = perfect_process(plan.station, plan.spec.effects).visit_s
    damage = next(need for need in before.needs if need.outcome is OutcomeClass.DAMAGE)
    swap_s = plan.spec.effects.damage.mean_s + 180.0  # and the technician's way
    assert damage.bearable == pytest.approx((3600.0 - motion_s * (1 + lost)) / (29 * swap_s))


@pytest.mark.parametrize("mode", ["takt", "saturated"])
def test_a_horizon_in_which_no_rack_ships_is_refused(small_plan: Plan, mode: str) -> None:
    class Shipping(WrittenLines):
        def kpi(self, case: LineCase, name: str, count: int) -> Floats:
            return np.zeros(count) if mode in case.name else np.ones(count)

    check_horizon(small_plan, WrittenLines(np.ones))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"line_runs\.horizon = '4 d': is too short") as caught:
        check_horizon(small_plan, Shipping(np.ones))  # type: ignore[arg-type]
    assert f"staffed line, {mode}, ships no rack" in caught.value.problem
    assert "a rack's work alone takes 2.8 h" in caught.value.remedy  # 40, 100 and 30 min


def test_escapes_are_held_against_the_yield_gate_or_against_staffed(small_plan: Plan) -> None:
    def bearable(plan: Plan) -> tuple[float, str]:
        lines = WrittenLines(np.ones)
        needs = preflight(plan, lines, (), {}, 1).needs  # type: ignore[arg-type]
        return next((n.bearable, n.limit) for n in needs if n.outcome is OutcomeClass.ESCAPED)

    gate = GateSpec(kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference")
    rate, limit = bearable(with_spec(small_plan, gates=(gate,)))
    assert rate == pytest.approx(1 - 0.99 ** (1 / 29))  # perfect and staffed are alike here
    assert limit == "the yield gate is used up"
    with pytest.raises(StopIteration):  # nothing may be lost against staffed, and nothing is won
        bearable(small_plan)


def _t(spread: float, between: float, within: float, pairs: int) -> float:
    degrees = spread**2 / (between**2 / (pairs - 1) + within**2 / pairs)
    return t_quantile(degrees) * math.sqrt(spread)
