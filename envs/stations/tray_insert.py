"""TrayInsert: the slot that stands there, what varies at which level, and the judge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from configs.specs.station import Levers, Motion, Part, Sensors, Setting, StationSpec
from envs.outcome import TrueState
from envs.physics.pose import Pose, about_axis
from envs.physics.shapes import MOST_BOXES, Body, Box, Joint, Link
from envs.robots.gantry import Grasp

MOUNT, LEFT, RIGHT, SHELF, TOP = range(5)
SENSED = (LEFT, RIGHT, SHELF, TOP)

WALL_M = 0.01  # half thickness of guides and shelves, assumed
POST_M = 0.06  # half width of the rack posts beside the mouth, assumed
MOUTH = Pose((1.0, 0.0, 1.0))
"""Where the robot believes the mouth to be, in the cell; the origin of the observed frame."""


@dataclass(frozen=True)
class Visit:
    """What one docking of a rack fixes: where its slots truly are, and its friction lot."""

    dock: Pose
    friction: float


@dataclass(frozen=True)
class PartDraw:
    """What one part fixes: its mass, its seat in the hand, the drives' gains while handling it."""

    mass_kg: float
    grasp: Grasp
    gain_factor: float
    damping_factor: float


def draw_visit(setting: Setting, rng: np.random.Generator) -> Visit:
    """Draw the visit level: dock error (uniform) and friction (uniform)."""
    e = setting.dock
    x, y, z, yaw = rng.uniform(-1.0, 1.0, 4) * (e.axial_m, e.lateral_m, e.height_m, e.yaw_rad)
    error = Pose.planar(float(x), float(y), float(z), float(yaw))
    return Visit(MOUTH @ error, float(rng.uniform(*setting.friction)))


def draw_part(part: Part, setting: Setting, rng: np.random.Generator) -> PartDraw:
    """Draw the part level: mass, grasp and gain factors, all uniform."""
    e = setting.grasp
    x, y, yaw = rng.uniform(-1.0, 1.0, 3) * (e.axial_m, e.lateral_m, e.yaw_rad)
    mass, gain, damping = (
        float(rng.uniform(*bounds))
        for bounds in (setting.mass_factor, setting.gain_factor, setting.damping_factor)
    )
    return PartDraw(part.mass_kg * mass, Grasp(float(x), float(y), float(yaw)), gain, damping)


def slot_body(part: Part, setting: Setting, dock: Pose) -> Body:
    """Return the slot: guides, shelf, top, chamfered lead-in, posts and end stop, all boxes.

    The slot frame has its origin in the mouth plane, at the centre of a tray that lies on the
    shelf in the middle of the slot; x points into the rack, z up. Guides, shelf and top hang on
    one mount by a sensed joint each, so that opposite forces of a wedged tray do not cancel in
    what the judge reads. The mount has no mass, which keeps it where it is, and the links on it
    have some, without which a sensor reads zero.
    """
    side = part.width_m / 2 + setting.clearance_m
    floor, ceiling = -part.height_m / 2, part.height_m / 2 + 2 * setting.clearance_m
    length = part.length_m
    guides = [
        Link(
            name, "mount", Joint.FIXED, 50.0,
            boxes=_guide(sign, side, length, setting), colour=(0.85, 0.62, 0.25, 1.0),
        )
        for name, sign in (("left", 1), ("right", -1))
    ]  # fmt: skip
    deck_y = side + 2 * WALL_M
    lip = _chamfer_size(setting)
    shelf = (
        Box(
            (length / 2, deck_y, WALL_M),
            Pose((length / 2 + setting.lead_in_depth_m, 0.0, floor - WALL_M)),
        ),
        _lip(-1, floor, deck_y, lip, setting),
        Box((WALL_M, deck_y, 1.5 * part.height_m), Pose((length + WALL_M, 0.0, 0.0))),
    )
    top = (
        Box(
            (length / 2, deck_y, WALL_M),
            Pose((length / 2 + setting.lead_in_depth_m, 0.0, ceiling + WALL_M)),
        ),
        _lip(1, ceiling, deck_y, lip, setting),
    )
    return Body(
        dock,
        (
            Link("mount", "", Joint.FIXED, 0.0),
            *guides,
            Link("shelf", "mount", Joint.FIXED, 50.0, boxes=shelf, colour=(0.55, 0.56, 0.6, 1.0)),
            Link("top", "mount", Joint.FIXED, 50.0, boxes=top, colour=(0.55, 0.56, 0.6, 1.0)),
        ),
    )


