"""Scene and poses as JSON messages of a recording, and back; the schemas are Foxglove's.

Poses, signals and rewards are float32, rounded first to what is told apart at a metre: 0.1 um,
1e-7 of a quaternion, 0.1 mN. That halves the file, and proves nothing less: what was computed is in
the state hashes to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envs.physics.pose import Pose
from envs.physics.shapes import Box
from envs.scene import SceneLink

WORLD = "world"


def single(value: float, digits: int) -> float:
    """Return ``value`` with so many digits behind the point, and no more than float32 holds."""
    return float(str(np.float32(round(value, digits)))) + 0.0  # no minus zero


def _stamp(time_ns: int) -> dict[str, int]:
    return {"sec": time_ns // 1_000_000_000, "nsec": time_ns % 1_000_000_000}


def _xyz(values: Sequence[float]) -> dict[str, float]:
    return dict(zip("xyz", values, strict=True))


def transforms(time_ns: int, poses: Mapping[str, Pose]) -> dict[str, Any]:
    """Return the message of where links are in the world, by name."""
    stamp = _stamp(time_ns)
    return {
        "transforms": [
            {
                "timestamp": stamp,
                "parent_frame_id": WORLD,
                "child_frame_id": name,
                "translation": _xyz([single(v, 7) for v in pose.position]),
                "rotation": dict(
                    zip("xyzw", (single(v, 7) for v in pose.orientation), strict=True)
                ),
            }
            for name, pose in poses.items()
        ]
    }


def poses_of(data: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return position (m) and quaternion (xyzw) by link of a message of `transforms`, (7,) each."""
    return {t["child_frame_id"]: _pose_values(t) for t in data["transforms"]}


def _pose_values(transform: Mapping[str, Any]) -> list[float]:
    at, turned = transform["translation"], transform["rotation"]
    return [*(at[axis] for axis in "xyz"), *(turned[axis] for axis in "xyzw")]


def entity_of(link: SceneLink) -> dict[str, Any]:
    """Return a link to look at as an entity of Foxglove's scene."""
    colour = dict(zip("rgba", link.colour, strict=True))
    return {
        "timestamp": _stamp(0),
        "frame_id": link.name,
        "id": link.name,
        "lifetime": _stamp(0),
        "frame_locked": True,
        "cubes": [
            {
                "pose": {
                    "position": _xyz(box.pose.position),
                    "orientation": dict(zip("xyzw", box.pose.orientation, strict=True)),
                },
                "size": _xyz([2.0 * half for half in box.half_extents_m]),
                "color": colour,
            }
            for box in link.boxes
        ],
    }


def link_of(entity: Mapping[str, Any], fixed: Sequence[float] | None) -> SceneLink:
    """Return the link of an entity.

    Args:
        entity: see `entity_of`.
        fixed: where it is, see `poses_of`; None of a link that moves.
    """

    def box(cube: Mapping[str, Any]) -> Box:
        at, turned, size = cube["pose"]["position"], cube["pose"]["orientation"], cube["size"]
        return Box(
            (size["x"] / 2, size["y"] / 2, size["z"] / 2),
            Pose((at["x"], at["y"], at["z"]), (turned["x"], turned["y"], turned["z"], turned["w"])),
        )

    cubes = entity["cubes"]
    colour = cubes[0]["color"]
    pose = Pose()
    if fixed is not None:
        x, y, z, a, b, c, w = fixed
        pose = Pose((x, y, z), (a, b, c, w))
    return SceneLink(
        str(entity["id"]),
        tuple(box(cube) for cube in cubes),
        (colour["r"], colour["g"], colour["b"], colour["a"]),
        fixed is None,
        pose,
    )
