"""What stands at a plugging station: the panel with its open ports, the fixture; all boxes.

A port's frame has its origin in the mouth plane, in the middle of the port; x points into the
panel, z up. Walls, panel and contacts hang on one mount by a sensed joint each, so that opposite
forces of a wedged connector do not cancel in what the judge reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from configs.specs.plug import Connector, Latch
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Joint, Link
from envs.selftest import BLOCK_HALF_M, Press
from envs.station import Brake
from envs.stations.lead_in import Axis, lead_in

MOUNT, LEFT, RIGHT, BOTTOM, TOP, PANEL, SLIDER, CONTACTS = range(8)
SENSED = (LEFT, RIGHT, BOTTOM, TOP, PANEL, CONTACTS)

MOUTH = Pose((0.5, 0.0, 0.4))
"""Where the robot believes the mouth to be, in the cell; the origin of the observed frame."""
PANEL_HALF_M = (0.08, 0.06)  # assumed: large enough that nothing goes round it ...
PANEL_EDGE_M = 0.02  # ... with this much beyond the ports where they need more
RELIEF_M = 5e-5
"""Walls stand back behind the throat by this, as in punched cages (assumed): contact is soft, and a
corner that has sunk into the lead-in by some micrometres would catch their edges."""
STOP_N = 1e5
"""Holds contacts at their end: more than any hand pushes with."""
END_M, END_HALF_M = 0.0005, 0.005
"""A port's end, behind full depth (contacts that stop take a control period to do so), and half its
thickness (assumed)."""
SLIDER_KG, CONTACTS_KG = 0.3, 0.02
"""What the contacts move with; small beside the hand, and large enough not to creep (measured:
held at 20 N, the contacts read 20.00 N while they slide)."""
_WALLS: tuple[tuple[str, Axis, int], ...] = (
    ("left", "y", 1), ("right", "y", -1), ("bottom", "z", -1), ("top", "z", 1),
)  # fmt: skip
_METAL, _DARK = (0.72, 0.73, 0.76, 1.0), (0.25, 0.26, 0.3, 1.0)


def port_body(
    part: Connector, clearance_m: float, base: Pose, centres: Sequence[float] = (0.0,)
) -> Body:
    """Return a panel with open ports of one class; all others are taken or capped.

    Args:
        part: the class of connectors.
        clearance_m: of the port, a side.
        base: port frame of the first in the world.
        centres: lateral place of each open port in that frame, the first 0.
    """
    y, z = part.width_m / 2 + clearance_m, part.height_m / 2 + clearance_m  # of the throat
    walls = {
        name: tuple(box for centre in centres for box in _wall(part, y, z, centre, axis, sign))
        for name, axis, sign in _WALLS
    }
    fixed = (
        *(
            Link(name, "mount", Joint.FIXED, 50.0, boxes=boxes, colour=_METAL)
            for name, boxes in walls.items()
        ),
        Link("panel", "mount", Joint.FIXED, 50.0, boxes=_panel(part, y, z, centres), colour=_DARK),
    )
    # One slider serves every port: there is one connector, and it is in one of them.
    pads = tuple(
        Box((0.002, part.width_m / 4, part.height_m / 4),
            Pose((part.depth_m - part.wipe_m + 0.002, centre, 0.0)))
        for centre in centres
    )  # fmt: skip
    slider = Link("slider", "mount", Joint.PRISMATIC, SLIDER_KG, inertia_kg_m2=(1e-3,) * 3)
    contacts = Link(
        "contacts", "slider", Joint.FIXED, CONTACTS_KG, inertia_kg_m2=(1e-5,) * 3, boxes=pads,
        colour=(0.85, 0.7, 0.3, 1.0),
    )  # fmt: skip
    return Body(base, (Link("mount", "", Joint.FIXED, 0.0), *fixed, slider, contacts))


def mating(part: Connector, latch: Latch, factor: float) -> Brake:
    """Return what the contacts are held with: they rub, the latch rises, snaps, and they stop.

    Args:
        part: the class of connectors.
        latch: where it snaps.
        factor: what this one takes, over what its class takes at most.
    """
    rub, most = factor * part.mating_n, factor * part.latch_n
    snap = part.wipe_m - latch.overtravel_m
    return Brake(
        SLIDER,
        (
            (0.0, rub),
            (snap - latch.rise_m, most),
            (snap, latch.home_share * most),
            (part.wipe_m, STOP_N),
        ),
    )


def presses(part: Connector, clearance_m: float) -> tuple[Body, tuple[Press, ...]]:
    """Return a port wide enough for the self-test's block, built as every port, and its faces."""
    wide = part.model_copy(
        update={"width_m": 0.06, "height_m": 0.06, "port_pitch_m": 0.1, "depth_m": 0.05}
    )
    off = BLOCK_HALF_M + 1e-3  # clear of a face that is not where it should be, too
    middle, side, end = wide.depth_m / 2, 0.03 - off, wide.depth_m + END_M - off
    faces = (
        Press("left wall", (0.0, 1.0, 0.0), LEFT, (middle, side, 0.0)),
        Press("right wall", (0.0, -1.0, 0.0), RIGHT, (middle, -side, 0.0)),
        Press("bottom wall", (0.0, 0.0, -1.0), BOTTOM, (middle, 0.0, -side)),
        Press("top wall", (0.0, 0.0, 1.0), TOP, (middle, 0.0, side)),
        Press("end stop", (1.0, 0.0, 0.0), PANEL, (end, 0.025 - BLOCK_HALF_M, 0.0)),
        Press("panel", (1.0, 0.0, 0.0), PANEL, (-off, 0.055, 0.0)),
    )
    return port_body(wide, clearance_m, MOUTH), faces


