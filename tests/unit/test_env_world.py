"""The physics engine does what the stations rely on: parameters, forces, windows, self-test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pybullet
import pytest

from configs.errors import PhysicsError
from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.physics.pose import Pose
from envs.physics.sensors import WINDOW_HZ
from envs.physics.shapes import Body, Box, Contact, Joint, Link, cuboid_inertia
from envs.physics.world import GRAVITY_M_PER_S2, World
from envs.selftest import Press, check_force_reading
from envs.stations.insertion import slot as scene
from envs.stations.insertion.station import Insertion

SPEC = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))
PART, SETTING = SPEC.parts["compute"], SPEC.settings["hard"]
CONTACT = Contact(2e6, 4e3, 0.2)
SLOT = scene.slot_body(PART, SETTING, scene.MOUTH)
PRESSES = scene.presses(PART)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.clear(240.0, 50)
    yield world
    world.close()


def block(mass_kg: float, place: Pose, axis: tuple[float, float, float]) -> Body:
    """Return a small cube on a free slider."""
    link = Link(
        "block", "", Joint.PRISMATIC, mass_kg, axis, cuboid_inertia(mass_kg, (0.04,) * 3),
        boxes=(Box((0.02, 0.02, 0.02)),),
    )  # fmt: skip
    return Body(place, (link,))


def sensed_slot(world: World, contact: Contact = CONTACT) -> int:
    slot = world.add(SLOT, contact)
    for joint in scene.SENSED:
        world.sense(slot, joint)
    return slot


def push_n(world: World, slot: int) -> float:
    """Return the axial force that contact puts on the fixture."""
    return -sum(state[2][0] for state in world.joints(slot, scene.SENSED))


@pytest.mark.parametrize("damping", [2e3, 4e3])
def test_a_pair_yields_and_comes_to_rest_as_contact_says(world, damping):
    """A cube on its four corners, pressed: it sinks by load / 2k, within 4 d / k."""
    stiffness, load_n, rate_hz = 2e5, 500.0, 960.0
    world.clear(rate_hz, 200)
    world.set_gravity((0.0, 0.0, 0.0))
    contact = Contact(stiffness, damping, 0.0)
    floor = Link("floor", "", Joint.FIXED, 0.0, boxes=(Box((0.1, 0.1, 0.02)),))
    world.add(Body(Pose(), (floor,)), contact)
    cube = world.add(block(10.0, Pose((0.0, 0.0, 0.04)), (0.0, 0.0, 1.0)), contact)
    sunk = []
    for _ in range(int(rate_hz)):
        world.drive(cube, (0,), (-load_n,))
        world.step()
        sunk.append(-world.joints(cube, (0,))[0][0])
    end = load_n / (2 * stiffness)
    assert sunk[-1] == pytest.approx(end, abs=2e-5)  # the slop
    rest_s = next(i for i, at in enumerate(sunk) if at > (1 - np.exp(-1)) * sunk[-1]) / rate_hz
    assert rest_s == pytest.approx(4 * damping / stiffness, rel=0.1)


def test_a_pull_acts_where_the_link_is_whoever_looks(world):
    """The engine alone would take the link's frame of the last look: it turns by 0.1 rad a tick."""
    ends = []
    for looks in (False, True):
        world.clear(240.0, 50)
        world.set_gravity((0.0, 0.0, 0.0))
        spun = Link("spun", "", Joint.REVOLUTE, 1.0, (0.0, 0.0, 1.0), (0.01, 0.01, 0.01),
                    boxes=(Box((0.02, 0.02, 0.02)),))  # fmt: skip
        slid = Link("slid", "spun", Joint.PRISMATIC, 1.0, (1.0, 0.0, 0.0), (0.01, 0.01, 0.01))
        body = world.add(Body(Pose((0.0, 0.0, 0.0)), (spun, slid)), CONTACT)
        for _ in range(100):
            world.pull(body, 1, (5.0, 3.0, 0.0), (0.1, 0.0, 0.0))
            world.step()
            if looks:
                world.link_pose(body, 1)
        ends.append(world.state_hash(body, (0, 1)))
        assert abs(world.joints(body, (0,))[0][0]) > 0.5
    assert ends[0] == ends[1]


def test_contact_parameters_that_are_dropped_are_noticed(world, monkeypatch):
    """PyBullet drops every other setting when `activationState` is in the same call."""
    real = pybullet.changeDynamics

    def dropping(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs, activationState=4)

    world.add(block(1.0, Pose(), (1.0, 0.0, 0.0)), CONTACT)
    monkeypatch.setattr(pybullet, "changeDynamics", dropping)
    with pytest.raises(PhysicsError, match="were not taken"):
        world.add(block(1.0, Pose(), (1.0, 0.0, 0.0)), CONTACT)


