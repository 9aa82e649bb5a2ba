"""Spiral search: push along the observed axis; where that blocks, ease off, press, circle."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from configs.specs.insertion import InsertionSpec
from configs.specs.quantities import Force, Length, Time
from configs.specs.station import Fraction
from policies.scripted.reading import INSIDE_M
from policies.scripted.steps import Spiral
from policies.scripted.straight import Hand, Steps, StraightParameters, StraightPush


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
        self._hand = Hand(parameters, station)
        self._read, self._impedance = self._hand.read, station.impedance
        self._spiral = Spiral(parameters.pitch_m, parameters.radius_m)
        self.reset()

    def reset(self) -> None:
        """Forget the search."""
        self._searching = False
        self._spiral.begin()

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (4,) for an observation."""
        read = self._read
        read.take(observation)
        inside = read["pose axial"] > INSIDE_M
        # Guides that wedge a tray push against each other: a moment about the front edge shows it.
        moment = read.moment_nm(read["fast fy"], read["fast mz"])
        self._watch(moment)
        return self._hand.action(
            self._search(inside, moment) if self._searching else self._push(inside)
        )

    def _watch(self, moment_nm: float) -> None:
        """Start a search where the push is blocked, end it where it gives way and at the end.

        A tray askew wedges between the guides before it feels much along the axis; a force aside
        alone is no block, the impedance bounds it.
        """
        read, p = self._read, self._p
        wedge_n = moment_nm / max(read["pose axial"], self.LEVER_M)
        if read["depth left"] < p.final_distance_m:  # there a stop is what is wanted
            self._searching = False
        elif math.hypot(min(0.0, read["fast fx"]), wedge_n) > p.search_force_n:
            self._searching = True
        elif read["velocity axial"] > self.GIVES_WAY_M_PER_S:
            self._searching = False
        if not self._searching:
            self._spiral.begin()

    def _push(self, inside: bool) -> Steps:
        """Return the target's next step (m, m, m, rad): the zone's feed, on the axis at first."""
        feed = self._hand.feed_m()
        if inside:  # what the guides have found stays
            return feed, 0.0, 0.0, 0.0
        return (feed, *self._hand.to_axis())

    def _search(self, inside: bool, moment_nm: float) -> Steps:
        """Return the target's next step (m, m, m, rad): to the preload, eased, along the spiral."""
        read, p, drive = self._read, self._p, self._impedance
        aside, other = self._spiral.walk(self._hand.step_s / p.turn_s)
        up, turn = (0.0, other / (0.5 * read.reach_m)) if inside else (other, 0.0)
        return (
            p.preload_n / drive.axial_n_per_m - read["lead axial"] * drive.axial_lead_m,
            p.ease * read["fast fy"] / drive.lateral_n_per_m + aside,
            p.ease * read["fast fz"] / drive.vertical_n_per_m + up,
            p.ease * moment_nm / drive.yaw_nm_per_rad + turn,
        )
