"""Where the links of a body are, from its joint positions alone: no call to the physics engine.

Those who record read poses here, so that a recorded run makes the same calls as any other.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.physics.pose import Pose, about_axis
from envs.physics.shapes import Body, Joint, Link


def link_poses(body: Body, positions: Sequence[float]) -> dict[str, Pose]:
    """Return the link frame of every link in the world, by name.

    Args:
        body: a tree whose parents come before their children.
        positions: one for each joint that moves (m or rad), in the order of the links.
    """
    poses, left = {"": body.base}, iter(positions)
    for link in body.links:
        at = poses[link.parent] @ link.pose
        poses[link.name] = at if link.joint is Joint.FIXED else at @ _moved(link, next(left))
    del poses[""]
    return poses


def moving_links(body: Body) -> frozenset[str]:
    """Return the names of the links that some joint moves."""
    moving: set[str] = set()
    for link in body.links:
        if link.joint is not Joint.FIXED or link.parent in moving:
            moving.add(link.name)
    return frozenset(moving)


def _moved(link: Link, position: float) -> Pose:
    if link.joint is Joint.REVOLUTE:
        return Pose(orientation=about_axis(link.axis, position))
    x, y, z = link.axis
    return Pose((x * position, y * position, z * position))
