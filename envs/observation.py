"""Observations as a table: each entry has a name, a unit, a scale and bounds; docs come from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMIT = 5.0
"""Scaled entries are clipped to ± this, so that the space is bounded."""


@dataclass(frozen=True)
class Field:
    """One entry of an observation vector.

    Attributes:
        name: what it is.
        unit: unit of the quantity before scaling.
        scale: quantity that maps to 1.
        meaning: one clause for the documentation.
    """

    name: str
    unit: str
    scale: float
    meaning: str


_AXES = ("axial", "lateral", "height", "yaw")
_WRENCH = (("fx", "N", 150.0), ("fy", "N", 30.0), ("fz", "N", 30.0),
           ("mx", "N*m", 10.0), ("my", "N*m", 20.0), ("mz", "N*m", 20.0))  # fmt: skip


def insertion_fields(part_names: Iterable[str]) -> tuple[Field, ...]:
    """Return the table of an insertion station; nothing in it is hidden from a real cell."""
    pose = (
        Field("pose axial", "m", 0.1, "believed front edge behind the observed mouth plane"),
        Field("pose lateral", "m", 0.005, "believed front edge sideways of the observed axis"),
        Field("pose height", "m", 0.005, "believed front edge above the observed shelf"),
        Field("pose yaw", "rad", 0.05, "believed heading against the observed axis"),
        Field("wrist pitch", "rad", 0.02, "deflection of the passive wrist, by its encoder"),
        Field("depth left", "m", 0.7, "believed distance to full depth"),
    )
    velocity = tuple(
        Field(f"velocity {axis}", "rad/s" if axis == "yaw" else "m/s", scale, "of the front edge")
        for axis, scale in zip(_AXES, (0.15, 0.02, 0.02, 0.1), strict=True)
    )
    lead = tuple(
        Field(f"lead {axis}", "share", 1.0, "target ahead of measured, as share of its clamp")
        for axis in _AXES
    )
    action = tuple(Field(f"last action {axis}", "1", 1.0, "clipped") for axis in _AXES)
    wrench = tuple(
        Field(f"{kind} {name}", unit, scale, "wrench on the part, tared")
        for kind in ("raw", "fast", "slow")
        for name, unit, scale in _WRENCH
    )
    rest = (
        Field("time left", "share", 1.0, "of the limit of align + insert"),
        Field("lateral budget", "share", 1.0, "largest windowed side force by the wrist / limit"),
        Field("axial budget", "share", 1.0, "largest windowed axial force by the wrist / limit"),
    )
    kinds = tuple(Field(f"part {name}", "0 or 1", 1.0, "which part is held") for name in part_names)
    return pose + velocity + lead + action + wrench + rest + kinds


def index_of(fields: tuple[Field, ...], name: str) -> int:
    """Return the position of the field called ``name``."""
    return next(i for i, field in enumerate(fields) if field.name == name)


def scaled(values: list[float], scales: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return ``values / scales`` clipped to the bounds, as float32, shape (n,)."""
    ratio = np.array(values) / scales
    return np.minimum(np.maximum(ratio, -LIMIT), LIMIT).astype(np.float32)


def markdown_table(fields: tuple[Field, ...]) -> str:
    """Return the table for the documentation."""
    lines = ["| index | name | unit | scale | meaning |", "|---|---|---|---|---|"]
    lines += [
        f"| {i} | {f.name} | {f.unit} | {f.scale:g} | {f.meaning} |" for i, f in enumerate(fields)
    ]
    return "\n".join(lines)
