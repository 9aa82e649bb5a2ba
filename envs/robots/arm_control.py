"""Control laws of arms: impedance at the tip in contact, computed torque along profiles, reach.

The impedance uses the transposed Jacobian only, which has no bad postures; where an inverse is
needed (the elbow's freedom, `reach`) it is damped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from configs.errors import PhysicsError
from configs.specs.arm import ArmSpec
from envs.robots.chain import Array, Chain, Posture, rotation_vector
from envs.robots.damping import modal_damping

MARGIN_RAD = 0.1  # assumed: where a joint's end is near, and its stop begins to push
STOP_RAD_PER_S = 60.0  # assumed: rate of a joint on its stop, a quarter radian a tick at 240 Hz
FAR_RAD = 0.1
"""Way of a joint after which damping is chosen anew: kept for longer, it would grow too large for
the inertia left where the arm stretches, and shake it (at 240 Hz from 0.45 m before a Panda's
work place on)."""
NEAR_RAD = 0.02
"""Way of a joint after which the elbow's freedom is looked at anew (assumed): an arm's Jacobian
changes by 1 to 2 % over it, and the elbow's pull of some N·m leaks to the tip by as much."""
LEAST_SHARE = (0.25, 0.5)
"""Of the manipulability at the start: below the first nothing drives the tip, above the second all
does (assumed; where arms stretch or fold, a drive over a policy step would run away)."""
FAST_SHARE = (0.5, 0.8)
"""Of a joint's speed limit: below the first all of the drive, above the second none (assumed)."""
FEED_SHARE = 0.3  # assumed: share of a joint's speed limit that targets may ask for in contact
SINGULAR = 0.003  # singular values near this (m or rad per rad) are damped; good postures have 0.2
_STEPS, _NEAR = 200, 1e-9
_LARGEST_STEP_RAD = 0.3
_TO_HOME = 0.5  # share of the way home that the elbow goes in one step of `reach`


@dataclass(frozen=True)
class Limits:
    """Limits of the joints, (n,) each: range (rad), home (rad), speed, acceleration, torque."""

    low: Array
    high: Array
    home: Array
    speed: Array
    acceleration: Array
    torque: Array

    @classmethod
    def of(cls, spec: ArmSpec) -> Limits:
        """Return the limits of an arm."""
        joints = list(spec.joints.values())
        return cls(
            np.array([joint.low_rad for joint in joints]),
            np.array([joint.high_rad for joint in joints]),
            np.array([joint.home_rad for joint in joints]),
            np.array([joint.speed_rad_per_s for joint in joints]),
            np.array([joint.acceleration_rad_per_s2 for joint in joints]),
            np.array([joint.torque_nm for joint in joints]),
        )


def damped_inverse(jacobian: Array) -> Array:
    """Return the inverse of a Jacobian (6, n), damped near singular postures. # (n, 6)."""
    square = jacobian @ jacobian.T
    square.flat[::7] += SINGULAR**2
    inverse: Array = np.asarray(np.linalg.solve(square, jacobian).T, dtype=np.float64)
    return inverse


def manipulability(jacobian: Array) -> float:
    """Return Yoshikawa's measure of a posture, 0 where the tip cannot move in some direction."""
    return math.sqrt(max(0.0, float(np.linalg.det(jacobian @ jacobian.T))))