def _wall(
    part: Connector, y: float, z: float, centre: float, axis: Axis, sign: int
) -> tuple[Box, Box]:
    """Return one wall of a port and its lead-in; ``sign`` +1 is left or top."""
    depth, opening = part.lead_in_depth_m, part.lead_in_opening_m
    inner, across = (y, z + opening) if axis == "y" else (z, y + opening)
    thick = min(0.001, (part.port_pitch_m / 2 - y) / 2)  # half: what is between two ports
    half_length = (part.depth_m + END_M - depth) / 2
    along, off = depth + half_length, sign * (inner + RELIEF_M + thick)
    if axis == "y":
        wall = Box((half_length, thick, across), Pose((along, off, 0.0)))
    else:
        wall = Box((half_length, across, thick), Pose((along, 0.0, off)))
    plate = lead_in(axis, sign * inner, across, depth, opening, opening)
    first, second = (
        replace(box, pose=Pose((0.0, centre, 0.0)) @ box.pose) for box in (wall, plate)
    )
    return first, second


def _panel(part: Connector, y: float, z: float, centres: Sequence[float]) -> tuple[Box, ...]:
    """Return the panel's front around the mouths, and the ends of the ports."""
    thick = part.lead_in_opening_m
    oy, oz = y + part.lead_in_opening_m, z + part.lead_in_opening_m
    wide = max(PANEL_HALF_M[0], max(map(abs, centres)) + oy + PANEL_EDGE_M)
    high = max(PANEL_HALF_M[1], oz + PANEL_EDGE_M)
    edges = [-wide]
    for centre in sorted(centres):
        edges += [centre - oy, centre + oy]
    edges.append(wide)
    posts = [
        Box((thick, (b - a) / 2, high), Pose((thick, (a + b) / 2, 0.0)))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    lids = [
        Box((thick, oy, (high - oz) / 2), Pose((thick, centre, sign * (high + oz) / 2)))
        for centre in centres
        for sign in (1, -1)
    ]
    end = part.depth_m + END_M + END_HALF_M
    ends = [Box((END_HALF_M, y, z), Pose((end, centre, 0.0))) for centre in centres]
    return (*posts, *lids, *ends)


def scenery() -> Body:
    """Return what is only looked at: the rack behind the panel."""
    frame = tuple(Box((0.4, 0.02, 0.3), Pose((0.42, sign * 0.28, 0.0))) for sign in (1, -1))
    link = Link("rack", "", Joint.FIXED, 0.0, visuals=frame, colour=(0.16, 0.17, 0.19, 1.0))
    return Body(MOUTH, (link,))


def hanger(part: Connector, standing: Pose) -> Body:
    """Return the fixture under a connector: a fork on a post, in the frame of what hangs there."""
    under = -part.height_m / 2
    fork = Box((0.01, part.width_m / 2 + 0.004, 0.002), Pose((-0.015, 0.0, under - 0.002)))
    post = Box((0.006, 0.006, 0.1), Pose((-0.015, 0.0, under - 0.104)))
    colour = (0.42, 0.44, 0.48, 1.0)
    return Body(
        standing, (Link("hanger", "", Joint.FIXED, 0.0, visuals=(fork, post), colour=colour),)
    )
