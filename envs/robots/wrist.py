"""A virtual compliant wrist: a body that floats in the cell with an impedance and no arm behind it.

The light tier of stations where an arm plugs: same tasks, spaces and judge, without the physics of
seven axes. What it moves at the part's front is what an arm moves there: a hand whose mass hangs
behind and above it, and more along the axis. An arm's changes with its pose, and has other
couplings besides.
Joint positions are the front's place in the cell.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from configs.specs.station import Part
from envs.phases import Leg, Phase, Servo, Travel
from envs.physics.motion import Trapezoid
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2
from envs.robots.damping import modal_damping
from envs.robots.held import part_link
from envs.robots.six_axis import Drive, Held
from envs.robots.steering import STILL, Six, Steering
from envs.station import State

HAND_KG, BEHIND_M, ABOVE_M, ALONG_KG = 5.0, 0.26, 0.07, 6.0
"""Mass behind the part's front, how far behind and above, and more of it along the axis. Rounded
from what a Panda moves there at its work place (`Arm`: 10.9 kg along the axis, 4.3 and 5.7 kg
across, 0.30 and 0.50 kg·m² in yaw and pitch, 0.02 in roll). What is above makes a stop along the
axis pitch, by 0.35 kg·m here and 0.44 to 0.49 there."""
HAND_KG_M2 = (0.02, 0.06, 0.06)
"""About its own middle, along x, y, z; from the same."""
SENSOR_MASS_KG = 0.1  # assumed: beyond the sensor
CARRIER_KG, CARRIER_KG_M2 = 0.01, 1e-5  # of the links between, which are none: small
BANDWIDTH_RAD_PER_S = 30.0  # assumed, as the gantry's

AXES = ("x", "y", "z", "yaw", "pitch", "roll")
MOVING = (0, 1, 2, 3, 4, 5)
PAIRED = (0, 3, 4, 1, 2, 5)
"""By axis, the one that a mass behind the front couples it with."""
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
        self.body = Body(Pose(), (*_hand(), part_link(held.part, held.mass_kg, "ft", held.grasp)))
        self._steering, self._model = steering, _Model(held.part)
        self._mouth: Six = (*mouth.position, 0.0, 0.0, 0.0)
        x, y, z, roll, pitch, yaw = drive.stiffness  # turns about x, y, z
        nominal = (x, y, z, yaw, pitch, roll)
        self._k = [drive.gain_factor * k for k in nominal]
        damping = drive.damping_factor * modal_damping(
            np.diag(nominal), self._model.mass_matrix(STILL), drive.damping_ratio
        )
        self._d = np.diag(damping).tolist()
        self._d_across = [0.0 if i == j else float(damping[i, j]) for i, j in enumerate(PAIRED)]
        self._limit = [k * lead for k, lead in zip(self._k, steering.leads, strict=True)]
        self._carried = self._model.carried_n()

    def travel(self, loaded: bool) -> Travel:
        """Return the wrist on its way."""
        if loaded:
            return Travel(self.body, AXES, (), Servo(self._model, BANDWIDTH_RAD_PER_S))
        return Travel(Body(Pose(), _hand()), AXES, (), Servo(_Model(None), BANDWIDTH_RAD_PER_S))

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
        part is clamped to stiffness x lead, whatever the policy asks for. D is modal, and couples
        what the hand's mass couples: a move aside with yaw, a rise with pitch.
        """
        wanted = self._steering.velocity
        forces = []
        for i, (k, d, across, most, t, o, g) in enumerate(
            zip(
                self._k, self._d, self._d_across, self._limit, self._steering.at(share),
                self._mouth, self._carried, strict=True,
            )
        ):  # fmt: skip
            q, v, pair = state[i][0], state[i][1], PAIRED[i]
            drive = k * (t + o - q) + d * wanted[i] + across * wanted[pair]
            drive = most if drive > most else -most if drive < -most else drive
            forces.append(drive - d * v - across * state[pair][1] + g)
        return forces

    def front(self, state: State) -> tuple[list[float], list[float]]:
        """Return the believed front (m, rad) in the observed frame, and its speed (m/s, rad/s)."""
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


