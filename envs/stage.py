"""A recorded scene on stage: its links drawn where they were, nothing simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envs.physics.pose import Pose, Vector
from envs.physics.shapes import Body, Contact, Joint, Link
from envs.physics.world import World
from envs.scene import SceneLink

EYE: Vector = (-1.2, -2.7, 2.2)
TARGET: Vector = (0.2, 0.0, 1.1)
"""Where the camera stands and looks (m, in the cell): cart, gantry and mouth are in the picture."""
_NOTHING = Contact(1e6, 1e3, 0.1)  # nothing touches anything; bodies want contact parameters


class Stage:
    """Shows a scene in a world that draws.

    Args:
        links: the scene.
        world: an empty world with shapes to look at; closed with the stage.
    """

    def __init__(self, links: Sequence[SceneLink], world: World | None = None) -> None:
        self._world = world or World(visible=True)
        self._world.clear(240.0, 50)
        handles = {link.name: self._world.add(_body(link), _NOTHING) for link in links}
        self._moving = [handles[link.name] for link in links if link.moving]

    def put(self, poses: Sequence[Sequence[float]]) -> None:
        """Put the links that move where they were.

        Args:
            poses: position (m) and quaternion (xyzw) of each. # (moving, 7)
        """
        for handle, (x, y, z, a, b, c, w) in zip(self._moving, poses, strict=True):
            self._world.move(handle, Pose((x, y, z), (a, b, c, w)))

    def picture(self, width: int, height: int, eye: Vector = EYE, target: Vector = TARGET) -> Any:
        """Return what a camera at ``eye`` sees of ``target``, (height, width, 3) uint8."""
        return self._world.render(width, height, eye, target)

    def close(self) -> None:
        """Free the world."""
        self._world.close()


def _body(link: SceneLink) -> Body:
    seen = Link(link.name, "", Joint.FIXED, 0.0, visuals=link.boxes, colour=link.colour)
    return Body(link.pose, (seen,))
