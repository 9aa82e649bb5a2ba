"""Gates hold, fail or stay open on bounds."""

import numpy as np
import pytest

from configs.errors import ConfigError
from configs.specs.base import load_spec
from configs.specs.gates import GateSpec
from twin.kpi.gates import Answer, compare, evaluate_gate, judge
from twin.kpi.intervals import NOTHING_KNOWN, Interval
from twin.kpi.nested import NestedInterval

YIELD = GateSpec.model_construct(
    kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference"
)
LEAD = GateSpec.model_construct(kpi="lead_time_mean_h", at_most=1.1, against="reference ratio")
GROUPS = np.repeat(np.arange(15), 2)


def nested(low, high):
    return NestedInterval(Interval((low + high) / 2, low, high), 0.0, 0.0, 30)


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [
        (0.9, 1.1, Answer.HOLDS),
        (1.05, 1.15, Answer.INCONCLUSIVE),
        (1.1, 1.2, Answer.INCONCLUSIVE),
        (1.11, 1.2, Answer.FAILS),
    ],
)
def test_only_the_whole_interval_decides(low, high, answer):
    assert judge(LEAD, Interval(1.0, low, high)) is answer


def test_point_values_never_decide():
    assert judge(LEAD, Interval(0.5, 0.1, 1.2)) is Answer.INCONCLUSIVE
    assert judge(YIELD, NOTHING_KNOWN) is Answer.INCONCLUSIVE
    assert judge(LEAD, NOTHING_KNOWN) is Answer.INCONCLUSIVE


def test_compare_pairs_with_the_reference():
    rng = np.random.default_rng(0)
    luck = 10 * rng.standard_normal(15)[GROUPS]
    staffed, cell = 50 + luck, 51 + luck + 0.1 * rng.standard_normal(30)
    ratio = compare(LEAD, cell, staffed, GROUPS).interval
    assert ratio.estimate == pytest.approx(51 / 50, rel=0.01)
    assert ratio.half_width < 0.01  # the line's luck is common to both and cancels
    value = GateSpec.model_construct(kpi="technician_use", at_most=0.8)
    assert compare(value, np.full(30, 0.5), None, GROUPS).interval.high == 0.5
    with pytest.raises(ValueError, match="needs the reference"):
        compare(LEAD, cell, None, GROUPS)
    with pytest.raises(ValueError, match="pairs"):
        compare(LEAD, cell, staffed[:5], GROUPS)


def test_a_gate_that_depends_on_a_rare_class_is_inconclusive():
    held = evaluate_gate(LEAD, nested(0.95, 1.05), {"damage at its bound": nested(0.97, 1.08)})
    assert (held.answer, "good side" in held.why) == (Answer.HOLDS, True)
    open_ = evaluate_gate(LEAD, nested(0.95, 1.05), {"damage at its bound": nested(1.2, 1.4)})
    assert open_.answer is Answer.INCONCLUSIVE
    assert "damage at its bound" in open_.why
    assert "too few events" in open_.why
    failed = evaluate_gate(LEAD, nested(1.2, 1.3), {"damage at its bound": nested(1.3, 1.4)})
    assert failed.answer is Answer.FAILS
    blocked = evaluate_gate(LEAD, nested(0.95, 1.05), blockers=["20 racks, 30 are needed"])
    assert (blocked.answer, blocked.why) == (Answer.INCONCLUSIVE, "20 racks, 30 are needed")


def test_gate_yaml(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text("{kpi: lead_time_mean_h, at_most: 1.1, against: reference ratio}")
    gate = load_spec(GateSpec, path)
    assert (gate.limit, gate.paired) == (1.1, True)
    assert gate.describe() == "lead_time_mean_h at most 1.1 x reference"
    for text in ("{kpi: k}", "{kpi: k, at_most: 1.0, at_least: 0.5}"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="exactly one of at_least and at_most"):
            load_spec(GateSpec, path)
