"""Spiral search: push along the observed axis; where it blocks, press lightly and circle."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.specs.base import Force, Length, Time
from configs.specs.insertion import InsertionSpec
from policies.scripted.reading import Reading
from policies.scripted.straight import StraightParameters, StraightPush, zone_speed


class SpiralParameters(StraightParameters):
    """Straight push's zones, and the spiral: the horizontal force that starts it, its shape."""

    search_force_n: Force
    pitch_m: Length
    turn_s: Time
    radius_m: Length


class SpiralSearch:
    """Stops feeding above a force and moves the target along a spiral until it gives way.

    The spiral is in lateral and height at the mouth, in lateral and yaw inside, where the shelf
    holds the height.

    Args:
        parameters: tuned speeds and spiral.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = {
        **StraightPush.SEARCH,
        "search_force_n": (8.0, 80.0),
        "pitch_m": (0.0005, 0.003),
        "turn_s": (0.8, 4.0),
        "radius_m": (0.002, 0.008),
    }
    INSIDE_M = 0.012
    """Depth behind which both guides hold the front edge, errors included (assumed)."""

    def __init__(self, parameters: SpiralParameters, station: InsertionSpec) -> None:
        self._p = parameters
        self._reading = Reading(station)
        self._action = station.action
        self._step_s = 1.0 / station.physics.policy_rate_hz
        self._lead = station.impedance
        self.reset()

    def reset(self) -> None:
        """Forget the search."""
        self._turns = 0.0

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (4,) for an observation."""
        read, scale, p, lead = self._reading, self._action, self._p, self._lead
        read.take(observation)
        depth, left = read["pose axial"], read["depth left"]
        feed, aside, other = zone_speed(p, depth, left), 0.0, 0.0
        # A tray askew wedges between the guides long before it feels much along the axis.
        blocked = math.hypot(min(0.0, read["fast fx"]), read["fast fy"]) > p.search_force_n
        if blocked and left > p.final_distance_m:  # at the end a stop is what is wanted
            feed = 0.0  # what presses goes on pressing
            aside, other = self._search()
        else:
            self._turns = 0.0
        up, turn = (other, 0.0) if depth < self.INSIDE_M else (0.0, other / (0.5 * read.reach_m))
        target_y = read["pose lateral"] + read["lead lateral"] * lead.lateral_lead_m
        target_z = read["pose height"] + read["lead height"] * lead.vertical_lead_m
        target_w = read["pose yaw"] + read["lead yaw"] * lead.yaw_lead_rad
        action = (
            feed * self._step_s / scale.axial_m,
            (aside - p.hold * target_y) / scale.lateral_m,
            (up - p.hold * (target_z - p.height_m)) / scale.height_m,
            (turn - p.hold * target_w) / scale.yaw_rad,
        )
        return np.clip(np.array(action, dtype=np.float32), -1.0, 1.0)

    def _search(self) -> tuple[float, float]:
        """Return the next piece of the spiral (m, m); behind its end it starts at the middle."""
        before = self._offset()
        self._turns += self._step_s / self._p.turn_s
        if self._turns * self._p.pitch_m > self._p.radius_m:
            self._turns = 0.0
        after = self._offset()
        return after[0] - before[0], after[1] - before[1]

    def _offset(self) -> tuple[float, float]:
        """Return where on the spiral the search is (m, m)."""
        radius, angle = self._turns * self._p.pitch_m, 2.0 * math.pi * self._turns
        return radius * math.cos(angle), radius * math.sin(angle)
