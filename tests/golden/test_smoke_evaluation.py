"""`rackline evaluate` on the small shipped evaluation, against its recorded exit code and gates.

Record anew after a change that is meant to change the answer::

    RACKLINE_RECORD=1 python -m pytest tests/golden/test_smoke_evaluation.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RECORD = Path(__file__).with_name("smoke_evaluation.json")


def test_smoke_evaluation_gives_its_recorded_answer(tmp_path: Path) -> None:
    out, junit = tmp_path / "run", tmp_path / "junit.xml"
    command = [sys.executable, "-m", "twin.cli", "evaluate", "smoke"]
    options = ["--out", str(out), "--workers", "2", "--junit", str(junit)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    found = {"exit_code": done.returncode, "gates": gates(out / "result.json")}
    if os.environ.get("RACKLINE_RECORD"):
        RECORD.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(RECORD.read_text())
    assert str(out / "report.html") in done.stdout.replace("\n", "")
    assert all((out / name).is_file() for name in ("report.html", "report.md", "junit.xml"))
    assert junit.read_text() == (out / "junit.xml").read_text()


def gates(result: Path) -> dict[str, str]:
    """Return the answer of every gate by policy and KPI."""
    policies = json.loads(result.read_text())["verdict"]["policies"]
    return {
        f"{policy['name']}: {gate['gate']['kpi']}": gate["answer"]
        for policy in policies
        for gate in policy["gates"]
    }
