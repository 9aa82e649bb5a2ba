"""The tuning command: it says what it minimises, keeps the better set, and survives a kill."""

import dataclasses
import json
import re

import pytest
import yaml
from typer.testing import CliRunner

import policies.scripted.registry
import policies.tuning
import twin.cli.tune  # noqa: F401 - registers the command
from configs.commented import opening_comment
from configs.errors import RacklineError
from configs.specs.base import load_spec, resolved_yaml
from envs.outcome import SUCCESSES, OutcomeClass
from policies.records import EpisodeRecord
from policies.tuning import COST_S, home_of, script_called
from twin.cli.app import app

SCRIPT = "scripted/straight-push"


def tune(*arguments):
    return CliRunner().invoke(app, ["tune", *(str(argument) for argument in arguments)])


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Search two parameter sets on one episode each; return the output and the file."""
    folder = tmp_path_factory.mktemp("tune")
    file, log = folder / "best.yaml", folder / "log.jsonl"
    arguments = ("--trials", 2, "--episodes", 1, "--workers", 1, "--out", file, "--log", log)
    result = tune(SCRIPT, *arguments)
    assert result.exit_code == 0, result.output
    return result.output, file


class Bench:
    """Stands in for the simulation: the faster a set inserts, the less it costs."""

    def __init__(self, folder):
        self.folder, self.runs, self.stop_at = folder, [], None

    def run_trial(self, trial):
        if len(self.runs) == self.stop_at:
            raise KeyboardInterrupt
        self.runs.append(trial)
        insert = (
            script_called(SCRIPT).parameters.model_validate_json(trial.parameters).insert_m_per_s
        )
        return EpisodeRecord(
            trial.seed, 0, 0, "compute", OutcomeClass.OK, "seated", True, 1, False, False, False,
            1.0 / insert, 0.5 / insert, 0.0, 0.0, 0.0, 0.0, "",
        )  # fmt: skip

    def tune(self, *more, out="best.yaml", log="log.jsonl"):
        """Run a search of five sets, two episodes each; return its result and its episodes."""
        self.runs.clear()
        files = ("--log", self.folder / log, *(("--out", self.folder / out) if out else ()))
        found = tune(SCRIPT, "--trials", 5, "--episodes", 2, "--workers", 1, *files, *more)
        return found, len(self.runs)

    def read(self, name):
        return (self.folder / name).read_text()


@pytest.fixture
def bench(tmp_path, monkeypatch):
    made = Bench(tmp_path)
    monkeypatch.setattr(policies.tuning, "run_trial", made.run_trial)
    return made


def stored(insert):
    """Return straight-push's parameters as YAML, with another speed of insertion."""
    data = yaml.safe_load(resolved_yaml(script_called(SCRIPT).tuned))
    return yaml.safe_dump(data | {"insert": f"{insert} m/s"})


def tried(found):
    return re.findall(r"trial +(\d+): (.*)", found.output)


def test_the_best_trial_is_stored_with_the_effort_made(searched):
    output, file = searched
    costs = [float(cost) for cost in re.findall(r"trial +\d+: ([\d.]+) s a part", output)]
    assert len(costs) == 2
    (effort,) = opening_comment(file)
    assert f"rackline tune {SCRIPT} --trials 2 --episodes 1 --seed 0 --env" in effort
    assert f"2 trials on selection seeds 20000000 to 20000000; {min(costs)} s a part" in effort


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


def test_a_script_s_own_parameters_are_for_one_station():
    assert home_of(script_called(SCRIPT)) == "rackline/TrayInsert-v0"
    assert home_of(script_called("scripted/plug-search")) == "rackline/CablePlugLight-v0"
    few = ("--trials", 1, "--episodes", 1)
    found = tune(SCRIPT, "--env", "rackline/ShelfInsert-v0", "--save", *few)
    assert isinstance(found.exception, RacklineError)
    assert "are for rackline/TrayInsert-v0" in str(found.exception)
    assert "with --out" in str(found.exception)


def test_a_script_of_one_s_own_is_for_the_station_its_owner_says(bench, monkeypatch):
    """None of ours need be its home."""
    own = bench.folder / "own.yaml"
    own.write_text(stored(0.001))
    entry = dataclasses.replace(script_called(SCRIPT), config=own)
    monkeypatch.setitem(policies.scripted.registry._SCRIPTS, SCRIPT, entry)
    monkeypatch.setattr(policies.tuning, "home_of", lambda _: pytest.fail("nobody asked for it"))
    few = ("--env", "rackline/ShelfInsert-v0", "--trials", 1, "--episodes", 1, "--save")
    result, _ = bench.tune(*few, out=None)
    assert f"written to {own}" in result.output


