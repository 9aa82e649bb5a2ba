"""The factory question on a small line with made-up campaigns: cases, search, bounds, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.specs.gates import GateSpec
from envs.outcome import OutcomeClass
from tests.small_factory import TRUTHS, fill, write_factory
from tests.unit.conftest import made_up
from twin.bridge.process import fit_station
from twin.cli import main
from twin.evaluation.cases import Fitted, digest_of
from twin.evaluation.lines import LineCase
from twin.factory.mixes import YIELD, Ask, mixes_of, size_of
from twin.factory.plan import FactoryPlan, load_factory_plan
from twin.factory.result import Row, Stiffer
from twin.factory.run import answer_factory
from twin.factory.search import size_for_takt
from twin.factory.settling import closest, times_more
from twin.kpi.gates import Answer, evaluate_gate
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval
from twin.line.ledger import Ledger
from twin.line.model import LineModel
from twin.line.process import State, Step, VisitPlan
from twin.line.reference import simulate
from twin.report import factory_tables as tables
from twin.report import factory_words as words
from twin.report.factory import write_factory_reports


@pytest.fixture
def plan(tmp_path: Path) -> FactoryPlan:
    return load_factory_plan(write_factory(tmp_path))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("factory")
    plan = load_factory_plan(write_factory(home))
    fill(plan, home / "run")
    found = answer_factory(plan, home / "run", workers=1)
    return plan, home / "run", found


def test_cases_differ_where_their_names_say() -> None:
    cases = {mix.key: mix for mix in mixes_of(("S60", "S70"), ("S60",))}
    assert list(cases) == [
        "scripted",
        "trained",
        "S60-trained",
        "S60-perfect",
        "S70-perfect",
        "perfect",
    ]
    assert cases["trained"].kinds == {
        "S60": "trained",
        "S70": "scripted",
    }  # its script, not nothing
    assert cases["S70-perfect"].kinds == {"S60": "scripted", "S70": "perfect"}
    assert [key for key, mix in cases.items() if mix.bound] == [
        "S60-perfect",
        "S70-perfect",
        "perfect",
    ]


def test_a_question_finds_people_cells_and_what_buys_most(done: Any) -> None:
    _, _, found = done
    assert [row.key for row in found.rows] == [
        "staffed",
        "scripted",
        "trained",
        "S60-trained",
        "perfect",
    ]
    assert found.row("staffed").people == 11
    assert (
        found.exit_code == {Answer.HOLDS: 0, Answer.FAILS: 1, Answer.INCONCLUSIVE: 3}[found.answer]
    )
    perfect = found.row("perfect").need
    assert perfect.found is not None
    assert (dict(perfect.found.cells), perfect.found.people) == ({"S60": 1, "S70": 1}, 3)
    trained, alone = found.row("trained"), found.row("S60-trained")
    assert trained.kpis == alone.kpis  # S70 counts with its script: the same line, the same runs
    assert [one.station for one in found.buys.trained] == ["S60"]
    assert {one.station for one in found.buys.perfect} == {"S60", "S70"}
    gains = {one.station: one.differences["lead_time_mean_h"] for one in found.buys.perfect}
    ours = found.buys.trained[0].differences["lead_time_mean_h"].interval
    assert gains["S60"].interval.estimate <= ours.estimate <= ours.high


def test_a_yield_from_too_few_episodes_is_a_lower_bound_and_says_so(done: Any) -> None:
    plan, _, found = done
    assert found.short == {"S70-scripted": (160, 1000)}
    for row in found.rows:
        scripted = row.need is not None and not row.bound
        assert (row.yield_between is not None) == scripted  # S60 alone would need no more
        if row.yield_between is not None:
            least, most = row.yield_between
            interval = row.kpis["rolled_throughput_yield"].interval
            assert least <= max(0.0, interval.low) <= interval.estimate <= most
    assert any(
        "lower bound" in text and "160 of 1,000" in text for text in words.sentences(plan, found)
    )


def test_the_report_says_who_has_no_trained_policy_and_opens_alone(
    done: Any, tmp_path: Path
) -> None:
    plan, _, found = done
    sound = replace(found, physics=dict.fromkeys(found.physics, "Converged: made up."))
    page = write_factory_reports(plan, sound, tmp_path, "rackline factory small")
    html, text = page.read_text(), (tmp_path / "report.md").read_text()
    for said in (html, text):
        assert "S70 has no trained policy yet (not there: zoo/none" in said
        assert "S60 has no trained" not in said
        assert "Physics not converged" not in said
    doubtful = found.physics | {"S70": "Physics not converged: made up."}
    page = write_factory_reports(plan, replace(found, physics=doubtful), tmp_path, "rackline")
    assert "Physics not converged: made up." in page.read_text()
    assert "Physics not converged: made up." in (tmp_path / "report.md").read_text()
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)", html)
    assert text.startswith(f"# {words.banner(plan, found)['word']}: small")


def test_the_same_folder_goes_on_without_running_anything(done: Any) -> None:
    plan, folder, found = done
    lines, result = (folder / "lines.jsonl").read_bytes(), (folder / "result.json").read_bytes()
    again = answer_factory(plan, folder, workers=1)
    assert (folder / "lines.jsonl").read_bytes() == lines
    assert (folder / "result.json").read_bytes() == result
    assert again.decides == found.decides
    json.loads(result)


def test_the_command_runs_real_episodes_and_decides_nothing_on_two_racks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = write_factory(tmp_path), tmp_path / "run"
    path.write_text(path.read_text().replace("parts_per_rack: 4", "parts_per_rack: 1"))
    words = ["rackline", "factory", str(path), "--racks", "2", "--out", str(out), "--workers", "1"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as ended:
        main()
    shown, said = capsys.readouterr()
    assert ended.value.code == 3
    known = "with perfect policies everywhere 1 cell at S60 and 1 at S70 and 3 people hold a takt"
    assert known in " ".join(said.split())
    assert "Not decided: No gate is answered: " in " ".join(shown.replace("│", " ").split())
    assert "A quick look: 2 rack visits a policy instead of the 40 that" in " ".join(shown.split())
    assert str(out / "report.html") in shown.replace("\n", "")
    assert len((out / "episodes-S70-scripted.jsonl").read_text().splitlines()) == 2
    assert f"rackline factory {path} --out {out} --racks 2" in (out / "report.md").read_text()


def test_an_unknown_yield_is_no_average_and_decides_no_size(tmp_path: Path) -> None:
    """What the prior makes of a campaign without an escape is not the line's yield."""
    path = write_factory(tmp_path)
    gate = "  - {kpi: rolled_throughput_yield, at_least: -0.01, against: reference difference}\n"
    path.write_text(path.read_text().replace("tornado:\n", f"{gate}tornado:\n"))
    plan = load_factory_plan(path)
    fill(plan, tmp_path / "run")
    found = answer_factory(plan, tmp_path / "run", workers=1)
    row = found.row(found.decides)
    assert row.need is not None
    assert row.need.missed == ("rolled_throughput_yield",)
    assert found.answer is Answer.INCONCLUSIVE
    assert found.tornado is not None
    assert found.tornado.kpi == row.open_gates[0].gate.kpi  # what is open is what is varied
    assert "rolled_throughput_yield" in [one.gate.kpi for one in row.open_gates]
    assert row.need.recorded is not None  # the other gates' points: fewer people than the most
    assert row.need.recorded.people <= row.need.tried[0].size.people
    assert "rolled throughput yield (not known: " in words.banner(plan, found)["sentence"]
    content = tables.table(plan, found)
    at = [head for head, _ in content["heads"]].index("Rolled throughput yield, %")
    ours = content["rows"][1]["entries"][at]
    assert ours.value.startswith("≥")
    assert (ours.mark, ours.below.partition(";")[0]) == ("?", "lower bound")


