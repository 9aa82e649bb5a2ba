"""The page of a station for people: generated from its YAML, its spec and the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from configs.commented import Entry, entries, opening_comment
from configs.specs.base import load_spec, resolve_path
from configs.specs.station import StationSpec
from envs import reward
from envs.observation import LIMIT, insertion_fields, markdown_table
from envs.outcome import OutcomeClass
from envs.registry import StationEntry

OUTCOMES = {
    OutcomeClass.DAMAGE: ("the part or the slot took a damaging force", "swap from stock"),
    OutcomeClass.VOID: (
        "penetration beyond the limit: the physics proves nothing",
        "not counted; over 1 % an evaluation proves nothing",
    ),
    OutcomeClass.ASSISTED: ("protective stop, or the time limit ran out", "waits for a technician"),
    OutcomeClass.ESCAPED: (
        "short or misplaced, and the cell's sensors pass it",
        "found downstream",
    ),
    OutcomeClass.DETECTED: ("the cell's sensors do not pass it, rightly or not", "as assisted"),
    OutcomeClass.RETRIED: ("seated after more than one entry", "its own time"),
    OutcomeClass.OK: ("seated at the first entry", "its own time"),
}
"""When an operation ends in a class and what the line pays, in the order in which they match."""

_ACTIONS = (
    ("axial", "along the tray's heading"),
    ("lateral", "across the tray's heading"),
    ("height", "up"),
    ("yaw", "counter-clockwise from above, about the front edge"),
)
_TERMS = {
    "progress": reward.progress.__doc__,
    "alignment": reward.alignment.__doc__,
    "step": "Return minus one a step.",
    "effort": reward.effort.__doc__,
    "force": reward.force.__doc__,
    "damage": "Return minus one where damage happens.",
    "seated": "Return one where the operation ends seated.",
}
_OWN_SECTIONS = ("id", "version", "title", "default_setting", "settings", "action", "reward")


@dataclass(frozen=True)
class _Source:
    """A station's spec and its YAML as written."""

    spec: StationSpec
    entries: tuple[Entry, ...]
    opening: Sequence[str]

    def value(self, *path: str) -> str:
        """Return a value as written."""
        return next(entry.value for entry in self.entries if entry.path == path)

    def note(self, *path: str) -> str:
        """Return the comment on a key."""
        return next(entry.note for entry in self.entries if entry.path == path)

    def below(self, *path: str) -> list[Entry]:
        """Return the entries right below a key."""
        n = len(path)
        return [e for e in self.entries if e.path[:n] == path and len(e.path) == n + 1]


def station_page(entry: StationEntry) -> str:
    """Return the Markdown page of a registered station."""
    path = resolve_path("stations", entry.config)
    source = _Source(load_spec(StationSpec, path), tuple(entries(path)), opening_comment(path))
    fields = insertion_fields(source.spec.parts)
    sections = [
        f"# {entry.env_id}",
        f"<!-- Written by: rackline stations {entry.env_id} --doc docs/stations/{entry.config}.md; "
        f"do not edit -->",
        f"{entry.title}. On the reference line it is station {entry.line_station}. Its data is in "
        f"`configs/stations/{entry.config}.yaml`; values below are as written there.",
        "\n".join(f"{line}  " for line in source.opening[1:]).rstrip(),
        "## Operation",
        _operation(source),
        "## Observation",
        f"A float32 vector ({len(fields)},): each entry is the quantity over its scale, clipped to "
        f"±{LIMIT:g}. It holds nothing that a real cell would not know.",
        markdown_table(fields),
        "## Action",
        _action(source),
        "## Judge",
        _judge(source),
        "## Outcome",
        "The first row that matches is the class of the operation; success is ok or retried.",
        _table(("class", "when", "what it costs the line"),
               ((o.value, *words) for o, words in OUTCOMES.items())),
        "## Settings",
        _settings(source),
        "## Reward",
        "For training only; no figure that is reported reads it. Raw terms are in "
        '`info["reward_terms"]`.',
        _reward(source),
        "## Everything else it assumes",
        *_rest(source),
    ]  # fmt: skip
    return "\n\n".join(section for section in sections if section) + "\n"


def _operation(source: _Source) -> str:
    motion = source.spec.motion
    return (
        f"One episode is one part: pick it from the cart, carry it to the mouth, **align and "
        f"insert**, close the levers, release, return to the cart. Policies act in align and "
        f"insert, from {1e3 * motion.approach_m:g} mm before the mouth; the other phases are timed "
        f"by motion profiles under the limits below. `reset(seed=s, "
        f'options={{"rack": r, "slot": k}})` '
        f"starts the part of slot k in rack visit r; dock error and friction belong to the "
        f"visit (s, r), grasp, mass and gains to the part (s, r, k), noise to the step."
    )


