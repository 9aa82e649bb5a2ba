"""What every station's YAML has: parts, slots, physics, settings, limits, reward weights.

A kind of work adds blocks of its own: `configs.specs.insertion`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from configs.errors import suggest
from configs.specs.base import Spec, error_below
from configs.specs.quantities import (
    Acceleration,
    Angle,
    AngularAcceleration,
    AngularSpeed,
    Damping,
    Force,
    Frequency,
    Length,
    Mass,
    Positive,
    Speed,
    Stiffness,
    Time,
    Torque,
)

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    if low < 0:
        raise PydanticCustomError(
            "range", "begins at {low}, below zero; write a low of 0 or more", {"low": f"{low:g}"}
        )
    if low > high:
        raise PydanticCustomError(
            "range",
            "begins at {low}, above its end; write [{high}, {low}]",
            {"low": f"{low:g}", "high": f"{high:g}"},
        )
    return ends


def _above_zero(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] <= 0:
        raise PydanticCustomError("range", "begins at zero; write factors above 0", {})
    return ends


Range = Annotated[
    tuple[float, float],
    AfterValidator(_ordered),
    Field(description="low and high of a uniform draw, 0 or more"),
]
FactorRange = Annotated[Range, AfterValidator(_above_zero)]
"""Low and high of a factor > 0, drawn uniformly."""
Size = Annotated[Length, Positive]
"""A length > 0, in metres: what is divided by, or has to exist."""


class Part(Spec):
    """A part as data: a box with a mass."""

    mass_kg: Mass
    width_m: Size
    height_m: Size
    length_m: Size


class Physics(Spec):
    """How contact is simulated; the convergence card says whether that is fine enough.

    `rate_hz` must be a multiple of `control_rate_hz` and of 60 Hz (the force window).
    `contact_skin_m` is how far apart surfaces are seen to approach, so that they are stopped where
    they meet and not a tick later, see `envs.physics.world.World`. Without one, a spec is what it
    was before there were any.
    """

    rate_hz: Frequency
    control_rate_hz: Frequency
    policy_rate_hz: Frequency
    solver_iterations: Annotated[int, Field(ge=1, le=1000)]
    solver_residual: Annotated[float, Field(gt=0.0, le=1e-7)]
    contact_stiffness_n_per_m: Annotated[Stiffness, Positive]
    contact_damping_ns_per_m: Damping
    contact_skin_m: Annotated[Size | None, Field(exclude_if=lambda skin: skin is None)] = None
    penetration_limit_m: Size

    @model_validator(mode="after")
    def _rates_divide(self) -> Self:
        for high, low, what in (
            (self.rate_hz, self.control_rate_hz, "control_rate"),
            (self.control_rate_hz, self.policy_rate_hz, "policy_rate"),
            (self.control_rate_hz, 60.0, ""),
        ):
            ratio = high / low
            if math.isfinite(ratio) and abs(ratio - round(ratio)) <= 1e-9:
                continue
            if not what:
                raise error_below(
                    ["control_rate"],
                    "is no multiple of 60 Hz, the force window; use e.g. 240 Hz",
                )
            above = "rate" if what == "control_rate" else "control_rate"
            raise error_below(
                [what],
                "does not divide {above}, {high} Hz; raise that too, to a multiple of it, or use "
                "e.g. 240 Hz, 240 Hz and 10 Hz",
                above=above, high=f"{high:g}",
            )  # fmt: skip
        return self


class PoseError(Spec):
    """Half-widths of uniform errors: along the insertion axis, sideways, in height, in yaw."""

    axial_m: Length
    lateral_m: Length
    height_m: Length
    yaw_rad: Angle


class SensorNoise(Spec):
    """Standard deviations of white noise at each policy step."""

    position_m: Length
    yaw_rad: Angle
    force_n: Force
    torque_nm: Torque


class Setting(Spec):
    """A difficulty: the tolerance of a part's place and everything that varies, at its level.

    Visit level: `dock`, `friction`. Part level: `grasp`, `mass_factor`, `gain_factor`,
    `damping_factor`. Step level: `noise`.
    """

    clearance_m: Size
    dock: PoseError
    grasp: PoseError
    noise: SensorNoise
    friction: Range
    mass_factor: FactorRange
    gain_factor: FactorRange
    damping_factor: FactorRange


class Limits(Spec):
    """What damages, what stops the cell, what ends the contact skill."""

    lateral_damage_n: Annotated[Force, Positive]
    axial_damage_n: Annotated[Force, Positive]
    stop_fraction: Fraction
    stop_reaction_s: Time
    time_limit_s: Annotated[Time, Positive]
    retreat_m: Length


class Axis(Spec):
    """Motion limits of scripted moves along one axis group."""

    speed_m_per_s: Speed
    acceleration_m_per_s2: Acceleration


class AngularAxis(Spec):
    """Motion limits of scripted turns."""

    speed_rad_per_s: AngularSpeed
    acceleration_rad_per_s2: AngularAcceleration


class RewardWeights(Spec):
    """Weights of the named reward terms; training only, no KPI reads them."""

    progress: float
    alignment: float
    step: float
    effort: float
    force: float
    damage: float
    seated: float


class StationSpec(Spec):
    """A station as data, whatever the work: kinds of work inherit it and add their blocks."""

    # The reward guides training and changes nothing that is measured.
    outside_hash: ClassVar[frozenset[str]] = frozenset({"reward"})
    folder: ClassVar[str] = "stations"

    id: str
    version: Annotated[int, Field(ge=1)]
    title: str
    parts: Mapping[str, Part]
    slots: Annotated[list[str], Field(min_length=1, description="part in each slot, bottom first")]
    physics: Physics
    settings: Mapping[str, Setting]
    default_setting: str
    limits: Limits
    reward: RewardWeights

    def part_name(self, slot: int) -> str:
        """Return the name of the part that goes into ``slot`` (0 = lowest)."""
        return self.slots[slot]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for index, slot in enumerate(self.slots):
            if slot not in self.parts:
                known = suggest(slot, self.parts)
                raise error_below(["slots", index], "is none of the parts; {known}", known=known)
        if self.default_setting not in self.settings:
            known = suggest(self.default_setting, self.settings)
            raise error_below(["default_setting"], "is none of the settings; {known}", known=known)
        return self

    @model_validator(mode="after")
    def _contact_tells_play(self) -> Self:
        least_m = min(setting.clearance_m for setting in self.settings.values())
        for field, length_m in (
            ("penetration_limit", self.physics.penetration_limit_m),
            ("contact_skin", self.physics.contact_skin_m or 0.0),
        ):
            if length_m > least_m:
                raise error_below(
                    ["physics", field],
                    "is more than a clearance, so that steel would be play; use {m} mm or less",
                    m=f"{1e3 * least_m:g}",
                )  # fmt: skip
        return self
