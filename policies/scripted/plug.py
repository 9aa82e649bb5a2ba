"""Plugging by hand: push along the port's axis; give way while pushing; or circle for the port."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.specs.base import Spec
from configs.specs.plug import PlugSpec
from configs.specs.quantities import AngularSpeed, Force, Length, Speed, Time, Torque
from configs.specs.station import Fraction
from policies.scripted.reading import Reading
from policies.scripted.steps import Spiral, as_action

Steps = tuple[float, float, float, float, float, float]
Share = Annotated[float, Field(ge=0.0, le=3.0)]
TURNS = (("yaw", "mz"), ("pitch", "my"), ("roll", "mx"))
"""Turns of the action, each with the moment that makes it."""
ASIDE_M = 0.003
"""Farther from the axis than this a connector does not go forward (assumed)."""
SURE_M = 0.008
"""Believed depth at which a front is in a port, errors included (assumed)."""


class PlugStraightParameters(Spec):
    """Feed to the port and in it, how firmly the axis is held, and where the drawing is right.

    Where the drawing has the port farther than `mistrust_m` from where it is observed, the
    perception has taken another port for it.
    """

    approach_m_per_s: Speed
    insert_m_per_s: Speed
    hold: Fraction
    mistrust_m: Length


class Hand:
    """What scripts of plugging share: reading, the way to the axis, steps as actions.

    Args:
        parameters: of the script.
        station: the station it works.
    """

    def __init__(self, parameters: PlugStraightParameters, station: PlugSpec) -> None:
        self._p, self._drive = parameters, station.impedance
        self.read = Reading(station)
        self.step_s = 1.0 / station.physics.policy_rate_hz
        action = station.action
        self._sizes = (
            action.axial_m, action.lateral_m, action.height_m,
            action.yaw_rad, action.pitch_rad, action.roll_rad,
        )  # fmt: skip

    def action(self, steps: Steps) -> NDArray[np.float32]:
        """Return the action (6,) that moves the target by ``steps`` (m, m, m, rad, rad, rad)."""
        return as_action(steps, self._sizes)

    def axis(self) -> tuple[float, float]:
        """Return where the port is believed to be, sideways and in height (m)."""
        aside, up = self.read["plan lateral"], self.read["plan height"]
        return (aside, up) if math.hypot(aside, up) > self._p.mistrust_m else (0.0, 0.0)

    def along(self, feed_m: float) -> Steps:
        """Return a step of ``feed_m`` along the axis, and back to it; far from it, only back."""
        read, hold, (y, z) = self.read, self._p.hold, self.axis()
        dy, dz = y - read["pose lateral"], z - read["pose height"]
        feed_m = 0.0 if math.hypot(dy, dz) > ASIDE_M else feed_m
        dy, dz = hold * dy, hold * dz
        yaw, pitch, roll = (-hold * read[f"pose {turn}"] for turn, _ in TURNS)
        return feed_m, dy, dz, yaw, pitch, roll

    def fed(self, speed_m_per_s: float, push_n: float) -> float:
        """Return the step along the axis (m): at a speed, and to a push."""
        drive, latch_n = self._drive, self.read["class latch"]
        most = drive.axial_lead_m(latch_n)
        lead = min(most, push_n / drive.axial_n_per_m)
        return min(speed_m_per_s * self.step_s, lead - self.read["lead axial"] * most)

    def eased(self, feed_m: float, ease: PlugAdmittanceParameters) -> Steps:
        """Return a step of ``feed_m`` that lets side force and moments go."""
        read, drive = self.read, self._drive
        most = ease.turn_rad_per_s * self.step_s
        turns = (ease.turn_ease * read[f"fast {m}"] / drive.turn_nm_per_rad for _, m in TURNS)
        yaw, pitch, roll = (min(most, max(-most, turn)) for turn in turns)
        side = ease.side_ease / drive.lateral_n_per_m
        return feed_m, side * read["fast fy"], side * read["fast fz"], yaw, pitch, roll

    def approached_m(self, p: PlugAdmittanceParameters) -> float:
        """Return the step along the axis (m) until the front is in."""
        return self.fed(p.approach_m_per_s, p.press_n)

    def inside(self, p: PlugAdmittanceParameters) -> Steps:
        """Return the next step in the port: it gives way, and near home pushes with all."""
        push = math.inf if self.read["depth left"] < p.home_m else p.press_n
        return self.eased(self.fed(p.insert_m_per_s, push), p)


class PlugStraight:
    """Holds the connector on the axis and feeds.

    Args:
        parameters: tuned speeds.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = {
        "approach_m_per_s": (0.02, 0.04),
        "insert_m_per_s": (0.015, 0.04),
        "hold": (0.05, 0.5),
        "mistrust_m": (0.007, 0.009),
    }

    def __init__(self, parameters: PlugStraightParameters, station: PlugSpec) -> None:
        self._p = parameters
        self._hand = Hand(parameters, station)

    def reset(self) -> None:
        """Nothing is remembered."""

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (6,) for an observation."""
        hand, p = self._hand, self._p
        hand.read.take(observation)
        inside = hand.read["pose axial"] > SURE_M
        speed = p.insert_m_per_s if inside else p.approach_m_per_s
        return hand.action(hand.along(speed * hand.step_s))


class PlugAdmittanceParameters(PlugStraightParameters):
    """As the straight push's, then how it gives way.

    `touch_n` is a touch; `press_n` is the push from there until the contacts are near, `home_m`
    before the end. `turn_ease` and `side_ease` are the shares of moment and side force over
    stiffness that a step lets go.
    """

    touch_n: Force
    press_n: Force
    home_m: Length
    turn_ease: Share
    side_ease: Share
    turn_rad_per_s: AngularSpeed


class PlugAdmittance:
    """Pushes along the axis, and from the first touch on lets side force and moments go.

    Args:
        parameters: tuned speeds, push and shares.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = PlugStraight.SEARCH | {
        "touch_n": (2.0, 5.0),
        "press_n": (6.0, 16.0),
        "home_m": (0.012, 0.016),
        "turn_ease": (0.1, 1.5),
        "side_ease": (0.1, 0.6),
        "turn_rad_per_s": (0.05, 0.5),
    }

    def __init__(self, parameters: PlugAdmittanceParameters, station: PlugSpec) -> None:
        self._p = parameters
        self._hand = Hand(parameters, station)
        self.reset()

    def reset(self) -> None:
        """Forget the touch."""
        self._touched = False

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (6,) for an observation."""
        hand, p = self._hand, self._p
        read = hand.read
        read.take(observation)
        self._touched = self._touched or -read["raw fx"] >= p.touch_n
        if not self._touched:
            return hand.action(hand.along(hand.approached_m(p)))
        return hand.action(hand.inside(p))


class PlugSearchParameters(PlugAdmittanceParameters):
    """As the admittance's, then how it lays the front on and circles.

    The front is flat where no moment exceeds `flat_nm`, or after `settle_s`. `caught_m` behind
    where it lay, the front is at a mouth, and circling waits for `wait_s`; `inside_m` behind, it is
    in.
    """

    flat_nm: Torque
    settle_s: Time
    caught_m: Length
    wait_s: Time
    inside_m: Length
    pitch_m: Length
    search_m_per_s: Speed
    radius_m: Length


class PlugSearch:
    """Lays the front flat on the panel, circles until it drops into the port, gives way inside.

    A moment about the front says which edge touches: turning it away lays the front flat, which
    takes the tilt of panel and grasp out before the search. It circles along an Archimedean spiral
    at constant speed. In the port it lets side force and moments go, and feeds.

    Args:
        parameters: tuned speeds, forces and spiral.
        station: the station it works.
    """

    SEARCH: ClassVar[dict[str, tuple[float, float]]] = PlugAdmittance.SEARCH | {
        "flat_nm": (0.01, 0.05),
        "settle_s": (0.05, 0.8),
        "caught_m": (0.0004, 0.0009),
        "wait_s": (0.2, 1.0),
        "inside_m": (0.002, 0.004),
        "pitch_m": (0.0006, 0.0016),
        "search_m_per_s": (0.02, 0.03),
        "radius_m": (0.005, 0.0065),
    }

    def __init__(self, parameters: PlugSearchParameters, station: PlugSpec) -> None:
        self._p = parameters
        self._hand = Hand(parameters, station)
        self._spiral = Spiral(parameters.pitch_m, parameters.radius_m)
        self.reset()

    def reset(self) -> None:
        """Forget the search."""
        self._spiral.begin()
        self._lay_at_m = math.inf
        self._lying_s = self._caught_s = 0.0
        self._flat = self._inside = False

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (6,) for an observation."""
        hand, p = self._hand, self._p
        read = hand.read
        read.take(observation)
        depth = read["pose axial"]
        self._inside = self._inside or depth > min(SURE_M, self._lay_at_m + p.inside_m)
        if self._inside:
            return hand.action(hand.inside(p))
        if self._lay_at_m == math.inf:
            if -read["raw fx"] < p.touch_n:
                return hand.action(hand.along(hand.approached_m(p)))
            self._lay_at_m = depth
        return hand.action(self._circled(depth) if self._flat else self._flattened(depth))

    def _flattened(self, depth_m: float) -> Steps:
        """Return the next step that lays the front flat."""
        hand, p, read = self._hand, self._p, self._hand.read
        self._lying_s += hand.step_s
        calm = max(abs(read["fast my"]), abs(read["fast mz"])) < p.flat_nm
        pressed = -read["fast fx"] > 0.7 * p.press_n
        self._flat = self._lying_s > p.settle_s or (calm and pressed)
        self._lay_at_m = depth_m
        x, _, _, yaw, pitch, _ = hand.eased(hand.approached_m(p), p)
        return x, 0.0, 0.0, yaw, pitch, 0.0

    def _circled(self, depth_m: float) -> Steps:
        """Return the next step along the spiral, or at a mouth, where that has caught the front."""
        hand, p = self._hand, self._p
        # At a mouth an edge that catches asks for a move aside; a turn would only tilt the front.
        x, y, z, _, _, roll = hand.eased(hand.approached_m(p), p)
        caught = depth_m > self._lay_at_m + p.caught_m
        self._caught_s = self._caught_s + hand.step_s if caught else 0.0
        if caught and self._caught_s < p.wait_s:
            return x, y, z, 0.0, 0.0, roll
        way_m = p.search_m_per_s * hand.step_s
        turns = way_m / max(self._spiral.radius_m, p.pitch_m / 2) / (2.0 * math.pi)
        aside, up = self._spiral.walk(turns)
        return x, aside, up, 0.0, 0.0, 0.0
