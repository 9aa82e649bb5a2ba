"""Named reward terms: pure functions of snapshots of the true state, weighted in the YAML.

Rewards read the truth, which is fine for training and for nothing else; no KPI reads a reward.
"""

from __future__ import annotations

from dataclasses import dataclass

from configs.specs.station import RewardWeights


@dataclass(frozen=True)
class Snapshot:
    """The true state that rewards read.

    Attributes:
        depth: inserted share of the part, 0 outside the slot's section. # [0, 1]
        lateral_m: front edge sideways of the axis.
        yaw_rad: heading against the axis.
        side_force_share: largest windowed side force of the step over its damage limit.
        axial_force_share: largest windowed axial force of the step over its damage limit.
    """

    depth: float
    lateral_m: float
    yaw_rad: float
    side_force_share: float
    axial_force_share: float


def progress(before: Snapshot, after: Snapshot) -> float:
    """Return the depth gained, as a share of the part."""
    return after.depth - before.depth


def alignment(before: Snapshot, after: Snapshot) -> float:
    """Return the misalignment lost: lateral in units of 5 mm plus yaw in units of 0.05 rad.

    Each counts up to 6 units: a tray that slides along beside its slot must go on losing.
    """
    return _misalignment(before) - _misalignment(after)


def force(after: Snapshot, threshold: float = 0.5) -> float:
    """Return minus the squared excess of the force shares over ``threshold``, half a limit."""
    side = max(0.0, after.side_force_share - threshold)
    axial = max(0.0, after.axial_force_share - threshold)
    return -((side / (1 - threshold)) ** 2) - (axial / (1 - threshold)) ** 2


def effort(action: tuple[float, ...]) -> float:
    """Return minus the squared size of the action."""
    return -sum(a * a for a in action)


def total(terms: dict[str, float], weights: RewardWeights) -> float:
    """Return the weighted sum of the terms."""
    return sum(value * float(getattr(weights, name)) for name, value in terms.items())


def _misalignment(s: Snapshot) -> float:
    return min(6.0, abs(s.lateral_m) / 0.005) + min(6.0, abs(s.yaw_rad) / 0.05)
