"""A station that could not be worked is refused where it is read, with line, value and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from configs.errors import ConfigError
from configs.specs.base import load_spec, resolve_path, spec_hash
from configs.specs.insertion import InsertionSpec

SHIPPED = resolve_path("stations", "tray_insert")
REFUSED = {
    "a range from high to low": (
        "friction: [0.10, 0.20]", "friction: [0.25, 0.10]",
        "settings.nominal.friction", "write [0.1, 0.25]",
    ),
    "negative friction": (
        "friction: [0.10, 0.25]", "friction: [-0.10, 0.25]",
        "settings.hard.friction", "below zero; write a low of 0 or more",
    ),
    "a mass of nothing": (
        "mass_factor: [0.95, 1.05]", "mass_factor: [0, 0]",
        "settings.hard.mass_factor", "begins at zero; write factors above 0",
    ),
    "no time": ("time_limit: 30 s", "time_limit: 0 s", "limits.time_limit", "above 0"),
    "a tray of no width": (
        "compute: {mass: 29 kg, width: 438 mm", "compute: {mass: 29 kg, width: 0 mm",
        "parts.compute.width", "above 0",
    ),
    "levers that forgive nothing": (
        "lateral_tolerance: 1.0 mm", "lateral_tolerance: 0 mm",
        "levers.lateral_tolerance", "above 0",
    ),
    "a target that may not lead": (
        "yaw_lead: 0.008 rad", "yaw_lead: 0 rad", "impedance.yaw_lead", "above 0",
    ),
    "a rate that is next to none": (
        "policy_rate: 10 Hz", "policy_rate: 1e-320 Hz", "physics", "rates that do not divide",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_worked_is_refused(case: str, tmp_path: Path) -> None:
    old, new, field, words = REFUSED[case]
    text, path = SHIPPED.read_text(), tmp_path / "station.yaml"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_spec(InsertionSpec, path)
    message = str(caught.value)
    assert re.match(rf"{re.escape(str(path))}:\d+: {re.escape(field)}( =|:)", message), message
    assert words in message


def test_what_is_checked_does_not_change_what_a_station_is() -> None:
    """The committed convergence result and every bundle name the station by this hash."""
    assert spec_hash(load_spec(InsertionSpec, SHIPPED)) == "bbb68d00dafced14"


def extending(path: Path, text: str) -> InsertionSpec:
    path.write_text(text)
    return load_spec(InsertionSpec, path)


def test_a_station_says_only_what_is_other_than_in_the_one_it_extends(tmp_path: Path) -> None:
    base, path = load_spec(InsertionSpec, SHIPPED), tmp_path / "own.yaml"
    own = extending(path, "extends: tray_insert\nlimits: {time_limit: 20 s}\nversion: 2\n")
    limits = base.limits.model_copy(update={"time_limit_s": 20.0})
    assert own == base.model_copy(update={"limits": limits, "version": 2})
    assert spec_hash(own) != spec_hash(base)
    beside = extending(tmp_path / "third.yaml", "extends: own.yaml\nversion: 1\n")
    assert beside == base.model_copy(update={"limits": limits})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nextends: tray_inserts", ":2: extends = 'tray_inserts': names an unknown"),
        ("extends: own.yaml", ":1: extends = 'own.yaml': leads back to this file"),
        ("extends: tray_insert\nlimits:\n  time_limit: 0 s", ":3: limits.time_limit = '0 s': "),
        ("extends: tray_insert\nversion: 2\nversion: 3", ":3: version: is given twice"),
        ("extend: tray_insert", ":1: extend = 'tray_insert': is not a known field; did "),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_that_extends_is_named_there(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "own.yaml"
    with pytest.raises(ConfigError) as caught:
        extending(path, text)
    assert str(caught.value).startswith(f"{path}{said}")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time_limit: 30 s", "time_limit: 0 s", "limits.time_limit = '0 s': "),
        ("version: 1", "version: 1\nversion: 2", "version: is given twice"),
    ],
)
def test_what_is_wrong_in_the_file_that_is_extended_is_named_there(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    base, text = tmp_path / "base.yaml", SHIPPED.read_text()
    assert text.count(old) == 1
    base.write_text(text.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        extending(tmp_path / "own.yaml", "extends: base.yaml\n")
    assert re.match(rf"{re.escape(str(base))}:\d+: {re.escape(said)}", str(caught.value))
