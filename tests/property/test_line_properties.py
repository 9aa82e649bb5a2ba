"""What holds on every line: conservation, time that adds up, Little, monotony, reproducibility.

About 20 s.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.specs.line import load_line, parse_line
from twin.kpi.line_kpis import line_kpis
from twin.line.draws import Draws
from twin.line.model import LineModel
from twin.line.process import State, Step, VisitPlan
from twin.line.reference import simulate

STOPS = st.one_of(
    st.none(),
    st.builds(lambda h, m: {"mtbf": f"{h} h", "mttr": f"{m} min"}, *[st.integers(1, 9)] * 2),
)


@st.composite
def stations(draw, index):
    station = {
        "id": f"S{index}",
        "cycle_time": {
            "mean": f"{draw(st.integers(1, 30))} min",
            "cv": draw(st.sampled_from([0.0, 0.2, 1.0])),
        },
        "servers": draw(st.integers(1, 3)),
        "buffer": draw(st.sampled_from([0, 1, 3, None])),
        "minor_stops": draw(STOPS),
        "breakdowns": draw(STOPS),
    }
    if draw(st.booleans()):
        repair = {"mean": "20 min", "cv": 0.5}
        on_fail = draw(st.sampled_from(["repair", "requeue"]))
        station |= {"first_pass_yield": 0.7, "repair": repair, "on_fail": on_fail}
    return station


@st.composite
def lines(draw):
    count = draw(st.integers(1, 4))
    return {
        "name": "any",
        "takt": f"{draw(st.integers(5, 40))} min",
        "arrivals": draw(st.sampled_from(["takt", "poisson", "saturated"])),
        "retest_factor": 0.3,
        "debug_benches": draw(st.sampled_from([1, 2, None])),
        "transport": draw(
            st.sampled_from([None, {"vehicles": 1, "move": {"mean": "5 min", "cv": 0.3}}])
        ),
        "stations": [draw(stations(i)) for i in range(count)],
    }


@settings(max_examples=60, deadline=None)
@given(lines(), st.integers(0, 2**32), st.sampled_from([0.0, 0.7]))
def test_units_are_conserved_and_time_adds_up(data, seed, warmup_days):
    ledger = simulate(parse_line(data), seed=seed, days=1.5, warmup_days=warmup_days)
    n_stations, units = len(ledger.stations), ledger.units
    # Every server's states fill the window exactly.
    assert ledger.server_time_s.min() >= 0
    assert ledger.server_time_s.sum(axis=1) == pytest.approx(ledger.length_s, rel=1e-9)
    # In = out + WIP, at the line and at every station; times of a visit are in order.
    shipped = ~np.isnan(units["shipped_s"])
    inside = {int(u) for u in np.flatnonzero(~shipped)}
    for index in range(n_stations):
        here = ledger.visits[ledger.visits["station"] == index]
        gone = here[~np.isnan(here["left_s"])]
        assert len(np.unique(here["unit"])) == len(here)
        assert (gone["arrived_s"] <= gone["started_s"]).all()
        assert (gone["started_s"] <= gone["done_s"]).all()
        assert (gone["done_s"] <= gone["left_s"]).all()
        assert (gone["attempts"] >= 1).all()
        assert {int(u) for u in here["unit"][np.isnan(here["left_s"])]} <= inside
    assert shipped.sum() == len(gone)  # those who left the last station
    # Never more units at work on a station than it has servers.
    for index, info in enumerate(ledger.stations):
        here = ledger.visits[ledger.visits["station"] == index]
        if data["stations"][index].get("on_fail") != "requeue":
            begun = here[~np.isnan(here["started_s"])]
            ends = np.where(np.isnan(begun["left_s"]), np.inf, begun["left_s"])
            for moment in begun["started_s"]:
                assert ((begun["started_s"] <= moment) & (ends > moment)).sum() <= info.servers


@settings(max_examples=15, deadline=None)
@given(lines(), st.integers(0, 2**32))
def test_same_seed_same_ledger(data, seed):
    line = parse_line(data)
    first, again = (simulate(line, seed=seed, days=1.0) for _ in range(2))
    assert first.visits.tobytes() == again.visits.tobytes()
    assert first.server_time_s.tobytes() == again.server_time_s.tobytes()


def test_seed_and_replication_each_change_the_ledger():
    line = load_line("nvl72_l11")
    runs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    ledgers = [simulate(line, seed=s, replication=r, days=3) for s, r in runs]
    assert len({ledger.visits.tobytes() for ledger in ledgers}) == 4


@pytest.mark.parametrize("places", [(0, 1), (1, 2), (2, 8)])
def test_more_buffer_never_ships_fewer(places):
    def shipped(buffer, seed):
        station = {"buffer": buffer, "cycle_time": {"mean": "1 min", "family": "exponential"}}
        rows = [{"id": f"S{i}", **station} for i in range(3)]
        line = {"name": "buffers", "takt": "1 min", "arrivals": "saturated", "stations": rows}
        ledger = simulate(parse_line(line), seed=seed, days=0.2)
        return np.count_nonzero(~np.isnan(ledger.units["shipped_s"]))

    # Keyed draws give both lines the same times, so that this holds path by path.
    assert all(shipped(places[0], seed) <= shipped(places[1], seed) for seed in range(20))


def test_littles_law_at_the_line_and_at_a_station():
    ledger = simulate(load_line("nvl72_l11"), seed=4, days=120, warmup_days=15)
    assert line_kpis(ledger)["littles_law_ratio"] == pytest.approx(1.0, abs=0.02)
    here = ledger.visits[ledger.visits["station"] == ledger.station_index("S110")]
    left = here[ledger.in_window(here["left_s"])]
    start, end = ledger.window_s
    overlap = np.fmin(here["left_s"], end) - np.maximum(here["arrived_s"], start)
    content = np.maximum(overlap, 0.0).sum() / ledger.length_s
    rate = len(left) / ledger.length_s
    assert content == pytest.approx(rate * (left["left_s"] - left["arrived_s"]).mean(), rel=0.03)


class HalfHour:
    def plan(self, unit, visit):
        return VisitPlan((Step(State.WORKING, 1800.0),))


def test_changing_one_station_leaves_the_draws_of_all_others_alone():
    reference = LineModel(load_line("nvl72_l11"))
    attached = reference.attach("S60", minor_stops="replaced").with_servers({"S70": 4})
    ledgers = [
        simulate(reference, seed=9, days=10),
        simulate(attached, seed=9, days=10, processes={"S60": HalfHour()}),
    ]
    for id_ in ("S10", "S50", "S90", "S110", "S140"):
        work = []
        for ledger in ledgers:
            here = ledger.visits[ledger.visits["station"] == ledger.station_index(id_)]
            ended = here[~np.isnan(here["left_s"])]
            work.append(dict(zip(ended["unit"].tolist(), ended["work_s"].tolist(), strict=True)))
        common = work[0].keys() & work[1].keys()
        assert len(common) > 100
        assert all(work[0][unit] == work[1][unit] for unit in common)


def test_draws_depend_on_every_word_of_their_key():
    keys = [
        (seed, replication, station, purpose)
        for seed in (0, 1)
        for replication in (0, 1)
        for station in ("S1", "S2")
        for purpose in ("a", "b")
    ]
    values = [
        Draws(*key).uniform(unit, visit, k)
        for key in keys
        for unit in range(5)
        for visit in range(3)
        for k in range(3)
    ]
    assert len(set(values)) == len(values)
    assert all(0 < value < 1 for value in values)
    assert abs(np.mean(values) - 0.5) < 4 / (12 * len(values)) ** 0.5
