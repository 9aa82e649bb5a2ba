"""The typed form of a plugging station's YAML: connectors go into ports of a panel, and latch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from configs.specs.arm import ArmData
from configs.specs.base import Spec, error_below
from configs.specs.quantities import (
    Angle,
    AngularStiffness,
    Force,
    Length,
    Positive,
    Stiffness,
    Time,
)
from configs.specs.station import (
    AngularAxis,
    Axis,
    FactorRange,
    Fraction,
    Part,
    PoseError,
    Setting,
    Size,
    StationSpec,
)


class Connector(Part):
    """A class of connectors: its box, its port, what it resists with and what it stands.

    `latch_n` is the most it may take to seat it, by its standard; while its contacts wipe, over the
    last `wipe_m`, it takes `mating_n`. `force_budget_n` damages it, pushed along its axis.
    """

    depth_m: Size
    looseness_m: Length
    lead_in_depth_m: Size
    lead_in_opening_m: Size
    port_pitch_m: Size
    wipe_m: Size
    mating_n: Annotated[Force, Positive]
    latch_n: Annotated[Force, Positive]
    force_budget_n: Annotated[Force, Positive]


class TiltedError(PoseError):
    """Half-widths of uniform errors of a pose in space, with pitch and with roll about the axis."""

    pitch_rad: Angle
    roll_rad: Angle


class PlugSetting(Setting):
    """A difficulty: `clearance` is that of ports without looseness, a side.

    Part level, beyond `Setting`: the cable's drag on the boot (up to `drag_n`, from anywhere
    behind), `resistance_factor` on what mating and latch take, and the perception: it takes a
    neighbour for the port at the rate `identity_error`, while the drawing places the port to
    within `plan_m` (standard deviation).
    """

    dock: TiltedError
    grasp: TiltedError
    drag_n: Force
    resistance_factor: FactorRange
    identity_error: Fraction
    plan_m: Length


class PlugImpedance(Spec):
    """Cartesian impedance about the connector's front, and how far the drive goes at most.

    Along the axis it pushes with up to `push_ratio` times what the class takes to seat, and
    `push_spare_n`; sideways and in turn with stiffness x lead.
    """

    axial_n_per_m: Annotated[Stiffness, Positive]
    lateral_n_per_m: Annotated[Stiffness, Positive]
    turn_nm_per_rad: Annotated[AngularStiffness, Positive]
    damping_ratio: Annotated[float, Field(gt=0.0, le=3.0)]
    push_ratio: Annotated[float, Field(ge=1.0, le=5.0)]
    push_spare_n: Force
    lateral_lead_m: Size
    turn_lead_rad: Annotated[Angle, Positive]

    def push_n(self, latch_n: float) -> float:
        """Return the most that it pushes along the axis, for a class of connectors."""
        return self.push_ratio * latch_n + self.push_spare_n

    def axial_lead_m(self, latch_n: float) -> float:
        """Return how far the target leads along the axis at most, for a class of connectors."""
        return self.push_n(latch_n) / self.axial_n_per_m


class PlugAction(Spec):
    """What an action of 1 moves the target by in one policy step, part-relative."""

    axial_m: Size
    lateral_m: Size
    height_m: Size
    yaw_rad: Annotated[Angle, Positive]
    pitch_rad: Annotated[Angle, Positive]
    roll_rad: Annotated[Angle, Positive]
    window_m: Size
    window_turn_rad: Annotated[Angle, Positive]


class Latch(Spec):
    """The latch, and when the cell takes it for snapped.

    It rises over `rise_m` and snaps `overtravel_m` before the end, which then takes `home_share`
    of its force. The cell takes over where it has pushed for `firm_s` with `firm_share` of what the
    class takes at most, within `handover_depth_m` of the believed depth: what has a latch has
    snapped by then, and a hand that runs into the contacts pushes for less.
    """

    overtravel_m: Size
    rise_m: Size
    home_share: Fraction
    handover_depth_m: Length
    firm_share: Annotated[float, Field(ge=1.0, le=5.0)]
    firm_s: Time


class PullTest(Spec):
    """The cell's own judgement: a tug at the connector, with its errors and its time."""

    miss_rate: Fraction
    false_alarm_rate: Fraction
    tug_s: Time


class PlugMotion(Spec):
    """Scripted phases: where they go, how fast, and the dwell of each grip."""

    linear: Axis
    loaded_linear: Axis
    yaw: AngularAxis
    fixture_back_m: Length
    fixture_aside_m: Length
    approach_m: Length
    lift_m: Length
    grip_s: Time
    localise_s: Time
    release_s: Time


class PlugSpec(StationSpec):
    """One plugging station: connectors, robot control, latch, pull test, scripted motion."""

    parts: Mapping[str, Connector]
    settings: Mapping[str, PlugSetting]
    impedance: PlugImpedance
    action: PlugAction
    latch: Latch
    pull_test: PullTest
    motion: PlugMotion

    @model_validator(mode="after")
    def _ports_fit(self) -> Self:
        for name, part in self.parts.items():
            for setting in self.settings.values():
                mouth = part.width_m + 2 * (
                    setting.clearance_m + part.looseness_m + part.lead_in_opening_m
                )
                if part.port_pitch_m <= mouth:
                    raise error_below(
                        ["parts", name, "port_pitch"],
                        "has ports overlap; use more than {m} mm",
                        m=f"{1e3 * mouth:g}",
                    )
            self._check_forces(name, part)
            if part.length_m <= part.depth_m:
                raise error_below(
                    ["parts", name, "length"],
                    "is no more than its depth, and the hand would go into the port; use more than "
                    "{m} mm", m=f"{1e3 * part.depth_m:g}",
                )  # fmt: skip
            room = part.wipe_m + part.lead_in_depth_m
            latching = self.latch.rise_m + self.latch.overtravel_m
            if part.wipe_m <= latching:
                raise error_below(
                    ["parts", name, "wipe"],
                    "is no more than the latch's rise and overtravel; use more than {m} mm",
                    m=f"{1e3 * latching:g}",
                )
            if part.depth_m <= max(room, self.latch.handover_depth_m):
                raise error_below(
                    ["parts", name, "depth"],
                    "is no more than wipe and lead_in_depth, or than the latch's handover_depth; "
                    "use more than {m} mm", m=f"{1e3 * max(room, self.latch.handover_depth_m):g}",
                )  # fmt: skip
        return self

    def _check_forces(self, name: str, part: Connector) -> None:
        firm_n = self.latch.firm_share * part.latch_n
        push_n = self.impedance.push_n(part.latch_n)
        if part.mating_n > part.latch_n:
            raise error_below(
                ["parts", name, "mating"],
                "is more than its latch force, the most that seating takes; use {n} N or less",
                n=f"{part.latch_n:g}",
            )  # fmt: skip
        if push_n <= firm_n:
            raise error_below(
                ["impedance", "push_ratio"],
                "bounds the push on '{name}' to {p} N, and the cell takes over at {f} N; use more",
                name=name, p=f"{push_n:g}", f=f"{firm_n:g}",
            )  # fmt: skip
        if part.force_budget_n <= firm_n:
            raise error_below(
                ["parts", name, "force_budget"],
                "is no more than the {f} N at which the cell takes over, so that all are damaged; "
                "use more", f=f"{firm_n:g}",
            )  # fmt: skip


class ArmPlugSpec(PlugSpec):
    """A plugging station that an arm works: the same, and which arm it is."""

    robot: ArmData
