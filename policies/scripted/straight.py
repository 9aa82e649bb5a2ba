"""Straight push: drive the tray along the observed axis, whatever the forces say."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.specs.base import Spec
from configs.specs.insertion import InsertionSpec
from configs.specs.quantities import Length, Speed
from configs.specs.station import Fraction
from policies.scripted.reading import InsertionReading
from policies.scripted.steps import as_action

Steps = tuple[float, float, float, float]


class StraightParameters(Spec):
    """Speeds by zone of depth, where the front edge is held, and how firmly."""

    entry_m_per_s: Speed
    entry_start_m: Length
    entry_end_m: Length
    insert_m_per_s: Speed
    final_m_per_s: Speed
    final_distance_m: Length
    height_m: Length
    hold: Fraction


def zone_speed(p: StraightParameters, depth_m: float, left_m: float) -> float:
    """Return the feed (m/s) of the zone that the believed front edge is in."""
    if depth_m < -p.entry_start_m:
        return p.insert_m_per_s
    if depth_m < p.entry_end_m:
        return p.entry_m_per_s
    return p.final_m_per_s if left_m < p.final_distance_m else p.insert_m_per_s


class Hand:
    """What scripts of insertion share: reading, the way to the axis, the feed, steps as actions.

    Args:
        parameters: of the script.
        station: the station it works.
    """

    def __init__(self, parameters: StraightParameters, station: InsertionSpec) -> None:
        self._p = parameters
        self.read = InsertionReading(station)
        self.step_s = 1.0 / station.physics.policy_rate_hz
        action = station.action
        self._sizes = (action.axial_m, action.lateral_m, action.height_m, action.yaw_rad)

    def action(self, steps: Steps) -> NDArray[np.float32]:
        """Return the action (4,) that moves the target by ``steps`` (m, m, m, rad)."""
        return as_action(steps, self._sizes)

    def feed_m(self) -> float:
        """Return the next step along the axis at the speed of the zone."""
        read = self.read
        return zone_speed(self._p, read["pose axial"], read["depth left"]) * self.step_s

    def to_axis(self) -> tuple[float, float, float]:
        """Return the target's next step to the axis: aside, up (m) and in yaw (rad)."""
        p, (y, z, w) = self._p, self.read.target
        return -p.hold * y, -p.hold * (z - p.height_m), -p.hold * w


class StraightPush:
    """Holds the target on the observed axis and feeds by zone.

    Args:
        parameters: tuned speeds.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = {
        "entry_m_per_s": (0.004, 0.03),
        "entry_start_m": (0.02, 0.03),
        "entry_end_m": (0.03, 0.2),
        "insert_m_per_s": (0.05, 0.15),
        "final_m_per_s": (0.01, 0.05),
        "final_distance_m": (0.02, 0.06),
        "height_m": (0.0005, 0.0015),
        "hold": (0.005, 0.6),
    }
    YIELDING: ClassVar[dict[str, tuple[float, float]]] = SEARCH | {
        "entry_m_per_s": (0.008, 0.03),
        "entry_end_m": (0.06, 0.2),
        "insert_m_per_s": (0.06, 0.15),
        "hold": (0.005, 0.1),
    }
    """The same of scripts that give way or search besides."""

    def __init__(self, parameters: StraightParameters, station: InsertionSpec) -> None:
        self._hand = Hand(parameters, station)

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (4,) for an observation."""
        hand = self._hand
        hand.read.take(observation)
        return hand.action((hand.feed_m(), *hand.to_axis()))
