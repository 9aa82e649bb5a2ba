"""What every robot does with the part in its hand: hold it, and pull its front to a target."""

from __future__ import annotations

from collections.abc import Sequence

from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.physics.shapes import Box, Joint, Link, cuboid_inertia
from envs.station import PART


def part_link(part: Part, mass_kg: float, parent: str, front: Pose) -> Link:
    """Return a part as a link fixed to ``parent``.

    Args:
        part: nominal geometry, a cuboid.
        mass_kg: true mass.
        parent: name of the link that holds it, "" for the root.
        front: where the middle of its front truly is, in the frame of the parent.
    """
    size = (part.length_m, part.width_m, part.height_m)
    return Link(
        PART, parent, Joint.FIXED, mass_kg, inertia_kg_m2=cuboid_inertia(mass_kg, size),
        pose=front @ Pose((-part.length_m / 2, 0.0, 0.0)),
        boxes=(Box((size[0] / 2, size[1] / 2, size[2] / 2)),), colour=(0.25, 0.45, 0.65, 1.0),
    )  # fmt: skip


def within_leads(
    target: Sequence[float], front: Sequence[float], leads: Sequence[float]
) -> list[float]:
    """Return a target pulled to within its leads of the front, (n,) each."""
    return [min(f + c, max(f - c, t)) for t, f, c in zip(target, front, leads, strict=True)]


def shares_of_leads(
    target: Sequence[float], front: Sequence[float], leads: Sequence[float]
) -> list[float]:
    """Return how far a target leads the front, as shares of its leads, (n,) each."""
    return [(t - f) / c for t, f, c in zip(target, front, leads, strict=True)]
