"""What the page of a plugging station says beyond tables."""

from __future__ import annotations

from configs.commented import Written
from configs.specs.plug import PlugSpec
from envs.station import Words

NOT_SIMULATED = (
    "Cables: one is a force on its connector's boot that keeps size and direction in an operation. "
    "Bundles, neighbours' cables and the room that a hand finds between them are not there; the "
    "other ports of a panel are taken or capped.",
    "What gives way in a connector, its port and the gripper's pads: all are rigid boxes with "
    "sloped mouths, and the contact's stiffness and damping stand for the rest.",
)


def words(spec: PlugSpec, written: Written) -> Words:
    """Return the words for a station; ``written`` is its YAML."""
    return Words(_operation(spec), _action(spec, written), _judge(spec), NOT_SIMULATED)


def _operation(spec: PlugSpec) -> str:
    return (
        f"One episode is one cable: pick its connector from the hanging fixture, carry it to the "
        f"port, **align and insert**, tug, release, return. Policies act in align and insert, from "
        f"{1e3 * spec.motion.approach_m:g} mm before the mouth; the other phases are timed by "
        f"motion profiles under the limits below. "
        f'`reset(seed=s, options={{"rack": r, "slot": k}})` '
        f"starts the cable of port k in rack visit r; the panel's pose and friction belong to the "
        f"visit (s, r), grasp, mass, gains, drag, resistance and the perception's mistake to the "
        f"part (s, r, k), noise to the step. At the rate `identity_error` the observed port is the "
        f"one beside the right one: what tells is the drawing (`plan lateral`), which places the "
        f"right port to within `plan`."
    )


def _action(spec: PlugSpec, written: Written) -> tuple[str, str]:
    before = "each entry moves the target of the connector's front, part-relative."
    behind = (
        f"The target stays within {written.value('action', 'window')} of the observed port's axis, "
        f"or of where the drawing has the port, and within "
        f"{written.value('action', 'window_turn')} of the axis. An impedance controller at "
        f"{spec.physics.control_rate_hz:g} Hz follows it; the target leads what is measured by at "
        f"most the leads of `impedance`, which bounds the force that actions can build up, along "
        f"the axis by the class of the connector."
    )
    return before, behind


def _judge(spec: PlugSpec) -> tuple[str, ...]:
    limits, latch, test = spec.limits, spec.latch, spec.pull_test
    return (
        "Forces are means over 1/60 s, read at every physics tick by the port's own load cells "
        "under each wall, the panel and the contacts, so that a wedged connector does not cancel.",
        f"**Damage**: a lateral force over {limits.lateral_damage_n:g} N (the largest sideways "
        f"force on any one of them joined with the largest vertical one) or an axial one over the "
        f"class's `force_budget`. It ends the operation.",
        f"**Protective stop**: over {limits.stop_fraction:g} of a damage limit by the wrist's "
        f"sensor the cell stops {1e3 * limits.stop_reaction_s:g} ms later, and a person takes "
        f"over. The same for every policy.",
        f"**Latch**: contacts rub with the mating force over the last `wipe` of the depth; over "
        f"{1e3 * latch.rise_m:g} mm the latch takes its force, and snaps "
        f"{1e3 * latch.overtravel_m:g} mm before the end; both are the class's times the drawn "
        f"resistance. Contacts that were entered before take nothing until the connector is deeper "
        f"than it was (assumed). A hand that yields feels the snap as an advance, hardly as a "
        f"drop; so the cell takes over once it has pushed for {1e3 * latch.firm_s:g} ms with "
        f"{latch.firm_share:g} of the class's latch force within "
        f"{1e3 * latch.handover_depth_m:g} mm of the believed depth. Seated is in the right port "
        f"and behind the snap; in another port is wrong, however deep.",
        f"**The cell's sensor**: a tug, for {test.tug_s:g} s. What has latched holds, in whatever "
        f"port; it misses {100 * test.miss_rate:g} % of short ones and alarms falsely on "
        f"{100 * test.false_alarm_rate:g} %.",
    )
