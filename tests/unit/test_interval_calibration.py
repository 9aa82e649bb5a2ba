"""The interval calibration in small: it runs the real thing, resumes, and publishes every cell."""

import json

import numpy as np
import pytest

from configs.errors import RunFolderError
from twin.bridge import calibration_study
from twin.bridge.calibrate import CellResult, as_markdown, calibrate, summarise
from twin.bridge.calibration_study import KPIS, QUANTITIES, Cell, Item, work

CELLS = (Cell(0.02, 0.0, 30), Cell(0.2, 0.3, 30, own=True))


@pytest.fixture(autouse=True)
def _short_truth(monkeypatch):
    monkeypatch.setattr(calibration_study, "TRUE_REPLICATIONS", 20)


def test_a_killed_calibration_goes_on_and_ends_the_same(tmp_path):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    expected = calibrate(whole, sets=2, cells=CELLS, runs=4)
    lines = whole.read_text().splitlines(keepends=True)
    cut.write_text("".join(lines[:4]) + lines[4][:40])
    assert calibrate(cut, sets=2, cells=CELLS, runs=4) == expected
    assert sorted(cut.read_text().splitlines()) == sorted(whole.read_text().splitlines())
    for result in expected:
        assert result.sets == 2
        assert set(result.two_sided) == set(QUANTITIES)
        assert set(result.differs) == set(KPIS)
        assert len(result.fails) == 4


def test_another_study_and_damage_are_refused(tmp_path):
    path = tmp_path / "results.jsonl"
    calibrate(path, sets=1, cells=CELLS[:1], runs=4)
    with pytest.raises(RunFolderError, match="another study"):
        calibrate(path, sets=1, cells=CELLS[:1], runs=6)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + "{broken\n" + lines[2])
    with pytest.raises(RunFolderError, match=r"results\.jsonl:2"):
        calibrate(path, sets=1, cells=CELLS[:1], runs=4)


def test_a_data_set_is_a_pure_function_of_its_item():
    item = Item(CELLS[1], 3, runs=4)
    first = json.dumps(work(item))
    assert json.dumps(work(item)) == first
    assert json.dumps(work(Item(CELLS[1], 4, runs=4))) != first


def test_summary_counts_what_is_covered():
    cell = Cell(0.2, 0.0, 100)

    def row(number, low, high, differs):
        ends = [low, high, low + 0.05, high - 0.05]
        return {
            "number": number,
            "intervals": {x: dict.fromkeys(QUANTITIES, ends) for x in ("X", "Y")},
            "differs": dict.fromkeys(KPIS, differs),
            "gates": {"g": "fails" if differs else "holds"},
        }

    truth = {"number": None, "truth": dict.fromkeys(QUANTITIES, 0.5)}
    truth["known"] = {kpi: [0.9, 0.8] for kpi in KPIS}
    rows = [truth, row(0, 0.4, 0.6, False), row(1, 0.48, 0.6, True), row(9, 0, 0.1, True)]
    result = summarise(cell, rows, sets=2)
    assert result.sets == 2
    assert set(result.two_sided.values()) == {1.0}
    assert result.bound["rolled_throughput_yield"] == 0.5  # the lower bound is the one that counts
    assert result.bound["lead_time_mean_h"] == 1.0
    assert set(result.differs.values()) == set(result.fails.values()) == {0.5}
    assert any("false positives" in text for text in result.falls_short())


def test_policies_of_one_data_set_are_not_counted_as_two():
    def row(number, *covers):
        ends = [[0.4, 0.6, 0.4, 0.6] if covered else [0.6, 0.7, 0.6, 0.7] for covered in covers]
        return {
            "number": number,
            "intervals": {x: dict.fromkeys(QUANTITIES, e) for x, e in zip("XY", ends, strict=True)},
            "differs": dict.fromkeys(KPIS, False),
            "gates": {"g": "holds"},
        }

    truth = {"number": None, "truth": dict.fromkeys(QUANTITIES, 0.5)}
    truth["known"] = {kpi: [0.9, 0.8] for kpi in KPIS}

    def error(*pairs):
        rows = [truth, *(row(number, *pair) for number, pair in enumerate(pairs))]
        return summarise(Cell(0.2, 0.0, 100), rows, sets=len(pairs)).error

    # Alike within a set they say no more than one; opposed they say more than two.
    assert error((True, True), (False, False)) == pytest.approx(0.5)
    assert error((True, False), (False, True)) == 0.0
    assert error(*[(True, True)] * 19, (False, False)) == pytest.approx((0.95 * 0.05 / 19) ** 0.5)


def test_every_cell_is_published_with_what_falls_short():
    good, poor = dict.fromkeys(QUANTITIES, 0.95), dict.fromkeys(QUANTITIES, 0.90)
    none, many = dict.fromkeys(KPIS, 0.0), dict.fromkeys(KPIS, 0.10)
    known = {kpi: [0.94 - 0.01 * k, 0.92 + 0.01 * k] for k, kpi in enumerate(KPIS)}
    errors = dict.fromkeys(QUANTITIES, (0.0061, 0.0052))
    results = [
        CellResult(Cell(0.2, 0.0, 100), 1000, good, poor, known, none, {"g": 0.0}, errors),
        CellResult(Cell(0.002, 0.0, 30), 1000, poor, good, known, none, {"g": 0.0}, errors),
        CellResult(Cell(0.2, 0.3, 100, own=True), 1000, poor, good, known, many, {"g": 0}, errors),
    ]
    assert [bool(result.falls_short()) for result in results] == [False, False, True]
    text = as_markdown(results)
    assert "2 of 3 cells meet every criterion" in text
    assert "the same line: 0.0052 to 0.0061, cell by cell." in text
    assert "a gate wrongly holds for a policy beyond its limit was not measured" in text
    assert text.count("| 0.2 |") == 2
    assert text.count("| technician use 0.920 |") == 2  # two-sided, where events are many
    assert text.count("| lead time 0.920 |") == 1  # the bound's
    assert "| 0.2 | damage its own | 0.3 | 100 |" in text


def test_few_replications_of_a_skewed_kpi_cover_less_than_they_should():
    rng = np.random.default_rng(0)
    two, one = calibration_study._coverage_if_known(rng.standard_normal(4000), high_is_bad=True)
    assert (two, one) == (pytest.approx(0.95, abs=0.015), pytest.approx(0.95, abs=0.015))
    skewed = rng.lognormal(sigma=1.5, size=4000)
    two, above = calibration_study._coverage_if_known(skewed, high_is_bad=True)
    assert max(two, above) < 0.85
    assert calibration_study._coverage_if_known(skewed, high_is_bad=False)[1] > 0.97
