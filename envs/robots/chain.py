"""Kinematics and dynamics of an arm as its controller knows them, in NumPy and without the engine.

A robot has no hand on the world it moves in: what it believes comes from its own nominal data.
About 60 µs for a pose with its Jacobian and gravity, once a policy step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.physics.pose import Pose
from envs.physics.shapes import Body, Joint, Link

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Posture:
    """An arm at one set of joint positions; everything in the chain's frame.

    Attributes:
        joints: positions (rad). # (n,)
        position: of the tip (m). # (3,)
        rotation: of the tip. # (3, 3)
        jacobian: tip velocity (m/s) over turning rate (rad/s), by joint rates. # (6, n)
        gravity: joint torques (N·m) that hold the arm's weight. # (n,)
    """

    joints: Array
    position: Array
    rotation: Array
    jacobian: Array
    gravity: Array


class Chain:
    """A serial arm of revolute joints.

    Args:
        body: with its moving links first; fixed ones are rigid parts of the last of them.
        frame: the chain's frame in the world: all results are given in it.
        tip: in the frame of the body's last link.
        gravity_m_per_s2: along -z of the world.
    """

    def __init__(self, body: Body, frame: Pose, tip: Pose, gravity_m_per_s2: float) -> None:
        moving = [link for link in body.links if link.joint is Joint.REVOLUTE]
        fixed = body.links[len(moving) :]
        self.size = len(moving)
        places = {moving[-1].name: Pose()}
        for link in fixed:
            places[link.name] = places[link.parent] @ link.pose
        into = frame.inverse()
        origin = into @ body.base
        self._still, self._sine, self._versine = _joint_matrices(moving, origin)
        self._axes = np.array([link.axis for link in moving])
        self._tip = _matrix(places[body.links[-1].name] @ tip)
        down = into.apply((0.0, 0.0, -gravity_m_per_s2)), into.apply((0.0, 0.0, 0.0))
        x, y, z = np.array(down[0]) - np.array(down[1])
        self._fall = np.array(((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0)))  # arm @ this = arm x fall
        lumps = [[(link, Pose())] for link in moving]
        lumps[-1] += [(link, places[link.name]) for link in fixed]
        masses, coms, inertias = zip(*(_lump(lump) for lump in lumps), strict=True)
        self._mass, self._com, self._inertia = map(np.array, (masses, coms, inertias))
        self._mass_beyond = np.cumsum(self._mass[::-1])[::-1]

    def at(self, joints: Sequence[float]) -> Posture:
        """Return the arm at joint positions (rad)."""
        q = np.asarray(joints, dtype=np.float64)
        frames = self._frames(q)
        places, turns = frames[:, :3, 3], frames[:, :3, :3]
        axes = _turned(turns, self._axes)
        tip = frames[-1] @ self._tip
        jacobian = np.empty((6, self.size))
        jacobian[:3] = _cross(axes, tip[:3, 3] - places).T
        jacobian[3:] = axes.T
        moments = self._mass[:, None] * (places + _turned(turns, self._com))
        beyond = np.cumsum(moments[::-1], axis=0)[::-1]  # mass x centre of all that a joint carries
        arms = beyond - self._mass_beyond[:, None] * places
        gravity = -(axes * (arms @ self._fall)).sum(axis=1)
        return Posture(q, tip[:3, 3], tip[:3, :3], jacobian, gravity)

    def mass_matrix(self, joints: Sequence[float]) -> Array:
        """Return the joint-space inertia (kg·m²). # (n, n)."""
        frames = self._frames(np.asarray(joints, dtype=np.float64))
        places, turns = frames[:, :3, 3], frames[:, :3, :3]
        axes = _turned(turns, self._axes)
        centres = places + _turned(turns, self._com)
        total = np.zeros((self.size, self.size))
        for k in range(self.size):
            carried = slice(0, k + 1)  # joints that move link k
            linear = _cross(axes[carried], centres[k] - places[carried])
            inertia = turns[k] @ self._inertia[k] @ turns[k].T
            angular = axes[carried] @ inertia @ axes[carried].T
            total[carried, carried] += self._mass[k] * linear @ linear.T + angular
        return total

    def bias(self, joints: Sequence[float], rates: Sequence[float]) -> Array:
        """Return the torques (N·m) that hold the weight at joint positions (rad). # (n,).

        What products of ``rates`` (rad/s) pull is left to feedback: it vanishes where a move ends.
        """
        return self.at(joints).gravity

    def _frames(self, q: Array) -> Array:
        """Return the frames of the moving links. # (n, 4, 4)."""
        sine, versine = np.sin(q)[:, None, None], (1.0 - np.cos(q))[:, None, None]
        steps = self._still + sine * self._sine + versine * self._versine
        for k in range(1, self.size):
            steps[k] = steps[k - 1] @ steps[k]
        frames: Array = steps
        return frames