def test_ctrl_c_keeps_the_trials_and_the_same_command_goes_on(bench):
    whole, episodes = bench.tune(out="whole.yaml", log="whole.jsonl")
    assert episodes == 10
    bench.stop_at = 5  # within the third set
    result, _ = bench.tune()
    assert result.exit_code == 130
    assert f"the same command goes on from the trials in {bench.folder}/log.jsonl" in result.output
    assert not (bench.folder / "best.yaml").exists()
    assert len(bench.read("log.jsonl").splitlines()) == 2
    bench.stop_at = None
    result, episodes = bench.tune()
    assert "2 trials are in" in result.output
    assert episodes == 6
    assert tried(result) == tried(whole)
    assert bench.read("best.yaml") == bench.read("whole.yaml")
    assert bench.read("log.jsonl") == bench.read("whole.jsonl")


def test_a_line_that_was_cut_or_is_no_trial_is_made_again(bench):
    bench.tune()
    first, second, *others = bench.read("log.jsonl").splitlines()
    damaged = [first, "12", '{"of": 1}', json.dumps({"of": json.loads(first)["of"]}), *others]
    log = bench.folder / "log.jsonl"
    log.write_text("\n".join([*damaged, second[:-9]]))
    _, episodes = bench.tune(out="other.yaml")
    assert episodes == 2
    assert bench.read("log.jsonl").splitlines()[-2:] == [second[:-9], second]
    _, episodes = bench.tune(out="another.yaml")
    assert episodes == 0
    assert bench.read("another.yaml") == bench.read("best.yaml")


def test_trials_of_another_search_do_not_count(bench):
    bench.tune()
    assert bench.tune("--episodes", 3)[1] == 15  # what is stored is one of the five
    log = bench.folder / "log.jsonl"
    log.write_text(re.sub(r'"station": "\w+"', '"station": "0"', log.read_text()))
    assert bench.tune(out="other.yaml")[1] == 10


def test_what_is_stored_stays_unless_it_is_beaten(bench):
    file = bench.folder / "best.yaml"
    _, high = script_called(SCRIPT).search["insert_m_per_s"]
    best = stored(2 * high)  # faster than any set of the search
    file.write_text(best)
    result, episodes = bench.tune()
    assert result.exit_code == 0
    assert episodes == 12
    assert "stays as it is" in result.output
    assert bench.read("best.yaml") == best
    file.write_text(stored(0.001))
    beaten, _ = bench.tune()
    assert f"written to {file}" in beaten.output
    assert tried(beaten) == tried(result)  # what is stored steers nothing
    found = bench.read("best.yaml")
    again, episodes = bench.tune()
    assert episodes == 0
    assert "stays as it is" in again.output  # no better than itself
    assert bench.read("best.yaml") == found


def test_the_script_s_own_set_is_replaced_with_save_alone(bench, monkeypatch):
    own = bench.folder / "own.yaml"
    own.write_text(stored(0.001))
    entry = dataclasses.replace(script_called(SCRIPT), config=own)
    monkeypatch.setitem(policies.scripted.registry._SCRIPTS, SCRIPT, entry)
    result, episodes = bench.tune(out=None)
    assert episodes == 12
    assert f"--save writes it to {own}" in result.output
    assert own.read_text() == stored(0.001)
    result, episodes = bench.tune("--save", out=None)
    assert episodes == 0
    assert f"written to {own}" in result.output
    assert load_spec(entry.parameters, own).insert_m_per_s > 0.05


def test_mistakes_are_refused(tmp_path):
    assert "did you mean 'scripted/straight-push'" in str(tune("scripted/straight").exception)
    assert "unknown station" in str(tune(SCRIPT, "--env", "rackline/Tray").exception)
    assert isinstance(tune(SCRIPT, "--out", "no/such/best.yaml").exception, RacklineError)
    assert tune(SCRIPT, "--trials", 0).exit_code == 2
    notes = tmp_path / "notes.txt"
    notes.write_text("insert: fast\n")
    assert "notes.txt:1: entry: is missing" in str(tune(SCRIPT, "--out", notes).exception)
    refused = tune(SCRIPT, "--out", tmp_path / "best.yaml", "--log", tmp_path)
    assert "choose another --log" in str(refused.exception)
    assert notes.read_text() == "insert: fast\n"
