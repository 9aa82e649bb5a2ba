"""Spiral search: push along the observed axis; where that blocks, ease off, press, circle."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.specs.insertion import InsertionSpec
from configs.specs.quantities import Force, Length, Time
from configs.specs.station import Fraction
from policies.scripted.reading import INSIDE_M, InsertionReading
from policies.scripted.straight import StraightParameters, StraightPush, zone_speed

Steps = tuple[float, float, float, float]


class SpiralParameters(StraightParameters):
    """Straight push's zones, the force that starts a search, and how it presses, eases, circles.

    `ease` is the share of the force aside, and of the moment, that each step lets go.
    """

    search_force_n: Force
    preload_n: Force
    ease: Fraction
    pitch_m: Length
    turn_s: Time
    radius_m: Length


class SpiralSearch:
    """Feeds until it is blocked, then presses lightly and circles until it gives way.

    A search first eases the press to a preload, and lets the force aside and the moment go:
    circling under a hard press only adds to them. It circles along an Archimedean spiral around
    wherever that leads, in lateral and height at the mouth, in lateral and yaw inside, where the
    shelf holds the height.

    Args:
        parameters: tuned speeds, forces and spiral.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = StraightPush.YIELDING | {
        "search_force_n": (8.0, 40.0),
        "preload_n": (8.0, 40.0),
        "ease": (0.1, 0.6),
        "pitch_m": (0.0005, 0.002),
        "turn_s": (0.6, 2.0),
        "radius_m": (0.001, 0.004),
    }
    LEVER_M = 0.03
    """Shortest lever at which a moment is read as a force: its noise is 4 N there (assumed)."""
    GIVES_WAY_M_PER_S = 0.005
    """Speed at which a search has found its way (assumed: below the slowest entry)."""

    def __init__(self, parameters: SpiralParameters, station: InsertionSpec) -> None:
        self._p = parameters
        self._reading = InsertionReading(station)
        self._action = station.action
        self._impedance = station.impedance
        self._step_s = 1.0 / station.physics.policy_rate_hz
        self.reset()

    def reset(self) -> None:
        """Forget the search."""
        self._searching = False
        self._turns = 0.0

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (4,) for an observation."""
        read, scale = self._reading, self._action
        read.take(observation)
        inside = read["pose axial"] > INSIDE_M
        # Guides that wedge a tray push against each other: a moment about the front edge shows it.
        moment = read["fast mz"] - read.reach_m * read["fast fy"]
        self._watch(moment)
        steps = self._search(inside, moment) if self._searching else self._push(inside)
        sizes = (scale.axial_m, scale.lateral_m, scale.height_m, scale.yaw_rad)
        return np.clip(np.divide(steps, sizes), -1.0, 1.0).astype(np.float32)

    def _watch(self, moment_nm: float) -> None:
        """Start a search where the push is blocked, end it where it gives way and at the end.

        A tray askew wedges between the guides before it feels much along the axis; a force aside
        alone is no block, the impedance bounds it.
        """
        read, p = self._reading, self._p
        wedge_n = moment_nm / max(read["pose axial"], self.LEVER_M)
        if read["depth left"] < p.final_distance_m:  # there a stop is what is wanted
            self._searching = False
        elif math.hypot(min(0.0, read["fast fx"]), wedge_n) > p.search_force_n:
            self._searching = True
        elif read["velocity axial"] > self.GIVES_WAY_M_PER_S:
            self._searching = False
        if not self._searching:
            self._turns = 0.0

    def _push(self, inside: bool) -> Steps:
        """Return the target's next step (m, m, m, rad): the zone's feed, on the axis at first."""
        read, p = self._reading, self._p
        feed = zone_speed(p, read["pose axial"], read["depth left"]) * self._step_s
        if inside:  # what the guides have found stays
            return feed, 0.0, 0.0, 0.0
        y, z, w = read.target
        return feed, -p.hold * y, -p.hold * (z - p.height_m), -p.hold * w

    def _search(self, inside: bool, moment_nm: float) -> Steps:
        """Return the target's next step (m, m, m, rad): to the preload, eased, along the spiral."""
        read, p, drive = self._reading, self._p, self._impedance
        aside, other = self._circle()
        up, turn = (0.0, other / (0.5 * read.reach_m)) if inside else (other, 0.0)
        return (
            p.preload_n / drive.axial_n_per_m - read["lead axial"] * drive.axial_lead_m,
            p.ease * read["fast fy"] / drive.lateral_n_per_m + aside,
            p.ease * read["fast fz"] / drive.vertical_n_per_m + up,
            p.ease * moment_nm / drive.yaw_nm_per_rad + turn,
        )

    def _circle(self) -> tuple[float, float]:
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
