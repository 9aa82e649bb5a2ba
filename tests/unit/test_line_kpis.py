"""KPIs of a line small enough to compute by hand."""

import math
import pickle

import numpy as np
import pytest

from configs.specs.line import load_line, parse_line
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.iso22400 import ISO_KPIS, elements, station_kpis
from twin.kpi.line_kpis import (
    bottleneck,
    line_kpis,
    replication_kpis,
    time_by_state,
    time_series,
)
from twin.line.reference import DAY_S, simulate


@pytest.fixture(scope="module")
def ledger():
    """A rack an hour for 10 hours: A 30 min, B fails every first test: 20 + 10 repair + 20 min."""
    line = {
        "name": "by hand",
        "takt": "60 min",
        "retest_factor": 0.0,
        "debug_benches": 2,
        "stations": [
            {"id": "A", "cycle_time": {"mean": "30 min"}, "crew": 2},
            {
                "id": "B",
                "cycle_time": {"mean": "20 min"},
                "crew": 1,
                "first_pass_yield": 1e-12,
                "repair": {"mean": "10 min"},
                "power_kw": 6.0,
            },
        ],
    }
    # Measured from hour 10 to 20: ten racks are shipped at 10:20, 11:20, ...
    return simulate(parse_line(line), seed=0, days=10 / 24, warmup_days=10 / 24)


def test_line_kpis_by_hand(ledger):
    kpis = line_kpis(ledger)
    expected = {
        "racks_per_day": 24.0,
        "lead_time_mean_h": 80 / 60,
        "lead_time_p50_h": 80 / 60,
        "lead_time_p95_h": 80 / 60,
        "wip_mean": 80 / 60,
        "inventory_turns_per_day": 24 / (80 / 60),
        "rolled_throughput_yield": 0.0,
        "rework_ratio": 0.5,
        "process_ratio": 1.0,  # no rack ever waits: 70 minutes of work and 10 of repair in 80
        "line_balance_ratio": 50 / (2 * 30),
        "technician_use": 0.0,
        "bench_use": (10 / 60) / 2,
        "people": 3.0,
        "racks_per_person_hour": 1 / 3,
        "escapes_shipped_per_rack": 0.0,
        "power_mean_kw": 6.0 * 40 / 60,
        "littles_law_ratio": 1.0,
    }
    undefined = {key for key, value in kpis.items() if math.isnan(value)}
    assert undefined == {"assists_per_1000", "damages_per_1000", "escapes_per_1000"}
    assert {k: kpis[k] for k in expected} == {k: pytest.approx(v) for k, v in expected.items()}
    assert set(expected) | undefined == set(LINE_KPIS) == set(kpis)


def test_station_kpis_by_hand(ledger):
    times = elements(ledger, "B")
    hours = {name: getattr(times, name) / 3600 for name in ("pbt_s", "apt_s", "adet_s", "adot_s")}
    # Works 40 and is repaired 10 of every 60 minutes.
    assert hours == {
        "pbt_s": pytest.approx(10.0),
        "apt_s": pytest.approx(50 / 6),
        "adet_s": pytest.approx(0.0),
        "adot_s": pytest.approx(10 / 6),
    }
    assert (times.pq, times.gq, times.rq, times.ip, times.gp) == (20, 10, 10, 10, 0)
    kpis = station_kpis(ledger, "B")
    assert kpis["availability"] == pytest.approx(50 / 60)
    assert kpis["effectiveness"] == pytest.approx(40 / 50)
    assert kpis["quality_ratio"] == pytest.approx(0.5)
    assert kpis["oee"] == pytest.approx(20 / 60)
    product = kpis["availability"] * kpis["effectiveness"] * kpis["quality_ratio"]
    assert kpis["oee"] == pytest.approx(product)
    assert kpis["first_pass_yield"] == 0.0


def test_every_station_kpi_says_what_it_is_and_what_it_is_divided_by():
    assert all(kpi.definition and kpi.denominator for kpi in ISO_KPIS)
    assert all(kpi.definition and kpi.title for kpi in LINE_KPIS.values())


def test_bottleneck_is_the_station_that_waits_least(ledger):
    assert bottleneck(time_by_state(ledger)) == "B"


def test_time_series_adds_up():
    ledger = simulate(load_line("nvl72_l11"), seed=0, days=5, warmup_days=5)
    series = time_series(ledger)
    shipped = ledger.units["shipped_s"]
    assert series.day.tolist() == list(range(1, 11))
    assert series.shipped.sum() == np.count_nonzero(~np.isnan(shipped))
    assert series.wip[5:].mean() == pytest.approx(line_kpis(ledger)["wip_mean"])


def test_replication_kpis_are_flat_numbers_for_every_station_and_state(ledger):
    flat = replication_kpis(ledger)
    assert all(isinstance(value, float) for value in flat.values())
    assert flat["A.working"] == pytest.approx(0.5)
    assert flat["B.oee"] == pytest.approx(1 / 3)


def test_an_empty_window_gives_nan_and_not_an_error():
    ledger = simulate(load_line("nvl72_l11"), seed=0, days=60 / DAY_S)
    assert math.isnan(line_kpis(ledger)["lead_time_mean_h"])
    assert line_kpis(ledger)["racks_per_day"] == 0.0
    assert replication_kpis(ledger)["S140.oee"] == 0.0


def test_a_ledger_survives_pickling(ledger):
    copy = pickle.loads(pickle.dumps(ledger))
    assert line_kpis(copy)["racks_per_day"] == line_kpis(ledger)["racks_per_day"]
    assert copy.visits.tobytes() == ledger.visits.tobytes()
