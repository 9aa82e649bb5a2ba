"""The lead-in of a slot or port: plates that slope from its widened mouth to its faces."""

from __future__ import annotations

import math
from typing import Literal

from envs.physics.pose import Pose, about_axis
from envs.physics.shapes import Box

Axis = Literal["y", "z"]


def lead_in(
    axis: Axis,
    face_m: float,
    across_m: float,
    depth_m: float,
    opening_m: float,
    thickness_m: float,
) -> Box:
    """Return the plate before one face, in the frame of the mouth, whose x points in.

    Its inner side runs from the mouth, `opening_m` outside of the face, to the face at `depth_m`.

    Args:
        axis: that the face is across to.
        face_m: where it is on that axis; not 0, since its sign is the side.
        across_m: half width of the plate.
        depth_m: at which the plate ends.
        opening_m: by which the mouth is wider on this side.
        thickness_m: of the plate, outwards.
    """
    sign = math.copysign(1.0, face_m)
    angle, half = math.atan2(opening_m, depth_m), math.hypot(depth_m, opening_m) / 2
    along = (depth_m + math.sin(angle) * thickness_m) / 2
    off = face_m + sign * (opening_m + math.cos(angle) * thickness_m) / 2
    if axis == "y":
        turn = about_axis((0.0, 0.0, 1.0), -sign * angle)
        return Box((half, thickness_m / 2, across_m), Pose((along, off, 0.0), turn))
    turn = about_axis((0.0, 1.0, 0.0), sign * angle)
    return Box((half, across_m, thickness_m / 2), Pose((along, 0.0, off), turn))
