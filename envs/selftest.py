"""The force self-test: a known load on the fixture must be read, or nothing may be reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from configs.errors import PhysicsError
from envs.physics.pose import Pose, Vector
from envs.physics.shapes import Body, Box, Contact, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2, World

TOLERANCE = 0.01
"""Share of the load by which a reading may be off."""
BLOCK_HALF_M = 0.01
"""Half the edge of the block that presses."""
_MASS_KG = 10.0
_SECONDS = 0.6  # from 1 to 3 mm off to rest; 2e5 to 8e6 N/m read within 1e-6 N


@dataclass(frozen=True)
class Press:
    """One face of a fixture to press on.

    Attributes:
        face: what the block comes to lie on, for messages.
        direction: unit vector along an axis of the fixture: where gravity points.
        joint: sensed joint that carries the face.
        block: centre of the block in the fixture's frame, just off the face.
    """

    face: str
    direction: Vector
    joint: int
    block: Vector


def check_force_reading(
    world: World,
    fixture: Body,
    presses: Sequence[Press],
    contact: Contact,
    clear: Callable[[], None],
    rate_hz: float,
    limit_m: float,
) -> None:
    """Press a free block onto each face in turn, and compare the readings.

    PyBullet's fixed-joint sensor reads zero for contact with static bodies (3.2.7); fixtures
    hang on a mount without mass for that reason, and this proves that it works here. Each face
    is read at its own joint, as the judge reads it.

    Args:
        world: to try it in.
        fixture: with the faces.
        presses: on each face.
        contact: of fixture and block.
        clear: empties the world for the station's solver and rate.
        rate_hz: of physics.
        limit_m: deepest that the block may sink.

    Raises:
        PhysicsError: a reading is off by more than 1 % of the load, or the block sinks deeper than
            bodies may at this station.
    """
    load = _MASS_KG * GRAVITY_M_PER_S2
    for press in presses:
        clear()
        read, sunk_m = _reading(world, fixture, press, contact, rate_hz)
        if sunk_m > limit_m:
            raise PhysicsError(
                f"force self-test: {load:.1f} N pressed on the {press.face} sink in by "
                f"{1e3 * sunk_m:.2g} mm, more than physics.penetration_limit; raise "
                f"physics.contact_stiffness ({contact.stiffness_n_per_m:g} N/m)"
            )
        if abs(read - load) > TOLERANCE * load:
            raise PhysicsError(
                f"force self-test: {load:.1f} N pressed on the {press.face} reads {read:.1f} N; "
                f"check the PyBullet version (3.2.7 is known to work) and the contact parameters"
            )


def _reading(
    world: World, fixture: Body, press: Press, contact: Contact, rate_hz: float
) -> tuple[float, float]:
    """Return what the press's joint reads (N), its link's own weight taken off, and the sinking."""
    handle = world.add(fixture, contact)
    world.sense(handle, press.joint)
    block = world.add(_sliding_block(fixture.base @ Pose(press.block), press.direction), contact)
    x, y, z = (GRAVITY_M_PER_S2 * d for d in press.direction)
    world.set_gravity((x, y, z))
    for _ in range(round(_SECONDS * rate_hz)):
        world.step()
    force_n: Sequence[float] = world.wrench(handle, press.joint)[:3]
    along = sum(f * d for f, d in zip(force_n, press.direction, strict=True))
    own_n = fixture.links[press.joint].mass_kg * GRAVITY_M_PER_S2
    return -along - own_n, world.penetration_m(block, handle)


def _sliding_block(place: Pose, direction: Vector) -> Body:
    """Return a small block on a free slider along ``direction``."""
    link = Link(
        "block", "", Joint.PRISMATIC, _MASS_KG, direction,
        cuboid_inertia(_MASS_KG, (2 * BLOCK_HALF_M,) * 3),
        boxes=(Box((BLOCK_HALF_M,) * 3),),
    )  # fmt: skip
    return Body(place, (link,))
