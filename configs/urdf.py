"""Reads the chain of joints from a robot's base to its flange out of a URDF file, as plain numbers.

Only what a rigid arm needs: origins, axes, masses. Meshes are left alone, so that it takes about
a millisecond; the engine's own loader takes 100 to 200 ms for an arm's, at every reset.
"""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

Triple = tuple[float, float, float]
Sextet = tuple[float, float, float, float, float, float]
_ZERO: Triple = (0.0, 0.0, 0.0)
DATA = "pybullet_data"
"""Package whose URDF files are found by their path within it."""


@dataclass(frozen=True)
class UrdfJoint:
    """A joint and the link behind it.

    Attributes:
        name: of the joint.
        kind: ``"revolute"``, ``"continuous"``, ``"prismatic"`` or ``"fixed"``.
        link: name of the link behind it.
        position: joint in the parent's frame (m).
        turn: roll, pitch, yaw of the joint in the parent's frame, about fixed axes (rad).
        axis: of the motion, in the joint's frame.
        range_rad: from and to, of a revolute joint; None where the file gives none.
        mass_kg: mass of the link.
        com: its centre of mass (m).
        com_turn: roll, pitch, yaw of the axes of `inertia` (rad).
        inertia: xx, xy, xz, yy, yz, zz (kg·m²) about the centre of mass.
    """

    name: str
    kind: str
    link: str
    position: Triple
    turn: Triple
    axis: Triple
    range_rad: tuple[float, float] | None
    mass_kg: float
    com: Triple
    com_turn: Triple
    inertia: Sextet


class UnknownLinkError(ValueError):
    """A URDF has no link of the name that was asked for."""


def find_urdf(name: str) -> Path | None:
    """Return the file called ``name``: a path, or one within ``pybullet_data``; None if none."""
    if Path(name).is_file():
        return Path(name)
    spec = importlib.util.find_spec(DATA)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    return path if path.is_file() else None


def read_chain(path: Path, flange: str) -> tuple[UrdfJoint, ...]:
    """Return the joints from the base to the link ``flange``.

    Raises:
        UnknownLinkError: it has no such link.
        ValueError: the file is no URDF, or says no number where one is due.
    """
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        raise ValueError(f"{path} is no XML ({error})") from None
    links = {link.get("name", ""): link for link in root.findall("link")}
    above = {_attribute(j, "child", "link"): j for j in root.findall("joint")}
    if flange not in links:
        raise UnknownLinkError(f"{path} has no link '{flange}'; it has {', '.join(links)}")
    chain: list[UrdfJoint] = []
    link = flange
    while link in above:
        joint = above.pop(link)
        chain.append(_joint(joint, links[link]))
        link = _attribute(joint, "parent", "link")
    return tuple(reversed(chain))


def _joint(joint: ET.Element, link: ET.Element) -> UrdfJoint:
    limit, mass = joint.find("limit"), link.find("inertial/mass")
    ends = (limit.get("lower"), limit.get("upper")) if limit is not None else (None, None)
    inertia = link.find("inertial/inertia")
    entries = [
        float(inertia.get(f"i{key}", 0.0)) if inertia is not None else 0.0
        for key in ("xx", "xy", "xz", "yy", "yz", "zz")
    ]
    xx, xy, xz, yy, yz, zz = entries
    return UrdfJoint(
        name=joint.get("name", ""),
        kind=joint.get("type", ""),
        link=link.get("name", ""),
        position=_triple(joint.find("origin"), "xyz", _ZERO),
        turn=_triple(joint.find("origin"), "rpy", _ZERO),
        axis=_triple(joint.find("axis"), "xyz", (1.0, 0.0, 0.0)),
        range_rad=(float(ends[0]), float(ends[1])) if ends[0] and ends[1] else None,
        mass_kg=float(mass.get("value", 0.0)) if mass is not None else 0.0,
        com=_triple(link.find("inertial/origin"), "xyz", _ZERO),
        com_turn=_triple(link.find("inertial/origin"), "rpy", _ZERO),
        inertia=(xx, xy, xz, yy, yz, zz),
    )


def _triple(element: ET.Element | None, key: str, default: Triple) -> Triple:
    written = None if element is None else element.get(key)
    if written is None:
        return default
    numbers = written.split()
    if len(numbers) != 3:
        raise ValueError(f"{key}='{written}' are not three numbers")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _attribute(joint: ET.Element, tag: str, key: str) -> str:
    element = joint.find(tag)
    if element is None:
        raise ValueError(f"joint '{joint.get('name')}' has no {tag}")
    return element.get(key, "")
