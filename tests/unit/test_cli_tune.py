"""The tuning command: it says what it minimises, keeps the best, and records the effort."""

import re

import pytest
import yaml
from typer.testing import CliRunner

import policies.tuning
import twin.cli.tune  # noqa: F401 - registers the command
from configs.commented import opening_comment
from configs.errors import RacklineError
from configs.specs.base import load_spec
from envs.outcome import SUCCESSES, OutcomeClass
from policies.tuning import COST_S, script_called
from twin.cli.app import app

SCRIPT = "scripted/straight-push"


def tune(*arguments):
    return CliRunner().invoke(app, ["tune", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Search two parameter sets on one episode each; return the output and the file."""
    file = tmp_path_factory.mktemp("tune") / "best.yaml"
    result = tune(SCRIPT, "--trials", 2, "--episodes", 1, "--workers", 1, "--out", file)
    assert result.exit_code == 0, result.output
    return result.output, file


def test_the_best_trial_is_stored_with_the_effort_made(searched):
    output, file = searched
    costs = [float(cost) for cost in re.findall(r"trial +\d+: ([\d.]+) s a tray", output)]
    assert len(costs) == 2
    (effort,) = opening_comment(file)
    assert f"rackline tune {SCRIPT} --trials 2 --episodes 1 --seed 0 --env" in effort
    assert f"2 trials on selection seeds 20000000 to 20000000; {min(costs)} s a tray" in effort


def test_what_is_stored_loads_and_lies_within_the_search(searched):
    _, file = searched
    entry = script_called(SCRIPT)
    parameters = load_spec(entry.parameters, file)
    for name, (low, high) in entry.search.items():
        value = getattr(parameters, name)
        assert low <= value <= high
        assert value == float(f"{value:.4g}")
    assert set(yaml.safe_load(file.read_text())) == {
        field.alias for field in entry.parameters.model_fields.values()
    }


def test_help_says_what_is_minimised():
    words = " ".join(tune("--help").output.replace("\n", " ").split())
    assert set(COST_S) == set(OutcomeClass) - SUCCESSES
    for cost in set(COST_S.values()):
        (named,) = re.findall(rf"plus {cost:.0f} s .*?\(([^)]*)\)", words)
        classes = {outcome for outcome, seconds in COST_S.items() if seconds == cost}
        assert {outcome for outcome in OutcomeClass if outcome in named} == classes


def test_ctrl_c_writes_nothing(monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(policies.tuning, "tune", interrupted)
    file = tmp_path / "best.yaml"
    result = tune(SCRIPT, "--out", file)
    assert result.exit_code == 130
    assert "Stopped after 0 of 30 trials; nothing was written" in result.output
    assert not file.exists()


def test_mistakes_are_refused():
    assert "did you mean 'scripted/straight-push'" in str(tune("scripted/straight").exception)
    assert "unknown station" in str(tune(SCRIPT, "--env", "rackline/Tray").exception)
    assert isinstance(tune(SCRIPT, "--out", "no/such/best.yaml").exception, RacklineError)
    assert tune(SCRIPT, "--trials", 0).exit_code == 2
