"""The rollout command: paired seeds, a summary that its rows prove, clean stops, plain refusals."""

import json
import sys

import pytest
from typer.testing import CliRunner

import policies.rollout
import twin.cli.rollout  # noqa: F401 - registers the command
from configs.errors import RacklineError
from policies.seeds import HELD_OUT, SELECTION
from twin.cli import main
from twin.cli.app import app

STATION = "rackline/TrayInsert-v0"
PUSH, GIVE = "scripted/straight-push", "scripted/lateral-admittance"
BOTH = ("--policy", PUSH, "--policy", GIVE)


def rollout(*arguments):
    return CliRunner().invoke(app, ["rollout", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def two_policies(tmp_path_factory):
    """Run two episodes of each policy with one worker and with two; return output and files."""
    folder = tmp_path_factory.mktemp("rollout")
    files = [folder / f"{workers}.json" for workers in (1, 2)]
    results = [
        rollout(STATION, *BOTH, "--episodes", 2, "--seed", 7, "--workers", workers, "--json", file)
        for workers, file in zip((1, 2), files, strict=True)
    ]
    assert [result.exit_code for result in results] == [0, 0], results[0].output
    return results[0].output, files


def test_results_do_not_depend_on_the_number_of_workers(two_policies):
    _, (one, two) = two_policies
    assert one.read_text() == two.read_text()


def test_both_policies_see_the_same_held_out_seeds(two_policies):
    _, (file, _) = two_policies
    rows = json.loads(file.read_text())["episodes"]
    seen = {name: [(r["seed"], r["rack_id"], r["slot"]) for r in rows if r["policy"] == name]
            for name in (PUSH, GIVE)}  # fmt: skip
    assert seen[PUSH] == seen[GIVE]
    assert [seed for seed, _, _ in seen[PUSH]] == [HELD_OUT[7], HELD_OUT[8]]
    assert len({slot for _, _, slot in seen[PUSH]}) == 2


def test_every_operation_is_a_rack_visit_of_its_own(two_policies):
    _, (file, _) = two_policies
    data = json.loads(file.read_text())
    visits = [tuple(row[key] for key in data["visit"]) for row in data["episodes"]]
    assert sorted(visits) == sorted([(HELD_OUT[7], 0), (HELD_OUT[8], 0)] * 2)


def test_the_summary_is_what_the_rows_say(two_policies):
    output, (file, _) = two_policies
    data = json.loads(file.read_text())
    assert data["setting"] == "hard"
    assert data["complete"] is True
    for name in (PUSH, GIVE):
        rows = [row for row in data["episodes"] if row["policy"] == name]
        summary = data["summary"][name]
        assert summary["episodes"] == sum(summary["outcomes"].values()) == len(rows)
        assert summary["success"]["estimate"] == sum(row["success"] for row in rows) / len(rows)
        assert summary["cycle_time_s"]["mean"] == pytest.approx(
            sum(row["cycle_time_s"] for row in rows) / len(rows)
        )
        for field in ("outcome", "contact_time_s", "max_windowed_force_n", "penetration_m"):
            assert all(field in row for row in rows)
    for expected in ("success: ok or retried", "damaged", "void", "operation by operation"):
        assert expected in output


def test_ctrl_c_summarises_what_is_done_and_says_so(monkeypatch, tmp_path):
    real, calls = policies.rollout.run_episode, []

    def interrupted(episode):
        calls.append(episode)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(episode)

    monkeypatch.setattr(policies.rollout, "run_episode", interrupted)
    file = tmp_path / "out.json"
    asked = ("--episodes", 50, "--workers", 1, "--range", "selection", "--json", file)
    result = rollout(STATION, *BOTH, *asked)
    assert result.exit_code == 130
    assert "Stopped after 3 of 100 episodes" in result.output
    assert "success: ok or retried" in result.output
    data = json.loads(file.read_text())
    assert data["complete"] is False
    assert [row["seed"] for row in data["episodes"]] == [SELECTION[0], SELECTION[1], SELECTION[0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rackline/TrayInsrt-v0", *BOTH), "did you mean 'rackline/TrayInsert-v0'"),
        ((STATION, "--policy", "scripted/strait-push"), "did you mean 'scripted/straight-push'"),
        ((STATION, *BOTH, "--setting", "hardd"), "unknown setting 'hardd'; did you mean 'hard'"),
        ((STATION, *BOTH, "--episodes", -3), "--episodes -3: no episode to run"),
        ((STATION, *BOTH, "--seed", -1), "--seed -1: the held-out range holds"),
        ((STATION, *BOTH, "--policy", PUSH), "is given twice"),
        ((STATION, *BOTH, "--json", "no/such/folder/out.json"), "no folder"),
    ],
)
def test_a_mistake_is_refused_before_anything_runs(monkeypatch, arguments, message):
    monkeypatch.setattr(policies.rollout, "run_episode", None)
    result = rollout(*arguments)
    assert isinstance(result.exception, RacklineError)
    assert message in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rollout", STATION], "Missing option '--policy'; see"),
        (["rollout", STATION, "--polcy", PUSH], "No such option: --polcy"),
        (["rollout", STATION, "--policy", PUSH, "--workers", "0"], "'--workers'"),
        (["rollout", STATION, "--policy", "scripted/x"], "unknown policy 'scripted/x'"),
        (["rolout"], "'rollout'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(sys, "argv", ["rackline", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line
