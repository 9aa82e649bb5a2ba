"""Poses obey the group laws and agree with SciPy; motion profiles keep their limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from envs.physics.motion import Trapezoid
from envs.physics.pose import Pose, about_axis, multiply, rotate
from envs.physics.shapes import cuboid_inertia

untimed = settings(deadline=None)
angles = st.floats(-math.pi, math.pi)
lengths = st.floats(-10.0, 10.0)
vectors = st.tuples(lengths, lengths, lengths)


@st.composite
def quaternions(draw):
    """Unit quaternions (xyzw) of any turn, built from SciPy's Euler angles."""
    euler = draw(st.tuples(angles, angles, angles))
    return tuple(float(v) for v in Rotation.from_euler("ZYX", euler).as_quat())


poses = st.builds(Pose, vectors, quaternions())


def close(one: Pose, two: Pose) -> None:
    np.testing.assert_allclose(one.position, two.position, atol=1e-9)
    # q and -q are the same turn.
    same = abs(float(np.dot(one.orientation, two.orientation)))
    assert same == pytest.approx(1.0, abs=1e-9)


@untimed
@given(quaternions(), quaternions(), vectors)
def test_turns_agree_with_scipy(a, b, v):
    one, two = Rotation.from_quat(a), Rotation.from_quat(b)
    np.testing.assert_allclose(rotate(a, v), one.apply(v), atol=1e-9)
    np.testing.assert_allclose(
        Rotation.from_quat(multiply(a, b)).as_matrix(), (one * two).as_matrix(), atol=1e-9
    )


@untimed
@given(angles, st.floats(-1.5, 1.5), angles)
def test_yaw_and_pitch_agree_with_scipy(yaw, pitch, roll):
    pose = Pose((0.0, 0.0, 0.0), tuple(Rotation.from_euler("ZYX", (yaw, pitch, roll)).as_quat()))
    assert math.remainder(pose.yaw_rad - yaw, 2 * math.pi) == pytest.approx(0.0, abs=1e-6)
    assert pose.pitch_rad == pytest.approx(pitch, abs=1e-6)


@untimed
@given(poses, poses, poses)
def test_composition_is_associative(a, b, c):
    close((a @ b) @ c, a @ (b @ c))


@untimed
@given(poses)
def test_inverse_undoes(pose):
    close(pose @ pose.inverse(), Pose())
    close(pose.inverse() @ pose, Pose())
    close(pose @ Pose(), pose)


@untimed
@given(poses, poses, vectors)
def test_points_follow_their_frames(a, b, point):
    np.testing.assert_allclose((a @ b).apply(point), a.apply(b.apply(point)), atol=1e-8)


@untimed
@given(vectors, angles)
def test_planar_poses_lie_in_the_plane(position, yaw):
    pose = Pose.planar(*position, yaw)
    assert pose.position == position
    assert pose.orientation == about_axis((0.0, 0.0, 1.0), yaw)
    assert pose.pitch_rad == pytest.approx(0.0, abs=1e-12)


moves = st.builds(
    Trapezoid,
    st.one_of(st.floats(-5.0, -1e-6), st.floats(1e-6, 5.0)),
    st.floats(0.01, 5.0),
    st.floats(0.01, 20.0),
)


@untimed
@given(moves)
def test_moves_keep_their_limits(move):
    times = np.linspace(-0.1, move.duration_s + 0.1, 201)
    _, speed, acceleration = (np.array(row) for row in zip(*map(move.at, times), strict=True))
    assert np.abs(speed).max() <= move.speed * (1 + 1e-12)
    assert np.abs(acceleration).max() <= move.acceleration
    assert (speed * math.copysign(1.0, move.distance) >= 0).all()


@untimed
@given(moves)
def test_moves_go_all_the_way_and_rest(move):
    assert move.at(-1.0) == move.at(0.0) == (0.0, 0.0, 0.0)
    assert move.at(move.duration_s) == (move.distance, 0.0, 0.0)
    assert move.position(move.duration_s * (1 - 1e-12)) == pytest.approx(move.distance, rel=1e-9)
    assert move.position(move.duration_s / 2) == pytest.approx(move.distance / 2, rel=1e-9)


@untimed
@given(moves)
def test_speed_is_the_slope_of_position_and_acceleration_that_of_speed(move):
    # A fixed number of steps: within one, speed and acceleration bound what may change.
    step = move.duration_s / 500
    times = np.arange(501) * step
    states = [move.at(t) for t in times]
    slack = move.acceleration * step
    for (p0, v0, _), (p1, v1, _) in itertools.pairwise(states):
        assert abs(v1 - v0) <= slack * (1 + 1e-9)
        assert abs(p1 - p0 - 0.5 * (v0 + v1) * step) <= slack * step
    for (_, v0, a0), (_, v1, a1) in itertools.pairwise(states[1:-1]):
        if a0 == a1:  # ramps follow each other once, so both are in the same one
            assert v1 - v0 == pytest.approx(a0 * step, abs=1e-9 + 1e-6 * slack)


@untimed
@given(moves)
def test_a_move_is_as_fast_as_its_limits_allow(move):
    """No rest-to-rest move beats bang-bang, nor covers its length faster than at full speed."""
    bang_bang = 2 * math.sqrt(abs(move.distance) / move.acceleration)
    assert move.duration_s >= bang_bang * (1 - 1e-12)
    assert move.duration_s >= abs(move.distance) / move.speed
    if move.peak_speed < move.speed:
        assert move.duration_s == pytest.approx(bang_bang)
    else:
        ideal = abs(move.distance) / move.speed + move.speed / move.acceleration
        assert move.duration_s == pytest.approx(ideal)


@untimed
@given(moves)
def test_backwards_mirrors_forwards(move):
    mirror = Trapezoid(-move.distance, move.speed, move.acceleration)
    assert mirror.duration_s == move.duration_s
    t = 0.3 * move.duration_s
    assert mirror.at(t) == tuple(-v for v in move.at(t))


def test_no_move_takes_no_time():
    still = Trapezoid(0.0, 1.0, 1.0)
    assert still.duration_s == 0.0
    assert still.at(0.5) == (0.0, 0.0, 0.0)


@untimed
@given(st.floats(0.1, 100.0), st.tuples(*[st.floats(0.01, 2.0)] * 3))
def test_inertia_of_a_box_is_the_integral_over_it(mass, size):
    grid = [(np.arange(40) + 0.5) / 40 - 0.5 for _ in range(3)]
    x, y, z = np.meshgrid(*grid, indexing="ij")
    x, y, z = size[0] * x, size[1] * y, size[2] * z
    summed = [float(np.mean(a**2 + b**2)) * mass for a, b in ((y, z), (x, z), (x, y))]
    assert cuboid_inertia(mass, size) == pytest.approx(summed, rel=1e-3)
