"""What cannot be written is said before the work, in one line; where it fails after it, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import policies.convergence
import twin.cli.converge
import twin.cli.evaluate
import twin.cli.line
import twin.evaluate
from configs.errors import RacklineError
from envs.registry import station
from twin.cli.app import app
from twin.cli.output import check_file, write_file, writing

STATION, SCRIPT = "rackline/TrayInsert-v0", "scripted/lateral-admittance"
COMMANDS = [
    ("evaluate", "tray_cell", "--junit"),
    ("converge", STATION, "--policy", SCRIPT, "--card"),
    ("line", "simulate", "nvl72_l11", "--json"),
    ("line", "validate", "--doc"),
    ("line", "oracles", "--doc"),
]


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((twin.cli.line, "ask"), (twin.cli.line, "compare"),
                         (twin.cli.line, "replicate"), (policies.convergence, "study"),
                         (twin.evaluate, "evaluate")):  # fmt: skip
        monkeypatch.setattr(module, name, None)


def refusal(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, RacklineError), result.exception
    return str(result.exception)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_place_that_takes_no_file_is_refused_before_the_work(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    assert refusal(*command, tmp_path).endswith(
        f"{command[-1]} {tmp_path}: is a folder; name a file in it"
    )
    assert "no folder" in refusal(*command, tmp_path / "none" / "such")


def test_a_read_only_place_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs this may be root, who may write anywhere: the system's answer is put in."""
    held = {tmp_path, policies.convergence.result_path(station(STATION))}
    monkeypatch.setattr(os, "access", lambda path, _: path not in held)
    command = ("converge", STATION, "--policy", SCRIPT)
    assert "may not be written" in refusal(*command, "--card", tmp_path / "card.md")
    assert "--save" in refusal(*command, "--save")
    (tmp_path / "mine.md").touch()
    check_file("--card", tmp_path / "mine.md")


def test_what_fails_after_the_work_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RacklineError, match=r"^--card .*: cannot be written \(Is a directory\)"):
        write_file("--card", tmp_path, "text")
    words = r"^--doc .*: cannot be written \(Is a directory\)"
    with pytest.raises(RacklineError, match=words), writing("--doc", tmp_path):
        twin.cli.line.write_section(tmp_path, "line", "text")
