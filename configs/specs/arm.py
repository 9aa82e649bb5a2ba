"""The typed form of an arm's YAML: what its URDF does not say, or says with placeholders.

A station's YAML names an arm (`robot: franka_panda`) or writes the same block out; either way the
station's hash covers what the arm is, and what is read of its URDF.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from configs.errors import UnknownNameError, suggest
from configs.specs.base import Spec, beside, error_below, load_spec, resolve_path
from configs.specs.quantities import (
    AngularAcceleration,
    AngularSpeed,
    AngularStiffness,
    Mass,
    Positive,
    Torque,
    parse_quantity,
    quantity,
)
from configs.specs.station import Size
from configs.urdf import DATA, UnknownLinkError, UrdfJoint, find_urdf, read_chain

SignedAngle = Annotated[float, *quantity("rad")]
"""An angle of either sign, in radians."""


def _numbers(unit: str, count: int) -> Any:
    """Return the validators of several numbers with one unit: ``"0 -12.5 3 mm"``."""

    def parse(text: object) -> tuple[float, ...]:
        words = text.split() if isinstance(text, str) else []
        if len(words) != count + 1:
            raise PydanticCustomError(
                "numbers",
                "is not {n} numbers and a unit; write e.g. {e}",
                {"n": count, "e": f'"{" ".join(["0.1"] * count)} {unit}"'},
            )
        return tuple(parse_quantity(f"{word} {words[-1]}", unit) for word in words[:-1])

    def show(values: tuple[float, ...]) -> str:
        return f"{' '.join(repr(v) for v in values)} {unit}"

    return BeforeValidator(parse), PlainSerializer(show, return_type=str)


Position = Annotated[tuple[float, float, float], *_numbers("m", 3)]
"""x, y, z in metres."""
Turn = Annotated[tuple[float, float, float], *_numbers("rad", 3)]
"""Roll, pitch, yaw about fixed axes, as in URDF, in radians."""
Tensor = Annotated[tuple[float, float, float, float, float, float], *_numbers("kg*m**2", 6)]
"""Inertia xx, xy, xz, yy, yz, zz about the centre of mass, in kg·m²."""


class Frame(Spec):
    """Where a frame stands in another."""

    position_m: Position
    turn_rad: Turn


class Inertial(Spec):
    """Mass, centre of mass and inertia about it, in the link's frame."""

    mass_kg: Mass
    com_m: Position
    inertia_kg_m2: Tensor

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if not _of_a_body(self.inertia_kg_m2):
            raise error_below(
                ["inertia"],
                "is that of no rigid body; the largest principal moment must be less than the sum "
                "of the others",
            )
        return self


def _of_a_body(tensor: Sequence[float]) -> bool:
    """Return whether a rigid body can have an inertia of xx, xy, xz, yy, yz, zz."""
    xx, xy, xz, yy, yz, zz = tensor
    half = (xx + yy + zz) / 2
    # The second moments of mass are positive just where the triangle inequality holds.
    a, b, c = half - xx, half - yy, half - zz
    minors = (a, a * b - xy * xy, a * (b * c - yz * yz) - xy * (xy * c + yz * xz))
    return min(minors[0], minors[1], minors[2] - xz * (xy * yz + b * xz)) > 0.0


class ArmJoint(Spec):
    """A driven joint: its range, its posture at home, and its limits."""

    low_rad: SignedAngle
    high_rad: SignedAngle
    home_rad: SignedAngle
    speed_rad_per_s: AngularSpeed
    acceleration_rad_per_s2: AngularAcceleration
    torque_nm: Annotated[Torque, Positive]

    @model_validator(mode="after")
    def _home_within(self) -> Self:
        if not self.low_rad < self.home_rad < self.high_rad:
            raise error_below(
                ["home"],
                "is not within its joint's range, {low} to {high} rad; write low < home < high",
                low=f"{self.low_rad:g}", high=f"{self.high_rad:g}",
            )  # fmt: skip
        return self


class Sensor(Spec):
    """Wrist force/torque sensor: a disc behind the flange; its x axis is that of insertion."""

    frame: Frame
    mass_kg: Mass
    diameter_m: Size
    thickness_m: Size


class Hand(Inertial):
    """What is bolted to the sensor, in the sensor's frame; `grip` is where it holds a part."""

    grip: Frame
    size_m: Position


