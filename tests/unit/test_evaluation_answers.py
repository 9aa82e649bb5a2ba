"""Answers at the bounds of rare outcomes, with lines whose KPIs are written down (2 s)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.specs.evaluation import Search
from configs.specs.gates import GateSpec
from envs.outcome import OutcomeClass
from twin.bridge.process import StationModel, fit_station
from twin.bridge.synthetic import Truth
from twin.evaluation.answers import SELDOM, Asked, answers
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase
from twin.evaluation.plan import Plan
from twin.evaluation.result import CellsForTakt, PolicyVerdict, Size
from twin.evaluation.search import cells_for_takt, nothing_found
from twin.kpi.gates import Answer
from twin.report.html import html_report
from twin.report.prose import assumptions, shipped_sentence

HOLDS, FAILS, OPEN = Answer.HOLDS, Answer.FAILS, Answer.INCONCLUSIVE
Kpis = Callable[[LineCase], Mapping[str, float]]
USE, BENCH = "technician_use", "bench_use"


@dataclass
class WrittenLines:
    """Lines whose KPIs a test gives by case, in place of simulated ones."""

    kpis: Kpis
    names: list[str] = field(default_factory=list)

    def run(self, title: str, wanted: Iterable[tuple[LineCase, int]]) -> None:
        """Note what would be run."""
        self.names += [title for _ in wanted]

    def kpi(self, case: LineCase, name: str, count: int) -> NDArray[np.float64]:
        """Return runs that spread a little around the written value."""
        return self.kpis(case)[name] + 1e-3 * np.cos(np.arange(count))


def bounded(case: LineCase) -> dict[OutcomeClass, float]:
    """Return the classes that a case holds at a bound."""
    assert isinstance(case.source, StationModel)
    return dict(case.source.bounded)


@pytest.fixture
def asked(small_plan: Plan) -> Asked:
    """Return a policy of 40 racks that never erred but for plenty of retries."""
    return Asked(fitted(small_plan))


def fitted(plan: Plan, racks: int = 40) -> Fitted:
    records = Truth(0.5, 0.0, (1.0, 0.0, 0.0, 0.0, 0.0)).campaign(
        racks, 4, np.random.default_rng(0)
    )
    model = fit_station(records, station="S60", label="x", effects=plan.spec.effects)
    return Fitted("x", model, "made up")


def gated(plan: Plan) -> Plan:
    gates = (GateSpec(kpi=USE, at_most=0.8), GateSpec(kpi=BENCH, at_most=0.8))
    return replace(plan, spec=plan.spec.model_copy(update={"gates": gates}))


def ask(plan: Plan, asked: Asked, kpis: Kpis):  # type: ignore[no-untyped-def]
    lines = WrittenLines(kpis)
    (results,) = answers(gated(plan), lines, [asked], 8, "line")  # type: ignore[arg-type]
    return results, lines


def test_what_holds_is_run_at_every_upper_bound(small_plan: Plan, asked: Asked) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        damage = bounded(case).get(OutcomeClass.DAMAGE, 0.0)
        return {USE: 0.5 + (damage > 0), BENCH: 0.5}

    (use, bench), _ = ask(small_plan, asked, kpis)
    assert (use.answer, bench.answer) == (OPEN, HOLDS)
    assert "'damage' at its upper bound of" in use.why
    assert len(bench.at_bounds) == len(asked.fitted.model.thin_classes) == 4


def test_a_failure_that_rests_on_a_seldom_class_is_not_decided(
    small_plan: Plan, asked: Asked
) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        held = bounded(case)
        never = held.get(OutcomeClass.DAMAGE) == 0.0
        return {USE: 0.5 if never else 0.9, BENCH: 0.5 + (held.get(OutcomeClass.ESCAPED, 0.0) > 0)}

    (use, bench), _ = ask(small_plan, asked, kpis)
    assert use.answer is OPEN
    assert list(use.at_bounds) == [
        f"{SELDOM} ('assisted', 'detected', 'escaped', 'damage') at its lower bound"
    ]
    # The policy may yet hold, so that the other gate is tested as well.
    assert (bench.answer, bench.tested) == (OPEN, True)
    assert "'escaped' at its upper bound" in bench.why


def test_beside_a_sure_failure_the_other_gates_are_not_tested(
    small_plan: Plan, asked: Asked
) -> None:
    (use, bench), lines = ask(small_plan, asked, lambda case: {USE: 0.9, BENCH: 0.5})
    assert (use.answer, use.tested) == (FAILS, True)
    assert (bench.answer, bench.tested) == (OPEN, False)
    assert "not tested at the bounds of rare outcomes" in bench.why
    assert len(lines.names) == 2 + 1 + 1  # two lines, then lower bounds alone, asked for twice


def test_blockers_answer_nothing(small_plan: Plan) -> None:
    few = Asked(fitted(small_plan, racks=10))
    (use, bench), _ = ask(small_plan, few, lambda case: {USE: 0.9, BENCH: 0.5})
    assert (use.answer, bench.answer) == (OPEN, OPEN)
    assert (use.why, bench.tested) == ("x: 10 racks recorded, 30 are needed", True)


def search(plan: Plan, kpis: Kpis, gates: tuple[GateSpec, ...], racks: int = 40) -> CellsForTakt:
    spec = plan.spec.model_copy(
        update={"gates": gates, "search": Search(most_cells=2, most_technicians=3)}
    )
    lines = WrittenLines(kpis)
    policies = (fitted(plan, racks),)
    (need,) = cells_for_takt(replace(plan, spec=spec), lines, policies)  # type: ignore[arg-type]
    return need


def size(case: LineCase) -> tuple[int, int]:
    """Return the cells and technicians of a case."""
    return case.model.spec.station("S60").servers, case.model.spec.technicians.count


LIMIT = (GateSpec(kpi=USE, at_most=0.8),)


def test_fewest_people_are_sought_before_fewest_cells(small_plan: Plan) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        return {USE: 0.5 if size(case) in {(2, 1), (1, 2), (1, 3), (2, 3)} else 0.9}

    need = search(small_plan, kpis, LIMIT)
    assert need.found is not None
    assert (need.found.cells, need.found.technicians, need.answer) == (2, 1, HOLDS)
    assert [(t.cells, t.technicians) for t in need.tried] == [(2, 3), (1, 1), (2, 1)]


def test_what_hangs_on_a_rare_outcome_is_not_called_enough(small_plan: Plan) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        return {USE: 0.5 + bool(bounded(case).get(OutcomeClass.DAMAGE)) / size(case)[1]}

    need = search(small_plan, kpis, LIMIT)  # at 3 technicians .83 with damage at its bound
    assert (need.found, need.answer) == (None, OPEN)
    assert "hold the gates; not decided: 2 cells and 3 technicians; by" in nothing_found(need)
    fails = search(small_plan, lambda case: {USE: 0.9}, LIMIT)
    assert (fails.answer, fails.recorded) == (FAILS, None)
    blocked = search(small_plan, lambda case: {USE: 0.5}, LIMIT, racks=10)
    assert (blocked.found, blocked.answer, blocked.recorded) == (None, OPEN, None)
    assert "10 racks recorded, 30 are needed" in blocked.tried[0].why


def test_the_smallest_that_would_do_as_recorded_is_named_where_nothing_is_proven(
    small_plan: Plan,
) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        assert size(case) != (2, 2)  # nothing larger than what does is run
        alone = 0.9 if size(case) in {(1, 1), (2, 1)} else 0.5
        return {USE: alone + bool(bounded(case).get(OutcomeClass.DAMAGE))}

    need = search(small_plan, kpis, LIMIT)
    assert (need.found, need.recorded) == (None, Size(1, 2, 4))
    assert nothing_found(need).endswith(
        "by the averages alone, which prove nothing, 1 cell and 2 technicians would do (4 people)"
    )


def test_a_limit_on_people_does_not_end_the_search_at_the_largest(small_plan: Plan) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        return {USE: 0.5, "people": float(case.model.people)}

    need = search(small_plan, kpis, (*LIMIT, GateSpec(kpi="people", at_most=4)))
    assert need.found is not None
    assert (need.found.cells, need.found.technicians, need.people) == (1, 1, 3)


BALANCE, POWER = "line_balance_ratio", "power_mean_kw"


@pytest.mark.parametrize(
    "gate",
    [
        GateSpec(kpi=BALANCE, at_least=0.7),
        GateSpec(kpi=POWER, at_most=1.4),
        GateSpec(kpi=USE, at_least=0.3),  # that the technicians are worth their pay
    ],
)
def test_what_more_cells_and_people_spoil_is_sought_among_fewer(
    gate: GateSpec, small_plan: Plan
) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        cells, technicians = size(case)
        return {BALANCE: 0.8 / cells, POWER: 0.9 * cells, USE: 0.4 / technicians}

    need = search(small_plan, kpis, (gate,))
    assert need.found is not None
    assert (need.found.cells, need.found.technicians, need.answer) == (1, 1, HOLDS)


def test_the_report_says_how_often_one_of_two_passes_wrongly(small_plan: Plan) -> None:
    said = {a.what: a.value for a in assumptions(small_plan)}
    assert "up to 5 %" in said["two policies are judged and one that holds is enough"]
    both = replace(small_plan, spec=small_plan.spec.model_copy(update={"verdict": "all"}))
    assert len(list(assumptions(both))) == len(said) - 1


@pytest.mark.parametrize(("finds", "said"), [(1.0, True), (0.9, False)])
def test_the_report_says_where_nothing_is_shipped_by_assumption(
    finds: float, said: bool, small_plan: Plan
) -> None:
    *others, last = small_plan.line.stations
    stations = (*others, last.model_copy(update={"finds_escapes": finds}))
    line = small_plan.line.model_copy(update={"stations": stations})
    assert ("T is assumed to find" in shipped_sentence(replace(small_plan, line=line))) is said


def test_the_report_says_what_an_open_failure_and_an_untested_gate_are(
    small_plan: Plan, asked: Asked, finished: Any
) -> None:
    def kpis(case: LineCase) -> dict[str, float]:
        return {USE: 0.5 if bounded(case).get(OutcomeClass.DAMAGE) == 0.0 else 0.9, BENCH: 0.5}

    for results, answer, words in (
        (ask(small_plan, asked, kpis)[0], OPEN, "Technician use fails as recorded. Were"),
        (ask(small_plan, asked, lambda case: {USE: 0.9, BENCH: 0.5})[0], FAILS, "not tested"),
    ):
        policy = PolicyVerdict("y", "y", answer, results)
        found = finished.found
        verdict = replace(
            found.verdict, answer=answer, policies=(found.verdict.policies[0], policy)
        )
        page = html_report(
            finished.plan, replace(found, verdict=verdict), "rackline evaluate small"
        )
        assert words in page
