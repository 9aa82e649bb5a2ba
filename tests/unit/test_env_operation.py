"""One operation: what wrist and fixture read, what no policy reads, what a user gets wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from configs.errors import RacklineError, UnknownNameError
from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs import operation as operation_module
from envs.operation import Operation
from envs.perturbation import Perturbation, perturbed
from envs.physics.sensors import mean_wrench
from envs.physics.shapes import Body, Contact
from envs.physics.world import World
from envs.registry import register, station, stations
from envs.station_env import StationEnv
from envs.stations.insertion.station import Insertion
from policies.catalogue import load_policy
from policies.scripted.registry import scripts

ENV_ID = "rackline/TrayInsert-v0"
SHIPPED = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
SETTING = SHIPPED.settings["hard"]
SCRIPTS = [entry.name for entry in scripts(SHIPPED)]


def pressing(**impedance: float) -> InsertionSpec:
    """Return the station with nothing that ends an operation but a short time."""
    limits = {"lateral_damage_n": 1e6, "axial_damage_n": 1e6, "time_limit_s": 4.0}
    stiff = {"axial_n_per_m": 1e4, "lateral_n_per_m": 1e4, "vertical_n_per_m": 1e4,
             "axial_lead_m": 0.015, "vertical_lead_m": 0.0016}  # fmt: skip
    return SHIPPED.model_copy(
        update={
            "limits": SHIPPED.limits.model_copy(update=limits),
            "levers": SHIPPED.levers.model_copy(update={"handover_force_n": 1e6}),
            "impedance": SHIPPED.impedance.model_copy(update=stiff | impedance),
        }
    )


@pytest.fixture
def env() -> Iterator[StationEnv]:
    env = StationEnv(ENV_ID)
    yield env
    env.close()


@pytest.mark.parametrize("rate", [1, 4])
def test_wrist_and_fixture_read_the_drive_s_push_on_the_end_stop(rate: int) -> None:
    """Three ways to know one force: stiffness x lead, the fixture's cells, the wrist's sensor."""
    spec, factors = pressing(), Perturbation(rate=rate, pose_error=0.0)
    operation = Operation(Insertion(spec, perturbed(spec, "hard", factors)), factors, False)
    try:
        operation.start(seed=1, rack=0, slot=0)
        front = [operation.task.part.length_m - 0.01, 0.0, SETTING.clearance_m, 0.0]
        operation.put(front)
        while not operation.judge.ended:
            operation.advance((0.3, 0.0, -0.5, 0.0), damage_ends=True)
        drive = 1e4 * 0.015 * operation.task.draws()["part"]["gain_factor"]
        assert operation.judge.step_axial_n == pytest.approx(drive, rel=0.02)
        assert -operation._wrist_mean[0] == pytest.approx(operation.judge.step_axial_n, rel=0.01)
    finally:
        operation.close()


@pytest.mark.parametrize("name", SCRIPTS)
def test_policies_do_the_same_whatever_info_says(env: StationEnv, name: str) -> None:
    def actions(poison: bool) -> list[Any]:
        policy = load_policy(name, env.station)
        observation, info = env.reset(seed=12, options={"rack": 3, "slot": 4})
        policy.reset()
        taken, ended = [], False
        while not ended:
            if poison:
                for value in [*info.values()]:
                    if isinstance(value, dict):
                        value.clear()
                info.clear()
                info.update(facts={"true_state": "seated"}, outcome="ok", is_success=True)
            taken.append(policy.act(observation))
            observation, _, terminated, truncated, info = env.step(taken[-1])
            ended = terminated or truncated
        return taken

    plain, poisoned = actions(False), actions(True)
    assert len(plain) > 5
    np.testing.assert_array_equal(plain, poisoned)


def test_a_policy_gets_nothing_but_observations() -> None:
    """The only door to a policy has one argument."""
    for name in SCRIPTS:
        policy = load_policy(name, SHIPPED)
        with pytest.raises(TypeError):
            policy.act(np.zeros(1, np.float32), {"facts": None})  # type: ignore[call-arg]


def test_draws_do_not_depend_on_rate_or_stiffness() -> None:
    """Convergence studies compare the same operations."""
    drawn = []
    for perturbation in (
        Perturbation(),
        Perturbation(rate=2),
        Perturbation(stiffness=4.0),
        Perturbation(damping=0.1),
    ):
        env = StationEnv(ENV_ID, perturbation=perturbation)
        _, info = env.reset(seed=5, options={"rack": 2, "slot": 11})
        drawn.append(info["draws"])
        env.close()
    assert all(draws == drawn[0] for draws in drawn)


@pytest.mark.parametrize("rate", [1, 4])
def test_the_wrist_is_read_as_often_as_the_fixture(
    rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every physics tick: of some alone, a hit would count several times or not at all."""
    read: list[int] = []

    def counted(reads: list[Any]) -> list[float]:
        read.append(len(reads))
        return mean_wrench(reads)

    monkeypatch.setattr(operation_module, "mean_wrench", counted)
    env = StationEnv(ENV_ID, perturbation=Perturbation(rate=rate))
    env.reset(seed=5)
    env.step(env.action_space.sample())
    env.close()
    assert set(read[1:]) == {4 * rate}  # windows of 1/60 s at 240 Hz; the first begins at rest


