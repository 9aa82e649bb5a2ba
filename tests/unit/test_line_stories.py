"""Tiny deterministic lines whose whole event log is written down."""

import pytest

from configs.specs.line import parse_line
from twin.line.ledger import STATES
from twin.line.model import LineModel
from twin.line.process import State, Step, VisitPlan
from twin.line.reference import DAY_S, simulate

ALWAYS_FAILS = 1e-12  # a first pass yield of nothing: the first test fails, the retest passes


def station(id_, minutes, **more):
    return {"id": id_, "cycle_time": {"mean": f"{minutes} min"}, **more}


def line(*stations, takt="100 min", **more):
    spec = {"name": "story", "takt": takt, "retest_factor": 0.0, "stations": list(stations)}
    return LineModel(parse_line({**spec, **more}))


def run(model, minutes, **more):
    return simulate(model, seed=0, days=minutes * 60 / DAY_S, **more)


def log(ledger, *units):
    """Return the event log in minutes, of some units or all."""
    events = list(ledger.events())
    return [(t / 60, u, s, what) for t, u, s, what in events if not units or u in units]


def minutes_by_state(ledger, station_id):
    rows = ledger.server_time_s[ledger.server_station == ledger.station_index(station_id)]
    spent = dict(zip(STATES, rows.sum(axis=0) / 60, strict=True))
    return {state: pytest.approx(value) for state, value in spent.items() if value > 1e-9}


def test_a_unit_passes_two_stations():
    ledger = run(line(station("A", 3), station("B", 4)), 60)
    assert log(ledger) == [
        (0, 0, "A", "arrived"),
        (0, 0, "A", "started"),
        (3, 0, "A", "done"),
        (3, 0, "A", "left"),
        (3, 0, "B", "arrived"),
        (3, 0, "B", "started"),
        (7, 0, "B", "done"),
        (7, 0, "B", "left"),
    ]


def test_blocking_after_service_with_one_place():
    ledger = run(line(station("A", 1, buffer=1), station("B", 10), takt="1 min"), 30)
    # Unit 1 sits in the only place while B works on unit 0, so unit 2 waits on A until 11.
    assert log(ledger, 2)[:5] == [
        (2, 2, "A", "arrived"),
        (2, 2, "A", "started"),
        (3, 2, "A", "done"),
        (11, 2, "A", "left"),
        (11, 2, "B", "arrived"),
    ]
    assert [e for e in log(ledger, 1) if e[2] == "B"][1] == (11, 1, "B", "started")
    # Blocked 3-11 (unit 2) and, from 12 on, until 21 (unit 3) and until the end (unit 4).
    assert minutes_by_state(ledger, "A") == {State.WORKING: 5, State.BLOCKED: 8 + 9 + 8}


def test_without_a_place_the_unit_waits_for_the_next_server_itself():
    ledger = run(line(station("A", 1, buffer=0), station("B", 10), takt="1 min"), 12)
    assert log(ledger, 1)[:5] == [
        (1, 1, "A", "arrived"),
        (1, 1, "A", "started"),
        (2, 1, "A", "done"),
        (11, 1, "A", "left"),
        (11, 1, "B", "arrived"),
    ]


def test_a_moving_unit_holds_its_place_and_the_vehicle():
    model = line(
        station("A", 1, buffer=1),
        station("B", 1),
        takt="1 min",
        transport={"vehicles": 1, "move": {"mean": "5 min"}},
    )
    ledger = run(model, 20)
    assert log(ledger, 0)[3:6] == [
        (1, 0, "A", "left"),
        (6, 0, "B", "arrived"),
        (6, 0, "B", "started"),
    ]
    # B is idle all the time, yet unit 1 blocks A: unit 0 holds the place until it has B's server.
    assert log(ledger, 1)[2:6] == [
        (2, 1, "A", "done"),
        (6, 1, "A", "left"),
        (11, 1, "B", "arrived"),
        (11, 1, "B", "started"),
    ]
    assert minutes_by_state(ledger, "B")[State.WAITING_FOR_TRANSPORT] == 5 + 4 + 4


def test_the_vehicle_is_what_everybody_waits_for():
    model = line(
        station("A", 1, servers=2),
        station("B", 1, servers=2),
        takt="1 min",
        transport={"vehicles": 1, "move": {"mean": "5 min"}},
    )
    arrivals = [e for e in log(run(model, 20)) if e[2:] == ("B", "arrived")]
    assert [t for t, *_ in arrivals] == [6, 11, 16]


