"""A virtual compliant wrist: a body that floats in the cell with an impedance and no arm behind it.

The light tier of stations where an arm plugs: same tasks, spaces and judge, without the physics of
seven axes. Its apparent mass is isotropic and in the middle of compliance, the part's front, where
an arm's changes with its pose. Joint positions are the front's place in the cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from configs.specs.station import Part
from envs.phases import Leg, Phase, Travel
from envs.physics.motion import Trapezoid, tracking
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.six_axis import Drive, Held
from envs.robots.steering import Six, Steering
from envs.station import PART, State

MASS_KG, INERTIA_KG_M2 = 3.0, 0.03
"""Apparent, at the part's front (assumed: what a 7-axis arm of 18 kg has at its hand)."""
SENSOR_MASS_KG = 0.1  # assumed: beyond the sensor
CARRIER_KG, CARRIER_KG_M2 = 0.01, 1e-5  # of the links between, which are none: small
BANDWIDTH_RAD_PER_S = 30.0  # assumed, as the gantry's

AXES = ("x", "y", "z", "yaw", "pitch", "roll")
MOVING = (0, 1, 2, 3, 4, 5)
FT = 6


class Wrist:
    """The wrist with one part in its hand (`envs.robots.six_axis.SixAxis`).

    The force/torque sensor reads about the part's front.

    Args:
        mouth: where it believes the mouth to be, in the cell; not turned.
        held: the part in its hand.
        drive: its impedance.
        steering: moves the target.
    """

    name = "wrist"
    moving = MOVING
    wrist = FT

    def __init__(self, mouth: Pose, held: Held, drive: Drive, steering: Steering) -> None:
        self.body = Body(Pose(), (*_hand(), _held(held)))
        self._steering = steering
        self._mouth: Six = (*mouth.position, 0.0, 0.0, 0.0)
        mass = _mass_kg(held.part.mass_kg)
        x, y, z, roll, pitch, yaw = drive.stiffness  # turns about x, y, z
        nominal = (x, y, z, yaw, pitch, roll)
        moved = [mass] * 3 + [INERTIA_KG_M2] * 3
        self._k = [drive.gain_factor * k for k in nominal]
        self._d = [
            drive.damping_factor * 2.0 * drive.damping_ratio * math.sqrt(k * m)
            for k, m in zip(nominal, moved, strict=True)
        ]
        self._limit = [k * lead for k, lead in zip(self._k, steering.leads, strict=True)]
        self._carried = _carried_n(held.part)

    def travel(self, loaded: bool) -> Travel:
        """Return the wrist on its way."""
        return Travel(
            self.body if loaded else Body(Pose(), _hand()), AXES, (), _Servo(self._carried, loaded)
        )

    def put(self, place: Sequence[float]) -> Sequence[float]:
        """Set the target to ``place`` and return joint positions that hold the part there."""
        self._steering.put(place)
        return self.joints_at(place)

    def aim(self, action: Sequence[float], state: State) -> None:
        """Move the target by one clipped action; `forces` goes there over one policy step."""
        self._steering.aim(action, self.front(state)[0])

    def forces(self, share: float, state: State) -> Sequence[float]:
        """Return forces of the moving joints at ``share`` (0 to 1) of the way to the target.

        ``clamp(K (target - q) + D target') - D q' + feed-forward``, axis by axis: the driving
        part is clamped to stiffness x lead, whatever the policy asks for.
        """
        drive = [
            min(most, max(-most, k * (t + o - s[0]) + d * v)) - d * s[1] + g
            for k, d, most, t, o, v, s, g in zip(
                self._k, self._d, self._limit, self._steering.at(share), self._mouth,
                self._steering.velocity, state, self._carried, strict=False,  # wrist read last
            )
        ]  # fmt: skip
        return drive

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed front in the observed frame, and its speed, (6,) each."""
        front = [s[0] - o for s, o in zip(state, self._mouth, strict=False)]
        return front, [state[i][1] for i in MOVING]

    def lead(self, front: Sequence[float]) -> list[float]:
        """Return how far the target leads a front, as shares of the clamp, (6,)."""
        return self._steering.lead(front)

    def depth_m(self, state: State) -> float:
        """Return the believed front behind the observed mouth plane."""
        return float(state[0][0]) - self._mouth[0]

    def joints_at(self, place: Sequence[float]) -> tuple[float, ...]:
        """Return joint positions that hold the part's front there."""
        return tuple(p + o for p, o in zip(place, self._mouth, strict=True))

    def phases(self, start: Sequence[float], legs: Sequence[Leg]) -> tuple[Phase, ...]:
        """Return the scripted phases that take the part's front through ``legs``."""
        return tuple(Phase(leg.name, _moves(leg), leg.dwell_s, leg.loaded) for leg in legs)


