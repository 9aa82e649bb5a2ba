"""Attaching a model to a station: what is replaced, what stays, what must be declared."""

import pytest

from configs.errors import ConfigError
from configs.specs.line import load_line
from twin.line.distributions import Exponential
from twin.line.model import LineModel
from twin.line.process import AttachedProcess, State, Step, VisitPlan
from twin.line.reference import simulate


@pytest.fixture(scope="module")
def reference():
    return LineModel(load_line("nvl72_l11"))


class Perfect:
    """A cell of one hour a rack that never fails."""

    def plan(self, unit, visit):
        return VisitPlan((Step(State.WORKING, 3600.0),), operations=29)


class Leaky(Perfect):
    """The same, with two escapes in every rack."""

    def plan(self, unit, visit):
        return VisitPlan((Step(State.WORKING, 3600.0),), escapes=2, operations=29)


def test_an_undeclared_overlap_of_stops_is_refused(reference):
    with pytest.raises(ConfigError, match=r"stations\.S60\.minor_stops.*nobody said.*\"replaced\""):
        reference.attach("S60")


@pytest.mark.parametrize(("declared", "kept"), [("replaced", False), ("kept", True)])
def test_minor_stops_go_unless_kept_and_breakdowns_stay(reference, declared, kept):
    row = reference.attach("S60", minor_stops=declared).spec.station("S60")
    assert (row.minor_stops is not None) == kept
    assert row.breakdowns is not None


def test_downstream_yields_become_base_yields(reference):
    attached = reference.attach("S60", minor_stops="replaced")
    s80, s100 = attached.spec.station("S80"), attached.spec.station("S100")
    assert s80.first_pass_yield == pytest.approx(0.95 / 0.99)
    assert s100.first_pass_yield == pytest.approx(0.95 / 0.98)
    assert attached.spec.station("S110") == reference.spec.station("S110")


def test_people_are_crews_and_the_technicians_once_a_model_may_call_them(reference):
    assert reference.people == 29
    assert reference.attach("S60", minor_stops="replaced").people == 29 - 4 + 2
    with_crew = reference.attach("S60", minor_stops="replaced", crew=1).with_technicians(1)
    assert with_crew.people == 29 - 4 + 1 + 1


def test_a_model_is_attached_once_and_only_where_there_is_a_station(reference):
    attached = reference.attach("S60", minor_stops="replaced")
    with pytest.raises(ConfigError, match="attached already"):
        attached.attach("S60", minor_stops="replaced")
    with pytest.raises(ConfigError, match="did you mean 'S60'"):
        reference.attach("S6", minor_stops="replaced")


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.with_servers({"S60": 0}),
        lambda line: line.with_technicians(0),
        lambda line: line.attach("S60", minor_stops="kept", servers=0),
    ],
)
def test_counts_below_one_are_refused(reference, change):
    with pytest.raises(ConfigError, match="below 1"):
        change(reference)


def test_simulate_wants_a_process_for_every_attached_station_and_no_other(reference):
    with pytest.raises(ConfigError, match="is not attached; call LineModel"):
        simulate(reference, seed=0, days=1, processes={"S60": Perfect()})
    attached = reference.attach("S60", minor_stops="replaced")
    with pytest.raises(ConfigError, match="has no process model"):
        simulate(attached, seed=0, days=1)


def test_breakdowns_come_on_top_of_the_models_busy_time(reference):
    row = reference.attach("S60", minor_stops="replaced").spec.station("S60")
    often = row.model_copy(
        update={"breakdowns": row.breakdowns.model_copy(update={"mtbf_s": 3600.0})}
    )
    process = AttachedProcess(Perfect(), often, 0.3, seed=0, replication=0)
    down = [sum(s.duration_s for s in process.plan(u, 0).steps[1:]) for u in range(2000)]
    # One stop a visit on average, each exponential with mean mttr: variance 2 mttr^2.
    mttr_s = Exponential(often.breakdowns.mttr_s).mean
    assert abs(sum(down) / 2000 - mttr_s) < 4 * mttr_s * (2 / 2000) ** 0.5


def test_escapes_are_found_at_s80_with_their_probability_else_at_s100(reference):
    attached = reference.attach("S60", minor_stops="replaced")
    ledger = simulate(attached, seed=3, days=60, processes={"S60": Leaky()})
    found = {
        id_: ledger.visits[ledger.visits["station"] == ledger.station_index(id_)]
        for id_ in ("S80", "S100")
    }
    tested = found["S80"][found["S80"]["attempts"] > 0]
    share = tested["escapes_found"].sum() / (2 * len(tested))
    assert abs(share - 0.3) < 4 * (0.21 / (2 * len(tested))) ** 0.5
    shipped = ledger.units[~(ledger.units["shipped_s"] != ledger.units["shipped_s"])]
    assert len(shipped) > 500
    assert shipped["escapes_shipped"].sum() == 0
    s100 = found["S100"][found["S100"]["attempts"] > 0]
    left = dict(zip(tested["unit"], 2 - tested["escapes_found"], strict=True))
    assert all(row["escapes_found"] == left[row["unit"]] for row in s100)
    assert not s100["passed_first"][s100["escapes_found"] > 0].any()
