"""The examples in the docs: own training runs, its policy becomes a bundle, CI's commands exist."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import twin.cli.evaluate
import twin.cli.rollout
import twin.cli.train  # noqa: F401 - registers the commands
from configs.errors import BundleError, RacklineError
from configs.specs.base import resolve_path
from twin.cli.app import app

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def rackline(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def own_policy(tmp_path_factory):
    """Run the example for a few steps; return the file that it saves."""
    folder = tmp_path_factory.mktemp("own")
    subprocess.run(
        [sys.executable, str(EXAMPLES / "own_training.py"), "110"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
    )
    return folder / "own_policy.zip"


def test_own_training_ends_in_a_bundle_that_works(own_policy, tmp_path):
    out = tmp_path / "own_policy"
    done = rackline("export", own_policy, "--trust-pickle", "--out", out)
    assert done.exit_code == 0, done.output
    done = rackline(
        "rollout", "rackline/TrayInsert-v0", "--policy", out, "--episodes", 1, "--workers", 1
    )
    assert done.exit_code == 0, done.output


def test_own_training_is_not_loaded_without_consent(own_policy, tmp_path):
    out = tmp_path / "no"
    done = rackline("export", own_policy, "--out", out)
    assert isinstance(done.exception, RacklineError)
    assert "--trust-pickle" in str(done.exception)
    done = rackline("rollout", "rackline/TrayInsert-v0", "--policy", own_policy, "--episodes", 1)
    assert isinstance(done.exception, BundleError)
    assert "--trust-pickle" in str(done.exception)
    assert not out.exists()


def test_what_is_no_model_is_one_error(tmp_path):
    stray = tmp_path / "stray.zip"
    stray.write_bytes(b"PK nothing")
    done = rackline("export", stray, "--trust-pickle", "--out", tmp_path / "no")
    assert isinstance(done.exception, BundleError)
    assert "check --algorithm and the file" in str(done.exception)


def test_the_workflow_calls_what_exists():
    """Every rackline command in it parses, and names a file that is there."""
    workflow = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
    runs = [step["run"] for step in workflow["jobs"]["evaluate"]["steps"] if "run" in step]
    (command,) = [shlex.split(run) for run in runs if run.startswith("rackline ")]
    assert resolve_path("evaluations", Path(command[2]).stem).is_file()
    assert (EXAMPLES.parents[1] / command[2]).is_file()
    assert rackline(*command[1:], "--help").exit_code == 0
    folder = command[command.index("--out") + 1]
    assert any(f"{folder}/report.md" in run and "GITHUB_STEP_SUMMARY" in run for run in runs)