class _Servo:
    """Drives the wrist along profiles: ``M (a + 2 w (v - q') + w² (p - q)) + g``.

    Args:
        carried: feed-forward of its weight with the part, (6,).
        loaded: the part is in the hand.
    """

    def __init__(self, carried: Sequence[float], loaded: bool) -> None:
        self._carried = carried if loaded else _carried_n(None)
        self._moved = [self._carried[2] / GRAVITY_M_PER_S2] * 3 + [INERTIA_KG_M2] * 3

    def forces(
        self,
        position: Sequence[float],
        velocity: Sequence[float],
        acceleration: Sequence[float],
        state: Sequence[Sequence[float]],
    ) -> Sequence[float]:
        """Return joint forces for a wanted state; ``state`` is the measured one."""
        wanted = tracking(BANDWIDTH_RAD_PER_S, position, velocity, acceleration, state)
        return [m * a + g for m, a, g in zip(self._moved, wanted, self._carried, strict=True)]


def _moves(leg: Leg) -> dict[str, Trapezoid]:
    """Return the profiles of a leg: the joints are the front's place, and move one by one."""
    along = (leg.axis.speed_m_per_s, leg.axis.acceleration_m_per_s2)
    bounds = [along] * 3 + [leg.turn] * 3
    return {
        axis: Trapezoid(by, *most)
        for axis, by, most in zip(AXES, leg.by, bounds, strict=True)
        if by != 0.0
    }


def _mass_kg(held_kg: float) -> float:
    return MASS_KG + SENSOR_MASS_KG + 3 * CARRIER_KG + held_kg


def _carried_n(part: Part | None) -> Six:
    """Return what holds the nominal weight of wrist and part, which hangs behind its front."""
    held, length = (part.mass_kg, part.length_m) if part else (0.0, 0.0)
    weight, moment = GRAVITY_M_PER_S2 * _mass_kg(held), GRAVITY_M_PER_S2 * held * length / 2
    return (0.0, 0.0, weight, 0.0, moment, 0.0)


def _hand() -> tuple[Link, ...]:
    slide, turn = Joint.PRISMATIC, Joint.REVOLUTE
    x, y, z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    small, large = (CARRIER_KG_M2,) * 3, (INERTIA_KG_M2,) * 3
    fingers = tuple(Box((0.02, 0.004, 0.006), Pose((-0.06, s * 0.014, 0.0))) for s in (1, -1))
    palm = Box((0.03, 0.04, 0.025), Pose((-0.11, 0.0, 0.0)))
    return (
        Link("x", "", slide, CARRIER_KG, x, small),
        Link("y", "x", slide, CARRIER_KG, y, small),
        Link("z", "y", slide, CARRIER_KG, z, small),
        Link("yaw", "z", turn, CARRIER_KG, z, small),
        Link("pitch", "yaw", turn, CARRIER_KG, y, small),
        Link("roll", "pitch", turn, MASS_KG, x, large),
        Link("ft", "roll", Joint.FIXED, SENSOR_MASS_KG, x, small, visuals=(palm, *fingers)),
    )


def _held(held: Held) -> Link:
    """Return the part, its front where it truly is."""
    part, mass = held.part, held.mass_kg
    size = (part.length_m, part.width_m, part.height_m)
    return Link(
        PART, "ft", Joint.FIXED, mass, inertia_kg_m2=cuboid_inertia(mass, size),
        pose=held.grasp @ Pose((-part.length_m / 2, 0.0, 0.0)),
        boxes=(Box((size[0] / 2, size[1] / 2, size[2] / 2)),), colour=(0.2, 0.5, 0.35, 1.0),
    )  # fmt: skip
