"""The process model of a policy: its plans, its pairing, its bounds."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from configs.specs.base import load_spec
from configs.specs.effects import Effects
from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK
from twin.bridge.explanations import CommonCause, OwnCauses
from twin.bridge.first_pass import first_pass_interval, rack_first_pass
from twin.bridge.process import fit_station, rare_operations
from twin.bridge.synthetic import Truth
from twin.line.process import State

SPLIT = np.array([0.4, 0.2, 0.2, 0.1, 0.1])


def common(p, rho, split=SPLIT):
    return CommonCause(np.array(p), np.array(rho), np.asarray(split))


def station(p=0.1, rho=0.1, racks=50, label="X", seed=0, **changes):
    records = Truth(p, rho).campaign(racks, 8, np.random.default_rng(seed))
    return fit_station(records, station="S60", label=label, effects=Effects(), **changes)


@pytest.fixture(scope="module")
def model():
    return station()


def test_plans_do_not_depend_on_order_or_on_what_was_planned_before(model):
    forward, backward = model.replicate(7, 3), model.replicate(7, 3)
    keys = [(unit, visit) for unit in range(30) for visit in range(2)]
    plans = {key: forward.plan(*key) for key in keys}
    assert {key: backward.plan(*key) for key in reversed(keys)} == plans
    assert len(set(plans.values())) == len(keys)
    assert pickle.loads(pickle.dumps(model)).replicate(7, 3).plan(5, 1) == plans[5, 1]


def test_labels_draw_apart_and_visits_together(model):
    x, y = model.replicate(1, 0), replace(model, label="Y").replicate(1, 0)
    assert not np.array_equal(x.drawn.rates, y.drawn.rates)
    again = model.replicate(1, 0, draw=4).drawn.rates
    assert np.array_equal(again, model.replicate(1, 4).drawn.rates)
    same = common(0.1, 0.1, SPLIT)
    x, y = model.with_draw(same, 1, 0), replace(model, label="Y").with_draw(same, 1, 0)
    assert all(x.plan(unit, 0) == y.plan(unit, 0) for unit in range(20))


def test_common_random_numbers_correlate_two_policies(model):
    other = station(p=0.15, seed=1, label="Y")
    x = model.with_draw(common(0.10, 0.1, SPLIT), 1, 0)
    y = other.with_draw(common(0.15, 0.1, SPLIT), 1, 0)
    stopped = np.array(
        [[p.plan(unit, 0).assists for p in (x, y)] for unit in range(300)], dtype=float
    )
    assert np.corrcoef(stopped.T)[0, 1] > 0.6


def test_classes_and_their_clustering_come_out_at_their_rates(model):
    drawn = common(0.2, 0.15, SPLIT)
    process = model.with_draw(drawn, 3, 0)
    plans = [process.plan(unit, 0) for unit in range(3000)]
    n, people = 29, 0.2 * 0.4
    assists = np.array([plan.assists for plan in plans])
    # A class of share s in p has mean sp and, thinned from a beta, the correlation below.
    rho = people * people * 0.15 * 0.8 / 0.2 / (people * (1 - people))
    variance = n * people * (1 - people) * (1 + (n - 1) * rho)
    assert assists.mean() == pytest.approx(n * people, abs=4 * np.sqrt(variance / 3000))
    assert assists.var() == pytest.approx(variance, rel=0.12)
    damages = sum(plan.damages for plan in plans) / (3000 * n)
    escapes = sum(plan.escapes for plan in plans) / (3000 * n)
    assert damages == pytest.approx(0.02, abs=0.002)
    assert escapes == pytest.approx(0.02, abs=0.002)
    clean = np.mean([plan.first_pass for plan in plans])
    assert clean == pytest.approx(rack_first_pass(drawn, n)[0], abs=0.03)


def test_steps_say_what_an_outcome_costs(model):
    def steps(outcome):
        only = np.array([float(c is outcome) for c in NOT_OK])
        return model.with_draw(common(1.0, 0.0, only), 1, 0).plan(0, 0)

    for outcome in (OutcomeClass.ASSISTED, OutcomeClass.DETECTED):
        plan = steps(outcome)
        assert (plan.assists, plan.operations, plan.first_pass) == (29, 29, False)
        assert [s.state for s in plan.steps] == [State.WORKING, State.DOWN] * 29
        people_s = [s.duration_s for s in plan.steps if s.technician]
        assert len(people_s) == 29
        assert np.mean(people_s) == pytest.approx(300, rel=0.3)
    plan = steps(OutcomeClass.DAMAGE)
    swaps = [s for s in plan.steps if s.state is State.DOWN]
    assert (plan.damages, len(swaps)) == (29, 29)
    assert {(s.duration_s, s.technician) for s in swaps} == {(3600.0, True)}  # nobody else is there
    plan = steps(OutcomeClass.ESCAPED)
    assert (plan.escapes, len(plan.steps), plan.first_pass) == (29, 1, False)
    plan = steps(OutcomeClass.RETRIED)
    assert (len(plan.steps), plan.first_pass) == (1, True)


def test_a_rack_of_ok_operations_is_one_stretch_of_recorded_work(model):
    plan = model.with_draw(common(0.0, 0.3, SPLIT), 1, 0).plan(0, 0)
    (step,) = plan.steps
    assert step.state is State.WORKING
    assert step.duration_s == pytest.approx(240 + 29 * 100, rel=0.1)


def test_the_rule_of_three_is_that_of_the_architecture():
    records = Truth(1e-12, 0.0).campaign(500, 1, np.random.default_rng(0))
    model = fit_station(records, station="S60", label="X", effects=Effects())
    bound = model.class_bound(OutcomeClass.ESCAPED)
    assert bound == pytest.approx(3 / 500, rel=0.01)
    assert (1 - bound) ** 29 == pytest.approx(0.84, abs=0.005)
    assert (1 - bound) ** 180 == pytest.approx(0.34, abs=0.005)
    assert model.thin_classes == NOT_OK
    assert model.class_bound(OutcomeClass.ESCAPED, upper=False) == 0.0


def test_clustering_makes_operations_worth_less():
    racks = np.full(50, 8)
    assert rare_operations(racks, 0.0) == pytest.approx(400)
    assert 50 < rare_operations(racks, 0.3) < rare_operations(racks, 0.1) < 400
    assert rare_operations(racks, 0.999) == pytest.approx(50, rel=0.02)
    assert rare_operations(racks, 1.0) == pytest.approx(50)


def test_a_class_that_comes_by_the_rack_has_a_bound_above_its_share():
    """Retries that come singly keep the common rho low; damage fills 4 of 50 racks all the same."""
    single = Truth(0.25, 0.0, (1.0, 0.0, 0.0, 0.0, 0.0))
    records = [
        replace(record, outcome=OutcomeClass.DAMAGE)
        if record.rack_id in (3, 14, 25, 36) and record.slot < 6
        else record
        for record in single.campaign(50, 8, np.random.default_rng(0))
    ]
    model = fit_station(records, station="S60", label="X", effects=Effects())
    assert model.posterior.rho_mean < 0.15
    assert OutcomeClass.DAMAGE in model.thin_classes
    assert model.class_bound(OutcomeClass.DAMAGE) > 24 / 400
    assert model.class_bound(OutcomeClass.DAMAGE, upper=False) < 24 / 400


def test_at_bound_holds_the_class_and_leaves_the_others(model):
    rare = model.at_bound(OutcomeClass.ESCAPED, OutcomeClass.DAMAGE)
    free, held = model.replicate(1, 0).drawn, rare.replicate(1, 0).drawn
    rates, at_bound = free.rates, held.rates
    assert at_bound[:3] == pytest.approx(rates[:3])
    assert at_bound[3] == pytest.approx(model.class_bound(OutcomeClass.ESCAPED))
    assert at_bound[4] == pytest.approx(model.class_bound(OutcomeClass.DAMAGE))
    assert first_pass_interval(rare, 1).low < first_pass_interval(model, 1).low
    nothing = station(p=1e-9, rho=0).at_bound(*NOT_OK, upper=False)
    assert nothing.replicate(1, 0).plan(0, 0).first_pass


def test_marks_and_blockers_name_what_is_thin():
    few = station(p=0.02, rho=0, racks=20)
    assert any("20 racks" in text for text in few.blockers)
    assert any("'damage' seen in" in text for text in few.marks)
    plenty = station(p=0.5, rho=0)
    assert (plenty.marks, plenty.blockers, plenty.thin_classes) == ((), (), ())
    records = Truth(0.5, 0).campaign(50, 8, np.random.default_rng(0))
    voided = [replace(r, outcome=OutcomeClass.VOID) for r in records[:5]] + records[5:]
    model = fit_station(voided, station="S60", label="X", effects=Effects())
    assert any("1.2% of the operations are void" in text for text in model.blockers)


def test_first_pass_closed_form():
    for p, ok_again in ((0.0, 0.5), (0.02, 0.0), (0.2, 0.4), (1.0, 0.7)):
        split = [ok_again, 1 - ok_again, 0, 0, 0]
        exact = (1 - (1 - ok_again) * p) ** 29
        assert rack_first_pass(common(p, 0.0, split), 29)[0] == pytest.approx(exact, abs=1e-12)
    rng = np.random.default_rng(0)
    q = rng.beta(0.1 * 3, 0.9 * 3, 400_000)  # p = .1, rho = .25
    simulated = np.mean((1 - 0.6 * q) ** 29)
    assert rack_first_pass(common(0.1, 0.25), 29)[0] == pytest.approx(simulated, abs=0.003)


OWN = OwnCauses(np.array([0.2, 0.0, 0.01, 0.02, 0.06]), np.array([0.0, 0.2, 0.1, 0.0, 0.3]))


def test_own_causes_come_out_at_their_rates_and_cluster_apart(model):
    """Plans of racks against the closed forms of rates, of damage's variance and of first pass."""
    process, n = model.with_draw(OWN, 3, 0), 29
    plans = [process.plan(unit, 0) for unit in range(3000)]
    damages = np.array([plan.damages for plan in plans])
    variance = n * 0.06 * 0.94 * (1 + (n - 1) * 0.3)
    assert damages.mean() == pytest.approx(n * 0.06, abs=4 * np.sqrt(variance / 3000))
    assert damages.var() == pytest.approx(variance, rel=0.12)
    rates = np.array([0.2 * 0.94 * 0.98 * 0.99, 0, 0.01 * 0.94 * 0.98, 0.02 * 0.94, 0.06])
    assert OWN.rates == pytest.approx(rates)
    escapes = np.array([plan.escapes for plan in plans])
    assert escapes.mean() / n == pytest.approx(rates[3], rel=0.1)
    clean = np.mean([plan.first_pass for plan in plans])
    assert clean == pytest.approx(rack_first_pass(OWN, n)[0], abs=0.03)
    rng = np.random.default_rng(0)
    left = rng.beta(0.94 * 7 / 3, 0.06 * 7 / 3, 200_000) * (1 - 0.02)
    left *= rng.beta(0.99 * 9, 0.01 * 9, 200_000)
    assert rack_first_pass(OWN, n)[0] == pytest.approx(np.mean(left**n), abs=0.004)


def test_own_causes_are_held_at_bounds_like_the_common_one():
    held = OWN.hold([(OutcomeClass.DAMAGE, 0.10), (OutcomeClass.ASSISTED, 0.05)])
    rates = OWN.rates
    assert held.rates == pytest.approx([rates[0], 0.05, rates[2], rates[3], 0.10])
    full = OWN.hold([(OutcomeClass.DAMAGE, 1.0)])
    assert full.rates == pytest.approx([0, 0, 0, 0, 1])


def test_effects_read_from_yaml_with_units(tmp_path):
    path = tmp_path / "effects.yaml"
    path.write_text("assisted: {mean: 4 min, cv: 0.3}\ndamage: {mean: 1 h, technician: true}\n")
    effects = load_spec(Effects, path)
    assert (effects.assisted.mean_s, effects.assisted.cv) == (240.0, 0.3)
    assert (effects.damage.mean_s, effects.damage.technician) == (3600.0, True)
    assert (effects.detected.mean_s, effects.handling_s) == (300.0, 240.0)
