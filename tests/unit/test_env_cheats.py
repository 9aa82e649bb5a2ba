"""Attempts to cheat the judge with the tray in places where it has no business: none succeeds.

The robot of these tests may go where it likes (no window around the slot's axis), poses are set by
placing joints, and physics, forces and levers have fixed numbers, so that retuning the station
changes no test. One honest insertion shows that the same set-up can succeed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs import operation as operation_module
from envs.operation import Operation
from envs.outcome import SUCCESSES, OutcomeClass, TrueState, outcome_class
from envs.perturbation import Perturbation, perturbed
from envs.physics.pose import Pose
from envs.stations.insertion import station as kind
from envs.stations.insertion.station import Insertion

SHIPPED = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
FIXED: dict[str, dict[str, float]] = {
    "physics": {
        "rate_hz": 240.0, "control_rate_hz": 240.0, "policy_rate_hz": 10.0,
        "contact_stiffness_n_per_m": 2e6, "contact_damping_ns_per_m": 4e3,
        "penetration_limit_m": 0.0005,
    },
    "impedance": {
        "axial_n_per_m": 1e4, "lateral_n_per_m": 1e4, "vertical_n_per_m": 1e4,
        "yaw_nm_per_rad": 300.0, "damping_ratio": 0.7, "axial_lead_m": 0.025,
        "lateral_lead_m": 0.0016, "vertical_lead_m": 0.0016, "yaw_lead_rad": 0.008,
    },
    "action": {
        "axial_m": 0.015, "lateral_m": 0.002, "height_m": 0.001, "yaw_rad": 0.01,
        "window_m": 1.0, "window_yaw_rad": 1.5,
    },
    "limits": {
        "lateral_damage_n": 70.0, "axial_damage_n": 420.0, "stop_fraction": 0.85,
        "stop_reaction_s": 0.05, "time_limit_s": 30.0, "retreat_m": 0.005,
    },
    "levers": {
        "travel_m": 0.010, "lateral_tolerance_m": 0.001, "yaw_tolerance_rad": 0.00873,
        "handover_force_n": 120.0, "handover_depth_m": 0.018, "short_per_error_m": 0.010,
        "seated_tolerance_m": 0.0005,
    },
    "sensors": {"miss_rate": 0.0, "false_alarm_rate": 0.0},
}  # fmt: skip
CLEARANCE_M = 0.001
LENGTH_M = SHIPPED.parts["compute"].length_m
GENTLE = 0.1  # 15 mm/s: what stops a cheat at this speed is not the force of its impact
FULL = 1.0
Place = tuple[float, float, float, float]


def station(clearance_m: float = CLEARANCE_M, **changes: dict[str, float]) -> InsertionSpec:
    """Return the fixed station with some more changes by section."""
    sections = {
        name: getattr(SHIPPED, name).model_copy(update=FIXED.get(name, {}) | changes.get(name, {}))
        for name in FIXED
    }
    setting = SHIPPED.settings["hard"].model_copy(
        update={"clearance_m": clearance_m, "friction": (0.15, 0.15), "mass_factor": (1.0, 1.0),
                "gain_factor": (1.0, 1.0), "damping_factor": (1.0, 1.0)}
    )  # fmt: skip
    return SHIPPED.model_copy(update=sections | {"settings": {"hard": setting}})


@dataclass
class Attempt:
    """How a cheat ended."""

    operation: Operation
    outcome: OutcomeClass

    @property
    def state(self) -> TrueState:
        assert self.operation.result is not None
        return self.operation.result.facts.true_state

    @property
    def handed_over(self) -> bool:
        return self.operation.judge.handed_over


@pytest.fixture(autouse=True)
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some cheats need contact so soft that the force self-test would refuse it."""
    monkeypatch.setattr(operation_module, "check_force_reading", lambda *_: None)


@pytest.fixture
def attempt() -> Any:
    """Return a function that starts the tray's front edge somewhere and repeats one action."""
    made: list[Operation] = []

    def run(place: Place | None, action: Place, spec: InsertionSpec | None = None) -> Attempt:
        chosen, factors = spec or station(), Perturbation(pose_error=0.0)
        cell = Insertion(chosen, perturbed(chosen, "hard", factors))
        operation = Operation(cell, factors, False)
        made.append(operation)
        operation.start(seed=1, rack=0, slot=0)
        if place is not None:
            operation.put(list(place))
        while not operation.judge.ended:
            operation.advance(action, damage_ends=True)
        assert operation.result is not None
        return Attempt(operation, outcome_class(operation.result.facts))

    yield run
    for operation in made:
        operation.close()


Run = Callable[..., Attempt]


def test_honest_insertion_succeeds_and_lies_in_its_slot(attempt: Run) -> None:
    honest = attempt((0.5, 0.0, CLEARANCE_M, 0.0), (GENTLE, 0, 0, 0))
    assert honest.outcome is OutcomeClass.OK
    operation = honest.operation
    slot: Pose = operation.task.visit.dock
    tray = slot.inverse() @ operation._world.link_pose(operation._robot, operation._part)
    part, slack = operation.task.part, CLEARANCE_M + 1e-4
    for x, y, z in itertools.product((1, -1), repeat=3):
        half = (part.length_m / 2, part.width_m / 2, part.height_m / 2)
        corner = tray.apply((x * half[0], y * half[1], z * half[2]))
        assert abs(corner[1]) <= half[1] + slack
        assert -half[2] - 1e-4 <= corner[2] <= half[2] + 2 * slack
        assert x < 0 or part.length_m - 0.010 <= corner[0] <= part.length_m + 1e-4


