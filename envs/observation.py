"""Observations as a table: each entry has a name, a unit, a scale and bounds; docs come from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.physics.sensors import WrenchFilter

LIMIT = 5.0
"""Scaled entries are clipped to ± this where a field says nothing else: the space is bounded."""
SIDED = frozenset({"lateral", "yaw", "roll", "fy", "mx", "mz"})
"""Last words of the entries, observed or of actions, that a mirror gives the other sign."""


@dataclass(frozen=True)
class Field:
    """One entry of an observation vector.

    Attributes:
        name: what it is.
        unit: unit of the quantity before scaling.
        scale: quantity that maps to 1.
        meaning: one clause for the documentation.
        limit: the scaled entry is clipped to ± this.
    """

    name: str
    unit: str
    scale: float
    meaning: str
    limit: float = LIMIT

    @property
    def most(self) -> float:
        """Largest size of the quantity that is observed, in its unit."""
        return self.limit * self.scale


@dataclass(frozen=True)
class Sensed:
    """What a cell knows at a policy step; observations are made of nothing else.

    Attributes:
        state: of the robot's moving joints.
        wrench: on the part by the wrist's sensor, tared, noise included.
        last_action: clipped.
        time_left: share of the limit of the contact skill.
        side_budget: largest windowed side force by the wrist over its limit.
        axial_budget: largest windowed axial force by the wrist over its limit.
        noise: stream of the sensors' noise.
    """

    state: Sequence[Sequence[Any]]
    wrench: WrenchFilter
    last_action: Sequence[float]
    time_left: float
    side_budget: float
    axial_budget: float
    noise: np.random.Generator

    def entries(self, lead: Sequence[float]) -> tuple[float, ...]:
        """Return the unscaled entries that `sensed_fields` names; ``lead`` is the robot's."""
        wrench = self.wrench
        return (
            *lead, *self.last_action, *wrench.raw, *wrench.fast, *wrench.slow,
            self.time_left, self.side_budget, self.axial_budget,
        )  # fmt: skip


def sensed_fields(
    axes: Sequence[str], wrench: Sequence[tuple[str, str, float]], about: str
) -> tuple[Field, ...]:
    """Return the table of what every contact skill observes, in the order of `Sensed.entries`.

    Args:
        axes: names of the action's entries.
        wrench: name, unit and scale of the sensor's entries.
        about: what the wrench is on.
    """
    lead = [
        Field(f"lead {axis}", "share", 1.0, "target ahead of measured, as share of its clamp")
        for axis in axes
    ]
    action = [Field(f"last action {axis}", "1", 1.0, "clipped") for axis in axes]
    forces = [
        Field(f"{kind} {name}", unit, scale, f"wrench on {about}, tared")
        for kind in ("raw", "fast", "slow")
        for name, unit, scale in wrench
    ]
    return (
        *lead, *action, *forces,
        Field("time left", "share", 1.0, "of the limit of align + insert"),
        Field("lateral budget", "share", 1.0, "largest windowed side force by the wrist / limit"),
        Field("axial budget", "share", 1.0, "largest windowed axial force by the wrist / limit"),
    )  # fmt: skip


def index_of(fields: tuple[Field, ...], name: str) -> int:
    """Return the position of the field called ``name``."""
    return next(i for i, field in enumerate(fields) if field.name == name)


def mirror(names: Sequence[str]) -> NDArray[np.float32]:
    """Return the signs that entries so named take where left and right are swapped, (n,)."""
    return np.array([-1.0 if name.split()[-1] in SIDED else 1.0 for name in names], np.float32)


def scaled(
    values: list[float], scales: NDArray[np.float64], limits: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return ``values / scales`` clipped to ``± limits``, as float32; all of shape (n,)."""
    ratio = np.array(values) / scales
    return np.minimum(np.maximum(ratio, -limits), limits).astype(np.float32)


def markdown_table(fields: tuple[Field, ...]) -> str:
    """Return the table for the documentation."""
    lines = ["| index | name | unit | scale | observed | meaning |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {i} | {f.name} | {f.unit} | {f.scale:g} | ±{f.most:g} | {f.meaning} |"
        for i, f in enumerate(fields)
    ]
    return "\n".join(lines)
