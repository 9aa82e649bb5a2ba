"""Training files: the shipped one loads, round-trips, and every contradiction is one sentence."""

from __future__ import annotations

import pytest

from configs.errors import ConfigError
from configs.specs.base import load_spec, resolve_path, resolved_yaml
from configs.specs.training import OffPolicy, TrainingSpec

SHIPPED = resolve_path("training", "tray_insert")


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


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("kind: override", "kind: residual", "feed belongs to override"),
        ("kind: override", "kind: pure", "pure names a script"),
        ("  base: scripted/lateral-admittance@1\n", "", "override has no script under it"),
        ("feed: [0.3, 2.5]", "feed: [1.3, 2.5]", "feed does not enclose 1"),
        ("algorithm: SAC", "algorithm: PPO", "PPO needs the section on_policy"),
        ("algorithm: SAC", "algorithm: DQN", "algorithm"),
        ("tau:", "tua:", "did you mean 'tau'"),
        ("time_budget: 40 min", "time_budget: 40", "has no unit"),
        ("seeds: [0, 1, 2]", "seeds: [0, 0]", "seeds repeat"),
        ("scale: 0.3", "scale: -0.3", "composition.scale"),
    ],
)
def test_contradictions_name_file_and_line(tmp_path, old, new, says):
    with pytest.raises(ConfigError) as caught:
        load_changed(tmp_path, old, new)
    message = str(caught.value)
    assert says in message
    assert message.startswith(f"{tmp_path / 'changed.yaml'}:")


def test_updates_become_a_pattern_of_steps():
    shipped = load_spec(TrainingSpec, SHIPPED).off_policy
    assert shipped.pattern == (2, 1)
    for updates, pattern in ((1.0, (1, 1)), (2.0, (1, 2)), (0.25, (4, 1))):
        data = shipped.model_dump(by_alias=True) | {"updates": updates}
        assert OffPolicy.model_validate(data).pattern == pattern
