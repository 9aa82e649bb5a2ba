"""What a plugging station tells its robot, whatever robot it is: where to, how stiffly, how far."""

from __future__ import annotations

from configs.specs.plug import Connector, PlugSpec
from envs.robots.held import axial_window
from envs.robots.six_axis import Drive
from envs.robots.steering import Six, Steering

BEHIND_M, BEYOND_M = 0.03, 0.03
"""Targets stay this close before the mouth, or where the policy takes over, if that is farther out;
and this close behind full depth (assumed)."""


def approach_of(spec: PlugSpec) -> Six:
    """Return where the policy takes over."""
    return (-spec.motion.approach_m, 0.0, 0.0, 0.0, 0.0, 0.0)


def drive(spec: PlugSpec, gain_factor: float = 1.0, damping_factor: float = 1.0) -> Drive:
    """Return how a robot yields at a connector's front; factors are true values over nominal."""
    i = spec.impedance
    stiffness = (i.axial_n_per_m, *[i.lateral_n_per_m] * 2, *[i.turn_nm_per_rad] * 3)
    period_s = 1.0 / spec.physics.policy_rate_hz
    return Drive(stiffness, i.damping_ratio, period_s, gain_factor, damping_factor)


def steering(spec: PlugSpec, part: Connector, plan: tuple[float, float]) -> Steering:
    """Return what moves the target of a connector's front.

    It may go as far as the observed port's axis and where the drawing has the port, and a window
    around both.

    Args:
        spec: the station.
        part: class of the connector.
        plan: where the drawing has the port, sideways and in height (m).
    """
    i, wide, turn = spec.impedance, spec.action.window_m, spec.action.window_turn_rad
    side, turn_lead = i.lateral_lead_m, i.turn_lead_rad
    leads: Six = (i.axial_lead_m(part.latch_n), side, side, turn_lead, turn_lead, turn_lead)
    (left, right), (down, up) = ((min(0.0, p) - wide, max(0.0, p) + wide) for p in plan)
    out, home = axial_window(spec.motion.approach_m, BEHIND_M, part.depth_m, BEYOND_M)
    low: Six = (out, left, down, -turn, -turn, -turn)
    high: Six = (home, right, up, turn, turn, turn)
    return Steering(spec.action, leads, low, high, 1.0 / spec.physics.policy_rate_hz)
