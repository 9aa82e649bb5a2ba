"""What the page of an insertion station says beyond tables."""

from __future__ import annotations

import math

from configs.commented import Written
from configs.specs.insertion import InsertionSpec
from envs.station import Words

NOT_SIMULATED = (
    "What bends: parts, rails, rack and gantry are rigid boxes, and the contact's stiffness and "
    "damping stand for the rest.",
    "The force of mating connectors: it acts on the levers, which the cell closes in their time.",
)


def words(spec: InsertionSpec, written: Written) -> Words:
    """Return the words for a station; ``written`` is its YAML."""
    return Words(_operation(spec), _action(spec, written), _judge(spec), NOT_SIMULATED)


def _operation(spec: InsertionSpec) -> str:
    return (
        f"One episode is one part: pick it from the cart, carry it to the mouth, **align and "
        f"insert**, close the levers, release, return to the cart. Policies act in align and "
        f"insert, from {1e3 * spec.motion.approach_m:g} mm before the mouth; the other phases are "
        f"timed by motion profiles under the limits below. `reset(seed=s, "
        f'options={{"rack": r, "slot": k}})` '
        f"starts the part of slot k in rack visit r; dock error and friction belong to the "
        f"visit (s, r), grasp, mass and gains to the part (s, r, k), noise to the step."
    )


def _action(spec: InsertionSpec, written: Written) -> tuple[str, str]:
    before = "each entry moves the target of the part's front edge, part-relative."
    behind = (
        f"The target stays within {written.value('action', 'window')} and "
        f"{written.value('action', 'window_yaw')} of the observed slot axis. An impedance "
        f"controller at {spec.physics.control_rate_hz:g} Hz follows it; the target leads what is "
        f"measured by at most the leads of `impedance`, which bounds the force that actions can "
        f"build up."
    )
    return before, behind


def _judge(spec: InsertionSpec) -> tuple[str, ...]:
    limits, levers, sensors = spec.limits, spec.levers, spec.sensors
    stop = limits.stop_fraction
    return (
        "Forces are means over 1/60 s, read at every physics tick by the fixture's own load cells "
        "under left guide, right guide, shelf and top, so that a wedged part does not cancel.",
        f"**Damage**: a lateral force over {limits.lateral_damage_n:g} N (the largest sideways "
        f"force on any one of them joined with the largest vertical one; the part's own weight on "
        f"the shelf is not counted) or an axial one over {limits.axial_damage_n:g} N. It ends the "
        f"operation.",
        f"**Protective stop**: over {stop:g} of a damage limit by the wrist's sensor "
        f"({stop * limits.lateral_damage_n:g} N, {stop * limits.axial_damage_n:g} N) the cell "
        f"stops {1e3 * limits.stop_reaction_s:g} ms later, and a person takes over. The same for "
        f"every policy.",
        f"**Levers**: the cell closes them when the wrist feels {levers.handover_force_n:g} N "
        f"against the part within {1e3 * levers.handover_depth_m:g} mm of the believed depth. "
        f"Within ±{1e3 * levers.lateral_tolerance_m:g} mm at both edges and "
        f"±{_degrees(levers.yaw_tolerance_rad):g}° of the mouth axis and at most "
        f"{1e3 * levers.travel_m:g} mm short, the part is drawn home; otherwise it stops short by "
        f"{1e3 * levers.short_per_error_m:g} mm per unit of error beyond that. Seated is at most "
        f"{1e3 * levers.seated_tolerance_m:g} mm short; a front edge outside the slot's section "
        f"is wrong, however deep.",
        f"**The cell's sensors**: lever switch and presence switch must both agree. The presence "
        f"threshold is drawn per part, N({1e3 * sensors.presence_threshold_m:g}, "
        f"{1e3 * sensors.presence_threshold_sd_m:g}) mm; it misses {100 * sensors.miss_rate:g} % "
        f"and alarms falsely on {100 * sensors.false_alarm_rate:g} %.",
    )


def _degrees(angle_rad: float) -> float:
    return round(math.degrees(angle_rad), 6)
