"""The page of a station for people: generated from its YAML, its spec and the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from configs.commented import Written
from configs.specs.base import resolve_path
from configs.specs.station import StationSpec
from envs import reward
from envs.observation import markdown_table
from envs.outcome import OutcomeClass
from envs.registry import StationEntry, station_of
from envs.station import Station, Words

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

_TERMS = {
    "progress": reward.progress.__doc__,
    "alignment": reward.alignment.__doc__,
    "step": "Return minus one a step.",
    "effort": reward.effort.__doc__,
    "force": reward.force.__doc__,
    "damage": "Return minus one where damage happens.",
    "seated": "Return one where the operation ends seated.",
}
_NOT_SIMULATED = (
    "Collisions but of the part with the fixture: a robot, its hand and what stands around "
    "pass through each other, so whether a hand has room is not answered here.",
    "Picks that miss and parts that are dropped: all but align and insert is timed, not simulated.",
    "Friction, play and motors of a robot's joints: they do what control asks, within limits.",
)
_OWN_SECTIONS = ("id", "version", "title", "default_setting", "settings", "action", "reward")


def station_page(entry: StationEntry) -> str:
    """Return the Markdown page of a registered station."""
    folder = entry.spec_type.folder
    source = Written.read(resolve_path(folder, entry.config), folder)
    own = Path(entry.config).suffix
    data = Path(entry.config).name if own else f"configs/stations/{entry.config}.yaml"
    station = station_of(entry.spec)
    words, fields = station.words(source), station.fields
    sections = [
        f"# {entry.env_id}",
        f"<!-- Written by: rackline stations {entry.env_id} --doc docs/stations/{entry.stem}.md; "
        f"do not edit -->",
        f"{entry.title}. On the reference line it is station {entry.line_station}. Its data is in "
        f"`{data}`; values below are as written there.",
        "\n".join(f"{line}  " for line in source.opening[1:]).rstrip(),
        "## Operation",
        words.operation,
        "## Observation",
        f"A float32 vector ({len(fields)},): each entry is the quantity over its scale, clipped "
        f"where the quantity leaves what is observed. It holds nothing that a real cell would not "
        f"know.",
        markdown_table(fields),
        "## Action",
        _action(station, source, words),
        "## Judge",
        "\n".join(f"- {line}" for line in (*words.judge, _limits(station.spec))),
        "## Outcome",
        "The first row that matches is the class of the operation; success is ok or retried.",
        _table(("class", "when", "what it costs the line"),
               ((o.value, *texts) for o, texts in OUTCOMES.items())),
        "## Settings",
        _settings(station.spec, source),
        "## Reward",
        "For training only; no figure that is reported reads it. Raw terms are in "
        '`info["reward_terms"]`.',
        _reward(source),
        "## What is not simulated",
        "\n".join(f"- {line}" for line in (*_NOT_SIMULATED, *words.not_simulated)),
        "## Everything else it assumes",
        *_rest(source),
    ]  # fmt: skip
    return "\n\n".join(section for section in sections if section) + "\n"


def _action(station: Station, written: Written, words: Words) -> str:
    rows = [
        (index, entry.name, written.value("action", entry.name), entry.direction)
        for index, entry in enumerate(station.actions)
    ]
    before, behind = words.action
    intro = (
        f"A float32 vector ({len(rows)},) in [-1, 1], clipped, "
        f"{station.spec.physics.policy_rate_hz:g} times a second: {before}"
    )
    table = _table(("index", "name", "an action of 1 moves by", "direction"), rows)
    return f"{intro}\n\n{table}\n\n{behind}"


def _limits(spec: StationSpec) -> str:
    """Return what ends every operation, whatever the work."""
    limits = spec.limits
    return (
        f"**Attempts**: coming on again after a retreat of {1e3 * limits.retreat_m:g} mm is "
        f"another one. **Time**: {limits.time_limit_s:g} s in align and insert, then the episode "
        f"is truncated. **Void**: penetration over "
        f"{1e3 * spec.physics.penetration_limit_m:g} mm."
    )


def _settings(spec: StationSpec, source: Written) -> str:
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


def _reward(source: Written) -> str:
    rows = []
    for entry in source.below("reward"):
        first = (_TERMS[entry.path[-1]] or "").partition("\n")[0]
        words = first.removeprefix("Return ").rstrip(".")
        rows.append((entry.path[-1], entry.value, words.replace("``", "`")))
    return _table(("term", "weight", "value"), rows)


def _rest(source: Written) -> list[str]:
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