class ArmImpedance:
    """Six-axis impedance of the tip, a soft posture of the elbow, and soft stops of the joints.

    ``torque = Jᵀ K (e - J (q - q0)) + N Kn (home - q) + D (v - q') + g``, with all but q and q'
    taken once a policy step at the measured q0: within a step the tip moves by a millimetre or
    two, over which an arm's Jacobian changes by less than 1 %. So a tick costs one product. N and
    what else changes slowly is kept for longer, see `NEAR_RAD` and `FAR_RAD`.
    In postures much worse than the one it started from, N grows to 1 and the rest fades.
    D is modal: it damps every mode of stiffness and mass alike, whatever arm it is.

    Args:
        chain: nominal arm with the part, seen from the frame that targets are given in.
        limits: of its joints.
        stiffness: along and about the axes of that frame (N/m, N·m/rad). # (6,)
        posture_nm_per_rad: pull towards home where the tip does not feel it.
        damping_ratio: of every mode.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    def __init__(
        self,
        chain: Chain,
        limits: Limits,
        stiffness: Array,
        posture_nm_per_rad: float,
        damping_ratio: float,
        gain_factor: float = 1.0,
        damping_factor: float = 1.0,
    ) -> None:
        self._chain, self._limits = chain, limits
        self._nominal, self._stiffness = stiffness, gain_factor * stiffness
        self._posture, self._ratio = posture_nm_per_rad, damping_ratio
        self._damping_factor = damping_factor
        n = chain.size
        self._unit, self._damping = np.eye(n), np.zeros((n, n))
        self._inverse, self._elbow, self._share = np.zeros((n, 6)), np.zeros((n, n)), 1.0
        self._gain = np.zeros((n, 2 + 2 * n))  # of 1, share of the ramp, positions, velocities
        self._usual, self._at_stops = 1.0, False
        self._inertia, self._damped_at, self._looked_at = np.zeros(n), limits.home, limits.home
        self._low, self._high = limits.low + MARGIN_RAD, limits.high - MARGIN_RAD

    def settle(self, posture: Posture) -> None:
        """Hold the tip at ``posture``, from where actions will move it."""
        self._usual = manipulability(posture.jacobian)
        self._choose_damping(posture)
        self._look(posture)
        self.aim(posture, np.zeros(self._chain.size), np.zeros(6), np.zeros(6), 1.0)

    def aim(
        self, posture: Posture, rates: Array, start: Array, end: Array, period_s: float
    ) -> None:
        """Take up a ramp of the target over one policy step.

        Args:
            posture: the arm as measured.
            rates: its joint velocities as measured (rad/s). # (n,)
            start: target less measured tip, at the ramp's start (m, rad). # (6,)
            end: the same at its end.
            period_s: duration of the ramp.
        """
        q, n, gain = posture.joints, self._chain.size, self._gain
        if float(np.abs(q - self._looked_at).max()) > NEAR_RAD:
            self._look(posture)
        share = self._share * self._calm(rates)
        way, driven = end - start, (share * self._stiffness)[:, None] * posture.jacobian
        tip, pull, rise = posture.jacobian.T @ driven, start @ driven, way @ driven
        push = posture.gravity + self._elbow @ self._limits.home
        if self._at_stops:
            tip, pull, rise, stops, edges = self._stopped(q, tip, pull, rise)
            tip.flat[:: n + 1] += stops
            push += stops * (edges - q)
        feed = self._within_speed(share / period_s * (self._inverse @ way))
        gain[:, 0] = push + pull + tip @ q + self._damping @ feed
        gain[:, 1] = rise
        gain[:, 2 : 2 + n] = -tip - self._elbow

    def torques(self, share: float, state: Sequence[Sequence[float]]) -> list[float]:
        """Return joint torques (N·m) at ``share`` (0 to 1) of the ramp."""
        joints, most = state[: self._chain.size], self._limits.torque
        measured = [1.0, share, *[s[0] for s in joints], *[s[1] for s in joints]]
        torques: list[float] = np.maximum(-most, np.minimum(most, self._gain @ measured)).tolist()
        return torques

    def _look(self, posture: Posture) -> None:
        """Take up what changes slowly: the elbow's freedom, and whether stops are near."""
        jacobian, q = posture.jacobian, posture.joints
        if float(np.abs(q - self._damped_at).max()) > FAR_RAD:
            self._choose_damping(posture)
        self._inverse, self._share = damped_inverse(jacobian), self._drive_share(jacobian)
        self._elbow = self._posture * (self._unit - self._share * self._inverse @ jacobian)
        self._at_stops = bool(((q < self._low + NEAR_RAD) | (q > self._high - NEAR_RAD)).any())
        self._looked_at = q

    def _stopped(
        self, q: Array, tip: Array, pull: Array, rise: Array
    ) -> tuple[Array, Array, Array, Array, Array]:
        """Return the drive as joints near their ends leave it, their stops' stiffness and edges."""
        near = (q < self._low) | (q > self._high)
        stops = np.where(near, self._inertia * STOP_RAD_PER_S**2, 0.0)
        edges = np.where(near, np.where(q < self._low, self._low, self._high), q)
        left = self._left(q - edges, pull + rise)
        return left[:, None] * tip, left * pull, left * rise, stops, edges

    def _choose_damping(self, posture: Posture) -> None:
        """Choose what damps every mode about ``posture``."""
        jacobian = posture.jacobian
        free = self._unit - damped_inverse(jacobian) @ jacobian
        stiffness = jacobian.T @ (self._nominal[:, None] * jacobian) + self._posture * free
        mass = self._chain.mass_matrix(posture.joints.tolist())
        damping = modal_damping((stiffness + stiffness.T) / 2, mass, self._ratio)
        self._damping = self._damping_factor * damping
        self._gain[:, 2 + self._chain.size :] = -self._damping
        # What a joint moves while the others are free to yield: less than it does on its own.
        self._inertia, self._damped_at = 1.0 / np.diag(np.linalg.inv(mass)), posture.joints

    def _drive_share(self, jacobian: Array) -> float:
        """Return how much of the drive is left in a bad posture, where home pulls instead."""
        share = manipulability(jacobian) / self._usual
        low, high = LEAST_SHARE
        return min(1.0, max(0.0, (share - low) / (high - low)))

    def _calm(self, rates: Array) -> float:
        """Return how much of the drive is left to joints near their speed limits."""
        fastest = float((np.abs(rates) / self._limits.speed).max())
        low, high = FAST_SHARE
        return min(1.0, max(0.0, (high - fastest) / (high - low)))

    def _within_speed(self, velocity: Array) -> Array:
        """Return joint velocities slowed down to what joints may do: bad postures ask for more."""
        excess = float((np.abs(velocity) / self._limits.speed).max())
        slowed: Array = velocity / max(1.0, excess / FEED_SHARE)
        return slowed

    def _left(self, beyond: Array, drive: Array) -> Array:
        """Return the share of each joint's drive that is left near its end: none at the end itself.

        A stop stiff enough to hold against the drive would shake a light wrist at 240 Hz.
        """
        outward = beyond * drive > 0.0
        left = np.maximum(0.0, 1.0 - np.abs(beyond) / MARGIN_RAD)
        shares: Array = np.where(outward, left, 1.0)
        return shares


