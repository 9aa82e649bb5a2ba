"""The typed form of an insertion station's YAML: a gantry puts rigid parts into slots of boxes.

One shape serves every such station: trays into a rack, power shelves onto the busbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.specs.base import Spec, error_below
from configs.specs.quantities import (
    Angle,
    AngularDamping,
    AngularStiffness,
    Force,
    Length,
    Positive,
    Stiffness,
    Time,
)
from configs.specs.station import AngularAxis, Axis, Fraction, Setting, Size, StationSpec


class InsertionSetting(Setting):
    """A difficulty, with the chamfered lead-in of the slot's mouth."""

    lead_in_depth_m: Size
    lead_in_opening_m: Size


class Impedance(Spec):
    """Cartesian impedance about the part's front edge, and the clamp on how far targets lead.

    Stiffness x lead bounds the force that incremental actions can build up.
    """

    axial_n_per_m: Annotated[Stiffness, Positive]
    lateral_n_per_m: Annotated[Stiffness, Positive]
    vertical_n_per_m: Annotated[Stiffness, Positive]
    yaw_nm_per_rad: Annotated[AngularStiffness, Positive]
    damping_ratio: Annotated[float, Field(gt=0.0, le=3.0)]
    axial_lead_m: Size
    lateral_lead_m: Size
    vertical_lead_m: Size
    yaw_lead_rad: Annotated[Angle, Positive]
    wrist_pitch_nm_per_rad: Annotated[AngularStiffness, Positive]
    wrist_pitch_damping_nms_per_rad: AngularDamping


class ActionScale(Spec):
    """What an action of 1 moves the target by in one policy step, part-relative."""

    axial_m: Size
    lateral_m: Size
    height_m: Size
    yaw_rad: Annotated[Angle, Positive]
    window_m: Size
    window_yaw_rad: Annotated[Angle, Positive]


class Levers(Spec):
    """Ejector levers, the judged last step: capture zone, and how a bad seat falls short."""

    travel_m: Size
    lateral_tolerance_m: Size
    yaw_tolerance_rad: Annotated[Angle, Positive]
    handover_force_n: Force
    handover_depth_m: Length
    short_per_error_m: Length
    seated_tolerance_m: Size
    closing_s: Time


class Sensors(Spec):
    """The cell's own judgement: lever-closed switch and a presence switch, with their errors."""

    presence_threshold_m: Length
    presence_threshold_sd_m: Length
    miss_rate: Fraction
    false_alarm_rate: Fraction


class Motion(Spec):
    """Scripted phases: where they go, how fast, and the dwell of each grip."""

    linear: Axis
    vertical: Axis
    loaded_linear: Axis
    yaw: AngularAxis
    cart_distance_m: Length
    cart_height_m: Length
    first_slot_height_m: Length
    slot_pitch_m: Length
    approach_m: Length
    lift_m: Length
    grip_s: Time
    localise_s: Time
    release_s: Time


class InsertionSpec(StationSpec):
    """One insertion station: robot control, levers, the cell's sensors, scripted motion."""

    settings: Mapping[str, InsertionSetting]
    impedance: Impedance
    action: ActionScale
    levers: Levers
    sensors: Sensors
    motion: Motion

    @model_validator(mode="after")
    def _slots_work(self) -> Self:
        for setting_name, setting in self.settings.items():
            clearance = setting.clearance_m
            words = {"c": f"{1e3 * clearance:g}", "s": setting_name}
            if self.levers.lateral_tolerance_m < clearance:
                raise error_below(
                    ["levers", "lateral_tolerance"],
                    "is less than settings.{s}.clearance, {c} mm, so that no part could be drawn "
                    "home surely; use {c} mm or more", **words,
                )  # fmt: skip
            if self.action.window_m < clearance:
                raise error_below(
                    ["action", "window"],
                    "is less than settings.{s}.clearance, {c} mm, which is how high a part comes "
                    "in; use {c} mm or more", **words,
                )  # fmt: skip
            for name, part in self.parts.items():
                slot = part.height_m + 2 * clearance
                if self.motion.slot_pitch_m < slot - 1e-9:
                    raise error_below(
                        ["motion", "slot_pitch"],
                        "has slots of '{name}' overlap; use {s} mm or more",
                        name=name, s=f"{1e3 * slot:g}",
                    )  # fmt: skip
        impedance = self.impedance
        push_n = impedance.axial_n_per_m * impedance.axial_lead_m
        if push_n <= self.levers.handover_force_n:
            raise error_below(
                ["impedance", "axial_lead"],
                "bounds the push to {p} N, which never reaches levers.handover_force; use more "
                "than {m} mm", p=f"{push_n:g}",
                m=f"{1e3 * self.levers.handover_force_n / impedance.axial_n_per_m:g}",
            )  # fmt: skip
        shortest = min(part.length_m for part in self.parts.values())
        for name, length_m in (
            ("handover_depth", self.levers.handover_depth_m), ("travel", self.levers.travel_m),
        ):  # fmt: skip
            if length_m >= shortest:
                raise error_below(
                    ["levers", name],
                    "is no less than a part's whole length; use less than {m} mm",
                    m=f"{1e3 * shortest:g}",
                )
        return self