def rotation_vector(rotation: Array) -> Array:
    """Return axis times angle (rad) of a rotation of less than half a turn. # (3,)."""
    (aa, ab, ac), (ba, bb, bc), (ca, cb, cc) = rotation.tolist()
    x, y, z = (cb - bc) / 2.0, (ac - ca) / 2.0, (ba - ab) / 2.0
    sine = math.sqrt(x * x + y * y + z * z)
    scale = math.atan2(sine, (aa + bb + cc - 1.0) / 2.0) / sine if sine > 1e-12 else 1.0
    return np.array((scale * x, scale * y, scale * z))


def rotation_of(yaw: float, pitch: float, roll: float) -> Array:
    """Return the rotation Rz(yaw) Ry(pitch) Rx(roll). # (3, 3)."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in (yaw, pitch, roll))
    return np.array(
        (
            (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
            (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
            (-sp, cp * sr, cp * cr),
        )
    )


def angles_of(rotation: Array) -> tuple[float, float, float]:
    """Return yaw, pitch, roll (rad) of `rotation_of`, for a pitch of less than a quarter turn."""
    (aa, _, _), (ba, _, _), (ca, cb, cc) = rotation.tolist()
    return math.atan2(ba, aa), math.asin(max(-1.0, min(1.0, -ca))), math.atan2(cb, cc)


def matrix_of(pose: Pose) -> Array:
    """Return the rotation of a pose. # (3, 3)."""
    turned: Array = Rotation.from_quat(pose.orientation).as_matrix()
    return turned


def _matrix(pose: Pose) -> Array:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = matrix_of(pose), pose.position
    return matrix


def _joint_matrices(moving: Sequence[Link], origin: Pose) -> tuple[Array, Array, Array]:
    """Return A, A K and A K² of each joint: its matrix is A + sin q · A K + (1 - cos q) · A K²."""
    still = [_matrix(link.pose) for link in moving]
    still[0] = _matrix(origin) @ still[0]
    skews = []
    for link in moving:
        x, y, z = link.axis
        skew = np.zeros((4, 4))
        skew[:3, :3] = ((0.0, -z, y), (z, 0.0, -x), (-y, x, 0.0))
        skews.append(skew)
    a, k = np.array(still), np.array(skews)
    return a, a @ k, a @ k @ k


def _lump(parts: Sequence[tuple[Link, Pose]]) -> tuple[float, Array, Array]:
    """Return mass, centre of mass (3,) and inertia about it (3, 3) of links that move as one."""
    masses = [link.mass_kg for link, _ in parts]
    frames = [place @ link.inertial for link, place in parts]
    total = sum(masses)
    centres = [np.array(frame.position) for frame in frames]
    centre = sum((m * c for m, c in zip(masses, centres, strict=True)), np.zeros(3)) / total
    inertia = np.zeros((3, 3))
    for (link, _), mass, frame, at in zip(parts, masses, frames, centres, strict=True):
        turn, off = matrix_of(frame), at - centre
        inertia += turn @ np.diag(link.inertia_kg_m2 or (0.0, 0.0, 0.0)) @ turn.T
        inertia += mass * (off @ off * np.eye(3) - np.outer(off, off))
    return total, centre, inertia


def _turned(turns: Array, vectors: Array) -> Array:
    """Return each vector turned by its matrix. # (n, 3)."""
    turned: Array = (turns @ vectors[:, :, None])[:, :, 0]
    return turned


def _cross(a: Array, b: Array) -> Array:
    """Return a x b row by row: `numpy.cross` takes five times as long on a few rows. # (n, 3)."""
    out = np.empty_like(a)
    out[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    out[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    out[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out
