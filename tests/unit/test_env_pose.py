"""Poses: the quaternion order is pinned, and what they say agrees with SciPy and PyBullet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from envs.physics.pose import IDENTITY, Pose, about_axis, multiply, rotate
from envs.physics.shapes import Body, Box, Contact, Joint, Link
from envs.physics.world import World

QUARTER = math.pi / 2
HALF = math.sqrt(0.5)


def test_quaternions_are_xyzw():
    assert IDENTITY == (0.0, 0.0, 0.0, 1.0)
    assert about_axis((0.0, 0.0, 1.0), QUARTER) == pytest.approx((0.0, 0.0, HALF, HALF))
    assert about_axis((1.0, 0.0, 0.0), QUARTER) == pytest.approx((HALF, 0.0, 0.0, HALF))
    np.testing.assert_allclose(
        Rotation.from_quat(about_axis((0.0, 0.0, 1.0), 0.3)).as_rotvec(), [0.0, 0.0, 0.3]
    )


def test_a_quarter_turn_takes_x_to_y():
    assert rotate(about_axis((0.0, 0.0, 1.0), QUARTER), (1.0, 0.0, 0.0)) == pytest.approx((0, 1, 0))
    turned = Pose.planar(2.0, 3.0, 4.0, QUARTER)
    assert turned.apply((1.0, 0.0, 0.5)) == pytest.approx((2.0, 4.0, 4.5))
    assert turned.yaw_rad == pytest.approx(QUARTER)


def test_products_apply_the_right_factor_first():
    yaw, pitch = about_axis((0.0, 0.0, 1.0), QUARTER), about_axis((0.0, 1.0, 0.0), QUARTER)
    # Pitch takes x to -z, which yaw leaves alone; yaw first would take it to y.
    assert rotate(multiply(yaw, pitch), (1.0, 0.0, 0.0)) == pytest.approx((0, 0, -1), abs=1e-12)
    assert rotate(multiply(pitch, yaw), (1.0, 0.0, 0.0)) == pytest.approx((0, 1, 0), abs=1e-12)


def test_positive_pitch_lowers_the_nose():
    nose_down = Pose((0.0, 0.0, 0.0), about_axis((0.0, 1.0, 0.0), 0.1))
    assert nose_down.pitch_rad == pytest.approx(0.1)
    assert nose_down.apply((1.0, 0.0, 0.0))[2] == pytest.approx(-math.sin(0.1))


def test_the_engine_keeps_the_order():
    """A turned base and a turned link come back from PyBullet as they were given."""
    base = Pose.planar(0.1, 0.2, 0.3, 0.4)
    mounted = Pose((0.5, 0.0, 0.0), about_axis((1.0, 0.0, 0.0), 0.6))
    box = (Box((0.1, 0.1, 0.1)),)
    body = Body(base, (Link("arm", "", Joint.FIXED, 1.0, pose=mounted, boxes=box),))
    world = World()
    try:
        world.clear(240.0, 50)
        handle = world.add(body, Contact(1e5, 1e3, 0.5))
        seen, meant = world.link_pose(handle, 0), base @ mounted
    finally:
        world.close()
    assert seen.position == pytest.approx(meant.position)
    assert seen.orientation == pytest.approx(meant.orientation)
