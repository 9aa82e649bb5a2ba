"""Recorded durations: drawn within rack and class, and as uncertain as few racks make them."""

from dataclasses import replace

import numpy as np
import pytest

from configs.specs.effects import Effects
from twin.bridge.counts import NOT_OK
from twin.bridge.durations import CLASSES, RecordedDurations
from twin.bridge.process import fit_station
from twin.bridge.synthetic import Truth


def marked(racks=6):
    """Return records whose time tells rack and class."""
    return [
        replace(r, cycle_time_s=100.0 * r.rack_id + CLASSES.index(r.outcome))
        for r in Truth(0.3, 0.0).campaign(racks, 8, np.random.default_rng(3))
    ]


def test_durations_are_drawn_within_rack_and_class():
    records = marked()
    durations = RecordedDurations(records).weighted()
    seen = {(r.rack_id, CLASSES.index(r.outcome)) for r in records}
    u = np.linspace(0.001, 0.999, 101)[None, :]
    for rack in range(6):
        for number in range(len(CLASSES)):
            luck = np.array([(rack + 0.5) / 6])
            drawn = durations.draw(luck, np.full((1, 101), number), u)[0]
            if (rack, number) in seen:
                assert set(drawn) == {100.0 * rack + number}
            elif number in {c for _, c in seen}:
                assert set(drawn) == {100.0 * r + c for r, c in seen if c == number}
            else:  # nobody saw it: the slowest tenth of all
                assert drawn.min() >= np.quantile([r.cycle_time_s for r in records], 0.9)


def test_a_rack_without_weight_is_left_out_of_pools_too():
    records = marked()
    weights = np.array([1.0, 1.0, 1e-12, 1.0, 1.0, 1.0])
    durations = RecordedDurations(records).weighted(weights)
    luck, u = np.random.default_rng(0).uniform(size=(2, 400))
    for number in range(len(CLASSES)):
        drawn = durations.draw(luck, np.full((400, 1), number), u[:, None])
        assert 2 not in drawn // 100


def test_the_mean_duration_is_as_uncertain_as_the_racks_make_it():
    """Over posterior draws it varies by the variance of the racks' means over racks."""
    racks = 40
    records = Truth(1e-9, 0.0, rack_sd_s=20.0, operation_sd_s=1e-6).campaign(
        racks, 8, np.random.default_rng(1)
    )
    fitted = fit_station(records, station="S60", label="X", effects=Effects())
    model = fitted.at_bound(*NOT_OK, upper=False)  # nothing but ok, whose times are the racks'
    means = np.array([r.cycle_time_s for r in records]).reshape(racks, 8).mean(axis=1)
    # 320 visits of each draw, its visits' own variance taken off: Var(mean) - E[Var]/320.
    drawn = np.array(
        [
            [process.plan(unit, 0).steps[0].duration_s / 29 - 240 / 29 for unit in range(320)]
            for process in (model.replicate(5, k) for k in range(400))
        ]
    )
    between = drawn.mean(axis=1).var(ddof=1) - drawn.var(axis=1, ddof=1).mean() / 320
    assert between == pytest.approx(means.var(ddof=1) / racks, rel=0.25)
    # Runs at the mean have no such draw: every rack counts alike in all of them.
    mean = model.with_draw(model.posterior.mean, 5, 0)
    visits = [mean.plan(unit, 0).steps[0].duration_s / 29 - 240 / 29 for unit in range(2000)]
    assert np.mean(visits) == pytest.approx(means.mean(), abs=4 * means.std() / np.sqrt(2000))
