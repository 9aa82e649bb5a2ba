"""The factory question on a small line with made-up campaigns: cases, search, bounds, reports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.outcome import OutcomeClass
from tests.small_factory import TRUTHS, write_factory
from tests.unit.conftest import made_up
from twin.bridge.process import fit_station
from twin.cli import main
from twin.evaluation.cases import Fitted, digest_of
from twin.evaluation.lines import LineCase
from twin.factory.mixes import Ask, mixes_of, size_of
from twin.factory.plan import FactoryPlan, load_factory_plan
from twin.factory.run import answer_factory
from twin.factory.search import size_for_takt
from twin.kpi.gates import Answer
from twin.line.ledger import Ledger
from twin.line.model import LineModel
from twin.line.process import State, Step, VisitPlan
from twin.line.reference import simulate
from twin.report import factory_tables as tables
from twin.report import factory_words as words


@pytest.fixture
def plan(tmp_path: Path) -> FactoryPlan:
    return load_factory_plan(write_factory(tmp_path))


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
