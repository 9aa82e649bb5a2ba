"""`rackline evaluate` on the small shipped evaluation, against what is on record.

Its exit code and gates are recorded as they are; what policy y, the better one, reaches is a bound
that only ever gets tighter. Record anew after a change that is meant to change the answer::

    RACKLINE_RECORD=1 python -m pytest tests/golden/test_smoke_evaluation.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from envs.outcome import OutcomeClass
from policies.records import read_records

RECORD = Path(__file__).with_name("smoke_evaluation.json")
BASELINE = Path(__file__).with_name("policy_baseline.json")
SLACK = {"contact_time_s": 0.03, "lateral_force_p95_n": 0.05}
"""Room above what was recorded: another processor's last bits turn single episodes."""


@dataclass(frozen=True)
class Done:
    """The evaluation as it ended."""

    folder: Path
    junit: Path
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    home = tmp_path_factory.mktemp("smoke")
    out, junit = home / "run", home / "junit.xml"
    command = [sys.executable, "-m", "twin.cli", "evaluate", "smoke"]
    options = ["--out", str(out), "--workers", "2", "--junit", str(junit)]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    return Done(out, junit, ended.returncode, ended.stdout, ended.stderr)


def test_smoke_evaluation_gives_its_recorded_answer(done: Done) -> None:
    assert "Traceback" not in done.stderr
    found = {"exit_code": done.exit_code, "gates": gates(done.folder / "result.json")}
    if os.environ.get("RACKLINE_RECORD"):
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(RECORD.read_text())
    assert str(done.folder / "report.html") in done.stdout.replace("\n", "")
    names = ("report.html", "report.md", "junit.xml")
    assert all((done.folder / name).is_file() for name in names)
    assert done.junit.read_text() == (done.folder / "junit.xml").read_text()


def test_the_report_links_the_pages_of_what_was_recorded(done: Done) -> None:
    html = (done.folder / "report.html").read_text()
    linked = re.findall(r'href="([^"#]+)"', html)
    assert linked == ["replay-worst.html", "replay-median.html", "replay-best.html"]
    for name in linked:
        page = (done.folder / name).read_text()
        assert page.count('"policy":') == 2
        assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert html.count("data:image/jpeg") == 6
    assert "came to another end" not in html


def test_the_better_policy_is_no_worse_than_its_baseline(done: Done) -> None:
    records = list(read_records(done.folder / "episodes-y.jsonl"))
    found = {
        "not_seated": sum(not r.success for r in records),
        "damages": sum(r.outcome is OutcomeClass.DAMAGE for r in records),
        "contact_time_s": float(np.mean([r.contact_time_s for r in records])),
        "lateral_force_p95_n": float(np.percentile([r.max_windowed_force_n for r in records], 95)),
    }
    if os.environ.get("RACKLINE_RECORD"):
        held = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
        new = {key: (1 + SLACK.get(key, 0.0)) * value for key, value in found.items()}
        tight = {key: min(value, held.get(key, value)) for key, value in new.items()}
        BASELINE.write_text(json.dumps(tight, indent=1) + "\n")
    bounds = json.loads(BASELINE.read_text())
    assert bounds.keys() == found.keys()
    worse = {key: (found[key], bounds[key]) for key in found if not found[key] <= bounds[key]}
    assert not worse, f"policy y got worse (found, at most): {worse}"


def gates(result: Path) -> dict[str, str]:
    """Return the answer of every gate by policy and KPI."""
    policies = json.loads(result.read_text())["verdict"]["policies"]
    return {
        f"{policy['name']}: {gate['gate']['kpi']}": gate["answer"]
        for policy in policies
        for gate in policy["gates"]
    }
