"""A fault of Rackline's own looks like none of an evaluation's answers."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import twin.evaluation.plan
from twin.cli import main


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["rackline", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_a_crash_is_no_gate_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: str) -> None:
        raise ZeroDivisionError("somewhere deep")

    monkeypatch.setattr(twin.evaluation.plan, "load_plan", broken)
    assert exit_code(monkeypatch, "evaluate", "tray_cell") == 70
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "ZeroDivisionError: somewhere deep" in shown
    assert shown.splitlines()[-1].startswith("error: this is a fault in Rackline")


def test_a_mistake_in_a_module_of_ones_own_is_no_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_mine.py").write_text("def half(:\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert exit_code(monkeypatch, "stations", "broken_mine:acme/Mine-v0") == 2
    (shown,) = capsys.readouterr().err.splitlines()
    assert shown.startswith(f"error: {tmp_path / 'broken_mine.py'}:1: SyntaxError (invalid syntax)")


def test_ctrl_c_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(twin.evaluation.plan, "load_plan", stopped)
    assert exit_code(monkeypatch, "evaluate", "tray_cell") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_what_is_missing_at_the_start_is_no_gate_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)  # as where it is not installed
    assert exit_code(monkeypatch, "lines") == 2
    assert "Rackline cannot start" in capsys.readouterr().err


def test_the_help_lists_every_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert exit_code(monkeypatch, "evaluate", "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for code in ("0: the gates hold", "1: a gate fails", "2: bad input", "3: not", "70: a fault"):
        assert code in shown
