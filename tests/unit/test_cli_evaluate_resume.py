"""The command that resumes an evaluation says all that its reports and exit code depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import twin.cli.evaluate
import twin.evaluate
from twin.cli.app import app


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--allow-inconclusive", "--workers", "1"],
        ["--racks", "60"],
        ["--junit", "{folder}/a file.xml", "--allow-inconclusive", "--no-recordings"],
    ],
)
def test_ctrl_c_names_the_command_as_it_was_given(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(twin.evaluate, "evaluate", interrupted)
    out = ["--out", str(tmp_path / "run")]
    options = [option.format(folder=tmp_path) for option in options]
    result = CliRunner().invoke(app, ["evaluate", "tray_cell", *out, *options])
    assert result.exit_code == 130
    said = result.output.replace(f"'{tmp_path}/a file.xml'", f"{tmp_path}/a file.xml")
    assert f"to go on: rackline {' '.join(['evaluate', 'tray_cell', *out, *options])}\n" in said