@pytest.mark.parametrize("which", ["contactStiffness", "contactDamping", "lateralFriction"])
def test_each_contact_parameter_is_read_back(world, monkeypatch, which):
    real = pybullet.changeDynamics

    def rounding(*args: Any, **kwargs: Any) -> None:
        if which in kwargs:
            kwargs[which] *= 1.001
        real(*args, **kwargs)

    monkeypatch.setattr(pybullet, "changeDynamics", rounding)
    with pytest.raises(PhysicsError, match="were not taken"):
        world.add(block(1.0, Pose(), (1.0, 0.0, 0.0)), CONTACT)


def self_test(
    world: World,
    fixture: Body,
    presses: Sequence[Press],
    contact: Contact = CONTACT,
    rate_hz: float = 240.0,
) -> None:
    check_force_reading(
        world, fixture, presses, contact, lambda: world.clear(rate_hz, 50), rate_hz, 5e-4
    )


@pytest.mark.parametrize("stiffness", [2e5, 2e6, 8e6])
@pytest.mark.parametrize("rate_hz", [240.0, 480.0, 960.0])
def test_the_force_self_test_passes(world, stiffness, rate_hz):
    self_test(world, SLOT, PRESSES, Contact(stiffness, 4e3, 0.3), rate_hz)


@pytest.mark.parametrize("size", [{"height_m": 0.015}, {"width_m": 0.015}, {"length_m": 0.03}])
def test_the_force_self_test_passes_whatever_the_part(world, size):
    thin = PART.model_copy(update=size)
    station = Insertion(SPEC.model_copy(update={"parts": {"thin": thin}}), SETTING)
    self_test(world, *station.presses())
    assert scene.roomy(PART, SETTING) == PART


@pytest.mark.parametrize(
    ("link", "name"),
    [("shelf", "shelf"), ("top", "top"), ("left", "left guide"), ("right", "right guide")],
)
def test_the_force_self_test_fails_where_one_part_of_the_fixture_is_static(world, link, name):
    """It stands still on its own: no sensed joint carries what it takes."""
    boxes = SLOT.links[SLOT.index(link)].boxes
    rest = tuple(replace(one, boxes=()) if one.name == link else one for one in SLOT.links)
    still = Link("still", "", Joint.FIXED, 0.0, boxes=boxes)
    with pytest.raises(PhysicsError, match=rf"98\.1 N pressed on the {name} reads -?0\.0 N"):
        self_test(world, Body(SLOT.base, (*rest, still)), PRESSES)


def test_the_force_self_test_fails_where_the_stop_alone_is_static(world):
    """Load by load: the shelf that the stop belongs to may read well."""
    shelf = SLOT.links[SLOT.index("shelf")]
    *decks, stop = shelf.boxes
    rest = tuple(replace(one, boxes=tuple(decks)) if one is shelf else one for one in SLOT.links)
    still = Link("still", "", Joint.FIXED, 0.0, boxes=(stop,))
    with pytest.raises(PhysicsError, match="pressed on the stop reads"):
        self_test(world, Body(SLOT.base, (*rest, still)), PRESSES)


def test_the_force_self_test_fails_where_contact_is_too_soft_to_tell_depths(world):
    with pytest.raises(PhysicsError, match=r"sink in by 1.2 mm, .*raise physics.contact_stiffness"):
        self_test(world, SLOT, PRESSES, Contact(4e4, 4e2, 0.3))


def test_the_force_self_test_fails_on_a_false_reading(world, monkeypatch):
    real = World.wrench

    def off(self: World, handle: int, joint: int) -> Any:
        return [1.05 * f for f in real(self, handle, joint)]

    monkeypatch.setattr(World, "wrench", off)
    with pytest.raises(PhysicsError, match="force self-test"):
        self_test(world, SLOT, PRESSES)


