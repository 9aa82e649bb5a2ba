"""The force self-test: a known load on the fixture must be read, or nothing may be reported."""

from __future__ import annotations

from configs.errors import PhysicsError
from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.physics.shapes import Body, Box, Contact, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.stations import tray_insert as scene

TOLERANCE = 0.01
"""Share of the load by which a reading may be off."""
_SECONDS, _MASS_KG = 1.0, 10.0


def check_force_reading(
    world: World, fixture: Body, part: Part, contact: Contact, rate_hz: float
) -> None:
    """Press a free block onto shelf, left guide and end stop in turn, and compare the readings.

    PyBullet's fixed-joint sensor reads zero for contact with static bodies (3.2.7); the fixture
    hangs on a mount without mass for that reason, and this proves that it works here.

    Raises:
        PhysicsError: a reading is off by more than 1 % of the load.
    """
    load = _MASS_KG * GRAVITY_M_PER_S2
    for direction, name in (((0, 0, -1), "shelf"), ((0, 1, 0), "left guide"), ((1, 0, 0), "stop")):
        read = _reading(world, fixture, part, contact, rate_hz, direction)
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
) -> float:
    world.clear(rate_hz, 50)
    slot = world.add(fixture, contact)
    for joint in scene.SENSED:
        world.sense(slot, joint)
    block = world.add(_sliding_block(fixture.base, part, direction), contact)
    for gravity, place in ((0.0, True), (GRAVITY_M_PER_S2, False)):
        if place:
            world.place(block, (0.0,))
        x, y, z = direction
        world.set_gravity((gravity * x, gravity * y, gravity * z))
        for _ in range(round(_SECONDS * rate_hz)):
            world.step()
    weights = sum(link.mass_kg for link in fixture.links[1:]) * GRAVITY_M_PER_S2
    total = [0.0, 0.0, 0.0]
    for state in world.joints(slot, scene.SENSED):
        total = [a + b for a, b in zip(total, state[2][:3], strict=True)]
    along = sum(a * d for a, d in zip(total, direction, strict=True))
    return -along - weights


def _sliding_block(base: Pose, part: Part, direction: tuple[int, int, int]) -> Body:
    """Return a small block on a free slider along ``direction``, just off what it will press."""
    half = 0.02
    off = 1e-4
    x = part.length_m - half - off if direction[0] else part.length_m / 2
    y = part.width_m / 2 - half if direction[1] else 0.0
    z = -part.height_m / 2 + half + off if direction[2] else 0.0
    size = (2 * half,) * 3
    axis = (float(direction[0]), float(direction[1]), float(direction[2]))
    link = Link(
        "block", "", Joint.PRISMATIC, _MASS_KG, axis, cuboid_inertia(_MASS_KG, size),
        boxes=(Box((half, half, half)),),
    )  # fmt: skip
    return Body(base @ Pose((x, y, z)), (link,))
