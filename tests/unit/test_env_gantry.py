"""The gantry's impedance: evenly damped, clamped at the part's front edge, balanced at rest."""

from __future__ import annotations

import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.physics.pose import Pose
from envs.robots.damping import modal_damping
from envs.robots.gantry import Gantry
from envs.robots.gantry_body import (
    MOVING,
    PITCH,
    Grasp,
    empty_gantry_body,
    gantry_body,
    gantry_model,
)
from envs.robots.gantry_control import ImpedanceController

SPEC = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
COMPUTE = SPEC.parts["compute"]
ZERO = (0.0, 0.0, 0.0, 0.0)
REST = [(0.0, 0.0)] * 5


def controller(name: str = "compute") -> ImpedanceController:
    part = SPEC.parts[name]
    return ImpedanceController(SPEC.impedance, gantry_model(part), part.length_m)


def front_stiffness() -> np.ndarray:
    i = SPEC.impedance
    return np.array([i.axial_n_per_m, i.lateral_n_per_m, i.vertical_n_per_m, i.yaw_nm_per_rad])


def test_every_mode_has_the_same_damping_ratio():
    rng = np.random.default_rng(0)
    for ratio in (0.3, 0.7, 1.0):
        a, b = rng.standard_normal((2, 4, 4))
        stiffness, mass = a @ a.T + np.eye(4), b @ b.T + np.eye(4)
        damping = modal_damping(stiffness, mass, ratio)
        inverse = np.linalg.inv(mass)
        system = np.block(
            [[np.zeros((4, 4)), np.eye(4)], [-inverse @ stiffness, -inverse @ damping]]
        )
        poles = np.linalg.eigvals(system)
        # Equal poles of critical damping are found to the square root of machine precision.
        assert -poles.real / np.abs(poles) == pytest.approx([ratio] * 8, abs=1e-6)


def test_at_rest_on_target_only_weight_is_carried():
    model = gantry_model(COMPUTE)
    *driven, wrist = controller().forces(ZERO, ZERO, REST)
    assert driven == pytest.approx((0.0, 0.0, model.weight_n, 0.0))
    assert wrist == pytest.approx(-model.pitch_moment_nm)


@pytest.mark.parametrize("name", list(SPEC.parts))
def test_a_small_error_is_met_with_the_stiffness_at_the_front_edge(name):
    part, weight = SPEC.parts[name], gantry_model(SPEC.parts[name]).weight_n
    small = 1e-5
    for axis in range(3):
        target = [0.0] * 4
        target[axis] = small
        fx, fy, fz, mw, _ = controller(name).forces(tuple(target), ZERO, REST)
        force = np.array([fx, fy, fz - weight])
        assert force[axis] == pytest.approx(small * front_stiffness()[axis])
        assert np.abs(np.delete(force, axis)).max() == 0.0
        # A force on the front edge is a moment about the yaw axis.
        assert mw == pytest.approx(force[1] * part.length_m)
    # Turned by w, the front edge is off by reach x w as well.
    _, fy, _, mw, _ = controller(name).forces((0, 0, 0, small), ZERO, REST)
    lateral = front_stiffness()[1] * part.length_m * small
    assert fy == pytest.approx(lateral)
    assert mw == pytest.approx(front_stiffness()[3] * small + part.length_m * lateral)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_drive_is_clamped_to_stiffness_times_lead(sign):
    """Whatever a policy asks for, by position or by speed."""
    made = controller()
    weight, reach = gantry_model(COMPUTE).weight_n, COMPUTE.length_m
    limit = front_stiffness() * np.array(made.lead)
    for target, velocity in (((sign,) * 4, ZERO), (ZERO, (100.0 * sign,) * 4)):
        fx, fy, fz, mw, _ = made.forces(target, velocity, REST)
        drive = np.array([fx, fy, fz - weight, mw - reach * fy])
        assert (np.abs(drive) <= limit * (1 + 1e-9)).all()
        assert abs(drive[0]) == pytest.approx(limit[0])


