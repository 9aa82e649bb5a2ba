"""The typed form of an insertion station's YAML: a gantry puts rigid parts into slots of boxes.

One shape serves every such station: trays into a rack, power shelves onto the busbar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from configs.specs.base import Spec
from configs.specs.quantities import (
    Angle,
    AngularDamping,
    AngularSpeed,
    AngularStiffness,
    Force,
    Length,
    Positive,
    Stiffness,
    Time,
)
from configs.specs.station import Axis, Fraction, Setting, Size, StationSpec


class InsertionSetting(Setting):
    """A difficulty, with the chamfered lead-in of the slot's mouth."""

    lead_in_depth_m: Size
    lead_in_opening_m: Size


class Impedance(Spec):
    """Cartesian impedance about the part's front edge, and the clamp on how far targets lead.

    Stiffness x lead bounds the force that incremental actions can build up.
    """

    axial_n_per_m: Stiffness
    lateral_n_per_m: Stiffness
    vertical_n_per_m: Stiffness
    yaw_nm_per_rad: AngularStiffness
    damping_ratio: Annotated[float, Field(gt=0.0, le=3.0)]
    axial_lead_m: Size
    lateral_lead_m: Size
    vertical_lead_m: Size
    yaw_lead_rad: Annotated[Angle, Positive]
    wrist_pitch_nm_per_rad: AngularStiffness
    wrist_pitch_damping_nms_per_rad: AngularDamping


class ActionScale(Spec):
    """What an action of 1 moves the target by in one policy step, part-relative."""

    axial_m: Length
    lateral_m: Length
    height_m: Length
    yaw_rad: Angle
    window_m: Length
    window_yaw_rad: Angle


class Levers(Spec):
    """Ejector levers, the judged last step: capture zone, and how a bad seat falls short."""

    travel_m: Size
    lateral_tolerance_m: Size
    yaw_tolerance_rad: Annotated[Angle, Positive]
    handover_force_n: Force
    handover_depth_m: Length
    short_per_error_m: Length
    seated_tolerance_m: Size
    handle_load_n: Force
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
    yaw_rad_per_s: AngularSpeed
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
