"""The observation is what its table says: every entry named, scaled and what a cell can know."""

from __future__ import annotations

from collections.abc import Iterator

import gymnasium as gym
import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.observation import LIMIT, Field, index_of, markdown_table, scaled
from envs.perturbation import Perturbation
from envs.physics.sensors import WrenchFilter
from envs.station_env import StationEnv
from envs.stations.insertion.station import insertion_fields


@pytest.fixture(scope="module")
def env() -> Iterator[StationEnv]:
    env = StationEnv("rackline/TrayInsert-v0", perturbation=Perturbation(pose_error=0.0))
    yield env
    env.close()


@pytest.fixture(scope="module")
def spec() -> InsertionSpec:
    return load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))


def said(env: StationEnv, observation: np.ndarray) -> dict[str, float]:
    """Return an observation by name, in the units of its table."""
    return {f.name: float(v) * f.scale for f, v in zip(env.fields, observation, strict=True)}


def front(env: StationEnv) -> list[float]:
    """Return the believed front edge."""
    return env.operation.task.robot.front(env.operation._state)[0]


def test_names_are_unique_and_scales_positive(spec):
    fields = insertion_fields(spec.parts)
    assert len({f.name for f in fields}) == len(fields)
    assert all(f.scale > 0.0 and f.unit and f.meaning for f in fields)
    assert [index_of(fields, f.name) for f in fields] == list(range(len(fields)))


def test_the_table_has_a_row_for_every_entry(spec):
    fields = insertion_fields(spec.parts)
    rows = markdown_table(fields).splitlines()
    assert len(rows) == 2 + len(fields)
    for i, (row, field) in enumerate(zip(rows[2:], fields, strict=True)):
        assert row.startswith(f"| {i} | {field.name} | {field.unit} |")


def test_scaling_clips_to_the_bounds():
    values = [1.0, -100.0, 1e300, 1e300]
    out = scaled(values, np.array([2.0, 1.0, 1.0, 1.0]), np.array([LIMIT, LIMIT, LIMIT, 9.0]))
    assert out.dtype == np.float32
    assert out.tolist() == [0.5, -LIMIT, LIMIT, 9.0]


def test_the_space_is_what_the_fields_say(env):
    most = [field.limit for field in env.fields]
    assert env.observation_space.high.tolist() == most
    assert env.observation_space.low.tolist() == [-value for value in most]


def test_at_the_start_the_tray_is_where_the_robot_takes_it(env, spec):
    observation, info = env.reset(seed=3)
    noise = env.operation.station.setting.noise
    seen = said(env, observation)
    part = spec.parts[info["part"]]
    assert seen["pose axial"] == pytest.approx(-spec.motion.approach_m, abs=6 * noise.position_m)
    assert seen["pose lateral"] == pytest.approx(0.0, abs=6 * noise.position_m)
    assert seen["pose yaw"] == pytest.approx(0.0, abs=6 * noise.yaw_rad)
    assert seen["depth left"] == pytest.approx(part.length_m - seen["pose axial"], abs=1e-6)
    assert seen["time left"] == 1.0
    for axis in ("axial", "lateral", "height", "yaw"):
        assert abs(seen[f"velocity {axis}"]) < 0.01  # what is left of settling
        assert seen[f"last action {axis}"] == 0.0
    for name in spec.parts:
        assert seen[f"part {name}"] == (name == info["part"])


def test_the_wrench_is_tared_before_contact(env):
    observation, _ = env.reset(seed=4)
    noise = env.operation.station.setting.noise
    for _ in range(5):
        observation, *_ = env.step(np.zeros(4, np.float32))
    seen = said(env, observation)
    for axis in "xyz":
        assert abs(seen[f"raw f{axis}"]) < 6 * noise.force_n + 0.1
        assert abs(seen[f"raw m{axis}"]) < 6 * noise.torque_nm + 0.1


def test_the_last_action_is_the_clipped_one(env):
    env.reset(seed=5)
    observation, *_ = env.step(np.array([0.25, -7.0, np.nan, -0.5], np.float32))
    seen = said(env, observation)
    axes = ("axial", "lateral", "height", "yaw")
    assert [seen[f"last action {axis}"] for axis in axes] == [0.25, -1.0, 0.0, -0.5]


def test_actions_move_the_tray_their_way(env):
    """Each action moves its own axis the way its name says, by what the scale says at most."""
    scale = env.station.action
    steps = {"axial": scale.axial_m, "lateral": scale.lateral_m, "height": scale.height_m,
             "yaw": scale.yaw_rad}  # fmt: skip
    for i, (axis, step) in enumerate(steps.items()):
        for sign in (1.0, -1.0):
            env.reset(seed=6)
            action = np.zeros(4, np.float32)
            action[i] = 0.3 * sign
            before = front(env)[i]
            for _ in range(4):
                env.step(action)
            for _ in range(4):
                env.step(np.zeros(4, np.float32))
            moved = sign * (front(env)[i] - before)
            assert 0.0 < moved <= 4 * 0.3 * step * 1.5, (axis, sign)


def test_observation_noise_has_the_stated_size(env):
    """At the same place, seed by seed: the scatter is the setting's."""
    noise = env.operation.station.setting.noise
    rows = []
    for seed in range(150):
        observation, _ = env.reset(seed=seed, options={"rack": 0, "slot": 0})
        rows.append(list(said(env, observation).values()))
    spread = dict(zip((f.name for f in env.fields), np.std(rows, axis=0), strict=True))
    # The hand settles a little differently for each mass; noise comes on top of that.
    for name, sd in (("pose axial", noise.position_m), ("pose lateral", noise.position_m),
                     ("pose yaw", noise.yaw_rad)):  # fmt: skip
        assert spread[name] == pytest.approx(sd, rel=0.3)


def test_filters_settle_on_a_constant_wrench():
    seen = WrenchFilter()
    wrench = [10.0, -20.0, 30.0, 1.0, -2.0, 3.0]
    for _ in range(80):
        seen.update(wrench)
    assert seen.raw == wrench
    assert seen.fast == pytest.approx(wrench)
    assert seen.slow == pytest.approx(wrench, rel=1e-4)
    seen.update([0.0] * 6)
    assert seen.fast[0] == pytest.approx(WrenchFilter.FAST * 10.0)
    assert seen.slow[0] == pytest.approx(WrenchFilter.SLOW * 10.0, rel=1e-4)


def test_the_env_says_what_it_needs_before_a_step():
    env = StationEnv("rackline/TrayInsert-v0")
    try:
        with pytest.raises(gym.error.ResetNeeded):
            env.step(np.zeros(4, np.float32))
    finally:
        env.close()


def test_fields_can_be_found_by_name_only_if_they_are_there():
    fields = (Field("a", "m", 1.0, ""), Field("b", "m", 1.0, ""))
    assert index_of(fields, "b") == 1
    with pytest.raises(StopIteration):
        index_of(fields, "c")