def reach(chain: Chain, limits: Limits, position: Array, rotation: Array) -> Posture:
    """Return the posture nearest home that holds the tip there.

    Damped Gauss-Newton steps for the tip, at first with the elbow's freedom towards home; damping
    lets a little of that pull through to the tip, so that the last steps are without.

    Args:
        chain: the arm.
        limits: of its joints; it keeps `MARGIN_RAD` off their ends.
        position: of the tip in the chain's frame. # (3,)
        rotation: of the tip. # (3, 3)

    Raises:
        PhysicsError: the arm does not reach there.
    """
    low, high = limits.low + MARGIN_RAD, limits.high - MARGIN_RAD
    q, posture = limits.home, chain.at(limits.home.tolist())
    pull = _TO_HOME
    for _ in range(_STEPS):
        inverse, home = damped_inverse(posture.jacobian), pull * (limits.home - q)
        step = inverse @ (tip_error(posture, position, rotation) - posture.jacobian @ home) + home
        step *= min(1.0, _LARGEST_STEP_RAD / max(_NEAR, float(np.abs(step).max())))
        moved = np.minimum(high, np.maximum(low, q + step))
        settled = float(np.abs(moved - q).max()) < _NEAR
        q, posture = moved, chain.at(moved.tolist())
        if settled and pull == 0.0:
            break
        pull = 0.0 if settled else pull
    left = tip_error(posture, position, rotation)
    if float(np.abs(left).max()) > 1e-6:
        place = ", ".join(f"{x:.3f}" for x in position)
        raise PhysicsError(
            f"does not reach ({place}) m in the observed frame: it ends "
            f"{1e3 * float(np.linalg.norm(left[:3])):.1f} mm and "
            f"{float(np.linalg.norm(left[3:])):.2f} rad off"
        )
    return posture


def tip_error(posture: Posture, position: Array, rotation: Array) -> Array:
    """Return how far a wanted tip is from a posture's: metres, and axis times angle. # (6,)."""
    turn = rotation_vector(rotation @ posture.rotation.T)
    return np.concatenate((position - posture.position, turn))
