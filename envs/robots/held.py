"""What every robot does with the part in its hand: hold it, and lead its front by a target."""

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


def axial_window(
    approach_m: float, before_m: float, home_m: float, beyond_m: float
) -> tuple[float, float]:
    """Return from where to where along the axis (m, behind the mouth) a target may go.

    Args:
        approach_m: where the policy takes over, before the mouth.
        before_m: how far before the mouth a target may go back, where that is farther out.
        home_m: depth of a part that is home.
        beyond_m: how far a target may go behind it.
    """
    return -max(before_m, approach_m), home_m + beyond_m


class Ramp:
    """A target on its way over one policy step, at a constant speed in each of its entries.

    Args:
        period_s: of the policy step.
        at: where it rests, (n,).
    """

    def __init__(self, period_s: float, at: Sequence[float]) -> None:
        self._period_s = period_s
        self.rest(at)

    def rest(self, at: Sequence[float]) -> None:
        """Stand still, at a place (n,)."""
        self._start = tuple(at)
        self._way = self.velocity = (0.0,) * len(self._start)

    def go(self, start: Sequence[float], end: Sequence[float]) -> None:
        """Go from one place to another, (n,) each."""
        self._start, period_s = tuple(start), self._period_s
        self._way = tuple([b - a for a, b in zip(start, end, strict=True)])
        self.velocity = tuple([way / period_s for way in self._way])

    def at(self, share: float) -> tuple[float, ...]:
        """Return the place at ``share`` (0 to 1) of the step, (n,)."""
        return tuple([a + share * way for a, way in zip(self._start, self._way, strict=True)])


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
