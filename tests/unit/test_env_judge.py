"""The judge, window by window: damage, protective stop, handover, attempts, and the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec, Sensors
from envs.judge import Attempts, Judge
from envs.outcome import OutcomeClass, TrueState, outcome_class
from envs.physics.pose import Pose
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.gantry_body import Grasp
from envs.stations.insertion.cycle import phases_after, phases_before
from envs.stations.insertion.draws import PartDraw, Visit
from envs.stations.insertion.seat import Seat, cell_sensors, seat_of, side_force_n
from envs.stations.insertion.slot import MOUTH
from envs.stations.insertion.station import InsertionTask

WEIGHT_N = 250.0
SLOT = 3
LEFT, RIGHT, SHELF, TOP = (0, 3, 6, 9)
PERFECT = Sensors.model_construct(
    None, presence_threshold_m=0.001, presence_threshold_sd_m=0.0, miss_rate=0.0,
    false_alarm_rate=0.0,
)  # fmt: skip


def station(**limits: Any) -> InsertionSpec:
    """Return the shipped station with round limits, so that retuning it changes no test."""
    spec = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
    round_limits = {
        "lateral_damage_n": 70.0, "axial_damage_n": 400.0, "stop_fraction": 0.8,
        "stop_reaction_s": 0.05, "time_limit_s": 30.0, "retreat_m": 0.005,
    }  # fmt: skip
    levers = {
        "travel_m": 0.010, "lateral_tolerance_m": 0.001, "yaw_tolerance_rad": 0.01,
        "handover_force_n": 100.0, "handover_depth_m": 0.020, "short_per_error_m": 0.010,
        "seated_tolerance_m": 0.0005,
    }  # fmt: skip
    return spec.model_copy(
        update={
            "limits": spec.limits.model_copy(update=round_limits | limits),
            "levers": spec.levers.model_copy(update=levers),
            "sensors": PERFECT,
        }
    )


def force(at: int, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> list[float]:
    """Return a contact force on one piece of the fixture."""
    f = [0.0] * 12
    f[at : at + 3] = [x, y, z]
    return f


class Watched:
    """A judge, and the windows it is shown."""

    def __init__(self, damage_ends: bool = True, **limits: Any) -> None:
        spec = station(**limits)
        draw = PartDraw(WEIGHT_N / GRAVITY_M_PER_S2, Grasp(), 1.0, 1.0)
        setting = spec.settings[spec.default_setting]
        self.task = InsertionTask(spec, setting, SLOT, Visit(MOUTH, 0.2), draw)
        self.part = self.task.part
        self.judge = Judge(self.task, spec.physics.penetration_limit_m, damage_ends)
        self.windows = 0

    def see(
        self,
        fixture: list[float] | None = None,
        wrist: tuple[float, float, float] = (0.0, 0.0, 0.0),
        windows: int = 1,
        depth_m: float = 0.1,
        penetration_m: float = 0.0,
    ) -> Judge:
        for _ in range(windows):
            self.windows += 1
            self.judge.window(
                fixture or [0.0] * 12, [*wrist, 0.0, 0.0, 0.0], self.windows / 60, depth_m,
                lambda: penetration_m,
            )  # fmt: skip
        return self.judge

    def result(self, seat: Seat) -> Any:
        return self.judge.result(seat, self.windows / 60, np.random.default_rng(0))

    def home(self, **off: float) -> Seat:
        values = {"depth_m": self.part.length_m, "lateral_m": 0.0, "height_m": 0.0, "yaw_rad": 0.0,
                  "rear_lateral_m": 0.0}  # fmt: skip
        return Seat(**(values | off))


def test_a_tray_on_the_shelf_presses_with_its_weight_only():
    assert side_force_n(force(SHELF, z=-WEIGHT_N), WEIGHT_N) == 0.0
    assert side_force_n(force(SHELF, z=-WEIGHT_N - 30), WEIGHT_N) == pytest.approx(30.0)
    assert side_force_n(force(SHELF, z=20.0), WEIGHT_N) == pytest.approx(20.0)
    assert side_force_n(force(TOP, z=20.0), WEIGHT_N) == pytest.approx(20.0)


def test_a_wedged_tray_is_judged_guide_by_guide():
    wedge = [a + b for a, b in zip(force(LEFT, y=80.0), force(RIGHT, y=-80.0), strict=True)]
    assert side_force_n(wedge, WEIGHT_N) == pytest.approx(80.0)
    assert side_force_n(force(LEFT, y=30.0, z=40.0), WEIGHT_N) == pytest.approx(50.0)


def test_axial_force_is_no_side_force():
    assert side_force_n(force(SHELF, x=300.0), WEIGHT_N) == 0.0
    judge = Watched().see(force(SHELF, x=300.0))
    assert (judge.step_axial_n, judge.step_side_n) == (300.0, 0.0)


@pytest.mark.parametrize(
    ("fixture", "damaged"),
    [
        (force(LEFT, y=69.0), False),
        (force(LEFT, y=71.0), True),
        (force(SHELF, x=399.0), False),
        (force(SHELF, x=401.0), True),
        (force(TOP, z=71.0), True),
    ],
)
def test_damage_is_a_window_beyond_a_limit(fixture, damaged):
    judge = Watched().see(fixture)
    assert judge.damaged == judge.ended == damaged


def test_damage_may_be_charged_without_ending():
    watched = Watched(damage_ends=False)
    judge = watched.see(force(LEFT, y=90.0))
    assert judge.damaged
    assert not judge.ended
    watched.see(wrist=(-120.0, 0.0, 0.0), depth_m=0.7)
    assert judge.handed_over
    result = watched.result(watched.home())
    assert result.facts.true_state is TrueState.DAMAGED
    assert outcome_class(result.facts) is OutcomeClass.DAMAGE


def test_a_protective_stop_takes_its_reaction_time_and_does_not_forget():
    watched = Watched()
    judge = watched.see(wrist=(0.0, 57.0, 0.0))  # 0.8 of 70 N is 56 N
    assert not judge.ended
    watched.see(windows=2)  # the force is gone again
    assert not judge.ended
    watched.see()
    assert judge.stopped
    assert judge.ended
    result = watched.result(watched.home(depth_m=0.3))
    assert result.facts.assisted
    assert outcome_class(result.facts) is OutcomeClass.ASSISTED


@pytest.mark.parametrize(
    ("wrist", "stops"),
    [
        ((0.0, 55.0, 0.0), False),
        ((0.0, -57.0, 0.0), True),
        ((-319.0, 0.0, 0.0), False),
        ((-321.0, 0.0, 0.0), True),
        ((321.0, 0.0, 0.0), True),
        ((0.0, 0.0, WEIGHT_N), False),  # the shelf carries the tray
        ((0.0, 0.0, WEIGHT_N + 57.0), True),
        ((0.0, 0.0, -57.0), True),
    ],
)
def test_what_stops_the_cell(wrist, stops):
    assert Watched().see(wrist=wrist, windows=4).stopped == stops


@pytest.mark.parametrize(
    ("wrist_x", "left_m", "handed_over"),
    [(-101.0, 0.019, True), (-99.0, 0.019, False), (-101.0, 0.021, False), (101.0, 0.01, False)],
)
def test_the_cell_closes_the_levers_where_the_tray_is_felt_to_stop(wrist_x, left_m, handed_over):
    watched = Watched()
    judge = watched.see(wrist=(wrist_x, 0.0, 0.0), depth_m=watched.part.length_m - left_m)
    assert judge.handed_over == judge.ended == handed_over


def test_no_levers_are_closed_on_a_cell_that_is_stopping():
    watched = Watched()
    judge = watched.see(wrist=(-330.0, 0.0, 0.0), depth_m=0.7)
    assert not judge.handed_over
    watched.see(wrist=(-120.0, 0.0, 0.0), depth_m=0.7, windows=3)
    assert judge.stopped
    assert not judge.handed_over


def test_the_time_limit_truncates_only_what_has_not_ended():
    watched = Watched()
    watched.judge.step(0.1, 29.9)
    assert not watched.judge.ended
    watched.judge.step(0.1, 30.0)
    assert watched.judge.timed_out
    assert watched.judge.ended
    other = Watched()
    other.see(force(LEFT, y=90.0))
    other.judge.step(0.1, 30.0)
    assert not other.judge.timed_out


def test_penetration_is_the_deepest_seen_in_contact():
    watched = Watched()
    judge = watched.see(penetration_m=0.01)  # nothing touches: nobody looks
    assert judge.penetration_m == 0.0
    for deep in (0.0001, 0.0003, 0.0002):
        watched.see(force(LEFT, y=10.0), penetration_m=deep)
    assert judge.penetration_m == 0.0003


def test_penetration_beyond_the_limit_voids():
    for factor, void in ((0.99, False), (1.01, True)):
        watched = Watched()
        limit = watched.judge.penetration_limit_m
        watched.see(force(LEFT, y=10.0), penetration_m=factor * limit)
        watched.see(wrist=(-110.0, 0.0, 0.0), depth_m=watched.part.length_m)
        outcome = outcome_class(watched.result(watched.home()).facts)
        assert outcome is (OutcomeClass.VOID if void else OutcomeClass.OK)


def test_largest_forces_are_kept_and_the_wrist_s_too():
    watched = Watched(damage_ends=False)
    watched.see(force(LEFT, y=20.0), (10.0, 3.0, 4.0))
    watched.see(force(SHELF, x=50.0), (-30.0, 0.0, -4.0))
    judge = watched.judge
    assert (judge.max_side_n, judge.max_axial_n) == (20.0, 50.0)
    assert (judge.wrist_side_n, judge.wrist_axial_n) == (4.0, 30.0)


def test_results_by_seat():
    """From a handover: home is ok, off the axis falls short, beside the slot is wrong."""
    cases = [
        ({}, TrueState.SEATED, 0.0),
        ({"depth_m": 0.692}, TrueState.SEATED, 0.0),
        ({"lateral_m": 0.0012}, TrueState.SHORT, 0.002),
        ({"yaw_rad": -0.015}, TrueState.SHORT, 0.005),
        ({"depth_m": 0.685}, TrueState.SHORT, 0.005),
        ({"lateral_m": 0.25}, TrueState.WRONG, 0.010),
        ({"height_m": -0.06}, TrueState.WRONG, 0.010),
        ({"depth_m": 0.3, "height_m": 0.05}, TrueState.WRONG, 0.4),
    ]
    for off, state, short_m in cases:
        watched = Watched()
        watched.see(wrist=(-110.0, 0.0, 0.0), depth_m=watched.part.length_m)
        result = watched.result(watched.home(**off))
        assert result.facts.true_state is state, off
        assert result.short_m == pytest.approx(short_m), off
        assert result.facts.sensor_pass == (state is TrueState.SEATED)


def test_nothing_passes_without_the_levers():
    watched = Watched()
    watched.judge.step(0.7, 30.0)
    result = watched.result(watched.home())
    assert result.facts.true_state is TrueState.SEATED
    assert not result.facts.sensor_pass
    assert outcome_class(result.facts) is OutcomeClass.ASSISTED


def test_cycle_time_is_scripted_phases_plus_contact():
    watched = Watched()
    watched.see(windows=60)
    watched.see(wrist=(-110.0, 0.0, 0.0), depth_m=watched.part.length_m)
    spec, result = watched.task.spec, watched.result(watched.home())
    phases = (
        *phases_before(spec.motion, SLOT),
        *phases_after(spec.motion, SLOT, watched.part, spec.levers, closed=True),
    )
    assert result.contact_time_s == pytest.approx(61 / 60)
    assert result.cycle_time_s == pytest.approx(sum(p.duration_s for p in phases) + 61 / 60)
    unclosed = Watched()
    unclosed.see(force(LEFT, y=90.0))
    scripted = unclosed.result(unclosed.home()).cycle_time_s - 1 / 60
    closing = result.cycle_time_s - result.contact_time_s - scripted
    assert closing == pytest.approx(spec.levers.closing_s)


@pytest.mark.parametrize(
    ("depths_mm", "count"),
    [
        ([-30, -10, 0, 50, 300, 700], 1),
        ([-30, -10, -30, -10, 50], 1),  # it never was in the mouth
        ([50, 46, 50], 1),  # not far enough back
        ([50, 44, 48, 52], 2),
        ([50, 44, 48.9], 1),  # back, and not yet on again
        ([50, 44, 40, 44, 46], 2),  # on again counts from the farthest point back
        ([50, 44, 52, 46, 52], 3),
        ([50, -20, 10, 2, 10], 3),
        ([700, 694.9, 700], 2),
    ],
)
def test_attempts_are_re_entries_after_a_retreat(depths_mm, count):
    attempts = Attempts(0.005)
    for depth in depths_mm:
        attempts.track(depth / 1000)
    assert attempts.count == count


def test_seat_is_read_in_the_slot_s_frame():
    slot = Pose.planar(1.0, 0.1, 1.0, 0.02)
    centre = slot @ Pose.planar(0.35, 0.002, 0.001, 0.01) @ Pose((-0.1, 0.0, 0.0))
    seat = seat_of(slot, centre, 0.5)
    assert seat.yaw_rad == pytest.approx(0.01)
    assert seat.depth_m == pytest.approx(0.35 + 0.15 * np.cos(0.01))
    assert seat.lateral_m == pytest.approx(0.002 + 0.15 * np.sin(0.01))
    assert seat.rear_lateral_m == pytest.approx(0.002 - 0.35 * np.sin(0.01))
    assert seat.height_m == pytest.approx(0.001)


def sensor_rate(sensors: Sensors, short_m: float, draws: int = 20_000) -> float:
    rng, levers = np.random.default_rng(11), station().levers
    return sum(cell_sensors(short_m, sensors, levers, rng) for _ in range(draws)) / draws


@pytest.mark.parametrize(
    ("short_m", "expected"),
    [
        (0.0, 0.98),  # seated: all but the false alarms (and a threshold below 0: 0.0004)
        (0.001, 0.5 * 0.98 + 0.5 * 0.05),  # at the threshold: half of both
        (0.005, 0.05),  # short: the misses
        (0.0101, 0.0),  # beyond the levers' travel the other switch tells
    ],
)
def test_sensors_err_at_their_rates(short_m, expected):
    sensors = PERFECT.model_copy(
        update={"presence_threshold_sd_m": 0.0003, "miss_rate": 0.05, "false_alarm_rate": 0.02}
    )
    # 4.5 standard errors of 20,000 draws at the widest, 0.5.
    assert sensor_rate(sensors, short_m) == pytest.approx(expected, abs=0.016)


def test_sensors_take_the_station_s_own_rates():
    sensors = load_spec(InsertionSpec, resolve_path("stations", "tray_insert")).sensors
    draws = 40_000
    for short_m, rate in ((0.0, 1 - sensors.false_alarm_rate), (0.006, sensors.miss_rate)):
        error = 4.5 * (rate * (1 - rate) / draws) ** 0.5
        below_zero = 0.001  # a threshold drawn below 0 makes a seated tray "short"
        assert sensor_rate(sensors, short_m, draws) == pytest.approx(rate, abs=error + below_zero)


def test_perfect_sensors_see_everything():
    assert sensor_rate(PERFECT, 0.0009, 100) == 1.0
    assert sensor_rate(PERFECT, 0.0011, 100) == 0.0


def test_rewards_read_the_largest_window_of_each_step():
    watched = Watched(lateral_damage_n=500.0)
    for sideways, axial in ((30.0, 0.0), (10.0, 50.0)):
        watched.see([a + b for a, b in zip(force(LEFT, y=sideways), force(SHELF, x=axial),
                                           strict=True)])  # fmt: skip
    judge = watched.judge
    assert (judge.step_side_n, judge.step_axial_n) == (30.0, 50.0)
    judge.begin_step()
    assert (judge.step_side_n, judge.step_axial_n) == (0.0, 0.0)
    assert (judge.max_side_n, judge.max_axial_n) == (30.0, 50.0)