@pytest.mark.parametrize("approach_m", [0.0, SPEC.motion.approach_m, 0.08])
def test_an_action_of_nothing_stays_where_the_policy_takes_over(approach_m):
    motion = SPEC.motion.model_copy(update={"approach_m": approach_m})
    spec = SPEC.model_copy(update={"motion": motion})
    made = Gantry(spec, COMPUTE, Pose((1.0, 0.0, 1.0)), COMPUTE.mass_kg, Grasp())
    state = [(q, 0.0) for q in made.put((-approach_m, 0.0, 0.001, 0.0))]
    made.aim(ZERO, state)
    assert made.lead(made.front(state)[0]) == pytest.approx(ZERO, abs=1e-12)


def test_motion_is_braked():
    made, weight = controller(), gantry_model(COMPUTE).weight_n
    for axis in range(3):
        state = [(0.0, 0.1 if i == axis else 0.0) for i in range(5)]
        fx, fy, fz, _, _ = made.forces(ZERO, ZERO, state)
        assert (fx, fy, fz - weight)[axis] < 0.0


def test_factors_scale_gain_and_damping():
    part, model = COMPUTE, gantry_model(COMPUTE)
    plain = controller()
    stiff = ImpedanceController(SPEC.impedance, model, part.length_m, gain_factor=1.1)
    small = (1e-5, 0.0, 0.0, 0.0)
    assert stiff.forces(small, ZERO, REST)[0] == pytest.approx(
        1.1 * plain.forces(small, ZERO, REST)[0]
    )
    damped = ImpedanceController(SPEC.impedance, model, part.length_m, damping_factor=1.2)
    moving = [(0.0, 0.1), *[(0.0, 0.0)] * 4]
    assert damped.forces(ZERO, ZERO, moving)[0] == pytest.approx(
        1.2 * plain.forces(ZERO, ZERO, moving)[0]
    )


def test_bodies_are_what_the_indices_say():
    body = gantry_body(COMPUTE, 30.0, Grasp(0.001, 0.002, 0.03))
    names = [link.name for link in body.links]
    assert names == ["x", "y", "z", "yaw", "wrist", "ft", "part"]
    assert [names[i] for i in MOVING] == ["x", "y", "z", "yaw", "wrist"]
    assert names[PITCH] == "wrist"
    assert [link.name for link in empty_gantry_body().links] == names[:-1]
    held = body.links[-1]
    assert held.mass_kg == 30.0
    front = held.pose.apply((COMPUTE.length_m / 2, 0.0, 0.0))
    assert front == pytest.approx((COMPUTE.length_m + 0.001, 0.002, 0.0))
    assert held.pose.yaw_rad == pytest.approx(0.03)


def test_the_nominal_model_is_that_of_the_body():
    """Masses and the yaw inertia summed over the links that each axis carries."""
    links = {link.name: link for link in gantry_body(COMPUTE, COMPUTE.mass_kg, Grasp()).links}
    model = gantry_model(COMPUTE)
    order = ["part", "ft", "wrist", "yaw", "z", "y", "x"]
    carried = np.cumsum([links[name].mass_kg for name in order])
    assert np.diag(model.mass)[:3] == pytest.approx([carried[6], carried[5], carried[4]])
    about_yaw = sum(
        link.inertia_kg_m2[2] + link.mass_kg * link.pose.position[0] ** 2
        for link in (links[name] for name in order[:4])
    )
    assert model.mass[3, 3] == pytest.approx(about_yaw, rel=1e-9)
    assert model.mass[1, 3] == pytest.approx(COMPUTE.mass_kg * COMPUTE.length_m / 2)
    empty = gantry_model(None)
    assert empty.mass[1, 3] == empty.pitch_moment_nm == 0.0
    assert empty.mass[0, 0] == pytest.approx(carried[6] - COMPUTE.mass_kg)
