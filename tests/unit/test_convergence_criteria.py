"""The criteria of the convergence card, each failing on its own and holding at its limit."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

import policies.convergence
import twin.cli.converge  # noqa: F401 - registers the command
from configs.errors import RacklineError
from configs.specs.base import load_spec, resolve_path, spec_hash
from configs.specs.insertion import InsertionSpec
from envs.registry import station
from policies.convergence import (
    MIN_SEEDS,
    RATES,
    VARIANTS,
    Convergence,
    Row,
    failures,
    result_path,
    to_markdown,
)
from twin.cli.app import app

CLEARANCE_M = 1e-3
SAME = Row(
    variant="",
    success=0.97,
    damage=0.01,
    success_difference=(-0.01, 0.01),
    damage_difference=(-0.01, 0.01),
    flips=0.01,
    mean_force_n=10.0,
    mean_peak_n=40.0,
    mean_axial_peak_n=200.0,
    penetration_p99_m=0.5e-4,
    contact_time_s=8.0,
)
AT_THE_LIMIT: dict[str, Any] = {
    "success_difference": (-0.02, 0.02),
    "damage_difference": (-0.02, 0.02),
    "flips": 0.02,
    "mean_force_n": 11.0,
    "mean_peak_n": 36.0,
    "mean_axial_peak_n": 220.0,
}


def table(variant: str = "", **changed: Any) -> list[Row]:
    """Return a card that holds, but for what is changed in one variant."""
    rows = [replace(SAME, variant=name) for name in VARIANTS]
    return [replace(row, **changed) if row.variant == variant else row for row in rows]


def test_a_card_whose_rows_agree_holds() -> None:
    assert failures(table(), CLEARANCE_M, 300) == []


@pytest.mark.parametrize("variant", RATES)
def test_what_is_just_allowed_holds(variant: str) -> None:
    assert failures(table(variant, **AT_THE_LIMIT), CLEARANCE_M, 300) == []
    assert failures(table("1 x rate", penetration_p99_m=1e-4), CLEARANCE_M, 300) == []


@pytest.mark.parametrize("variant", RATES)
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("success_difference", (-0.021, 0.0), "success differs by [-2.1, +0.0] points, beyond +-2"),
        ("success_difference", (0.0, 0.021), "success differs by [+0.0, +2.1] points, beyond +-2"),
        ("damage_difference", (-0.021, 0.0), "damage differs by [-2.1, +0.0] points, beyond +-2"),
        ("damage_difference", (0.0, 0.021), "damage differs by [+0.0, +2.1] points, beyond +-2"),
        ("flips", 0.025, "2.5 % of outcomes flip"),
        ("mean_force_n", 11.1, "mean side force is 11.1 N, beyond 10 % of the station's 10 N"),
        ("mean_force_n", 8.9, "mean side force is 8.9 N"),
        ("mean_peak_n", 44.1, "mean peak side force is 44.1 N"),
        ("mean_axial_peak_n", 179.0, "mean peak axial force is 179 N"),
    ],
)
def test_each_criterion_fails_on_its_own(variant: str, field: str, value: Any, says: str) -> None:
    (failure,) = failures(table(variant, **{field: value}), CLEARANCE_M, 300)
    assert failure.startswith(f"{variant}: {says}")


def test_penetration_is_judged_at_the_station_itself() -> None:
    (failure,) = failures(table("1 x rate", penetration_p99_m=1.2e-4), CLEARANCE_M, 300)
    assert failure == "p99 penetration 0.120 mm is over 10 % of the clearance"
    for finer in RATES:
        assert failures(table(finer, penetration_p99_m=1.2e-4), CLEARANCE_M, 300) == []


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"1 x rate", *RATES}))
def test_stiffness_is_a_parameter_and_is_not_judged(variant: str) -> None:
    far: dict[str, Any] = {field: (-0.5, 0.5) for field in AT_THE_LIMIT if "difference" in field}
    assert failures(table(variant, flips=0.3, mean_force_n=30.0, **far), CLEARANCE_M, 300) == []


@pytest.mark.parametrize("field", ["flips", "mean_force_n", "mean_peak_n", "mean_axial_peak_n"])
def test_what_is_not_a_number_does_not_pass(field: str) -> None:
    assert len(failures(table("2 x rate", **{field: math.nan}), CLEARANCE_M, 300)) == 1


def test_forces_of_a_policy_that_touches_nothing_are_compared() -> None:
    still = [replace(row, mean_force_n=0.0) for row in table()]
    assert failures(still, CLEARANCE_M, 300) == []
    moved = [replace(r, mean_force_n=1.0) if r.variant in RATES else r for r in still]
    assert len(failures(moved, CLEARANCE_M, 300)) == 2


def test_seeds_too_few_to_see_a_flip_are_no_evidence() -> None:
    """The rule of three: 149 seeds without a flip leave 2 % open."""
    (failure,) = failures(table(), CLEARANCE_M, 148)
    assert failure.startswith("148 seeds are too few: with no flip among them up to 2.0 %")
    assert failures(table(), CLEARANCE_M, 149) == []
    assert "up to 13.9 %" in failures(table(), CLEARANCE_M, 20)[0]


def test_the_card_says_how_many_flips_the_seeds_leave_possible() -> None:
    rows = [replace(row, flips=n / 300) for n, row in enumerate(table())]
    card = Convergence("station", "policy", "hard", "0", 240.0, 300, tuple(rows), ())
    shown = [row.split("|")[6].strip() for row in to_markdown(card).splitlines()[7:12]]
    assert shown[:3] == ["0.0", "0.3 (1.6)", "0.7 (2.1)"]


def test_the_committed_result_holds_by_these_criteria_and_is_of_the_station_as_it_is() -> None:
    text = result_path(station("rackline/TrayInsert-v0")).read_text()
    data = json.loads(text)
    spec = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
    assert data["spec_hash"] == spec_hash(spec)
    assert data["seeds"] >= MIN_SEEDS
    rows = [Row(**row) for row in data["rows"]]
    clearance_m = spec.settings[data["setting"]].clearance_m
    assert failures(rows, clearance_m, data["seeds"]) == data["failures"] == []
    assert data["converged"] is True


def test_a_result_is_the_station_s_own_though_two_robots_share_a_yaml() -> None:
    light = station("rackline/CablePlugLight-v0")
    other = replace(light, env_id="rackline/CablePlugOther-v0")
    assert [result_path(entry).name for entry in (light, other)] == [
        "cable_plug_light.convergence.json", "cable_plug_other.convergence.json",
    ]  # fmt: skip
    assert result_path(light).parent == result_path(other).parent


def test_a_result_of_few_seeds_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies.convergence, "study", None)
    arguments = ["converge", "rackline/TrayInsert-v0", "--seeds", "299", "--save"]
    few = [*arguments, "--policy", "scripted/straight-push"]
    error = CliRunner().invoke(app, few).exception
    assert isinstance(error, RacklineError)
    assert str(error).startswith("--save --seeds 299: too few")
    wrong = CliRunner().invoke(app, [*arguments, "--policy", "scripted/plug-straight"]).exception
    assert isinstance(wrong, RacklineError)
    assert str(wrong).startswith("scripted/plug-straight cannot work TrayInsert, ")
