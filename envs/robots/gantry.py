"""The gantry at work: how actions steer a part in its hand, and how it travels between."""

from __future__ import annotations

import math
from collections.abc import Sequence

from configs.specs.insertion import InsertionSpec
from configs.specs.station import Part
from envs.phases import Servo, Travel
from envs.physics.pose import Pose
from envs.physics.shapes import Body
from envs.robots.gantry_body import (
    AXES,
    FT,
    MOVING,
    PITCH,
    Grasp,
    empty_gantry_body,
    gantry_body,
    gantry_model,
)
from envs.robots.gantry_control import ImpedanceController, Quad
from envs.robots.held import Ramp, axial_window, shares_of_leads, within_leads
from envs.station import State

BEHIND_M, BEYOND_M = 0.05, 0.02
"""Targets stay this close before the mouth, or where the policy takes over, if that is farther out;
and this close behind full depth (assumed)."""
BANDWIDTH_RAD_PER_S = 30.0  # assumed: about 5 Hz, what a servo gantry's position loop reaches
_STILL: Quad = (0.0, 0.0, 0.0, 0.0)


class Gantry:
    """The gantry with one part in its hand (`envs.station.Robot`).

    Places and targets are those of the part's front edge as the robot believes it: axial, lateral,
    height (m) and yaw (rad) in the observed frame, whose origin is the mouth.

    Args:
        spec: impedance, scale of actions, rate of the policy.
        part: what it believes to hold.
        mouth: where it believes the mouth to be, in the cell.
        mass_kg: true mass of the part.
        grasp: true seat of the part in the hand.
        gain_factor: true stiffness over nominal.
        damping_factor: true damping over nominal.
    """

    name = "gantry"
    moving = MOVING
    wrist = FT

    def __init__(
        self,
        spec: InsertionSpec,
        part: Part,
        mouth: Pose,
        mass_kg: float,
        grasp: Grasp,
        gain_factor: float = 1.0,
        damping_factor: float = 1.0,
    ) -> None:
        self.body: Body = gantry_body(part, mass_kg, grasp)
        self._part, self._reach, self._mouth = part, part.length_m, mouth.position
        self._scale = spec.action
        self._controller = ImpedanceController(
            spec.impedance, gantry_model(part), part.length_m, gain_factor, damping_factor
        )
        self._window = axial_window(spec.motion.approach_m, BEHIND_M, part.length_m, BEYOND_M)
        self._target: Sequence[float] = _STILL
        self._ramp = Ramp(1.0 / spec.physics.policy_rate_hz, _STILL)

    def travel(self, loaded: bool) -> Travel:
        """Return the gantry on its way, the wrist locked."""
        body = self.body if loaded else empty_gantry_body()
        model = gantry_model(self._part if loaded else None)
        return Travel(body, AXES, (PITCH,), Servo(model, BANDWIDTH_RAD_PER_S))

    def put(self, place: Sequence[float]) -> Sequence[float]:
        """Set the target to ``place`` and return joint positions that hold the part there."""
        self._target = list(place)
        joints = self._joints_at(place)
        self._ramp.rest(joints)
        return (*joints, 0.0)

    def aim(self, action: Sequence[float], state: State) -> None:
        """Pull the target to within its lead of the front edge, then move it by an action.

        The action is relative to the part's heading; targets stay in a window about the slot.
        """
        front, _ = self.front(state)
        x, y, z, w = within_leads(self._target, front, self._controller.lead)
        start, (least, most) = self._joints_at((x, y, z, w)), self._window
        scale, wide, turn = self._scale, self._scale.window_m, self._scale.window_yaw_rad
        dx, dy = action[0] * scale.axial_m, action[1] * scale.lateral_m
        s, c = math.sin(w), math.cos(w)
        self._target = (
            min(most, max(least, x + c * dx - s * dy)),
            min(wide, max(-wide, y + s * dx + c * dy)),
            min(wide, max(-wide, z + action[2] * scale.height_m)),
            min(turn, max(-turn, w + action[3] * scale.yaw_rad)),
        )
        self._ramp.go(start, self._joints_at(self._target))

    def forces(self, share: float, state: State) -> Sequence[float]:
        """Return forces of x, y, z, yaw and wrist pitch at ``share`` of the way to the target."""
        return self._controller.forces(self._ramp.at(share), self._ramp.velocity, state)

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed front edge (m, rad) in the observed frame, its speed, (4,) each."""
        (x, vx, *_), (y, vy, *_), (z, vz, *_), (w, vw, *_) = state[:4]
        reach, s, c = self._reach, math.sin(w), math.cos(w)
        ox, oy, oz = self._mouth
        front = [x + reach * c - ox, y + reach * s - oy, z - oz, w]
        return front, [vx - reach * s * vw, vy + reach * c * vw, vz, vw]

    def lead(self, front: Sequence[float]) -> list[float]:
        """Return how far the target leads a front edge, as shares of the clamp, (4,)."""
        return shares_of_leads(self._target, front, self._controller.lead)

    def depth_m(self, state: State) -> float:
        """Return the believed front edge behind the observed mouth plane."""
        return self.front(state)[0][0]

    def _joints_at(self, place: Sequence[float]) -> Quad:
        """Return joint positions for a wanted front edge in the observed frame."""
        axial, lateral, height, yaw = place
        reach, (ox, oy, oz) = self._reach, self._mouth
        return (
            axial - reach * math.cos(yaw) + ox,
            lateral - reach * math.sin(yaw) + oy,
            height + oz,
            yaw,
        )