def _action(source: _Source) -> str:
    spec = source.spec
    rows = [
        (index, name, source.value("action", name), direction)
        for index, (name, direction) in enumerate(_ACTIONS)
    ]
    intro = (
        f"A float32 vector ({len(rows)},) in [-1, 1], clipped, {spec.physics.policy_rate_hz:g} "
        f"times a second: each entry moves the target of the tray's front edge, part-relative."
    )
    outro = (
        f"The target stays within {source.value('action', 'window')} and "
        f"{source.value('action', 'window_yaw')} of the observed slot axis. An impedance "
        f"controller at {spec.physics.control_rate_hz:g} Hz follows it; the target leads what is "
        f"measured by at most the leads of `impedance`, which bounds the force that actions can "
        f"build up."
    )
    table = _table(("index", "name", "an action of 1 moves by", "direction"), rows)
    return f"{intro}\n\n{table}\n\n{outro}"


def _judge(source: _Source) -> str:
    limits, levers, sensors = source.spec.limits, source.spec.levers, source.spec.sensors
    stop = limits.stop_fraction
    lines = [
        "Forces are means over 1/60 s, read at every physics tick by the fixture's own load cells "
        "under left guide, right guide, shelf and top, so that a wedged tray does not cancel.",
        f"**Damage**: a lateral force over {limits.lateral_damage_n:g} N (the largest sideways "
        f"force on any one of them joined with the largest vertical one; the tray's own weight on "
        f"the shelf is not counted) or an axial one over {limits.axial_damage_n:g} N. It ends the "
        f"operation.",
        f"**Protective stop**: over {stop:g} of a damage limit by the wrist's sensor "
        f"({stop * limits.lateral_damage_n:g} N, {stop * limits.axial_damage_n:g} N) the cell "
        f"stops {1e3 * limits.stop_reaction_s:g} ms later, and a person takes over. The same for "
        f"every policy.",
        f"**Levers**: the cell closes them when the wrist feels {levers.handover_force_n:g} N "
        f"against the tray within {1e3 * levers.handover_depth_m:g} mm of the believed depth. "
        f"Within ±{1e3 * levers.lateral_tolerance_m:g} mm at both edges and "
        f"±{_degrees(levers.yaw_tolerance_rad):g}° of the mouth axis and at most "
        f"{1e3 * levers.travel_m:g} mm short, the tray is drawn home; otherwise it stops short by "
        f"{1e3 * levers.short_per_error_m:g} mm per unit of error beyond that. Seated is at most "
        f"{1e3 * levers.seated_tolerance_m:g} mm short; a front edge outside the slot's section "
        f"is wrong, however deep.",
        f"**The cell's sensors**: lever switch and presence switch must both agree. The presence "
        f"threshold is drawn per part, N({1e3 * sensors.presence_threshold_m:g}, "
        f"{1e3 * sensors.presence_threshold_sd_m:g}) mm; it misses {100 * sensors.miss_rate:g} % "
        f"and alarms falsely on {100 * sensors.false_alarm_rate:g} %.",
        f"**Attempts**: coming on again after a retreat of {1e3 * limits.retreat_m:g} mm is "
        f"another one. **Time**: {limits.time_limit_s:g} s in align and insert, then the episode "
        f"is truncated. **Void**: penetration over "
        f"{1e3 * source.spec.physics.penetration_limit_m:g} mm.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _settings(source: _Source) -> str:
    spec = source.spec
    names = list(spec.settings)
    intro = [
        f"- **{name}**{' (default)' if name == spec.default_setting else ''}: "
        f"{source.note('settings', name)}"
        for name in names
    ]
    rows = []
    for entry in source.below("settings", names[0]):
        key = entry.path[-1]
        values = [source.value("settings", name, key) for name in names]
        notes = [
            f"{name}: {note}" for name in names if (note := source.note("settings", name, key))
        ]
        rows.append((key, *values, "; ".join(notes)))
    bounds = "`dock`, `grasp`: half-widths of uniform errors. `friction` and factors: low and high "
    bounds += "of a uniform draw. `noise`: standard deviations at each step. Clearance is a side."
    table = _table(("field", *names, "note"), rows)
    return "\n".join(intro) + f"\n\n{table}\n\n{bounds}"


def _reward(source: _Source) -> str:
    rows = []
    for entry in source.below("reward"):
        words = (_TERMS[entry.path[-1]] or "").removeprefix("Return ").rstrip(".")
        rows.append((entry.path[-1], entry.value, words.replace("``", "`")))
    return _table(("term", "weight", "value"), rows)


def _rest(source: _Source) -> list[str]:
    sections = []
    for section in source.entries:
        if len(section.path) != 1 or section.path[0] in _OWN_SECTIONS:
            continue
        name = section.path[0]
        heading = f"### {name}" + (f"\n\n{section.note}" if section.note else "")
        rows = [(e.path[-1], e.value, e.note) for e in source.below(name)]
        body = _table(("field", "value", "note"), rows) if rows else section.value
        sections.append(f"{heading}\n\n{body}")
    return sections


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _degrees(angle_rad: float) -> float:
    return round(angle_rad * 57.29577951308232, 6)
