"""The gantry's control law in contact: impedance about the part's front edge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from configs.specs.insertion import Impedance
from envs.robots.damping import modal_damping
from envs.robots.gantry_body import GantryModel

Quad = tuple[float, float, float, float]


class ImpedanceController:
    """Cartesian impedance of the gantry about the part's front edge, in joint space.

    ``force = clamp(K (target - q) + D target') - D q' + feed-forward``: the driving part is
    clamped at the front edge to stiffness x lead, whatever the policy asks for. Damping is
    modal: every mode of (K, M) has the same damping ratio, which a diagonal choice cannot give
    with the centre of compliance 0.7 m from the axes.

    Args:
        spec: stiffnesses and leads.
        model: nominal dynamics.
        reach_m: distance from the hand to the part's front edge.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    def __init__(
        self,
        spec: Impedance,
        model: GantryModel,
        reach_m: float,
        gain_factor: float = 1.0,
        damping_factor: float = 1.0,
    ) -> None:
        front = np.eye(4)
        front[1, 3] = reach_m
        stiffness = gain_factor * np.diag(
            [spec.axial_n_per_m, spec.lateral_n_per_m, spec.vertical_n_per_m, spec.yaw_nm_per_rad]
        )
        k = front.T @ stiffness @ front
        d = damping_factor * modal_damping(k, model.mass, spec.damping_ratio)
        self._kx, self._ky, self._kz, self._kw = (float(v) for v in np.diag(stiffness))
        self._dx, self._dy, self._dyw, self._dz, self._dw = (
            float(d[0, 0]), float(d[1, 1]), float(d[1, 3]), float(d[2, 2]), float(d[3, 3]),
        )  # fmt: skip
        self._reach = reach_m
        self._weight, self._preload = model.weight_n, model.pitch_moment_nm
        self._kp = spec.wrist_pitch_nm_per_rad
        self._dp = spec.wrist_pitch_damping_nms_per_rad
        self.lead = (
            spec.axial_lead_m, spec.lateral_lead_m, spec.vertical_lead_m, spec.yaw_lead_rad,
        )  # fmt: skip
        self._limit = tuple(
            float(k) * lead for k, lead in zip(np.diag(stiffness), self.lead, strict=True)
        )

    def forces(
        self,
        target: Sequence[float],
        velocity: Sequence[float],
        state: Sequence[Sequence[float]],
    ) -> tuple[float, float, float, float, float]:
        """Return joint forces (N, N, N, N·m, N·m) for x, y, z, yaw and the passive wrist.

        Args:
            target: wanted joint positions (m, m, m, rad), (4,).
            velocity: wanted joint velocities (m/s, m/s, m/s, rad/s), (4,).
            state: measured (position, velocity, ...) of the joints x, y, z, yaw, pitch.
        """
        sx, sy, sz, sw, swrist = state[0], state[1], state[2], state[3], state[4]
        x, y, z, w, pitch = sx[0], sy[0], sz[0], sw[0], swrist[0]
        vx, vy, vz, vw, vp = sx[1], sy[1], sz[1], sw[1], swrist[1]
        tx, ty, tz, tw = velocity
        fx_max, fy_max, fz_max, mw_max = self._limit
        reach, dyw = self._reach, self._dyw
        ew = target[3] - w
        pull_y = self._dy * ty + dyw * tw
        fx = self._kx * (target[0] - x) + self._dx * tx
        fy = self._ky * (target[1] - y + reach * ew) + pull_y
        fz = self._kz * (target[2] - z) + self._dz * tz
        mw = self._kw * ew + dyw * ty + self._dw * tw - reach * pull_y
        fx = fx_max if fx > fx_max else -fx_max if fx < -fx_max else fx
        fy = fy_max if fy > fy_max else -fy_max if fy < -fy_max else fy
        fz = fz_max if fz > fz_max else -fz_max if fz < -fz_max else fz
        mw = mw_max if mw > mw_max else -mw_max if mw < -mw_max else mw
        return (
            fx - self._dx * vx,
            fy - self._dy * vy - dyw * vw,
            fz - self._dz * vz + self._weight,
            mw + reach * fy - dyw * vy - self._dw * vw,
            -self._kp * pitch - self._dp * vp - self._preload,
        )