class ArmSpec(Spec):
    """One arm.

    `work` is where the place that parts go into stands before the arm, in the base's frame;
    `home` postures are best chosen to hold the grip there. `urdf` is looked for beside the YAML
    that is read, then from the working folder on, then in ``pybullet_data``.
    """

    id: str
    title: str
    urdf: str
    flange: str
    joints: Mapping[str, ArmJoint]
    inertials: Mapping[str, Inertial] = Field(default_factory=dict)
    sensor: Sensor
    hand: Hand
    work: Frame
    posture_nm_per_rad: AngularStiffness
    girth_m: Size
    _beside: Path | None = None

    @property
    def chain(self) -> tuple[UrdfJoint, ...]:
        """Joints from base to flange, as the URDF has them."""
        path = self._beside or find_urdf(self.urdf)
        if path is None:
            raise ValueError(
                f"no file {self.urdf} beside this one, from {Path.cwd()} on or in {DATA}"
            )
        return read_chain(path, self.flange)

    def elsewhere(self) -> str:
        """Return what its URDF says, mesh files aside."""
        return repr(self.chain)

    @model_validator(mode="after")
    def _agrees_with_urdf(self, info: ValidationInfo) -> Self:
        self._beside = beside(info.context, self.urdf)
        try:
            chain = self.chain
        except UnknownLinkError as error:
            raise error_below(["flange"], "{e}", e=str(error)) from None
        except ValueError as error:
            raise error_below(["urdf"], "cannot be used: {e}; correct it", e=str(error)) from None
        moving = [joint for joint in chain if joint.kind != "fixed"]
        self._check_joints(moving)
        links = [joint.link for joint in moving]
        for link in self.inertials:
            if link not in links:
                raise error_below(
                    ["inertials", link], "is no moving link; {known}", known=suggest(link, links)
                )
        self._check_links(chain)
        return self

    def _check_links(self, chain: Sequence[UrdfJoint]) -> None:
        first = next((i for i, joint in enumerate(chain) if joint.kind != "fixed"), len(chain))
        for joint in chain[first:]:
            moving, given = joint.kind != "fixed", joint.link in self.inertials
            if moving and abs(math.hypot(*joint.axis) - 1.0) > 1e-3:
                raise error_below(
                    ["urdf"], "gives joint '{name}' an axis that is no unit vector; correct it",
                    name=joint.name,
                )  # fmt: skip
            if moving and not given and not (joint.mass_kg > 0.0 and _of_a_body(joint.inertia)):
                raise error_below(
                    ["urdf"],
                    "gives the moving link '{link}' mass and inertia of no rigid body; write its "
                    "own into inertials", link=joint.link,
                )  # fmt: skip
            if not moving and joint.mass_kg > 0.0:
                raise error_below(
                    ["urdf"],
                    "gives the fixed link '{link}' a mass, which nothing would carry; take it out "
                    "of the URDF, and write what both weigh into inertials of the link before it",
                    link=joint.link,
                )  # fmt: skip

    def _check_joints(self, moving: list[UrdfJoint]) -> None:
        names = [joint.name for joint in moving]
        if list(self.joints) != names:
            raise error_below(
                ["joints"], "are others than those of its URDF; list {names}, in this order",
                names=", ".join(names),
            )  # fmt: skip
        for joint in moving:
            if joint.kind not in {"revolute", "continuous"}:
                raise error_below(
                    ["joints", joint.name],
                    "is a {kind} joint; choose an arm of revolute ones",
                    kind=joint.kind,
                )
            low, high = joint.range_rad or (-math.inf, math.inf)
            given = self.joints[joint.name]
            for end, beyond in (
                ("low", given.low_rad < low - 1e-3),
                ("high", given.high_rad > high + 1e-3),
            ):
                if beyond:
                    raise error_below(
                        ["joints", joint.name, end],
                        "is beyond its URDF; stay within {low} to {high} rad",
                        low=f"{low:g}", high=f"{high:g}",
                    )  # fmt: skip


def load_arm_spec(name_or_path: str) -> ArmSpec:
    """Return the arm shipped under a name (`franka_panda`), or read from a path."""
    return load_spec(ArmSpec, resolve_path("robots", name_or_path))


def _by_name(written: object, info: ValidationInfo) -> object:
    if not isinstance(written, str):
        return written
    try:
        return load_arm_spec(str(beside(info.context, written) or written))
    except UnknownNameError as error:
        problem, _, remedy = str(error).partition("; ")
        raise PydanticCustomError(
            "robot", "names an {p}; {r}", {"p": problem, "r": remedy}
        ) from None


ArmData = Annotated[ArmSpec, BeforeValidator(_by_name)]
"""An arm as a field of a station's spec: the name of one, or the block itself."""
