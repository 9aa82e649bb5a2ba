"""Lateral admittance: give way to side force and moment, slow under force, back off from a jam."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.specs.insertion import InsertionSpec
from configs.specs.quantities import Force, Length, Torque
from configs.specs.station import Fraction
from policies.scripted.reading import INSIDE_M
from policies.scripted.straight import Hand, StraightParameters, StraightPush, zone_speed


class AdmittanceParameters(StraightParameters):
    """Straight push's zones, and how the targets give way.

    `lateral_gain` and `vertical_gain` are in mm a step and 10 N, `yaw_gain` in mrad a step and
    10 N·m about the front edge.
    """

    lateral_gain: float
    vertical_gain: float
    yaw_gain: float
    slow_force_n: Force
    slow_axial_n: Force
    slow_moment_nm: Torque
    jam_force_n: Force
    retreat_m: Length
    sidestep_m: Length
    smoothing: Fraction


class LateralAdmittance:
    """Moves its targets with the measured wrench; a jam starts a retreat and a sidestep.

    Args:
        parameters: tuned gains and speeds.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = StraightPush.YIELDING | {
        "lateral_gain": (0.08, 0.5),
        "vertical_gain": (0.08, 0.5),
        "yaw_gain": (3.0, 16.0),
        "slow_force_n": (15.0, 60.0),
        "slow_axial_n": (25.0, 150.0),
        "slow_moment_nm": (1.0, 6.0),
        "jam_force_n": (40.0, 150.0),
        "retreat_m": (0.006, 0.015),
        "sidestep_m": (0.001, 0.004),
        "smoothing": (0.2, 1.0),
    }
    JAM_STEPS = 4
    """Steps without progress under force before a retreat (assumed: 0.4 s)."""

    def __init__(self, parameters: AdmittanceParameters, station: InsertionSpec) -> None:
        self._p = parameters
        self._hand = Hand(parameters, station)
        self._read, self._farthest_m = self._hand.read, station.action.axial_m
        self.reset()

    def reset(self) -> None:
        """Forget jams."""
        self._stuck = 0
        self._jam_moment_nm = 0.0
        self._back_left_m = 0.0

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (4,) for an observation."""
        read, p = self._read, self._p
        read.take(observation)
        fx, fy, fz, moment = self._wrench()
        depth, left = read["pose axial"], read["depth left"]
        feed_m, step_y = self._feed(depth, left, fx, fy, moment) * self._hand.step_s, 0.0
        self._watch_for_jam(depth, left, fx, moment)
        if self._back_left_m > 0.0:
            feed_m = -min(self._back_left_m, 0.5 * self._farthest_m)
            self._back_left_m += feed_m
            if self._back_left_m <= 1e-9:  # a corner on +y turns the part to +yaw: come back off it
                step_y = -math.copysign(p.sidestep_m, self._jam_moment_nm)
        entering = depth < INSIDE_M
        # On the axis until the guides have the part, which may turn from there on.
        aside, up, turn = self._hand.to_axis() if entering else (0.0, 0.0, 0.0)
        yaw_gain = 0.0 if entering else p.yaw_gain
        steps = (
            feed_m,
            1e-4 * p.lateral_gain * fy + aside + step_y,
            1e-4 * p.vertical_gain * fz + up,
            1e-4 * yaw_gain * moment + turn,
        )
        return self._hand.action(steps)

    def _feed(
        self, depth_m: float, left_m: float, fx_n: float, fy_n: float, moment_nm: float
    ) -> float:
        """Return the feed (m/s): the zone's, slowed by load anywhere but at the end."""
        speed = zone_speed(self._p, depth_m, left_m)
        if left_m < self._p.final_distance_m:
            return speed
        load = (fy_n / self._p.slow_force_n) ** 2 + (moment_nm / self._p.slow_moment_nm) ** 2
        return speed / (1.0 + load + (fx_n / self._p.slow_axial_n) ** 2)

    def _wrench(self) -> tuple[float, float, float, float]:
        """Return axial, lateral, vertical force (N) and the moment (N·m) about the front edge."""
        read, share = self._read, self._p.smoothing

        def mixed(name: str) -> float:
            return share * read[f"raw {name}"] + (1.0 - share) * read[f"fast {name}"]

        fy = mixed("fy")
        return mixed("fx"), fy, mixed("fz"), read.moment_nm(fy, mixed("mz"))

    def _watch_for_jam(self, depth_m: float, left_m: float, fx_n: float, moment_nm: float) -> None:
        near_end = left_m < 0.025  # there a stop is what is wanted
        slow = self._read["velocity axial"] < 0.002
        jammed = -fx_n > self._p.jam_force_n and slow and not near_end and self._back_left_m <= 0.0
        self._stuck = self._stuck + 1 if jammed else 0
        if self._stuck >= self.JAM_STEPS:
            self._stuck = 0
            self._jam_moment_nm = moment_nm
            self._back_left_m = self._p.retreat_m if depth_m > -0.02 else 0.0