def scenery(part: Part, dock: Pose, motion: Motion, slot: int) -> Body:
    """Return what is only looked at: rack frame, trays already in place below ``slot``, floor.

    The frame has the outer size of an Open Rack v3 [S, Meta ORv3 slides]: 2286 x 600 x 1098 mm.
    """
    height, width, depth = 2.286, 0.600, 1.098
    floor_z = -slot_height_m(motion, slot)
    column = (0.03, 0.03, height / 2)
    frame = tuple(
        Box(column, Pose((x, sign * (width / 2 - 0.03), floor_z + height / 2)))
        for x in (0.03, depth - 0.03)
        for sign in (1, -1)
    )
    lids = tuple(
        Box((depth / 2, width / 2, 0.02), Pose((depth / 2, 0.0, floor_z + z)))
        for z in (0.06, height - 0.02)
    )
    trays = tuple(
        Box(
            (part.length_m / 2, part.width_m / 2, part.height_m / 2 - 0.004),
            Pose((part.length_m / 2 + 0.02, 0.0, -k * motion.slot_pitch_m - 0.02)),
        )
        for k in range(1, slot + 1)
    )
    ground = (Box((3.0, 2.5, 0.01), Pose((-0.4, 0.0, floor_z - 0.01))),)
    stacks = [trays[i : i + MOST_BOXES] for i in range(0, slot, MOST_BOXES)]
    parts = (("rack", frame + lids, (0.16, 0.17, 0.19, 1.0)),
             *((f"trays {i}", stack, (0.36, 0.52, 0.68, 1.0)) for i, stack in enumerate(stacks)),
             ("floor", ground, (0.93, 0.93, 0.91, 1.0)))  # fmt: skip
    return Body(
        dock,
        tuple(
            Link(name, "", Joint.FIXED, 0.0, visuals=boxes, colour=colour)
            for name, boxes, colour in parts
        ),
    )


def slot_height_m(motion: Motion, slot: int) -> float:
    """Return the height of a slot (0 = lowest) above the floor."""
    return motion.first_slot_height_m + slot * motion.slot_pitch_m


def _chamfer_size(setting: Setting) -> tuple[float, float]:
    """Return half length and angle of the lead-in plates."""
    depth, opening = setting.lead_in_depth_m, setting.lead_in_opening_m
    return math.hypot(depth, opening) / 2, math.atan2(opening, depth)


def _guide(sign: int, side: float, length: float, setting: Setting) -> tuple[Box, ...]:
    """Return side guide, chamfer and post on one side of the mouth (sign +1: positive y)."""
    half_length, angle = _chamfer_size(setting)
    depth, opening = setting.lead_in_depth_m, setting.lead_in_opening_m
    height = 0.03
    # The plate's inner face runs from (0, side + opening) to (depth, side).
    middle = (depth / 2, side + opening / 2)
    outward = (math.sin(angle), math.cos(angle))
    plate = Box(
        (half_length, WALL_M / 2, height),
        Pose(
            (
                middle[0] + outward[0] * WALL_M / 2,
                sign * (middle[1] + outward[1] * WALL_M / 2),
                0.0,
            ),
            about_axis((0.0, 0.0, 1.0), -sign * angle),
        ),
    )
    guide = Box(
        (length / 2, WALL_M, height), Pose((length / 2 + depth, sign * (side + WALL_M), 0.0))
    )
    post_y = side + opening + POST_M
    post = Box((WALL_M, POST_M, 0.07), Pose((WALL_M, sign * post_y, 0.0)))
    return (guide, plate, post)


def _lip(sign: int, face: float, deck_y: float, size: tuple[float, float], setting: Setting) -> Box:
    """Return the chamfer of shelf (sign -1) or top (+1)."""
    half_length, angle = size
    depth, opening = setting.lead_in_depth_m, setting.lead_in_opening_m
    x = depth / 2 + math.sin(angle) * WALL_M / 2
    z = face + sign * (opening / 2 + math.cos(angle) * WALL_M / 2)
    return Box(
        (half_length, deck_y, WALL_M / 2),
        Pose((x, 0.0, z), about_axis((0.0, 1.0, 0.0), sign * angle)),
    )


