"""Spiral search: straight while free, outwards while blocked, at the mouth as inside."""

from __future__ import annotations

import numpy as np
import pytest

from configs.errors import UnknownNameError
from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.observation import index_of
from envs.station_env import StationEnv
from envs.stations.insertion.station import insertion_fields
from policies.catalogue import load_policy
from policies.rollout import play
from policies.scripted.registry import scripts, tunable
from policies.scripted.spiral import SpiralParameters, SpiralSearch
from policies.seeds import SELECTION

STATION = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
FIELDS = insertion_fields(STATION.parts)
MIDDLE = {name: float(np.sqrt(low * high)) for name, (low, high) in SpiralSearch.SEARCH.items()}


def script():
    return SpiralSearch(SpiralParameters.model_construct(None, **MIDDLE), STATION)


def observed(**values):
    """Return an observation of zeros but for some quantities in SI units."""
    observation = np.zeros(len(FIELDS), dtype=np.float32)
    for name, value in {"depth_left": 0.6, "part_compute": 1.0, **values}.items():
        at = index_of(FIELDS, name.replace("_", " "))
        observation[at] = value / FIELDS[at].scale
    return observation


def test_free_it_stays_on_the_axis():
    made = script()
    for _ in range(30):
        action = made.act(observed(pose_axial=-0.01, pose_height=MIDDLE["height_m"]))
        assert action[0] > 0
        assert action[1:] == pytest.approx(0, abs=1e-5)


def test_blocked_it_presses_and_circles_outwards_then_starts_again():
    made = script()
    steps = round(MIDDLE["radius_m"] / MIDDLE["pitch_m"] * MIDDLE["turn_s"] * 10) - 1
    pressed = observed(
        pose_axial=0.001, pose_height=MIDDLE["height_m"], fast_fx=-2 * MIDDLE["search_force_n"]
    )
    offsets = []
    for _ in range(steps):
        assert made.act(pressed)[0] == 0
        offsets.append(made._offset())
    radii = [np.hypot(*offset) for offset in offsets]
    assert np.all(np.diff(radii) > 0)
    assert 0.8 * MIDDLE["radius_m"] < radii[-1] <= MIDDLE["radius_m"]
    assert min(aside for aside, _ in offsets) < 0 < max(aside for aside, _ in offsets)
    for _ in range(3):
        made.act(pressed)
    assert np.hypot(*made._offset()) < radii[0] * 3.5


def test_at_the_mouth_it_searches_in_height_and_inside_in_yaw():
    for axial, height, yaw in ((0.001, True, False), (0.3, False, True)):
        made = script()
        pressed = observed(
            pose_axial=axial,
            pose_height=MIDDLE["height_m"],
            fast_fx=-2 * MIDDLE["search_force_n"],
        )
        actions = np.abs([made.act(pressed) for _ in range(5)])
        assert (actions[:, 2].max() > 1e-3, actions[:, 3].max() > 1e-3) == (height, yaw)
        assert actions[:, 1].max() > 1e-3


def test_what_gives_way_ends_the_search_and_so_does_reset():
    made = script()
    pressed = observed(pose_axial=0.001, fast_fx=-2 * MIDDLE["search_force_n"])
    for ended in (lambda: made.act(observed(pose_axial=0.1)), made.reset):
        for _ in range(5):
            made.act(pressed)
        assert made._offset() != (0, 0)
        ended()
        assert made._offset() == (0, 0)


def test_at_the_end_force_neither_stops_nor_searches():
    end = {"pose_axial": 0.69, "depth_left": 0.01}
    free = script().act(observed(**end))
    assert free[0] > 0
    assert script().act(observed(**end, fast_fx=-200.0)) == pytest.approx(free)


def test_an_operation_comes_to_its_end():
    env = StationEnv("rackline/TrayInsert-v0")
    try:
        info = play(env, script(), SELECTION[0], 0, 0)
    finally:
        env.close()
    assert info["result"]["contact_time_s"] > 1.0


def test_until_it_is_tuned_it_can_be_searched_and_not_used():
    name = "scripted/spiral-search"
    if name in [entry.name for entry in scripts()]:
        assert load_policy(name, STATION)
    else:
        assert name in [entry.name for entry in tunable()]
        with pytest.raises(UnknownNameError):
            load_policy(name, STATION)
