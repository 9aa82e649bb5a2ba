"""Rigid poses: a position in metres and a unit quaternion in the order x, y, z, w."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

IDENTITY: Quaternion = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Pose:
    """Where a frame stands in another: ``position`` (m) and ``orientation`` (xyzw)."""

    position: Vector = (0.0, 0.0, 0.0)
    orientation: Quaternion = IDENTITY

    @classmethod
    def planar(cls, x: float, y: float, z: float, yaw_rad: float) -> Self:
        """Return the pose at (x, y, z) turned by ``yaw_rad`` about the vertical."""
        return cls((x, y, z), about_axis((0.0, 0.0, 1.0), yaw_rad))

    def __matmul__(self, other: Pose) -> Pose:
        """Return the pose of ``other``'s frame, given in this frame, in this one's parent."""
        moved = rotate(self.orientation, other.position)
        p = self.position
        return Pose(
            (p[0] + moved[0], p[1] + moved[1], p[2] + moved[2]),
            multiply(self.orientation, other.orientation),
        )

    def inverse(self) -> Pose:
        """Return the pose of the parent in this frame."""
        x, y, z, w = self.orientation
        back = (-x, -y, -z, w)
        px, py, pz = rotate(back, self.position)
        return Pose((-px, -py, -pz), back)

    def apply(self, point: Vector) -> Vector:
        """Return ``point`` (m, in this frame) in the parent frame."""
        moved, p = rotate(self.orientation, point), self.position
        return (p[0] + moved[0], p[1] + moved[1], p[2] + moved[2])

    @property
    def yaw_rad(self) -> float:
        """Angle about the vertical."""
        x, y, z, w = self.orientation
        return math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))

    @property
    def pitch_rad(self) -> float:
        """Angle about the lateral axis after yaw."""
        x, y, z, w = self.orientation
        return math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x))))


def about_axis(axis: Vector, angle_rad: float) -> Quaternion:
    """Return the quaternion (xyzw) of a turn by ``angle_rad`` about a unit ``axis``."""
    s = math.sin(angle_rad / 2)
    return (axis[0] * s, axis[1] * s, axis[2] * s, math.cos(angle_rad / 2))


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the Hamilton product ``a b`` (first b, then a)."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotate(q: Quaternion, v: Vector) -> Vector:
    """Return ``v`` turned by ``q``."""
    x, y, z, w = q
    tx = 2 * (y * v[2] - z * v[1])
    ty = 2 * (z * v[0] - x * v[2])
    tz = 2 * (x * v[1] - y * v[0])
    return (
        v[0] + w * tx + y * tz - z * ty,
        v[1] + w * ty + z * tx - x * tz,
        v[2] + w * tz + x * ty - y * tx,
    )
