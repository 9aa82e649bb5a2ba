"""Parts of the evaluation by themselves: slots, overrides, run folder, answers, words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from configs.errors import ConfigError, RunFolderError
from configs.specs.effects import Effects
from configs.specs.evaluation import load_evaluation
from configs.specs.gates import GateSpec
from configs.specs.line import load_line
from policies.records import append_records, read_records
from twin.bridge.synthetic import Truth
from twin.evaluation import physics
from twin.evaluation.before import PerfectRow
from twin.evaluation.overrides import OverrideError, with_input
from twin.evaluation.perfect import perfect_process, scripted_s
from twin.evaluation.plan import Plan
from twin.evaluation.preflight import preflight_sentence
from twin.evaluation.result import PolicyVerdict
from twin.evaluation.runfolder import RunFolder, first_difference
from twin.evaluation.slots import sampled_slots
from twin.evaluation.tornado import as_text
from twin.evaluation.verdict import EXIT_CODES, chosen, combined, verdict
from twin.evaluation.words import MINUS, gate_limit, number, percent
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer, GateResult, evaluate_gate
from twin.kpi.intervals import Interval
from twin.kpi.nested import nested_interval

HOLDS, FAILS, OPEN = Answer.HOLDS, Answer.FAILS, Answer.INCONCLUSIVE


@pytest.mark.parametrize("parts", [1, 5, 8, 29])
def test_slots_represent_each_rack_and_the_campaign(parts: int, small_plan: Plan) -> None:
    station = small_plan.station.slots
    whole = Counter(station)
    seen: Counter[int] = Counter()
    for rack in range(50):
        slots = sampled_slots(29, parts, rack)
        assert sorted(set(slots)) == list(slots)
        seen.update(slots)
        ours = Counter(station[slot] for slot in slots)
        for part in ("switch", "top_of_rack"):  # runs of neighbouring slots
            assert abs(ours[part] - parts * whole[part] / 29) < 1
    share = 50 * parts / 29
    assert all(abs(seen[slot] - share) <= 2 for slot in range(29))


@pytest.mark.parametrize(
    ("answers", "any_", "all_"),
    [
        ((HOLDS, HOLDS), HOLDS, HOLDS),
        ((HOLDS, FAILS), HOLDS, FAILS),
        ((HOLDS, OPEN), HOLDS, OPEN),
        ((OPEN, FAILS), OPEN, FAILS),
        ((OPEN, OPEN), OPEN, OPEN),
        ((FAILS, FAILS), FAILS, FAILS),
    ],
)
def test_answers_combine(answers: tuple[Answer, Answer], any_: Answer, all_: Answer) -> None:
    assert combined(answers, "any") is any_
    assert combined(answers[::-1], "any") is any_
    assert combined(answers, "all") is all_
    assert combined(answers[::-1], "all") is all_


def test_exit_codes() -> None:
    assert EXIT_CODES == {HOLDS: 0, FAILS: 1, OPEN: 3}


def test_the_decision_rests_on_the_better_policy() -> None:
    def policy(letter: str, answer: Answer, *values: float) -> PolicyVerdict:
        gate = GateSpec(kpi="technician_use", at_most=0.8)
        results: tuple[GateResult, ...] = tuple(
            evaluate_gate(gate, nested_interval([value, value])) for value in values
        )
        return PolicyVerdict(letter, letter, answer, results)

    x, y = policy("x", FAILS, 0.1, 0.1), policy("y", OPEN, 0.9, 0.9)
    assert chosen([x, y]) is y
    assert chosen([policy("x", FAILS, 0.9, 0.9), policy("y", FAILS, 0.1, 0.9)]).letter == "y"


@pytest.mark.parametrize("rule", ["any", "all"])
@pytest.mark.parametrize("other", [HOLDS, FAILS])
def test_void_of_one_policy_leaves_the_evaluation_undecided(
    rule: str, other: Answer, small_plan: Plan
) -> None:
    plan = replace(small_plan, spec=small_plan.spec.model_copy(update={"verdict": rule}))
    void = "push: 5.0% of the operations are void, 1% is the most allowed"
    gates = tuple(evaluate_gate(gate, nested_interval([0.5, 0.5])) for gate in plan.spec.gates)
    found = verdict(
        plan,
        (PolicyVerdict("x", "push", OPEN, gates, (void,)), PolicyVerdict("y", "y", other, gates)),
    )
    assert (found.answer, found.exit_code) == (OPEN, 3)
    assert found.headline.startswith("Not decided: whether one unmanned S60 cell can replace")
    assert found.headline.endswith(f"may not be said: {void}.")
    assert found.reasons[0] == f"push may not be judged: {void}."


def test_inputs_are_changed_by_their_path() -> None:
    line, effects = load_line("nvl72_l11"), Effects()
    changed, same = with_input(line, effects, "line.stations.S60.breakdowns.mttr", "30 min")
    assert changed.station("S60").breakdowns.mttr_s == 1800.0  # type: ignore[union-attr]
    assert same is effects
    assert line.station("S60").breakdowns.mttr_s == 7200.0  # type: ignore[union-attr]
    with pytest.raises(OverrideError, match="has no 'S61' there; did you mean 'S60'"):
        with_input(line, effects, "line.stations.S61.crew", 3)
    with pytest.raises(OverrideError, match="not a single value"):
        with_input(line, effects, "effects.damage", 3)


def test_a_swap_at_an_unmanned_cell_takes_somebodys_time() -> None:
    shipped = load_evaluation("tray_cell")[0]
    assert shipped.attach.crew == 0
    assert shipped.effects.damage.technician
    assert Effects().damage.technician


def test_perfect_policy_is_scripted_motion_and_handling(small_plan: Plan) -> None:
    process = perfect_process(small_plan.station, small_plan.spec.effects)
    motion_s = sum(scripted_s(small_plan.station, slot) for slot in range(29))
    plan = process.plan(0, 0)
    assert plan.operations == 29
    assert plan.first_pass
    assert sum(step.duration_s for step in plan.steps) == pytest.approx(240.0 + motion_s)


@pytest.mark.parametrize(
    ("change", "can_move", "words"),
    [
        ((0.9, 1.0, 1.1), True, "A perfect policy at S60 would change racks per day by +5.0 %"),
        ((-0.1, 0.0, 0.1), False, "No policy at S60 can improve racks per day of the saturated"),
        ((-1.0, 0.1, 1.2), False, "Whether any policy at S60 can improve racks per day"),
    ],
)
def test_preflight_says_yes_no_or_not_seen(
    change: tuple[float, float, float], can_move: bool, words: str
) -> None:
    low, mid, high = change
    row = PerfectRow(
        kpi=LINE_KPIS["racks_per_day"],
        mode="takt" if can_move else "saturated",
        staffed=Interval(20.0, 19.9, 20.1),
        perfect=Interval(20.0 + mid, 0.0, 40.0),
        change=Interval(mid, low, high),
        can_move=can_move,
        smallest=0.2,
        reduction=2.0,
    )
    movers = {"S40": Interval(0.4, 0.3, 0.5)}
    said = preflight_sentence("S60", row, movers)
    assert said.startswith(words)
    assert ("S40 (+2.0 %) can" in said) == (said.startswith("No policy"))


def test_run_folder_cuts_what_a_kill_left(
    small_plan: Plan, tmp_path: Path, fill: Callable[..., None], truths: dict[str, Truth]
) -> None:
    fill(small_plan, tmp_path / "run", truths["good"], truths["good"])
    path = tmp_path / "run" / "episodes-x.jsonl"
    text = path.read_text()
    path.write_text(text + text[:40])  # the next record was half written
    folder = RunFolder(tmp_path / "run")
    assert folder.episodes_file("x").read_text() == text
    append_records(path, [next(iter(read_records(path)))])
    assert len(list(read_records(path))) == text.count("\n") + 1
    with pytest.raises(RunFolderError, match="another process is working"):
        RunFolder(tmp_path / "run")
    folder.close()
    RunFolder(tmp_path / "run").close()


def test_run_folder_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunFolder(tmp_path / "file")
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "run" / "lines.jsonl").write_text('{"key": "a", "values": {}}\n{broken\n{}\n')
    with pytest.raises(RunFolderError, match=r"lines\.jsonl:2: record is damaged; delete"):
        folder.line_records()
    folder.close()


def test_first_difference_is_named() -> None:
    held = {"a": 1, "b": [{"c": 2}, {"c": 3}]}
    assert first_difference(held, json.loads(json.dumps(held))) is None
    assert first_difference(held, {"a": 1, "b": [{"c": 2}, {"c": 4}]}) == ("b[1].c", 3, 4)
    assert first_difference(held, {"a": 1}) == ("b", [{"c": 2}, {"c": 3}], None)


def said_of(plan: Plan) -> str:
    return physics.physics_statement(plan.spec.env, plan.station)


def test_physics_statement_follows_the_committed_result(
    small_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "card.json"
    monkeypatch.setattr(physics, "result_path", lambda entry: path)
    assert "no convergence result is shipped" in said_of(small_plan)
    card = {
        "converged": True,
        "rate_hz": 480.0,
        "spec_hash": physics.spec_hash(small_plan.station),
        "failures": [],
        "policy": "scripted/lateral-admittance",
        "setting": "hard",
        "seeds": 300,
        "rows": [
            {"variant": "1 x rate", "success": 0.993, "damage": 0.0},
            {"variant": "4 x stiffness", "success": 0.95, "damage": 0.03},
            {"variant": "4 x stiffness, 4 x rate", "success": 0.907, "damage": 0.07},
        ],
    }
    path.write_text(json.dumps(card))
    said = said_of(small_plan)
    assert said.startswith(
        "The physics is converged: 300 operations of scripted/lateral-admittance at setting “hard”"
    )
    # The stiffer contact is quoted where it is converged itself, at the finer rate.
    assert "90.7 % of these operations would succeed instead of 99.3 %" in said
    assert "7.0 % would damage the part instead of 0.0 %: 2.0 damaged parts a rack of 29." in said
    assert "bear" not in said
    path.write_text(json.dumps(card | {"converged": False, "failures": ["flips"]}))
    assert said_of(small_plan).startswith("Physics not converged at 480 Hz: flips. How stiff")
    path.write_text(json.dumps(card | {"spec_hash": "other"}))
    assert "was changed since" in said_of(small_plan)
    path.write_text(json.dumps(card | {"setting": "easy"}))
    assert "measured at setting “easy”, and nothing shows it for “hard”" in said_of(small_plan)
    path.write_text(json.dumps(card | {"rows": card["rows"][:2]}))  # type: ignore[index]
    with pytest.raises(ConfigError, match=r"card\.json:1: file: is damaged"):
        said_of(small_plan)


@pytest.mark.parametrize(
    ("bearable", "end"),
    [
        (0.01, ": a yes would become a no. Measure the stiffness before you rely on a yes."),
        (0.20, ", and racks wait before that: whether a yes would stay one is not shown."),
    ],
)
def test_what_is_assumed_of_contact_is_held_against_the_answer(
    bearable: float, end: str, small_plan: Plan
) -> None:
    said = physics.physics_statement(small_plan.spec.env, small_plan.station, None, bearable)
    limit = f"can bear damage in at most about {percent(bearable, 2)} of the operations"
    assert said.endswith(f"{limit}{end}")


@pytest.mark.parametrize(
    ("kpi", "against", "limit", "said"),
    [
        ("racks_per_day", "reference ratio", 0.985, f"staffed {MINUS}1.5 %"),
        ("racks_per_day", "reference ratio", 1.0, "staffed 0 %"),
        ("rolled_throughput_yield", "reference difference", -0.005, f"staffed {MINUS}0.5 points"),
        ("rolled_throughput_yield", "reference difference", -0.01, f"staffed {MINUS}1 point"),
        ("racks_per_day", "value", 19.5, "19.5 racks/day"),
        ("technician_use", "value", 0.805, "80.5 %"),
        ("technician_use", "value", 0.05, "5 %"),
        ("escapes_shipped_per_rack", "value", 0.0125, "0.0125 per rack"),
        ("assists_per_1000", "value", 1200.0, "1,200"),
    ],
)
def test_a_limit_is_said_as_it_was_written(kpi: str, against: str, limit: float, said: str) -> None:
    spec = GateSpec.model_validate({"kpi": kpi, "at_least": limit, "against": against})
    result = evaluate_gate(spec, nested_interval([0.0, 0.0]))
    assert gate_limit(result) == f"at least {said}"


def test_numbers_for_people() -> None:
    assert number(-1234.56, 1) == "\u22121,234.6"
    assert number(-0.001, 1, signed=True) == "0.0"
    assert number(float("nan"), 1) == "\u2013"
    assert percent(0.0123) == "1.2 %"
    assert percent(0.00012) == "0.012 %"
    nearly = [percent(share) for share in (0.9996, 0.999999, 1.0)]
    assert nearly == ["99.96 %", "99.99 %", "100.0 %"]
    assert as_text("3600.0 s") == "60 min"
    assert as_text("30 min") == "30 min"
    assert as_text(0.3) == "0.3"
    assert as_text("tray insertion") == "tray insertion"
