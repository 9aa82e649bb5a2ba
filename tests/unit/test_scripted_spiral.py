"""Spiral search: straight while free, pressing lightly and circling outwards while blocked."""

from __future__ import annotations

import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.observation import index_of
from envs.station_env import StationEnv
from envs.stations.insertion.station import insertion_fields
from policies.catalogue import load_policy
from policies.rollout import play
from policies.scripted.spiral import SpiralParameters, SpiralSearch
from policies.seeds import SELECTION

STATION = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
FIELDS = insertion_fields(STATION.parts)
REACH_M = STATION.parts["compute"].length_m
MIDDLE = {name: float(np.sqrt(low * high)) for name, (low, high) in SpiralSearch.SEARCH.items()}
BLOCKED = {"fast_fx": -2 * MIDDLE["search_force_n"], "pose_height": MIDDLE["height_m"]}
AT_THE_MOUTH, INSIDE = {**BLOCKED, "pose_axial": 0.001}, {**BLOCKED, "pose_axial": 0.3}


def script():
    return SpiralSearch(SpiralParameters.model_construct(None, **MIDDLE), STATION)


def observed(**values):
    """Return an observation of zeros but for some quantities in SI units or their shares."""
    observation = np.zeros(len(FIELDS), dtype=np.float32)
    for name, value in {"depth_left": 0.6, "part_compute": 1.0, **values}.items():
        at = index_of(FIELDS, name.replace("_", " "))
        observation[at] = value / FIELDS[at].scale
    return observation


def feed_m(action):
    return float(action[0]) * STATION.action.axial_m


def moment(about_front_nm, fy_n=0.0):
    """Return what the wrist reads where the front edge feels ``fy_n`` and the moment."""
    return {"fast_fy": fy_n, "fast_mz": about_front_nm + REACH_M * fy_n}


def test_free_it_stays_on_the_axis():
    made = script()
    for _ in range(30):
        action = made.act(observed(pose_axial=-0.01, pose_height=MIDDLE["height_m"]))
        assert feed_m(action) == pytest.approx(0.1 * MIDDLE["entry_m_per_s"])
        assert action[1:] == pytest.approx(0, abs=1e-5)


def test_inside_the_target_stays_where_the_guides_have_led_it():
    action = script().act(observed(pose_axial=0.3, pose_lateral=0.004, pose_yaw=0.03))
    assert feed_m(action) > 0
    assert action[1:] == pytest.approx(0)


def test_blocked_it_circles_outwards_then_starts_again():
    made = script()
    steps = round(MIDDLE["radius_m"] / MIDDLE["pitch_m"] * MIDDLE["turn_s"] * 10) - 1
    offsets = []
    for _ in range(steps):
        made.act(observed(**AT_THE_MOUTH))
        offsets.append(made._spiral.place)
    radii = [np.hypot(*offset) for offset in offsets]
    assert np.all(np.diff(radii) > 0)
    assert 0.8 * MIDDLE["radius_m"] < radii[-1] <= MIDDLE["radius_m"]
    assert min(aside for aside, _ in offsets) < 0 < max(aside for aside, _ in offsets)
    for _ in range(3):
        made.act(observed(**AT_THE_MOUTH))
    assert np.hypot(*made._spiral.place) < radii[0] * 3.5


def test_the_press_is_brought_to_the_preload_from_above_and_below():
    preload_m = MIDDLE["preload_n"] / STATION.impedance.axial_n_per_m
    assert feed_m(script().act(observed(**INSIDE))) == pytest.approx(preload_m, rel=1e-5)
    hard = script().act(observed(**INSIDE, lead_axial=0.5))
    eased = 0.5 * STATION.impedance.axial_lead_m - preload_m
    assert feed_m(hard) == pytest.approx(-eased, rel=1e-5)


def test_a_search_lets_go_of_the_force_aside_and_the_moment():
    circling = script().act(observed(**INSIDE))
    eased = script().act(observed(**INSIDE, **moment(0.5, fy_n=-8.0)))
    aside, turn = (eased - circling)[1], (eased - circling)[3]
    share = MIDDLE["ease"]
    assert aside * STATION.action.lateral_m == pytest.approx(share * -8.0 / 1e4, rel=1e-4)
    assert turn * STATION.action.yaw_rad == pytest.approx(share * 0.5 / 300.0, rel=1e-4)


def test_at_the_mouth_it_searches_in_height_and_inside_in_yaw():
    for place, height, yaw in ((AT_THE_MOUTH, True, False), (INSIDE, False, True)):
        made = script()
        actions = np.abs([made.act(observed(**place)) for _ in range(5)])
        assert (actions[:, 2].max() > 1e-3, actions[:, 3].max() > 1e-3) == (height, yaw)
        assert actions[:, 1].max() > 1e-3


def test_a_wedge_blocks_by_its_lever_and_a_force_aside_does_not():
    wedge = moment(0.15 * MIDDLE["search_force_n"])
    for depth_m, values, blocked in (
        (0.1, wedge, True),
        (0.2, wedge, False),
        (0.1, moment(0.0, fy_n=2 * MIDDLE["search_force_n"]), False),
    ):
        made = script()
        made.act(observed(pose_axial=depth_m, **values))
        assert (made._spiral.place != (0, 0)) == blocked


def test_a_search_ends_when_it_gives_way_and_not_when_the_press_is_only_eased():
    made = script()
    for _ in range(5):
        made.act(observed(**INSIDE))
    reached = made._spiral.radius_m
    made.act(observed(pose_axial=0.3))
    assert made._spiral.radius_m > reached > 0
    action = made.act(observed(pose_axial=0.3, velocity_axial=0.02))
    assert made._spiral.radius_m == 0
    assert feed_m(action) == pytest.approx(0.1 * MIDDLE["insert_m_per_s"], rel=1e-5)


def test_reset_forgets_the_search():
    made = script()
    made.act(observed(**INSIDE))
    made.reset()
    made.act(observed(pose_axial=0.3))
    assert made._spiral.place == (0, 0)


def test_at_the_end_force_neither_stops_nor_searches():
    end = {"pose_axial": 0.69, "depth_left": 0.01}
    free = script().act(observed(**end))
    assert feed_m(free) == pytest.approx(0.1 * MIDDLE["final_m_per_s"], rel=1e-5)
    assert script().act(observed(**end, fast_fx=-200.0)) == pytest.approx(free)


def test_as_tuned_it_seats_a_tray():
    env = StationEnv("rackline/TrayInsert-v0")
    try:
        info = play(env, load_policy("scripted/spiral-search", STATION), SELECTION[0], 0, 0)
    finally:
        env.close()
    assert info["is_success"]
