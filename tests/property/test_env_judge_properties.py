"""Closing the levers: worse seats never end up better, and only what lies right is drawn home."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.outcome import TrueState
from envs.stations.insertion.seat import Seat, close_levers, in_mouth, true_state

SPEC = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
PART, LEVERS = SPEC.parts["compute"], SPEC.levers

untimed = settings(deadline=None, max_examples=300)
names = st.sampled_from(sorted(SPEC.settings))
shares = st.floats(0.0, 30.0)
signs = st.sampled_from([-1.0, 1.0])
FIELDS = ("depth", "lateral", "rear", "yaw")


def seat(errors: dict[str, float], sign: float) -> Seat:
    """Return a seat whose errors are in units of the capture zone."""
    return Seat(
        depth_m=PART.length_m - errors["depth"] * LEVERS.travel_m,
        lateral_m=sign * errors["lateral"] * LEVERS.lateral_tolerance_m,
        height_m=0.0,
        yaw_rad=-sign * errors["yaw"] * LEVERS.yaw_tolerance_rad,
        rear_lateral_m=-sign * errors["rear"] * LEVERS.lateral_tolerance_m,
    )


errors_of = st.fixed_dictionaries(dict.fromkeys(FIELDS, shares))


@untimed
@given(names, errors_of, errors_of, signs)
def test_a_worse_seat_never_falls_less_short(name, errors, more, sign):
    setting = SPEC.settings[name]
    worse = {field: errors[field] + more[field] for field in FIELDS}
    good, bad = (close_levers(seat(e, sign), PART, setting, LEVERS) for e in (errors, worse))
    assert good <= bad + 1e-12


@untimed
@given(names, errors_of, signs)
def test_only_what_lies_in_the_capture_zone_is_drawn_home(name, errors, sign):
    setting, placed = SPEC.settings[name], seat(errors, sign)
    short_m = close_levers(placed, PART, setting, LEVERS)
    worst = max(errors.values())
    assume(abs(worst - 1.0) > 1e-9)
    assert (short_m == 0.0) == (in_mouth(placed, setting) and worst < 1.0)
    assert short_m >= 0.0
    unmoved = max(LEVERS.travel_m, PART.length_m - placed.depth_m)
    assert short_m <= unmoved + 1e-12


@untimed
@given(
    names,
    errors_of,
    signs,
    st.one_of(st.floats(-0.2, -0.001), st.floats(0.02, 0.2)),
    st.floats(0.011, 1.0),
)
def test_no_part_above_or_below_the_slot_is_seated(name, errors, sign, height_m, depth_m):
    setting = SPEC.settings[name]
    placed = replace(seat(errors, sign), height_m=height_m, depth_m=depth_m)
    short_m = close_levers(placed, PART, setting, LEVERS)
    assert short_m >= LEVERS.travel_m  # neither switch of the cell can close
    state = true_state(placed, setting, short_m, LEVERS.seated_tolerance_m)
    assert state is TrueState.WRONG


@untimed
@given(names, st.floats(0.0, 0.5))
def test_no_part_behind_the_end_stop_is_seated(name, beyond_m):
    setting = SPEC.settings[name]
    placed = Seat(PART.length_m + beyond_m, 0.0, 0.0, 0.0, 0.0)
    short_m = close_levers(placed, PART, setting, LEVERS)
    if beyond_m > 1.1 * LEVERS.travel_m:
        assert short_m > LEVERS.seated_tolerance_m