def test_damping_goes_with_the_root_of_stiffness_and_by_its_own_factor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[tuple[float, float]] = []
    add = World.add

    def kept(world: World, body: Body, contact: Contact) -> int:
        taken.append((contact.stiffness_n_per_m, contact.damping_ns_per_m))
        return add(world, body, contact)

    monkeypatch.setattr(World, "add", kept)
    env = StationEnv(ENV_ID, perturbation=Perturbation(stiffness=4.0, damping=0.1))
    env.reset(seed=5)
    env.close()
    physics = SHIPPED.physics
    expected = 4 * physics.contact_stiffness_n_per_m, 0.2 * physics.contact_damping_ns_per_m
    assert taken
    assert all(contact == pytest.approx(expected) for contact in taken)


def test_perturbed_errors_are_scaled() -> None:
    plain, wide = (
        StationEnv(ENV_ID),
        StationEnv(ENV_ID, perturbation=Perturbation(pose_error=2.0, friction=1.5)),
    )
    one = plain.reset(seed=5, options={"rack": 2, "slot": 11})[1]["draws"]
    two = wide.reset(seed=5, options={"rack": 2, "slot": 11})[1]["draws"]
    plain.close()
    wide.close()
    for name, value in one["part"]["grasp"].items():
        assert two["part"]["grasp"][name] == pytest.approx(2.0 * value)
    assert two["visit"]["friction"] == pytest.approx(1.5 * one["visit"]["friction"])
    assert two["part"]["mass_kg"] == one["part"]["mass_kg"]


def test_draws_stay_within_their_ranges(env: StationEnv) -> None:
    setting = env.operation.station.setting
    for seed in range(60):
        info = env.reset(seed=seed)[1]
        visit, part = info["draws"]["visit"], info["draws"]["part"]
        nominal = SHIPPED.parts[info["part"]].mass_kg
        low, high = setting.mass_factor
        assert low * nominal <= part["mass_kg"] <= high * nominal
        assert setting.friction[0] <= visit["friction"] <= setting.friction[1]
        grasp, limit = part["grasp"], setting.grasp
        assert abs(grasp["axial_m"]) <= limit.axial_m
        assert abs(grasp["lateral_m"]) <= limit.lateral_m
        assert abs(grasp["yaw_rad"]) <= limit.yaw_rad


def test_every_slot_takes_its_own_part(env: StationEnv) -> None:
    for slot, name in enumerate(SHIPPED.slots):
        assert env.reset(seed=1, options={"rack": 0, "slot": slot})[1]["part"] == name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slot": 29}, "unknown slot '29'; known: 0 to 28"),
        ({"slot": -1}, "unknown slot '-1'"),
        ({"rack": -1}, "unknown rack '-1'"),
        ({"slot": 2.7}, "reset option slot = 2.7: is not a whole number"),
        ({"slot": "a"}, "reset option slot = 'a': is not a whole number"),
        ({"solt": 3}, "unknown reset option 'solt'; did you mean 'slot'"),
    ],
)
def test_a_wrong_reset_option_is_named(env: StationEnv, options: Any, message: str) -> None:
    with pytest.raises(RacklineError, match=message):
        env.reset(seed=1, options=options)


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(UnknownNameError, match="unknown setting 'hrad'; did you mean 'hard'"):
        gym.make(f"envs:{ENV_ID}", setting="hrad")


def test_the_registry_refuses_duplicates_and_names_the_unknown() -> None:
    entry = station(f"envs:{ENV_ID}")
    assert entry in stations()
    with pytest.raises(RacklineError, match="registered twice; raise its version"):
        register(replace(entry, title="another"))
    with pytest.raises(UnknownNameError, match="did you mean 'rackline/TrayInsert-v0'"):
        station("rackline/TrayInsert-v1")


def test_a_picture_is_a_picture() -> None:
    env = StationEnv(ENV_ID, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (480, 640, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10
    env.close()
    blind = StationEnv(ENV_ID)
    assert blind.render() is None
    blind.close()
