"""Damping of an impedance, whatever the robot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def modal_damping(
    stiffness: NDArray[np.float64], mass: NDArray[np.float64], ratio: float
) -> NDArray[np.float64]:
    """Return D that damps every mode of (K, M) by ``ratio``: M^½ 2ζ (M^-½ K M^-½)^½ M^½.

    Source: Caughey, "Classical normal modes in damped linear dynamic systems" (1960).
    """

    def root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        values, vectors = np.linalg.eigh(matrix)
        square: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
        return square

    half = root(mass)
    inverse = np.linalg.inv(half)
    damped: NDArray[np.float64] = half @ (2 * ratio * root(inverse @ stiffness @ inverse)) @ half
    return damped
