"""An evaluation that is stopped, then killed, resumes with real episodes to the same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RACKLINE = [sys.executable, "-m", "twin.cli", "evaluate"]


@pytest.fixture
def tiny_file(small_file: Path) -> Path:
    """Return the small evaluation with 16 real episodes."""
    text = small_file.read_text()
    text = text.replace("racks: 40, parts_per_rack: 4", "racks: 4, parts_per_rack: 2")
    small_file.write_text(text.partition("tornado:\n")[0])
    return small_file


def test_stopped_then_killed_then_resumed(tiny_file: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert run(tiny_file, whole, workers=2).returncode == 3  # 4 racks are too few to decide

    stopped = start(tiny_file, parts)
    wait_for_episodes(parts, 3, stopped)
    os.killpg(stopped.pid, signal.SIGINT)  # as a terminal does
    _, err = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert f"to go on: rackline evaluate {tiny_file} --out {parts}" in " ".join(err.split())
    assert "Traceback" not in err

    before = episodes(parts)
    killed = start(tiny_file, parts)
    wait_for_episodes(parts, len(before) + 2, killed)
    killed.kill()
    killed.communicate(timeout=60)  # its workers leave too, or the pipes would stay open
    assert set(before) <= set(episodes(parts))  # nothing that was done is done again

    kept = episodes(parts)
    resumed = run(tiny_file, parts, workers=1)
    assert resumed.returncode == 3
    assert set(kept) <= set(episodes(parts))
    assert sorted(episodes(parts)) == sorted(episodes(whole))
    assert (parts / "result.json").read_bytes() == (whole / "result.json").read_bytes()
    assert "report:" in resumed.stdout


def run(file: Path, folder: Path, workers: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RACKLINE, str(file), "--out", str(folder), "--workers", str(workers)],
        capture_output=True,
        text=True,
        check=False,
    )


def start(file: Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*RACKLINE, str(file), "--out", str(folder), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
        start_new_session=True,
    )


def episodes(folder: Path) -> list[str]:
    """Return the whole lines of both policies' records."""
    found: list[str] = []
    for letter in "xy":
        path = folder / f"episodes-{letter}.jsonl"
        if path.exists():
            found += path.read_text().rpartition("\n")[0].splitlines()
    return found


def wait_for_episodes(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    while len(episodes(folder)) < count:
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.02)
