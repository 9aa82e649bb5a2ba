"""What there is to name: stations with their pages, policies with their effort."""

import re
from dataclasses import replace

from typer.testing import CliRunner

import twin.cli.catalogue  # noqa: F401 - registers the commands
from configs.errors import RacklineError
from envs import registry
from envs.registry import stations
from policies.scripted.registry import scripts
from twin.cli.app import app


def rackline(*arguments):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})


def test_stations_and_policies_are_listed_under_the_names_that_commands_take():
    listed = rackline("stations").output
    for entry in stations():
        assert entry.env_id in listed
        assert entry.line_station in listed
    listed = rackline("policies").output
    for entry in scripts():
        assert entry.name in listed
        assert f"configs/policies/{entry.file.name}" in listed


def test_a_station_explains_itself_and_writes_its_page(tmp_path):
    shown = rackline("stations", "rackline/TrayInsert-v0").output
    for expected in ("Observation", "pose axial", "Action", "Judge", "escaped", "hard"):
        assert expected in shown
    file = tmp_path / "page.md"
    assert rackline("stations", "rackline/TrayInsert-v0", "--doc", str(file)).exit_code == 0
    assert file.read_text().startswith("# rackline/TrayInsert-v0\n")


def test_a_station_takes_three_lines_of_a_narrow_terminal():
    listed = CliRunner().invoke(app, ["stations"], env={"COLUMNS": "80"}).output
    assert len(listed.splitlines()) <= 4 + 3 * len(stations())


def test_the_pages_of_all_stations_are_written_at_once(tmp_path):
    assert rackline("stations", "--docs", str(tmp_path)).exit_code == 0
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert set(written) == {f"{entry.stem}.md" for entry in stations()}
    assert all(written[f"{e.stem}.md"].startswith(f"# {e.env_id}\n") for e in stations())


def test_mistakes_are_refused():
    assert rackline("stations", "rackline/TrayInsert-v0", "--docs", ".").exit_code == 2
    assert isinstance(rackline("stations", "--docs", "no/such").exception, RacklineError)
    assert "did you mean" in str(rackline("stations", "rackline/TrayInsert-v9").exception)
    found = rackline("stations", "rackline/TrayInsert-v0", "--doc", "no/such/page.md").exception
    assert isinstance(found, RacklineError)
    assert rackline("stations", "--doc", "page.md").exit_code == 2


def test_a_station_that_does_not_load_hides_no_other(tmp_path, monkeypatch):
    file = tmp_path / "own.yaml"
    file.write_text("extends: tray_insert\nsettings: {hard: {clearance: 2 mm}}\n")
    wrong = replace(stations()[0], env_id="own:acme/TrayInsert2-v0", config=str(file))
    monkeypatch.setitem(registry._STATIONS, wrong.env_id, wrong)
    result = rackline("stations")
    assert all(e.env_id in result.output for e in stations() if e is not wrong)
    assert wrong.env_id not in result.output
    assert re.search(
        r"own\.yaml:1: .* less than settings\.hard\.clearance, 2 mm", str(result.exception)
    )
