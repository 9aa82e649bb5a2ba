"""Training files: the shipped one loads, round-trips, and every contradiction is one sentence."""

from __future__ import annotations

import pytest

from configs.errors import ConfigError
from configs.specs.base import load_spec, resolve_path, resolved_yaml, spec_hash
from configs.specs.training import OffPolicy, TrainingSpec
from envs.registry import stations
from policies.training_env import training_env
from policies.training_file import load_training

SHIPPED = resolve_path("training", "tray_insert")
TO_MIRROR = SHIPPED.read_text().split("composition:\n")[1].split("  mirror:")[0]
"""All that the composition says of its script."""


def load_changed(folder, old, new):
    text = SHIPPED.read_text()
    assert old in text
    path = folder / "changed.yaml"
    path.write_text(text.replace(old, new))
    return load_spec(TrainingSpec, path)


def test_the_shipped_file_loads_again_from_its_resolved_form(tmp_path):
    spec = load_spec(TrainingSpec, SHIPPED)
    path = tmp_path / "resolved.yaml"
    path.write_text(resolved_yaml(spec))
    assert load_spec(TrainingSpec, path) == spec


@pytest.mark.parametrize("path", sorted(SHIPPED.parent.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_training_names_what_there_is(path):
    assert load_training(str(path)).env == next(
        entry.env_id for entry in stations() if entry.stem == path.stem
    )


def test_a_training_may_say_only_what_is_other_and_errors_name_the_file_that_said_it(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("extends: tray_insert\nsteps: 40960\n")
    tray = load_spec(TrainingSpec, SHIPPED)
    assert load_training(str(path)) == tray.model_copy(update={"steps": 40960})
    path.write_text("extends: tray_insert\nenv: rackline/CablePlugLight-v0\n")
    with pytest.raises(ConfigError, match=r"tray_insert.yaml:\d+: composition.base.*plug-search"):
        load_training(str(path))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: override", "kind: residual", "composition.feed: belongs to override"),
        ("kind: override", "kind: pure", "is under a pure policy"),
        (
            "  base: scripted/lateral-admittance@1\n",
            "",
            "composition.base: is missing for override",
        ),
        ("feed: [0.5, 2.5]", "feed: [1.5, 2.5]", "composition.feed: does not enclose 1"),
        ("algorithm: PPO", "algorithm: SAC", "algorithm = 'SAC': needs the section off_policy"),
        ("algorithm: PPO", "algorithm: DQN", "algorithm"),
        ("- [1.0, 1.0]", "- [1.0, 0.9]", "pace: does not rise from [0, 0] to [1, 1]"),
        ("- [0.087, 0.228]", "- [0.087, 0.028]", "pace: does not rise"),
        (
            "chunk: 20480",
            "chunk: 20000",
            "chunk = '20000': is no multiple of on_policy.steps; use e.g. 16384",
        ),
        ("batch: 512", "batch: 500", "batch = '500': does not divide on_policy.steps"),
        ("clip:", "clop:", "did you mean 'clip'"),
        ("time_budget: 40 min", "time_budget: 40", "has no unit"),
        ("seeds: [0, 1, 2]", "seeds: [0, 0]", "seeds: holds an entry twice"),
        ("scale: 0.25", "scale: -0.1", "composition.scale"),
        (
            "feed: 0.7}",
            "feed: 0.7}\n    - {field: pose axial, between: [-0.002, 0.045], feed: 0.7}",
            "selection.slow: holds an entry twice",
        ),
        (TO_MIRROR, "  kind: pure\n", "selection.slow: has no script to slow"),
        ("at: [0.0, 0.004,", "at: [0.01, 0.004,", "composition.zones[1].at: does not rise"),
    ],
)
def test_contradictions_name_file_and_line(tmp_path, old, new, says):
    with pytest.raises(ConfigError) as caught:
        load_changed(tmp_path, old, new)
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"{tmp_path / 'changed.yaml'}:")


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("final_episodes: 240", "final_episodes: 480", True),
        ("finalists: 4", "finalists: 3", True),
        ("race: {policies: 2, episodes: 2400}", "race: {policies: 3, episodes: 9600}", True),
        ("seeds: [0, 1, 2]", "seeds: [0]", True),
        ("  episodes: 96", "  episodes: 48", False),
        ("gamma: 0.97", "gamma: 0.98", False),
    ],
)
def test_a_run_is_told_by_what_is_trained_and_not_by_the_choice(tmp_path, old, new, same):
    shipped = spec_hash(load_spec(TrainingSpec, SHIPPED))
    assert (spec_hash(load_changed(tmp_path, old, new)) == shipped) is same


def test_updates_become_a_pattern_of_steps():
    data = {"buffer": 100, "learning_starts": 10, "tau": 0.01, "entropy_start": 0.1}
    for updates, pattern in ((0.5, (2, 1)), (1.0, (1, 1)), (2.0, (1, 2)), (0.25, (4, 1))):
        assert OffPolicy.model_validate(data | {"updates": updates}).pattern == pattern


def test_progress_counts_time_along_the_pace():
    """Half of the way is 80 % of the time: what a step gains is paid by where it gains it."""
    pace = [(0.0, 0.0), (0.5, 0.8), (1.0, 1.0)]
    spec = load_spec(TrainingSpec, SHIPPED)
    anywhere = spec.composition.model_copy(update={"begin": None})
    spec = spec.model_copy(update={"pace": pace, "composition": anywhere})
    env = training_env(spec, 0)
    try:
        env.reset(seed=0)
        for gained, won in ((0.25, 0.4), (0.5, 0.4 + 0.1), (-0.25, -0.1), (0.25, 0.1)):
            assert env._time_won(gained) == pytest.approx(won)
        env.reset()
        assert env._time_won(0.5) == pytest.approx(0.8)
    finally:
        env.close()