def test_a_policy_whose_interval_holds_zero_buys_nothing_shown(done: Any) -> None:
    _, _, found = done
    kpi = found.buys.kpi

    def with_gain(low: float, high: float) -> str:
        gain = NestedInterval(Interval((low + high) / 2, low, high), 0.0, 0.0, 4)
        one = replace(found.buys.trained[0], differences={kpi: gain})
        buys = replace(found.buys, trained=(one,))
        return words.buys_sentence(replace(found, buys=buys))

    assert "No trained policy is shown to buy any" in with_gain(-1.0, 2.0)
    assert "S60 is the only one shown to buy: " in with_gain(-2.0, -1.0)
    worse = with_gain(1.0, 2.0)
    assert "No trained policy is shown to buy any" in worse
    assert "Shown to cost: S60 +1.5" in worse


def test_stiffer_contact_that_fills_a_cell_is_the_assumption_that_would_change_it(
    done: Any,
) -> None:
    plan, _, found = done
    cells = found.row(found.decides).size.cells

    def said(s60: float) -> str:
        loads = {
            station: Stiffer("scripted/x@1", 0.05, load * cells[station], 50.0)
            for station, load in (("S60", s60), ("S70", 0.5))
        }
        return " ".join(words.sentences(plan, replace(found, stiffer=loads)))

    full = 100 * (0.05 - 1.1 * cells["S60"] / 50.0)  # swaps of all operations would fill 50 cells
    assert f"S60 to 210 % (5.0 % damaged, measured with x; full at {full:.1f} %)" in said(2.1)
    assert "so that S60 could not keep up: a yes would become a no" in said(2.1)
    assert "The assumption that would change it" not in said(0.9)
    assert re.search(r"S60 to 90 % \(.*\) and S70 to 50 % \(.*\): all would keep up", said(0.9))


