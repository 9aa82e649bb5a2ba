"""What can be seen of an operation, as data: links with boxes and colour, and what moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from envs.operation import Operation
from envs.physics.kinematics import link_poses, moving_links
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Colour
from envs.station import PART, Robot


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

    The robot moves. Joints of the fixture that give way are drawn at rest: they go a millimetre or
    two, out of sight, and frames hold the robot's poses.

    Args:
        operation: started, see `envs.operation.Operation.start`.
        standing: centre of the part as it stands before it is picked.
    """
    task = operation.task
    return (
        *_links(f"{task.robot.name}/", task.robot.body, moving_links(task.robot.body)),
        *_links("slot/", task.fixture),
        *_links("scenery/", task.scenery()),
        *_links("scenery/", task.support(standing)),
    )


def wrist_link(robot: Robot) -> str:
    """Return the name in the scene of the link that the wrist's sensor is in, drawn or not."""
    return _name(f"{robot.name}/", robot.body.links[robot.wrist].name)


def robot_poses(
    links: Sequence[SceneLink], robot: Robot, joints: Sequence[float], part: Pose | None = None
) -> tuple[Pose, ...]:
    """Return the poses of the links of ``links`` that move, in their order.

    Args:
        links: the scene.
        robot: with the part in its hand.
        joints: positions of its moving joints (m or rad).
        part: where the part is; by default in the robot's hand.
    """
    found = link_poses(robot.body, joints)
    poses = {_name(f"{robot.name}/", name): pose for name, pose in found.items()}
    if part is not None:
        poses[PART] = part
    return tuple(poses[link.name] for link in links if link.moving)


def _links(prefix: str, body: Body, moving: Collection[str] = ()) -> list[SceneLink]:
    poses = link_poses(body, [0.0] * len(body.links))
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