def impact(rate_hz: int) -> tuple[float, float, float, float]:
    """Drive 15 kg at 0.1 m/s onto the end stop.

    Returns:
        Impulse read (N·s), momentum lost (N·s), raw peak (N), largest windowed force (N).
    """
    mass, world = 15.0, World()
    world.clear(rate_hz, 50)
    slot = sensed_slot(world)
    start = scene.MOUTH @ Pose((PART.length_m - 0.02 - 0.010, 0.0, 0.0))
    body = world.add(block(mass, start, (1.0, 0.0, 0.0)), replace(CONTACT, friction=1.0))
    speed_up = round(0.1 * rate_hz)
    forces, speeds = [], []
    for tick in range(round(0.5 * rate_hz)):
        world.set_gravity((1.0 if tick < speed_up else 0.0, 0.0, 0.0))
        world.step()
        forces.append(push_n(world, slot))
        speeds.append(world.joints(body, (0,))[0][1])
    world.close()
    free = round(0.1 * rate_hz) + rate_hz // 60
    assert speeds[free] == pytest.approx(0.1)
    read = np.array(forces[free:])
    window = round(rate_hz / WINDOW_HZ)
    windowed = read[: len(read) // window * window].reshape(-1, window).mean(axis=1)
    return (
        float(read.sum()) / rate_hz,
        mass * (speeds[free] - speeds[-1]),
        float(read.max()),
        float(windowed.max()),
    )


def test_windowed_force_of_a_known_impact_does_not_depend_on_the_rate():
    rates = (240, 480, 960, 1920)
    impulse, momentum, raw, windowed = zip(*(impact(rate) for rate in rates), strict=True)
    assert impulse == pytest.approx(momentum, rel=1e-6)  # no force is lost or invented
    assert raw[-1] > 3 * raw[0]  # why peaks are not judged
    # One window holds all of it; what is left between rates is how much the block bounces.
    assert windowed == pytest.approx([WINDOW_HZ * i for i in impulse], rel=0.05)
    assert max(windowed) / min(windowed) < 1.08
    assert min(impulse) == pytest.approx(1.5, rel=0.06)  # nearly no bounce at the finest


def test_penetration_is_force_over_stiffness(world):
    """Two bodies of k in series give k/2 at each contact point, plus Bullet's slop of 0.01 mm."""
    half = (PART.length_m / 2, PART.width_m / 2, PART.height_m / 2)
    inertia = cuboid_inertia(29.0, (PART.length_m, PART.width_m, PART.height_m))
    up = (0.0, 0.0, 1.0)
    tray = Link("tray", "", Joint.PRISMATIC, 29.0, up, inertia, boxes=(Box(half),))
    slot = sensed_slot(world)
    start = scene.MOUTH @ Pose((0.1, 0.0, 0.0))
    body = world.add(Body(start, (tray,)), replace(CONTACT, friction=1.0))
    for _ in range(240):
        world.step()
    points = len(pybullet.getContactPoints(body, slot, physicsClientId=world._id))
    expected = 29.0 * GRAVITY_M_PER_S2 / (points * 0.5 * CONTACT.stiffness_n_per_m) + 1e-5
    assert world.penetration_m(body, slot) == pytest.approx(expected, rel=0.02)
    assert world.penetration_m(slot, body) == world.penetration_m(body, slot)
    assert world.link_pose(slot, scene.SHELF).position == scene.MOUTH.position  # it stands


def test_nothing_touching_has_no_penetration(world):
    slot = sensed_slot(world)
    start = scene.MOUTH @ Pose((0.3, 0.0, 0.0))
    body = world.add(block(1.0, start, (1.0, 0.0, 0.0)), CONTACT)
    world.set_gravity((0.0, 0.0, 0.0))
    world.step()
    assert world.penetration_m(body, slot) == 0.0


def meeting(
    world: World, rate_hz: float, speed_m_per_s: float, stiffness: float = 2e7
) -> Iterator[tuple[float, float, float]]:
    """Let 3 kg fall onto the shelf from 0.3 mm; yield gap (m), speed (m/s) and penetration (m)."""
    contact = Contact(stiffness, 2.8e3, 0.2)
    world.clear(rate_hz, 50)
    slot = sensed_slot(world, contact)
    cube, gap = block(3.0, Pose(), (0.0, 0.0, 1.0)), 3e-4
    place = scene.MOUTH @ Pose((0.3, 0.0, -PART.height_m / 2 + 0.02 + gap))
    body = world.add(replace(cube, base=place), replace(contact, friction=1.0))
    pybullet.resetJointState(body, 0, 0.0, -speed_m_per_s, physicsClientId=world._id)
    for _ in range(round(0.1 * rate_hz)):
        world.step()
        (fallen, speed, *_), *_ = world.joints(body, (0,))
        yield gap + fallen, speed, world.penetration_m(body, slot)


def test_a_skin_stops_what_arrives_where_surfaces_meet():
    """Without one, two thirds of `speed / rate` are gone before the first contact is found."""
    bare, skinned = World(), World(skin_m=1.5e-4)
    deep = [max(deep for *_, deep in meeting(world, 240.0, 0.03)) for world in (bare, skinned)]
    assert deep[0] > 5e-5
    assert deep[1] < 5e-6
    for world in (bare, skinned):
        world.close()


def test_a_skin_pushes_nothing_before_surfaces_meet():
    """It falls freely until less than a tick from meeting, and rests at force over stiffness."""
    world, rate_hz = World(skin_m=1.5e-4), 4800.0
    fall = list(meeting(world, rate_hz, 0.01, stiffness=2e6))
    free = [speed for gap, speed, _ in fall if gap > 0.0]
    assert len(free) > 16  # half of them within the skin
    assert free[:-1] == pytest.approx(
        [-0.01 - GRAVITY_M_PER_S2 * tick / rate_hz for tick in range(1, len(free))]
    )
    points = 4
    assert fall[-1][2] == pytest.approx(3.0 * GRAVITY_M_PER_S2 / (points * 1e6), rel=0.02)
    assert fall[-1][0] == pytest.approx(-fall[-1][2], rel=0.02)  # judged is where it truly is
    world.close()


def test_worlds_with_and_without_a_skin_do_not_change_each_other():
    """PyBullet keeps one of the parameters for all worlds of a process."""
    alone = []
    for skin_m in (0.0, 1.5e-4):
        world = World(skin_m=skin_m)
        alone.append(list(meeting(world, 240.0, 0.03)))
        world.close()
    both = World(), World(skin_m=1.5e-4)
    turns = zip(*(meeting(world, 240.0, 0.03) for world in both), strict=True)
    assert [list(one) for one in zip(*turns, strict=True)] == alone
    for world in both:
        world.close()


def test_friction_of_a_pair_is_the_product(world):
    """A block that gravity presses on the shelf starts to slide at the pair's coefficient."""
    for friction, slides in ((0.2, True), (0.3, False)):
        world.clear(480.0, 50)
        sensed_slot(world, replace(CONTACT, friction=friction))
        x_then_z = (
            Link("x", "", Joint.PRISMATIC, 0.1, (1.0, 0.0, 0.0), (1e-3,) * 3),
            replace(block(10.0, Pose(), (0.0, 0.0, 1.0)).links[0], parent="x"),
        )
        place = scene.MOUTH @ Pose((0.3, 0.0, -PART.height_m / 2 + 0.02))
        body = world.add(Body(place, x_then_z), replace(CONTACT, friction=1.0))
        world.set_gravity((0.25 * GRAVITY_M_PER_S2, 0.0, -GRAVITY_M_PER_S2))
        for _ in range(240):
            world.step()
        assert (world.joints(body, (0,))[0][0] > 0.01) == slides


def test_a_shape_that_would_fall_through_is_refused(world):
    """PyBullet takes what hangs on its first link by fixed joints for static."""
    cube = block(10.0, Pose(), (0.0, 0.0, 1.0)).links[0]
    rail = Link("rail", "", Joint.PRISMATIC, 1.0, (0.0, 0.0, 1.0), (1e-3,) * 3)
    held = replace(cube, parent="rail", joint=Joint.FIXED)
    with pytest.raises(PhysicsError, match=r"'block' would touch no fixture: .* 'rail'"):
        world.add(Body(Pose(), (rail, held)), CONTACT)
    base = replace(rail, name="base", axis=(1.0, 0.0, 0.0))
    sensed_slot(world)
    place = scene.MOUTH @ Pose((0.3, 0.0, -PART.height_m / 2 + 0.02))
    body = world.add(Body(place, (base, replace(rail, parent="base"), held)), CONTACT)
    for _ in range(240):
        world.step()
    assert world.link_pose(body, 2).position[2] == pytest.approx(place.position[2], abs=1e-4)


def test_the_state_hash_is_of_every_bit(world):
    body = world.add(block(1.0, Pose(), (1.0, 0.0, 0.0)), CONTACT)
    world.place(body, (0.1,))
    before = world.state_hash(body, (0,))
    world.place(body, (float(np.nextafter(0.1, 1.0)),))
    assert world.state_hash(body, (0,)) != before
    world.place(body, (0.1,))
    assert world.state_hash(body, (0,)) == before


def test_closing_twice_is_harmless():
    world = World()
    world.close()
    world.close()


def test_bodies_find_their_links_by_name():
    assert SLOT.index("mount") == scene.MOUNT
    assert [SLOT.index(name) for name in ("left", "right", "shelf", "top")] == list(scene.SENSED)


def test_a_tray_fits_its_slot_with_the_clearance_on_every_side():
    """Faces of guides, shelf, top and stop, read off the boxes."""
    links = {link.name: link.boxes for link in SLOT.links}
    straight = {
        name: [b for b in boxes if b.pose.orientation[3] == 1.0] for name, boxes in links.items()
    }
    half_w, half_h, c = PART.width_m / 2, PART.height_m / 2, SETTING.clearance_m
    left, right = straight["left"][0], straight["right"][0]
    assert left.pose.position[1] - left.half_extents_m[1] == pytest.approx(half_w + c)
    assert right.pose.position[1] + right.half_extents_m[1] == pytest.approx(-half_w - c)
    shelf, stop = straight["shelf"]
    assert shelf.pose.position[2] + shelf.half_extents_m[2] == pytest.approx(-half_h)
    assert stop.pose.position[0] - stop.half_extents_m[0] == pytest.approx(PART.length_m)
    top = straight["top"][0]
    assert top.pose.position[2] - top.half_extents_m[2] == pytest.approx(half_h + 2 * c)