class _Model:
    """What the wrist knows of its own dynamics, at pitch and roll 0.

    Args:
        part: in its hand, None for an empty one.
    """

    def __init__(self, part: Part | None) -> None:
        held, length, width, height = (
            (part.mass_kg, part.length_m, part.width_m, part.height_m) if part else (0.0,) * 4
        )
        roll, pitch, yaw = map(
            operator.add, HAND_KG_M2, cuboid_inertia(held, (length, width, height))
        )
        behind = HAND_KG * BEHIND_M**2 + held * (length / 2) ** 2
        above = HAND_KG * ABOVE_M**2
        self.mass_kg = HAND_KG + SENSOR_MASS_KG + 3 * CARRIER_KG + held
        self.moment_kg_m = HAND_KG * BEHIND_M + held * length / 2
        self.turned = yaw + behind, pitch + behind + above, roll

    def mass_matrix(self, joints: Sequence[float]) -> NDArray[np.float64]:
        """Return the mass matrix (kg, kg·m, kg·m²) at joint positions (m, rad). # (6, 6)."""
        (yaw, pitch, roll), at = self.turned, joints[3]
        found = np.diag([self.mass_kg + ALONG_KG, self.mass_kg, self.mass_kg, yaw, pitch, roll])
        found[0, 3] = found[3, 0] = self.moment_kg_m * math.sin(at)
        found[1, 3] = found[3, 1] = -self.moment_kg_m * math.cos(at)
        found[2, 4] = found[4, 2] = self.moment_kg_m
        found[0, 4] = found[4, 0] = HAND_KG * ABOVE_M * math.cos(at)
        found[1, 4] = found[4, 1] = HAND_KG * ABOVE_M * math.sin(at)
        return found

    def bias(self, joints: Sequence[float], rates: Sequence[float]) -> NDArray[np.float64]:
        """Return what holds the weight, and the mass behind on its circle (N, N·m). # (6,)."""
        pull, yaw = self.moment_kg_m * rates[3] * rates[3], joints[3]
        found = np.array(self.carried_n())
        found[:2] += pull * math.cos(yaw), pull * math.sin(yaw)
        return found

    def carried_n(self) -> Six:
        """Return what holds the weight of wrist and part, which hangs behind the front. # (6,)."""
        moment = GRAVITY_M_PER_S2 * self.moment_kg_m
        return (0.0, 0.0, GRAVITY_M_PER_S2 * self.mass_kg, 0.0, moment, 0.0)


def _moves(leg: Leg) -> dict[str, Trapezoid]:
    """Return the profiles of a leg: the joints are the front's place, and move one by one."""
    along = (leg.axis.speed_m_per_s, leg.axis.acceleration_m_per_s2)
    bounds = [along] * 3 + [leg.turn] * 3
    return {
        axis: Trapezoid(by, *most)
        for axis, by, most in zip(AXES, leg.by, bounds, strict=True)
        if by != 0.0
    }


def _hand() -> tuple[Link, ...]:
    slide, turn = Joint.PRISMATIC, Joint.REVOLUTE
    x, y, z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
    small = (CARRIER_KG_M2,) * 3
    fingers = tuple(Box((0.02, 0.004, 0.006), Pose((-0.06, s * 0.014, 0.0))) for s in (1, -1))
    hand = Pose((-BEHIND_M, 0.0, ABOVE_M))  # it does not roll, so that rolling moves nothing aside
    palm = Box((0.03, 0.04, 0.025), Pose((-0.11, 0.0, 0.0)))
    return (
        Link("x", "", slide, ALONG_KG, x, small),
        Link("y", "x", slide, CARRIER_KG, y, small),
        Link("z", "y", slide, CARRIER_KG, z, small),
        Link("yaw", "z", turn, CARRIER_KG, z, small),
        Link("pitch", "yaw", turn, HAND_KG, y, (small[0], *HAND_KG_M2[1:]), inertial=hand),
        Link("roll", "pitch", turn, CARRIER_KG, x, (HAND_KG_M2[0], *small[1:])),
        Link("ft", "roll", Joint.FIXED, SENSOR_MASS_KG, x, small, visuals=(palm, *fingers)),
    )