def test_a_share_of_damages_that_fills_the_cells_follows_from_the_load() -> None:
    one = Stiffer("scripted/x@1", 0.07, 2.1, 25.0)
    assert one.bearable(1) == pytest.approx(0.026)
    assert one.bearable(2) == pytest.approx(0.066)
    assert Stiffer("scripted/x@1", 0.01, 2.1, 25.0).bearable(1) == 0.0


def narrow(row: Row, left: float) -> Row:
    """Return a case whose one gate is a yield: 3 points recorded, and what bounds leave of it."""
    gate = GateSpec(kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference")

    def measured(low: float) -> NestedInterval:
        return NestedInterval(Interval(low + 0.02, low, low + 0.04), 0.0, 0.0, 30)

    result = evaluate_gate(gate, measured(0.03), {"hardly seen": measured(left)})
    assert row.need is not None
    assert row.size is not None
    need = replace(row.need, found=row.size, answer=Answer.HOLDS)
    return replace(row, gates=(result,), need=need, yield_between=None)


def test_a_yes_that_bounds_bring_to_a_limit_says_so_and_what_would_take_it_back(done: Any) -> None:
    plan, _, found = done
    row = found.row(found.decides)
    bar = found.tornado.bars[0]
    base = Interval(0.04, 0.03, 0.05)
    bars = (
        replace(bar, says="an input", low="0", high="9", now="5",
                at_low=Interval(0.03, 0.02, 0.04), at_high=Interval(0.05, 0.04, 0.06)),
    )  # fmt: skip
    tornado = replace(found.tornado, kpi="rolled_throughput_yield", base=base, bars=bars)

    def told(left: float) -> tuple[str, str, str]:
        rows = [narrow(row, left) if one is row else one for one in found.rows]
        changed = replace(found, rows=tuple(rows), tornado=tornado)
        entries = tables.table(plan, changed)["rows"][found.rows.index(row)]["entries"]
        said = " ".join(words.sentences(plan, changed))
        return words.banner(plan, changed)["sentence"], said, entries[1].bounds

    banner, said, bounds = told(-0.009)
    assert re.search(r"rolled throughput yield narrowly: .0\.9 points at bounds", banner)
    assert re.search(r"an input at 0 \(now 5\): .1\.9 to \+2\.1 points", said)  # a point lower
    assert "an input at 9" not in said
    assert re.fullmatch(r"at bounds .0\.9 to \+3\.1 points", bounds)
    banner, said, bounds = told(0.025)
    assert "narrowly" not in banner
    assert "would leave the answer open" not in said
    assert bounds == "at bounds +2.5 to +6.5 points"


def test_a_yield_hangs_on_escapes_alone(done: Any) -> None:
    plan, _, found = done
    row = found.row(found.decides)
    assert all(" escaped of " in text for text in words._seldom(plan, found, row, YIELD))


def test_seconds_that_change_no_number_of_cells_do_not_decide_it(done: Any) -> None:
    plan, _, found = done
    cell = plan.spec.stations[1].model_copy(update={"most_cells": 3})
    spec = plan.spec.model_copy(update={"stations": (plan.spec.stations[0], cell)})
    wide = replace(plan, spec=spec)
    mine = [row for row in found.seconds if row.station == "S70"]

    def said(*seconds: float) -> str:
        rows = [
            replace(row, bearable_s=(10.0, 20.0, 30.0), operation_s=Interval(s, s, s), helped_s=0.0)
            for row, s in zip(mine, seconds, strict=True)
        ]
        return "".join(words.seconds_sentences(wide, replace(found, seconds=tuple(rows))))

    assert said(9.0, 5.0).startswith("Seconds do not decide the cells of S70's 180 operations")
    assert "every policy needs 1 cell" in said(9.0, 5.0)
    assert said(15.0, 5.0).startswith("Seconds decide the cells")
    assert "15.0 s: 2 cells; a perfect policy 5.0 s: 1 cell" in said(15.0, 5.0)


def test_how_many_more_operations_would_settle_a_gate_is_the_cost_of_bounds_over_the_room() -> None:
    """Half the bound costs half: 4.5 points at the bounds, 3 of room, so 1.5 times as many."""
    gate = GateSpec(kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference")

    def measured(low: float) -> NestedInterval:
        return NestedInterval(Interval(low + 0.01, low, low + 0.02), 0.0, 0.0, 30)

    result = evaluate_gate(gate, measured(0.02), {"hardly seen": measured(-0.025)})
    assert result.answer is Answer.INCONCLUSIVE
    assert times_more(result) == pytest.approx(1.5)
    assert times_more(evaluate_gate(gate, measured(0.02), {"seen": measured(0.0)})) is None  # holds
    assert times_more(evaluate_gate(gate, measured(-0.02))) is None  # open as recorded
    far, near = (evaluate_gate(gate, measured(0.02), {"b": measured(x)}) for x in (0.01, -0.009))
    found = closest([far, near])
    assert found is not None
    assert (found[0], found[1].low) == (near, -0.009)


@dataclass
class WrittenLines:
    """Lines that hold where a test says, in place of simulated ones."""

    enough: Mapping[str, int]
    names: list[str] = field(default_factory=list)

    def run(self, title: str, wanted: Iterable[tuple[LineCase, int]]) -> None:
        """Note what would be run."""
        self.names += [case.name for case, _ in wanted]

    def kpi(self, case: LineCase, name: str, count: int) -> NDArray[np.float64]:
        """Return a line that holds takt with enough cells and technicians only."""
        spec = case.model.spec
        have = {
            "technicians": spec.technicians.count,
            **{s: spec.station(s).servers for s in ("S60", "S70")},
        }
        holds = not case.sources or all(have[key] >= least for key, least in self.enough.items())
        good, bad = (0.5, 0.95) if name == "technician_use" else (20.0, 1.0)
        return (good if holds else bad) + 1e-4 * np.cos(np.arange(count))


@pytest.mark.parametrize("enough", [{"S60": 1}, {"S60": 2, "technicians": 2}, {"S70": 2}])
def test_nothing_of_what_is_found_can_be_left_out(
    plan: FactoryPlan, enough: dict[str, int]
) -> None:
    ask = Ask(plan.mixes[-1], {})  # perfect: no campaign is needed
    need = size_for_takt(plan, WrittenLines(enough), ask)  # type: ignore[arg-type]
    assert need.found is not None
    found = {**need.found.cells, "technicians": need.found.technicians}
    assert found == {"S60": 1, "S70": 1, "technicians": 1, **enough}
    beyond = size_for_takt(plan, WrittenLines({"S60": 3}), ask)  # type: ignore[arg-type]
    assert (beyond.found, beyond.answer, len(beyond.tried)) == (None, Answer.FAILS, 1)
    assert beyond.recorded is None  # no gate is left that more cells and people would hold
    assert beyond.missed == ("racks_per_day", "technician_use")


def test_bounds_hold_every_seldom_outcome_of_every_station(plan: FactoryPlan) -> None:
    works = {}
    for trial in plan.trials:
        station, kind = trial.key.split("-")
        records = made_up(trial.cell, TRUTHS[trial.key], 1)  # type: ignore[arg-type]
        model = fit_station(
            records, station=station, label=trial.policy, effects=trial.cell.spec.effects
        )
        works[station, kind] = Fitted(trial.key, model, digest_of("made up", model))
    ask = Ask(plan.mixes[0], works)  # type: ignore[arg-type]
    (case,) = ask.at_upper(plan).values()
    for station, source in case.sources.items():
        assert [outcome for outcome, _ in source.bounded] == list(
            works[station, "scripted"].model.thin_classes
        )  # type: ignore[attr-defined]
        assert OutcomeClass.ESCAPED in dict(source.bounded)  # type: ignore[attr-defined]
    assert case.identity != ask.line(plan).identity
    assert ask.at(size_of(plan)).line(plan).identity == ask.line(plan).identity


@dataclass(frozen=True)
class Steady:
    """A cell that takes the same time for every rack."""

    work_s: float

    def plan(self, unit: int, visit: int) -> VisitPlan:
        """Return one stretch of work."""
        return VisitPlan((Step(State.WORKING, self.work_s),), operations=1)


def test_a_station_s_draws_do_not_depend_on_what_is_attached_elsewhere(plan: FactoryPlan) -> None:
    """Cells at two stations at once, of which one does as before: nothing upstream moves a bit."""

    def run(*stations: str) -> Ledger:
        model = LineModel(plan.table)
        for station in stations:
            model = plan.cells[station].attached(model)
        processes = {station: Steady(1500.0) for station in stations}
        return simulate(model, seed=3, days=2.0, warmup_days=0.0, processes=processes)

    alone, both = run("S60"), run("S60", "S70")
    assert alone.visits.dtype == both.visits.dtype
    before = [0, 1]  # A and S60 stand before S70, whose cell is never the slower one
    for ledger in (alone, both):
        assert len(ledger.visits) > 40
    ours, theirs = (
        np.sort(one.visits[np.isin(one.visits["station"], before)], order=["unit", "station"])[:40]
        for one in (alone, both)
    )
    assert np.array_equal(ours["started_s"], theirs["started_s"])
    assert np.array_equal(ours["done_s"], theirs["done_s"])


def test_the_shipped_question_loads_and_counts_missing_policies_with_their_scripts() -> None:
    shipped = load_factory_plan("factory")
    assert list(shipped.cells) == ["S20", "S60", "S70"]
    assert LineModel(shipped.line).people == 29
    needed = shipped.cell_spec("S70")
    assert (
        needed.campaign.racks * needed.campaign.parts_per_rack >= needed.episodes_needed >= 20_000
    )
    named = "".join(words.untrained_sentences(shipped)).partition(" ha")[0]
    assert [s for s in shipped.cells if s not in shipped.trained] == re.findall(r"S\d+", named)
    sources = {row["station"]: row["sources"] for row in tables.assumptions(shipped)}
    assert sources["S60"] == "1.0 % at S80, 2.0 % at S100"  # of the line's own file
    assert sources["S20"].startswith("none: ")
    staffed = {row.id: row.first_pass_yield for row in shipped.line.stations}
    assert staffed == {row.id: row.first_pass_yield for row in shipped.table.stations}
