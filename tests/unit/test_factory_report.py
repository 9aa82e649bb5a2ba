"""What the factory question's report says: its table, sentences, and what would take a yes back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from configs.specs.gates import GateSpec
from tests.small_factory import fill, write_factory
from twin.factory.mixes import YIELD
from twin.factory.plan import load_factory_plan
from twin.factory.result import Row, Stiffer
from twin.factory.run import answer_factory
from twin.factory.settling import closest, times_more
from twin.kpi.gates import Answer, evaluate_gate
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval
from twin.report import factory_gains as gains
from twin.report import factory_tables as tables
from twin.report import factory_words as words
from twin.report.factory import write_factory_reports


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
        return gains.buys_sentence(replace(found, buys=buys))

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
        return "".join(gains.seconds_sentences(wide, replace(found, seconds=tuple(rows))))

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
    assert closest([far, result]) is None  # one is open: nothing holds narrowly
