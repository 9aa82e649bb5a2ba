"""What can be seen of an operation, as data: links with boxes and colour, and what moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from envs.operation import Operation
from envs.physics.kinematics import link_poses, moving_links
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Colour
from envs.stations.tray_insert import scenery, slot_height_m

PART = "part"
"""Name of the part among the links."""
_CART_COLOUR: Colour = (0.42, 0.44, 0.48, 1.0)
_CART_MARGIN_M = 0.04  # assumed: the cart's top against the tray on it
_CART_TOP_M = 0.02  # half thickness of the cart's top and half width of its legs, assumed


@dataclass(frozen=True)
class SceneLink:
    """A link to look at.

    Attributes:
        name: unique in the scene, e.g. ``"gantry/x"``, ``"slot/left"``, ``"part"``.
        boxes: what is drawn, in the link frame.
        colour: red, green, blue, alpha from 0 to 1.
        moving: its pose is in the frames of a recording.
        pose: link frame in the world, of a link that does not move; identity of one that does.
    """

    name: str
    boxes: tuple[Box, ...]
    colour: Colour
    moving: bool
    pose: Pose


def scene_of(operation: Operation, standing: Pose) -> tuple[SceneLink, ...]:
    """Return what is to be seen of an operation that was started.

    Args:
        operation: started, see `envs.operation.Operation.start`.
        standing: centre of the part as it stands on the cart.
    """
    spec, slot, part = operation.spec, operation.slot, operation.part
    around = scenery(part, operation.visit.dock, spec.motion, slot)
    floor_z = operation.visit.dock.position[2] - slot_height_m(spec.motion, slot)
    size = (part.length_m, part.width_m, part.height_m)
    return (
        *_links("gantry/", operation.robot_body),
        *_links("slot/", operation.slot_body),
        *_links("scenery/", around),
        SceneLink(
            "scenery/cart", _cart(standing, size, floor_z), _CART_COLOUR, False,
            Pose(standing.position, standing.orientation),
        ),
    )  # fmt: skip


def robot_poses(
    links: Sequence[SceneLink], body: Body, joints: Sequence[float], part: Pose | None = None
) -> tuple[Pose, ...]:
    """Return the poses of the links of ``links`` that move, in their order.

    Args:
        links: the scene.
        body: the robot.
        joints: its joint positions (m or rad).
        part: where the part is; by default in the robot's hand.
    """
    poses = {_name("gantry/", name): pose for name, pose in link_poses(body, joints).items()}
    if part is not None:
        poses[PART] = part
    return tuple(poses[link.name] for link in links if link.moving)


def _links(prefix: str, body: Body) -> list[SceneLink]:
    poses, moving = link_poses(body, [0.0] * len(body.links)), moving_links(body)
    return [
        SceneLink(
            _name(prefix, link.name),
            link.visuals or link.boxes,
            link.colour,
            link.name in moving,
            Pose() if link.name in moving else poses[link.name],
        )
        for link in body.links
        if link.visuals or link.boxes
    ]


def _name(prefix: str, link: str) -> str:
    return PART if link == PART else prefix + link


def _cart(standing: Pose, size: tuple[float, float, float], floor_z: float) -> tuple[Box, ...]:
    """Return the cart under a part: a top on four legs, in the frame of the standing part."""
    half = [0.5 * size[0] + _CART_MARGIN_M, 0.5 * size[1] + _CART_MARGIN_M]
    under, thick = -0.5 * size[2], _CART_TOP_M
    leg = 0.5 * (standing.position[2] + under - 2 * thick - floor_z)
    top = Box((half[0], half[1], thick), Pose((0.0, 0.0, under - thick)))
    legs = (
        Box(
            (thick, thick, leg),
            Pose((a * (half[0] - thick), b * (half[1] - thick), under - 2 * thick - leg)),
        )
        for a in (-1, 1)
        for b in (-1, 1)
    )
    return (top, *legs)
