"""An arm of revolute joints with a force/torque sensor and a hand, as a body of links.

Built from its URDF and `configs.specs.arm.ArmSpec`. Its links are drawn as bars from joint to
joint: meshes would cost 100 to 200 ms at each reset, and nothing but the part touches anything.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from configs.specs.arm import ArmSpec, Frame, Hand
from configs.urdf import UrdfJoint
from envs.physics.pose import Pose, Quaternion, Vector, multiply
from envs.physics.shapes import Body, Box, Joint, Link, cuboid_inertia

FT, HAND = "ft", "hand"
FT_KG, FT_KG_M2 = 1e-3, 1e-6  # of the frame that readings refer to, which is none: small
_WHITE, _GREY = (0.87, 0.88, 0.89, 1.0), (0.35, 0.37, 0.4, 1.0)


def frame_pose(frame: Frame) -> Pose:
    """Return a frame of a YAML as a pose."""
    return Pose(frame.position_m, _turned(frame.turn_rad))


def arm_links(spec: ArmSpec, ahead_m: float) -> tuple[Link, ...]:
    """Return the links of an arm on its base, up to the hand; moving ones bear joints' names.

    Args:
        spec: the arm.
        ahead_m: how far before the grip the point is that sensor readings refer to.
    """
    links: list[Link] = []
    offset, parent = Pose(), ""
    for joint in spec.chain:
        offset = offset @ Pose(joint.position, _turned(joint.turn))
        if joint.kind == "fixed":
            continue  # without mass, or on the floor: `ArmSpec` asks for it
        links.append(_moving_link(joint, parent, offset, spec))
        offset, parent = Pose(), joint.name
    links = [_drawn(link, links, i, spec.girth_m) for i, link in enumerate(links)]
    return (*links, *_wrist(spec, parent, offset, ahead_m))


def arm_body(spec: ArmSpec, base: Pose, part: Link | None, ahead_m: float = 0.0) -> Body:
    """Return an arm that holds ``part``, or nothing.

    Args:
        spec: the arm.
        base: where its base stands.
        part: what it holds, its pose given in the frame of the grip.
        ahead_m: how far before the grip the point is that sensor readings refer to.
    """
    links = _cached_links(spec.model_dump_json(by_alias=True), ahead_m)
    if part is None:
        return Body(base, links)
    pose = links[-1].pose @ frame_pose(spec.hand.grip) @ part.pose
    return Body(base, (*links, replace(part, parent=FT, joint=Joint.FIXED, pose=pose)))


@functools.cache
def _cached_links(written: str, ahead_m: float) -> tuple[Link, ...]:
    """Return the links of a spec, which is not hashable as it is: once a process, not a reset."""
    return arm_links(ArmSpec.model_validate_json(written), ahead_m)


def _moving_link(joint: UrdfJoint, parent: str, pose: Pose, spec: ArmSpec) -> Link:
    own = spec.inertials.get(joint.link)
    if own is None:
        mass, com, tensor, turn = joint.mass_kg, joint.com, joint.inertia, joint.com_turn
    else:
        mass, com, tensor, turn = own.mass_kg, own.com_m, own.inertia_kg_m2, (0.0, 0.0, 0.0)
    moments, axes = principal(tensor)
    inertial = Pose(com, multiply(_turned(turn), axes))
    x, y, z = joint.axis
    return Link(
        joint.name, parent, Joint.REVOLUTE, mass, (x, y, z), moments, pose, inertial,
        colour=_WHITE,
    )  # fmt: skip


def principal(tensor: tuple[float, ...]) -> tuple[Vector, Quaternion]:
    """Return principal moments (kg·m²) of xx, xy, xz, yy, yz, zz, and the axes they stand for."""
    xx, xy, xz, yy, yz, zz = tensor
    moments, axes = np.linalg.eigh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    if np.linalg.det(axes) < 0.0:
        axes[:, 0] *= -1.0
    a, b, c = (float(m) for m in moments)
    x, y, z, w = (float(v) for v in Rotation.from_matrix(axes).as_quat())
    return (a, b, c), (x, y, z, w)


def _wrist(spec: ArmSpec, parent: str, flange: Pose, ahead_m: float) -> tuple[Link, ...]:
    """Return the sensor's housing, the frame of its readings, and the hand, which it carries.

    PyBullet reads a joint about the centre of mass behind it: a small mass stands for that frame.
    """
    sensor, hand = spec.sensor, spec.hand
    mount = flange @ frame_pose(sensor.frame)
    size = (sensor.thickness_m, sensor.diameter_m, sensor.diameter_m)
    disc = Box((size[0] / 2, size[1] / 2, size[2] / 2))
    housing = Link(
        "sensor", parent, Joint.FIXED, sensor.mass_kg, pose=mount,
        inertia_kg_m2=cuboid_inertia(sensor.mass_kg, size), visuals=(disc,), colour=_GREY,
    )  # fmt: skip
    front = frame_pose(hand.grip) @ Pose((ahead_m, 0.0, 0.0))
    small = (FT_KG_M2, FT_KG_M2, FT_KG_M2)
    ft = Link(FT, parent, Joint.FIXED, FT_KG, inertia_kg_m2=small, pose=mount @ front)
    return housing, ft, _hand_link(hand, front.inverse(), sensor.thickness_m / 2)


def _hand_link(hand: Hand, pose: Pose, plate_m: float) -> Link:
    (moments, axes), size = principal(hand.inertia_kg_m2), hand.size_m
    shell = Box((size[0] / 2, size[1] / 2, size[2] / 2), Pose((plate_m + size[0] / 2, 0.0, 0.0)))
    return Link(
        HAND, FT, Joint.FIXED, hand.mass_kg, inertia_kg_m2=moments, pose=pose,
        inertial=Pose(hand.com_m, axes), visuals=(shell,), colour=_GREY,
    )  # fmt: skip


def _drawn(link: Link, links: list[Link], index: int, girth_m: float) -> Link:
    """Return a link with a bar to the next joint, and the first one with the column under it."""
    bars = [_bar(link.pose.inverse().position, girth_m)] if index == 0 else []
    if index + 1 < len(links):
        bars.append(_bar(links[index + 1].pose.position, girth_m))
    return replace(link, visuals=tuple(bars))


def _bar(to: Vector, girth_m: float) -> Box:
    """Return a bar from a link's origin to a point of its frame."""
    x, y, z = to
    length = float(np.linalg.norm(to))
    half = girth_m / 2
    if length < 1e-9:
        return Box((half, half, half))
    turn, _ = Rotation.align_vectors([to], [[0.0, 0.0, 1.0]])
    a, b, c, w = (float(v) for v in turn.as_quat())
    return Box((half, half, length / 2), Pose((x / 2, y / 2, z / 2), (a, b, c, w)))


def _turned(turn: Vector) -> Quaternion:
    x, y, z, w = (float(v) for v in Rotation.from_euler("xyz", turn).as_quat())
    return x, y, z, w
