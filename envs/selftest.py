"""The force self-test: a known load on the fixture must be read, or nothing may be reported."""

from __future__ import annotations

from collections.abc import Sequence

from configs.errors import PhysicsError
from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Contact, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.stations import tray_insert as scene

TOLERANCE = 0.01
"""Share of the load by which a reading may be off."""
_MASS_KG = 10.0
_SECONDS = 0.6  # from 1 to 3 mm off to rest; 2e5 to 8e6 N/m read within 1e-6 N
_HALF_M = 0.01  # half the edge of the block that presses
_PRESSED = (
    ((0, 0, -1), "shelf", scene.SHELF),
    ((0, 0, 1), "top", scene.TOP),
    ((0, 1, 0), "left guide", scene.LEFT),
    ((0, -1, 0), "right guide", scene.RIGHT),
    ((1, 0, 0), "stop", scene.SHELF),
)
"""Where gravity points, what the block then lies on, and the sensed joint that carries it."""


def check_force_reading(
    world: World, fixture: Body, part: Part, contact: Contact, rate_hz: float
) -> None:
    """Press a free block onto shelf, top, both guides and end stop in turn; compare the readings.

    PyBullet's fixed-joint sensor reads zero for contact with static bodies (3.2.7); the fixture
    hangs on a mount without mass for that reason, and this proves that it works here. Each face
    is read at its own joint, as the judge reads it.

    Raises:
        PhysicsError: a reading is off by more than 1 % of the load.
    """
    load = _MASS_KG * GRAVITY_M_PER_S2
    for direction, name, joint in _PRESSED:
        read = _reading(world, fixture, part, contact, rate_hz, direction, joint)
        if abs(read - load) > TOLERANCE * load:
            raise PhysicsError(
                f"force self-test: {load:.1f} N pressed on the {name} reads {read:.1f} N; "
                f"check the PyBullet version (3.2.7 is known to work) and the contact parameters"
            )


def _reading(
    world: World,
    fixture: Body,
    part: Part,
    contact: Contact,
    rate_hz: float,
    direction: tuple[int, int, int],
    joint: int,
) -> float:
    """Return what ``joint`` reads (N) along ``direction``, its link's own weight taken off."""
    world.clear(rate_hz, 50)
    slot = world.add(fixture, contact)
    world.sense(slot, joint)
    world.add(_sliding_block(fixture.base, part, direction), contact)
    x, y, z = (GRAVITY_M_PER_S2 * d for d in direction)
    world.set_gravity((x, y, z))
    for _ in range(round(_SECONDS * rate_hz)):
        world.step()
    force_n: Sequence[float] = world.wrench(slot, joint)[:3]
    along = sum(f * d for f, d in zip(force_n, direction, strict=True))
    return -along - fixture.links[joint].mass_kg * GRAVITY_M_PER_S2


def _sliding_block(base: Pose, part: Part, direction: tuple[int, int, int]) -> Body:
    """Return a small block on a free slider along ``direction``, just off what it will press."""
    off = 1e-3  # clear of a slot that is too narrow, too
    rim = _HALF_M + off
    x = part.length_m - rim if direction[0] else part.length_m / 2
    y = direction[1] * (part.width_m / 2 - rim)
    z = direction[2] * (part.height_m / 2 - rim)
    axis = (float(direction[0]), float(direction[1]), float(direction[2]))
    link = Link(
        "block", "", Joint.PRISMATIC, _MASS_KG, axis, cuboid_inertia(_MASS_KG, (2 * _HALF_M,) * 3),
        boxes=(Box((_HALF_M,) * 3),),
    )  # fmt: skip
    return Body(base @ Pose((x, y, z)), (link,))