def test_a_failed_unit_keeps_its_server_waits_for_the_bench_and_is_retested_at_once():
    failing = {"first_pass_yield": ALWAYS_FAILS, "repair": {"mean": "10 min"}}
    model = line(station("A", 2, servers=2, **failing), takt="1 min", debug_benches=1)
    ledger = run(model, 40)
    assert log(ledger, 0, 1, 2)[:14] == [
        (0, 0, "A", "arrived"),
        (0, 0, "A", "started"),
        (1, 1, "A", "arrived"),
        (1, 1, "A", "started"),
        (2, 0, "A", "failed"),
        (2, 0, "A", "repair started"),
        (2, 2, "A", "arrived"),
        (3, 1, "A", "failed"),
        (12, 0, "A", "repaired"),
        (12, 1, "A", "repair started"),
        (14, 0, "A", "done"),
        (14, 0, "A", "left"),
        (14, 2, "A", "started"),
        (16, 2, "A", "failed"),
    ]
    visit = ledger.visits[0]
    assert (visit["attempts"], visit["passed_first"], visit["work_s"]) == (2, False, 4 * 60)
    spent = minutes_by_state(run(model, 14), "A")
    # Server 1: 2 + 2 work, 10 rework. Server 2: idle 1, work 2, waits 9 for the bench, 2 rework.
    assert spent == {
        State.WORKING: 6,
        State.REWORK: 12,
        State.WAITING_FOR_CREW: 9,
        State.STARVED: 1,
    }


def test_a_failed_stress_test_ends_early():
    failing = {"first_pass_yield": ALWAYS_FAILS, "repair": {"mean": "10 min"}}
    early = {"early_fail": {"from_fraction": 0.25, "to_fraction": 0.25}}
    ledger = run(line(station("A", 8, **failing, **early)), 60)
    assert [t for t, *_ in log(ledger)] == [0, 0, 2, 2, 12, 20, 20]


def test_a_requeued_unit_goes_behind_those_who_wait():
    failing = {"first_pass_yield": ALWAYS_FAILS, "on_fail": "requeue"}
    ledger = run(line(station("A", 2, **failing), takt="0.9 min"), 9)
    # 0 fails at 2, 1 at 4 and 2 at 6; at 2 the queue is 1, 2, 0, so that 0 is done at 8.
    assert [(t, u) for t, u, _, what in log(ledger) if what == "done"] == [(8, 0)]


class Cell:
    """Works a minute, then needs a technician for five; leaves an escape in every unit."""

    def plan(self, unit, visit):
        steps = (Step(State.WORKING, 60.0), Step(State.DOWN, 300.0, technician=True))
        return VisitPlan(steps, escapes=1, first_pass=False, operations=8, assists=1)


def test_cells_share_the_roaming_technicians():
    model = line(
        station("A", 99),
        takt="1 min",
        technicians={"count": 1, "response": "3 min"},
    ).attach("A", servers=2)
    ledger = run(model, 17, processes={"A": Cell()})
    # Cell 1 calls at 1, the technician works from 4 to 9; cell 2 has called at 2 and waits to 12.
    assert [(t, u) for t, u, _, what in log(ledger) if what == "done"] == [(9, 0), (17, 1)][:1]
    spent = minutes_by_state(ledger, "A")
    assert spent[State.WAITING_FOR_CREW] == 3 + 10 + 7
    assert spent[State.DOWN] == 5 + 5
    assert ledger.technician_busy_s == 16 * 60
    assert ledger.visits[0]["assists"] == 1
    assert not ledger.visits[0]["clean"]


@pytest.mark.parametrize("found", [True, False])
def test_an_escape_is_repaired_where_it_is_found_or_shipped(found):
    finder = station("B", 1, finds_escapes=1.0 if found else 0.0, repair={"mean": "10 min"})
    ledger = run(line(station("A", 99), finder).attach("A"), 60, processes={"A": Cell()})
    unit, visit = ledger.units[0], ledger.visits[1]
    assert unit["escapes_shipped"] == (0 if found else 1)
    assert visit["escapes_found"] == (1 if found else 0)
    assert visit["passed_first"] == (not found)
    assert visit["attempts"] == (2 if found else 1)


def test_time_is_cut_to_the_measured_window():
    model = line(station("A", 10), takt="20 min")
    ledger = run(model, 30, warmup_days=15 * 60 / DAY_S)
    # In 15..45: working 20-30 and 40-45, idle 15-20 and 30-40.
    assert minutes_by_state(ledger, "A") == {State.WORKING: 15, State.STARVED: 15}


def test_a_saturated_line_never_starves_its_first_station():
    ledger = run(line(station("A", 10), arrivals="saturated"), 100)
    assert minutes_by_state(ledger, "A") == {State.WORKING: 100}
    assert len(ledger.units) == 11
