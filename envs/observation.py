"""Observations as a table: each entry has a name, a unit, a scale and bounds; docs come from it."""

from __future__ import annotations

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
