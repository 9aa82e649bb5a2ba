"""A station that could not be worked is refused where it is read, with line, value and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from configs.errors import ConfigError
from configs.specs.base import load_spec, resolve_path, spec_hash
from configs.specs.insertion import InsertionSpec
from configs.specs.quantities import parse_quantity

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
        "policy_rate: 10 Hz", "policy_rate: 1e-320 Hz",
        "physics.policy_rate", "does not divide control_rate, 240 Hz; raise that too",
    ),
    "a rate that no force window fits": (
        "  control_rate: 240 Hz", "  control_rate: 80 Hz", "physics.control_rate", "of 60 Hz",
    ),
    "an action that moves nothing": (
        "axial: 15 mm", "axial: 0 mm", "action.axial", "above 0",
    ),
    "a drive without stiffness": (
        "  vertical: 10 kN/m", "  vertical: 0 kN/m", "impedance.vertical", "above 0",
    ),
    "a push that the cell never takes over": (
        "axial_lead: 25 mm", "axial_lead: 5 mm",
        "impedance.axial_lead", "bounds the push to 50 N, which never reaches",
    ),
    "steel that would be play": (
        "penetration_limit: 0.5 mm", "penetration_limit: 50 mm",
        "physics.penetration_limit", "is more than a clearance, so that steel would be play; use 1",
    ),
    "slots that overlap": (
        "slot_pitch: 44.45 mm", "slot_pitch: 4.5 mm",
        "motion.slot_pitch", "slots of 'compute' overlap; use 44 mm or more",
    ),
    "levers that forgive less than the slot": (
        "lateral_tolerance: 1.0 mm", "lateral_tolerance: 0.1 mm",
        "levers.lateral_tolerance", "use 1 mm or more",
    ),
    "a window lower than where a part comes in": (
        "window: 10 mm", "window: 0.5 mm", "action.window", "use 1 mm or more",
    ),
    "levers that close anywhere": (
        "handover_depth: 18 mm", "handover_depth: 18 m",
        "levers.handover_depth", "use less than 450 mm",
    ),
    "levers that travel farther than a part is long": (
        "travel: 10 mm", "travel: 500 mm", "levers.travel", "use less than 450 mm",
    ),
    "a part that is none": (
        "top_of_rack, top_of_rack]", "top_of_rack, top_of_rak]",
        "slots[28]", "is none of the parts; did you mean 'top_of_rack'?",
    ),
    "a setting that is none": (
        "default_setting: hard", "default_setting: hrad",
        "default_setting", "is none of the settings; did you mean 'hard'?",
    ),
    "a misspelt field of a named block": (
        "    clearance: 1.0 mm\n", "    clearence: 1.0 mm\n",
        "settings.hard.clearence", "not a known field; did you mean 'clearance'?",
    ),
    "a misspelt field of a part": (
        "compute: {mass: 29 kg", "compute: {mas: 29 kg", "parts.compute.mas", "mean 'mass'?",
    ),
    "a list that is none": (
        "friction: [0.10, 0.25]", "friction: '0.2'", "settings.hard.friction", "[0.1, 0.1]",
    ),
    "a share in percent": (
        "stop_fraction: 0.85", "stop_fraction: 85 %",
        "limits.stop_fraction", "is not a plain number; write e.g. 0.85",
    ),
    "a share over one": (
        "stop_fraction: 0.85", "stop_fraction: 85", "limits.stop_fraction", "above 1; write 1 or",
    ),
    "a whole number that is none": (
        "solver_iterations: 50", "solver_iterations: 50.4",
        "physics.solver_iterations", "is not a whole number; write e.g. 50",
    ),
    "a block that is none": (
        "{mass: 29 kg, width: 438 mm, height: 42 mm, length: 700 mm}", "29 kg",
        "parts.compute", "is not a block of fields; write its fields: mass, width, height, length",
    ),
    "a text that is none": ("id: TrayInsert", "id: 60", "id", 'is no text; put it in quotes: "60"'),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_worked_is_refused(case: str, tmp_path: Path) -> None:
    old, new, field, words = REFUSED[case]
    text, path = SHIPPED.read_text(), tmp_path / "station.yaml"
    assert old in text
    path.write_text(new.join(text.rsplit(old, 1)))
    with pytest.raises(ConfigError) as caught:
        load_spec(InsertionSpec, path)
    message = str(caught.value)
    assert re.match(rf"{re.escape(str(path))}:\d+: {re.escape(field)}( =|:)", message), message
    assert words in message


@pytest.mark.parametrize(
    ("slots", "problem"), [("compute", "is not a list; write it in brackets, e.g. [compute]"),
                           ("[]", "is empty; write 1 or more")],
)  # fmt: skip
def test_slots_are_a_list(slots: str, problem: str, tmp_path: Path) -> None:
    text, path = SHIPPED.read_text(), tmp_path / "station.yaml"
    path.write_text(re.sub(r"(?s)slots:.*?\]", f"slots: {slots}", text, count=1))
    with pytest.raises(ConfigError, match=re.escape(problem)):
        load_spec(InsertionSpec, path)


@pytest.mark.parametrize(
    ("written", "unit", "said"),
    [
        (50, "s", 'has no unit; write it with one, e.g. "50 ms", "50 s" or "50 min"'),
        ("0.5", "m", 'has no unit; write it with one, e.g. "0.5 mm" or "0.5 m"'),
        (True, "N", 'has no unit; write it with one, e.g. "1 N"'),
        ("3 mm", "rad", 'wrong kind of unit; a value in rad is needed, e.g. "3 deg" or "3 rad"'),
        ("23kg", "kg", 'has no blank before its unit; write "23 kg"'),
        ("2e3N/m", "N/m", 'has no blank before its unit; write "2e3 N/m"'),
        ("5 fathomz", "m", 'is not a number and a unit; write e.g. "5 mm" or "5 m"'),
        ("much", "kg", 'is not a number and a unit; write e.g. "1 kg"'),
        ("1.5.2 mm", "m", 'is not a number and a unit; write e.g. "1 mm" or "1 m"'),
        ("1e400 s", "s", "is not finite"),
    ],
)
def test_examples_are_the_number_that_was_written(written: object, unit: str, said: str) -> None:
    with pytest.raises(PydanticCustomError, match=re.escape(said)):
        parse_quantity(written, unit)


@pytest.mark.parametrize(
    ("text", "value"), [("-1.8  mm", -0.0018), (".5 m", 0.5), ("2.e-3 m", 0.002), (" 1 1*m ", 1.0)]
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert parse_quantity(text, "m") == value


def test_what_is_checked_does_not_change_what_a_station_is() -> None:
    """The committed convergence result and every bundle name the station by this hash."""
    assert spec_hash(load_spec(InsertionSpec, SHIPPED)) == "7a2d4ae9122c8e5a"


def extending(path: Path, text: str) -> InsertionSpec:
    path.write_text(text)
    return load_spec(InsertionSpec, path)


def test_a_station_says_only_what_is_other_than_in_the_one_it_extends(tmp_path: Path) -> None:
    base, path = load_spec(InsertionSpec, SHIPPED), tmp_path / "own.yaml"
    own = extending(path, "extends: tray_insert\nlimits: {time_limit: 20 s}\nversion: 2\n")
    limits = base.limits.model_copy(update={"time_limit_s": 20.0})
    assert own == base.model_copy(update={"limits": limits, "version": 2})
    assert spec_hash(own) != spec_hash(base)
    fewer = extending(path, "extends: tray_insert\nsettings: {nominal: null}\n")
    assert fewer == base.model_copy(update={"settings": {"hard": base.settings["hard"]}})
    with pytest.raises(ConfigError, match=r"levers\.travel: is missing"):
        extending(path, "extends: tray_insert\nlevers: {travel: null}\n")
    path.write_text("extends: tray_insert\nlimits: {time_limit: 20 s}\nversion: 2\n")
    beside = extending(tmp_path / "third.yaml", "extends: own.yaml\nversion: 1\n")
    assert beside == base.model_copy(update={"limits": limits})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version: 1\nextends: tray_inserts", ":2: extends = 'tray_inserts': names an unknown"),
        ("extends: own.yaml", ":1: extends = 'own.yaml': leads back to this file"),
        ("extends: tray_insert\nlimits:\n  time_limit: 0 s", ":3: limits.time_limit = '0 s': "),
        ("extends: tray_insert\nversion: 2\nversion: 3", ":3: version: is given twice"),
        ("extends: [tray_insert]", ":1: extends: is not one name; write e.g. extends: NAME"),
        ("extends: cable_plug", ":1: extends = 'cable_plug': is of another kind of work; extend "),
        ("extends: tray_insert\nsettings: {hard: {clearance: 2 mm}}",
         ":1: extends = 'tray_insert': does not go with what this file says: levers.lateral_tol"),
        ("extends: tray_insert\nparts: {computer: null}",
         ":2: computer = 'null': takes out what is not there; did you mean 'compute'?"),
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
