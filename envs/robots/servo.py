"""Position servo of the gantry for scripted motion: computed torque along given profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence

from envs.robots.gantry import GantryModel

BANDWIDTH_RAD_PER_S = 30.0  # assumed: about 5 Hz, what a servo gantry's position loop reaches

Quad = tuple[float, float, float, float]


class ComputedTorque:
    """Drives x, y, z and yaw along a trajectory with the nominal dynamics fed forward.

    ``force = M(q) (a + 2 w (v - q') + w² (p - q)) + c(q, q') + g``, critically damped. The
    impedance controller of the contact skill is no servo: its stiffness is compliance, its drive
    is clamped to what a slot bears, and its mass matrix is that of heading 0.

    Source: Siciliano et al., "Robotics: Modelling, Planning and Control" (2009), section 8.5.2.

    Args:
        model: nominal dynamics.
    """

    def __init__(self, model: GantryModel) -> None:
        self._mass = tuple(float(model.mass[i, i]) for i in range(4))
        self._offset = float(model.mass[1, 3])  # mass held x its distance from the yaw axis
        self._weight = model.weight_n

    def forces(
        self, position: Quad, velocity: Quad, acceleration: Quad, state: Sequence[Sequence[float]]
    ) -> Quad:
        """Return joint forces (N, N, N, N·m) for x, y, z and yaw.

        Args:
            position: wanted joint positions (m, m, m, rad).
            velocity: wanted joint velocities.
            acceleration: wanted joint accelerations.
            state: measured (position, velocity, ...) of the joints x, y, z, yaw.
        """
        w = BANDWIDTH_RAD_PER_S
        ax, ay, az, aw = (
            acceleration[i]
            + 2.0 * w * (velocity[i] - state[i][1])
            + w * w * (position[i] - state[i][0])
            for i in range(4)
        )
        heading, turn = state[3][0], state[3][1]
        across, along = self._offset * math.sin(heading), self._offset * math.cos(heading)
        mx, my, mz, mw = self._mass
        return (
            mx * ax - across * aw - along * turn * turn,
            my * ay + along * aw - across * turn * turn,
            mz * az + self._weight,
            mw * aw - across * ax + along * ay,
        )
