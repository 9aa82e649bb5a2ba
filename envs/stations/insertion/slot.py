"""What stands at an insertion station: the slot, the rack around it, the cart; all boxes."""

from __future__ import annotations

from configs.specs.insertion import InsertionSetting, Motion
from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.physics.shapes import MOST_BOXES, Body, Box, Joint, Link
from envs.selftest import BLOCK_HALF_M, Press
from envs.stations.lead_in import lead_in

MOUNT, LEFT, RIGHT, SHELF, TOP = range(5)
SENSED = (LEFT, RIGHT, SHELF, TOP)

WALL_M = 0.01  # half thickness of guides and shelves, assumed
POST_M, POST_HIGH_M = 0.06, 0.07  # half sizes of the rack posts at the mouth, assumed
_CART_MARGIN_M = 0.04  # assumed: the cart's top against the part on it
_CART_TOP_M = 0.02  # half thickness of the cart's top and half width of its legs, assumed
MOUTH = Pose((1.0, 0.0, 1.0))
"""Where the robot believes the mouth to be, in the cell; the origin of the observed frame."""


def slot_body(part: Part, setting: InsertionSetting, dock: Pose) -> Body:
    """Return the slot: guides, shelf, top, chamfered lead-in, posts and end stop, all boxes.

    The slot frame has its origin in the mouth plane, at the centre of a part that lies on the
    shelf in the middle of the slot; x points into the rack, z up. Guides, shelf and top hang on
    one mount by a sensed joint each, so that opposite forces of a wedged part do not cancel in
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
    lip = setting.lead_in_depth_m, setting.lead_in_opening_m, WALL_M
    shelf = (
        Box(
            (length / 2, deck_y, WALL_M),
            Pose((length / 2 + setting.lead_in_depth_m, 0.0, floor - WALL_M)),
        ),
        lead_in("z", floor, deck_y, *lip),
        Box((WALL_M, deck_y, 1.5 * part.height_m), Pose((length + WALL_M, 0.0, 0.0))),
    )
    top = (
        Box(
            (length / 2, deck_y, WALL_M),
            Pose((length / 2 + setting.lead_in_depth_m, 0.0, ceiling + WALL_M)),
        ),
        lead_in("z", ceiling, deck_y, *lip),
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
    """Return what is only looked at: rack frame, parts already in place below ``slot``, floor.

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


def _guide(sign: int, side: float, length: float, setting: InsertionSetting) -> tuple[Box, ...]:
    """Return side guide, lead-in and post on one side of the mouth (sign +1: positive y)."""
    depth, opening = setting.lead_in_depth_m, setting.lead_in_opening_m
    height = 0.03  # assumed: higher than any front is lifted
    guide = Box(
        (length / 2, WALL_M, height), Pose((length / 2 + depth, sign * (side + WALL_M), 0.0))
    )
    post_y = side + opening + POST_M
    post = Box((WALL_M, POST_M, POST_HIGH_M), Pose((WALL_M, sign * post_y, 0.0)))
    return (guide, lead_in("y", sign * side, height, depth, opening, WALL_M), post)


def roomy(part: Part, setting: InsertionSetting) -> Part:
    """Return a part whose slot has room for the self-test's block on every face: larger if need be.

    The slot of a thin part would hold the block between faces, and none of them would read its
    load; how faces hang on their sensors does not depend on how far apart they are.
    """
    room = 4 * BLOCK_HALF_M
    least = {
        "width_m": room,
        "height_m": room,
        "length_m": room + 2 * setting.lead_in_depth_m,
    }
    return part.model_copy(update={key: max(m, getattr(part, key)) for key, m in least.items()})


def presses(part: Part) -> tuple[Press, ...]:
    """Return where the force self-test presses on a slot: every face that a part can touch."""
    off = BLOCK_HALF_M + 1e-3  # clear of a slot that is too narrow, too
    middle, side, height = part.length_m / 2, part.width_m / 2 - off, part.height_m / 2 - off
    return (
        Press("shelf", (0.0, 0.0, -1.0), SHELF, (middle, 0.0, -height)),
        Press("top", (0.0, 0.0, 1.0), TOP, (middle, 0.0, height)),
        Press("left guide", (0.0, 1.0, 0.0), LEFT, (middle, side, 0.0)),
        Press("right guide", (0.0, -1.0, 0.0), RIGHT, (middle, -side, 0.0)),
        Press("stop", (1.0, 0.0, 0.0), SHELF, (part.length_m - off, 0.0, 0.0)),
    )


def cart(part: Part, standing: Pose, floor_z: float) -> Body:
    """Return the cart under a part: a top on four legs, in the frame of the standing part.

    Args:
        part: what stands on it.
        standing: centre of the part as it stands.
        floor_z: height of the floor.
    """
    half = [0.5 * part.length_m + _CART_MARGIN_M, 0.5 * part.width_m + _CART_MARGIN_M]
    under, thick = -0.5 * part.height_m, _CART_TOP_M
    leg = 0.5 * (standing.position[2] + under - 2 * thick - floor_z)
    top = Box((half[0], half[1], thick), Pose((0.0, 0.0, under - thick)))
    legs = (
        Box(
            (thick, thick, leg),
            Pose((a * (half[0] - thick), b * (half[1] - thick), under - 2 * thick - leg)),
        )
        for a in (-1, 1)
        for b in (-1, 1)
    )
    colour = (0.42, 0.44, 0.48, 1.0)
    return Body(
        standing, (Link("cart", "", Joint.FIXED, 0.0, visuals=(top, *legs), colour=colour),)
    )
