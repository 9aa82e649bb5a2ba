"""Whatever is wrong with a training is one clear error."""

from __future__ import annotations

import importlib.util
import shutil
from contextlib import closing

import pytest
from typer.testing import CliRunner

import policies.training
import policies.training_run
import twin.cli.train  # noqa: F401 - registers the commands
from configs.errors import ConfigError, EnvironmentSetupError, RacklineError, RunFolderError
from configs.specs.base import load_spec, resolve_path
from configs.specs.training import TrainingSpec
from policies.training import Learner
from policies.training_file import load_training
from tests.small_training import SMALL, SMALL_PPO, training_file
from twin.cli.app import app
from twin.evaluation.runfolder import RunFolder


def test_a_folder_is_worked_in_by_one_process(tmp_path):
    command = ["train", str(training_file(tmp_path)), "--out", str(tmp_path / "run")]
    with closing(RunFolder(tmp_path / "run")):
        result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RunFolderError)
    assert "another process is working in this folder" in str(result.exception)


CHECKPOINT = ("model.zip", "buffer.npz", "normalisation.pkl", "random.pkl")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint with every kind of file; returns a learner that it fits, and its folder."""
    home = tmp_path_factory.mktemp("checkpoint")
    spec = load_spec(TrainingSpec, training_file(home, algorithm="TQC", normalise=True))
    learner = Learner(spec, 3)
    try:
        learner.learn(30, lambda steps: None, lambda info: None)
        learner.save(home / "checkpoint-000000030")
        yield learner, home / "checkpoint-000000030"
    finally:
        learner.close()


@pytest.mark.parametrize("name", CHECKPOINT)
def test_a_cut_checkpoint_is_one_error(checkpoint, name, tmp_path):
    learner, folder = checkpoint
    assert {file.name for file in folder.iterdir()} == set(CHECKPOINT)
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    data = (copy / name).read_bytes()
    for length in (0, 20, len(data) // 2, len(data) - 1):
        (copy / name).write_bytes(data[:length])
        with pytest.raises(RunFolderError, match="delete this folder"):
            learner.restore(copy)
    (copy / name).write_bytes(data)
    learner.restore(copy)


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(policies.training_run, "train_seed", interrupted)
    command = [
        "train",
        str(training_file(tmp_path)),
        "--out",
        str(tmp_path / "run"),
        "--workers",
        "1",
    ]
    result = CliRunner().invoke(app, [*command, "--workers", "1"])
    assert result.exit_code == 130
    assert "the same command goes on" in result.output


def test_missing_packages_are_one_sentence(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        policies.training.importlib.util,
        "find_spec",
        lambda name: None if name == "torch" else find(name),
    )
    with pytest.raises(EnvironmentSetupError, match=r"needs torch; install with: pip install"):
        Learner(load_spec(TrainingSpec, resolve_path("training", "tray_insert")), 0)


@pytest.mark.parametrize("seeds", ["0,0", "a", "", "-1", "1000"])
def test_odd_seeds_are_refused(seeds, tmp_path):
    command = ["train", "tray_insert", "--seeds", seeds, "--out", str(tmp_path / "no")]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, RacklineError)
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"env": "rackline/TrayInsert-v9"}, "env = 'rackline/TrayInsert-v9'"),
        ({"setting": "harder"}, "did you mean 'hard'"),
        (
            {"composition": {"kind": "residual", "base": "scripted/lateral-admittance"}},
            "did you mean 'scripted/lateral-admittance@1'",
        ),
        (
            {"composition": {"kind": "pure", "zones": [{"field": "pose axal", "at": [0, 1]}]}},
            "did you mean 'pose axial'",
        ),
        (
            {
                "composition": {"kind": "pure", "mirror": True}
                | {"zones": [{"field": "pose lateral", "at": [0, 1]}]}
            }
            | {"algorithm": "PPO", "off_policy": None, "on_policy": SMALL_PPO, "chunk": 64},
            "has a side, and PPO learns both at once",
        ),
        (
            {
                "selection": SMALL["selection"]
                | {"slow": [{"field": "pose axal", "between": [0, 1], "feed": 0.5}]}
            },
            "selection.slow[0].field",
        ),
        (
            {
                "composition": {"kind": "residual", "base": "scripted/lateral-admittance@1"}
                | {"begin": {"field": "pose axial", "above": 9.0}}
            },
            "composition.begin.above = '9.0': is never reached: pose axial is observed from",
        ),
        *(
            (
                {
                    "composition": {"kind": "residual", "base": "scripted/lateral-admittance@1"}
                    | {"within": {"field": "pose axial", "between": between}}
                },
                "composition.within.between: is never reached: pose axial is observed from",
            )
            for between in ([9.0, 10.0], [-10.0, -9.0])
        ),
    ],
)
def test_names_that_do_not_exist_are_refused_with_their_line(changes, says, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_training(str(training_file(tmp_path, **changes)))
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'small.yaml'}:")