@pytest.mark.parametrize("speed", [GENTLE, FULL])
@pytest.mark.parametrize(
    "start", [(-0.03, 0.36), (-0.03, 0.58), (0.66, 0.58)], ids=["post", "outside", "alongside"]
)
def test_beside_the_slot(attempt: Run, start: tuple[float, float], speed: float) -> None:
    cheat = attempt((start[0], start[1], CLEARANCE_M, 0.0), (speed, 0, 0, 0))
    assert cheat.outcome not in SUCCESSES
    assert cheat.state is not TrueState.SEATED
    assert not cheat.handed_over


@pytest.mark.parametrize("height_m", [-0.065, 0.070], ids=["under the shelf", "on the top"])
def test_levers_closed_above_or_below_the_slot(attempt: Run, height_m: float) -> None:
    """The end stop is higher than the slot: pressing on it there closes the levers, for nothing."""
    cheat = attempt((0.66, 0.0, height_m, 0.0), (GENTLE, 0, 0, 0))
    assert cheat.handed_over
    assert cheat.state is TrueState.WRONG
    assert cheat.outcome in (OutcomeClass.DETECTED, OutcomeClass.VOID)
    assert cheat.operation.result is not None
    assert not cheat.operation.result.facts.sensor_pass
    fast = attempt((0.3, 0.0, height_m, 0.0), (FULL, 0, 0, 0))
    assert fast.outcome not in SUCCESSES
    assert fast.state is not TrueState.SEATED


@pytest.mark.parametrize(
    ("y_m", "yaw_rad"), [(0.004, 0.0), (-0.008, 0.0), (0.0, 0.015)], ids=["y", "far y", "askew"]
)
def test_levers_closed_on_a_tray_that_lies_badly(attempt: Run, y_m: float, yaw_rad: float) -> None:
    """In a slot so wide that a tray can reach the end stop off the axis, or askew."""
    wide = station(
        0.012, impedance={"yaw_nm_per_rad": 3e4, "yaw_lead_rad": 0.1, "lateral_lead_m": 0.02}
    )
    cheat = attempt((0.68, y_m, 0.012, yaw_rad), (GENTLE, 0, 0, 0), wide)
    assert cheat.handed_over
    assert cheat.state is TrueState.SHORT
    assert cheat.outcome is OutcomeClass.DETECTED


@pytest.mark.parametrize("yaw_rad", [0.02, -0.03])
def test_askew_at_the_end_stop_of_a_tight_slot(attempt: Run, yaw_rad: float) -> None:
    """Set there through the guides, which only a placed joint can do."""
    cheat = attempt((0.695, 0.0, CLEARANCE_M, yaw_rad), (GENTLE, 0, 0, 0))
    assert cheat.outcome in (OutcomeClass.DAMAGE, OutcomeClass.VOID)


@pytest.mark.parametrize("signs", [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (1, 1, 1), (-1, -1, -1)])
def test_full_action_into_the_mouth_s_walls(attempt: Run, signs: tuple[int, int, int]) -> None:
    y, z, yaw = signs
    cheat = attempt((-0.03, 0.03 * y, CLEARANCE_M + 0.03 * z, 0.05 * yaw), (FULL, y, z, yaw))
    assert cheat.outcome not in SUCCESSES
    assert cheat.state is not TrueState.SEATED


STRONG = {
    "impedance": {"lateral_lead_m": 0.08},
    "limits": {"lateral_damage_n": 1e5, "axial_damage_n": 1e5},
}


@pytest.mark.parametrize("stiffness", [2e6, 2e5, 2e4])
def test_through_a_guide_by_force(attempt: Run, stiffness: float) -> None:
    """800 N sideways all the time, damage not counted: stiff walls hold, soft ones void it."""
    physics = {"contact_stiffness_n_per_m": stiffness, "contact_damping_ns_per_m": 4e3}
    cheat = attempt(
        (0.3, 0.0, CLEARANCE_M, 0.0), (0, FULL, 0, 0), station(**STRONG, physics=physics)
    )
    assert cheat.outcome not in SUCCESSES
    assert cheat.state is not TrueState.SEATED
    if stiffness < 1e6:
        assert cheat.outcome is OutcomeClass.VOID


def test_penetration_voids_what_would_be_a_success(attempt: Run) -> None:
    """A soft end stop gives way by millimetres: seated by every other fact, and void."""
    soft = {"contact_stiffness_n_per_m": 2e4, "contact_damping_ns_per_m": 4e2}
    cheat = attempt((0.5, 0.0, CLEARANCE_M, 0.0), (GENTLE, 0, 0, 0), station(physics=soft))
    assert cheat.state is TrueState.SEATED
    assert cheat.operation.result is not None
    assert cheat.operation.result.facts.sensor_pass
    assert cheat.operation.result.penetration_m > FIXED["physics"]["penetration_limit_m"]
    assert cheat.outcome is OutcomeClass.VOID


@pytest.mark.parametrize("stiffness", [2e6, 2e5, 6e4])
def test_a_tray_too_wide_for_its_slot(
    attempt: Run, stiffness: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Overlap of 0.6 mm a side: what tunnels in (soft contact, thin walls) is damaged or void."""
    real = kind.slot_body

    def narrow(part: Any, setting: Any, dock: Pose) -> Any:
        return real(part, setting.model_copy(update={"clearance_m": -0.0006}), dock)

    monkeypatch.setattr(kind, "slot_body", narrow)
    physics = {"contact_stiffness_n_per_m": stiffness, "contact_damping_ns_per_m": 4e3}
    spec = station(physics=physics, impedance={"axial_lead_m": 0.05})
    for start in (-0.03, 0.3):
        cheat = attempt((start, 0.0, 0.0, 0.0), (GENTLE, 0, 0, 0), spec)
        assert cheat.outcome in (OutcomeClass.DAMAGE, OutcomeClass.VOID)
