"""Bodies as data: boxes on links of a tree, on their way to the physics engine.

Boxes only: convex meshes carry a margin of 1 mm each, which blocks tight fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from configs.errors import PhysicsError
from envs.physics.pose import Pose, Vector

Colour = tuple[float, float, float, float]


NO_OFFSET = Pose()
MOST_BOXES = 16
"""Boxes on one link: PyBullet (3.2.7) writes behind its memory with more."""


class Joint(Enum):
    """How a link moves against its parent."""

    FIXED = "fixed"
    PRISMATIC = "prismatic"
    REVOLUTE = "revolute"


@dataclass(frozen=True)
class Box:
    """A box: half extents (m) > 0 about ``pose`` in the link frame."""

    half_extents_m: Vector
    pose: Pose = NO_OFFSET

    def __post_init__(self) -> None:
        if not min(self.half_extents_m) > 0.0:
            raise PhysicsError(f"a box of half extents {self.half_extents_m} m is none")


@dataclass(frozen=True)
class Link:
    """A link of a tree; its frame is its joint's, and its centre of mass but for `inertial`.

    Attributes:
        name: unique within the body.
        parent: name of the parent link, "" for the base.
        joint: how it moves; ``axis`` in the link frame.
        mass_kg: mass.
        inertia_kg_m2: diagonal of the inertia about `inertial`; None computes it from `boxes`.
        pose: link frame in the parent's frame at joint position 0.
        inertial: centre of mass and principal axes of inertia in the link frame.
        boxes: collision shape.
        visuals: boxes that are only seen; `boxes` are drawn where this is empty.
    """

    name: str
    parent: str
    joint: Joint
    mass_kg: float
    axis: Vector = (1.0, 0.0, 0.0)
    inertia_kg_m2: Vector | None = None
    pose: Pose = NO_OFFSET
    inertial: Pose = NO_OFFSET
    boxes: tuple[Box, ...] = ()
    visuals: tuple[Box, ...] = ()
    colour: Colour = (0.6, 0.62, 0.65, 1.0)


@dataclass(frozen=True)
class Contact:
    """Contact parameters of a body: stiffness (N/m), damping (N·s/m), Coulomb friction.

    PyBullet puts the stiffnesses of two bodies in series and adds their dampings, at every point
    where they touch: with k and d on both, a face on four corners yields by load / 2k, and comes to
    rest within 4 d / k. It multiplies their friction: give one of them 1 and the other the pair's.
    """

    stiffness_n_per_m: float
    damping_ns_per_m: float
    friction: float


@dataclass(frozen=True)
class Body:
    """A tree of links on a base that does not move."""

    base: Pose
    links: tuple[Link, ...]

    def index(self, name: str) -> int:
        """Return the number of the link called ``name``."""
        return next(i for i, link in enumerate(self.links) if link.name == name)


def cuboid_inertia(mass_kg: float, size_m: Vector) -> Vector:
    """Return the diagonal inertia (kg·m²) of a uniform box of full ``size_m``."""
    x, y, z = (s * s for s in size_m)
    return (mass_kg * (y + z) / 12, mass_kg * (x + z) / 12, mass_kg * (x + y) / 12)


def check_box_counts(body: Body) -> None:
    """Refuse a link with more boxes than PyBullet has room for: it would end the process."""
    for link in body.links:
        count = max(len(link.boxes), len(link.visuals))
        if count > MOST_BOXES:
            raise PhysicsError(
                f"link '{link.name}' has {count} boxes; spread them over links of {MOST_BOXES}"
            )


def check_not_static(body: Body) -> None:
    """Refuse a moving shape that PyBullet would take for a static one, and let fall through.

    It looks for a joint that moves between a link and the base, but not at the first link of the
    body (3.2.7): what hangs on that one by fixed joints only is static to it.
    """
    links = {link.name: link for link in body.links}
    first = body.links[0]
    for link in body.links:
        above: Link | None = link
        while above is not None and above is not first and above.joint is Joint.FIXED:
            above = links.get(above.parent)
        if link.boxes and link is not first and above is first and first.joint is not Joint.FIXED:
            raise PhysicsError(
                f"link '{link.name}' would touch no fixture: all that moves it is the joint of "
                f"'{first.name}', the first link; put its boxes there, or a moving link between"
            )