def side_force_n(f: list[float], weight_n: float) -> float:
    """Return the judged lateral force (N) of windowed contact forces on the fixture.

    The largest sideways force on any one of guides, shelf and top (a wedged tray pushes two of
    them apart with no net force), joined with the largest vertical one; on the shelf only what
    exceeds the part's own weight counts, since a tray lying as designed damages nothing.

    Args:
        f: force on left guide, right guide, shelf and top, (x, y, z) each. # (12,)
        weight_n: true weight of the part.
    """
    sideways = max(abs(f[1]), abs(f[4]), abs(f[7]), abs(f[10]))
    vertical = max(abs(f[2]), abs(f[5]), abs(f[11]), f[8], -f[8] - weight_n)
    return math.hypot(sideways, vertical)


def axial_force_n(f: list[float]) -> float:
    """Return the judged axial force (N) of windowed contact forces ``f`` on the fixture, (12,)."""
    return abs(f[0] + f[3] + f[6] + f[9])


@dataclass(frozen=True)
class Seat:
    """Where the part truly is, at its front edge in the slot frame.

    Attributes:
        depth_m: front edge behind the mouth plane.
        lateral_m: front edge sideways of the slot axis.
        height_m: front edge above where it lies on the shelf.
        yaw_rad: heading against the slot axis.
        rear_lateral_m: rear edge sideways of the slot axis.
    """

    depth_m: float
    lateral_m: float
    height_m: float
    yaw_rad: float
    rear_lateral_m: float


def seat_of(slot: Pose, part_centre: Pose, length_m: float) -> Seat:
    """Return the true seat from the world poses of slot frame and part centre."""
    relative = slot.inverse() @ part_centre
    front = relative.apply((length_m / 2, 0.0, 0.0))
    rear = relative.apply((-length_m / 2, 0.0, 0.0))
    return Seat(front[0], front[1], front[2], relative.yaw_rad, rear[1])


def in_mouth(seat: Seat, setting: Setting, margin_m: float = 0.0005) -> bool:
    """Tell whether the front edge is within the slot's section; only there does depth count."""
    across = setting.clearance_m + margin_m
    return abs(seat.lateral_m) <= across and -margin_m <= seat.height_m <= 2 * across


def close_levers(seat: Seat, part: Part, setting: Setting, levers: Levers) -> float:
    """Return how far short of full mate the levers leave the part (m).

    Within the capture zone (lateral and yaw tolerance, last `travel_m` of depth) it is drawn
    home: 0. Beyond, it stops short by `short_per_error_m` per unit of error beyond the zone,
    at most where it is or where open levers hold it; a part outside the slot's section, or out
    of the levers' reach, stays there, and so does one behind the end stop, where only broken
    physics can have put it. The mating force acts at the handle and is no contact.
    """
    missing = part.length_m - seat.depth_m
    unmoved = max(missing, levers.travel_m)
    if not in_mouth(seat, setting) or abs(missing) > 2 * levers.travel_m:
        return unmoved
    error = max(
        abs(seat.lateral_m) / levers.lateral_tolerance_m,
        abs(seat.rear_lateral_m) / levers.lateral_tolerance_m,
        abs(seat.yaw_rad) / levers.yaw_tolerance_rad,
        abs(missing) / levers.travel_m,
    )
    return min(unmoved, max(0.0, error - 1.0) * levers.short_per_error_m)


def true_state(seat: Seat, setting: Setting, short_m: float, tolerance_m: float) -> TrueState:
    """Return where the part truly ended, damage aside."""
    if seat.depth_m > 0.01 and not in_mouth(seat, setting):
        return TrueState.WRONG
    return TrueState.SEATED if short_m <= tolerance_m else TrueState.SHORT


def cell_sensors(
    short_m: float, sensors: Sensors, levers: Levers, rng: np.random.Generator
) -> bool:
    """Return whether lever switch and presence switch both say "in".

    The lever switch closes within the levers' travel. The presence switch has a threshold drawn
    per part; it misses a short part, and alarms on a seated one, at the stated rates.
    """
    threshold = rng.normal(sensors.presence_threshold_m, sensors.presence_threshold_sd_m)
    chance = rng.uniform()
    lever_closed = short_m < levers.travel_m
    if short_m < threshold:
        present = bool(chance >= sensors.false_alarm_rate)
    else:
        present = bool(chance < sensors.miss_rate)
    return lever_closed and present


def part_in_slot(spec: StationSpec, slot: int) -> tuple[str, Part]:
    """Return name and data of the part that goes into ``slot`` (0 = lowest)."""
    name = spec.slots[slot % len(spec.slots)]
    return name, spec.parts[name]
