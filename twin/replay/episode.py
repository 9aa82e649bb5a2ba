"""The page of a recorded episode, or of two on one seed: 3D scene, phases, forces, reward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from configs.errors import RacklineError, UnknownNameError
from configs.specs.base import spec_hash
from envs.outcome import OutcomeClass
from envs.registry import station
from envs.scene import SceneLink
from policies.recording import Header, Recording
from policies.recording_playback import METRES_PER_N
from twin.replay.page import asset, packed, page
from twin.report.style import CLASS_COLOURS

_SCRIPTS = ("player.js", "plots.js", "arrow.js", "scene.js", "episode.js")
_PLOTS: Final[tuple[tuple[str, str, float, dict[str, str]], ...]] = (
    ("Sideways force on the rack", "N", 1.0, {"side_force_n": ""}),
    ("Axial force on the rack", "N", 1.0, {"axial_force_n": ""}),
    ("Force at the wrist", "N", 1.0, {f"wrist_f{axis}_n": axis for axis in "xyz"}),
    ("Depth in the slot", "mm", 1e3, {"depth_m": ""}),
)
"""Heading, unit, factor from the signal's unit, and the signals with their names, of every plot.
Two policies share those of one signal."""

_POLICY_COLOURS = ("--series-a", "--series-b")
_SIGNAL_COLOURS = ("--series-a", "--series-b", "#3f9b68")
_PHASE_COLOURS = ("#9fb4c7", "#5b9bd0", "#e0a458", "#6fae8a", "#b58fc4", "#d08a8a", "#7f8fa6",
                  "#c9b37a")  # fmt: skip
"""Of the phases in the order they first come; begun again where there are more."""

_PALE = frozenset({OutcomeClass.RETRIED, OutcomeClass.ASSISTED})
"""Classes whose colour is too light for white letters."""


def episode_page(recordings: Sequence[Recording], heading: str = "") -> str:
    """Return the replay of one recording, or of two side by side under one clock, as HTML.

    Args:
        recordings: one or two; two are of one operation, unless a heading says what joins them.
        heading: what two recordings of different operations have in common.

    Raises:
        RacklineError: two recordings that are not of one operation, or one without a frame.
    """
    for recording in recordings:
        if not recording.frames.phase:
            raise RacklineError("a recording without a frame has nothing to show; record it again")
    if len(recordings) > 1 and not heading:
        _check_same_operation(recordings)
    head = recordings[0].header
    phases = list(dict.fromkeys(name for r in recordings for name in r.frames.phase))
    data = {
        "episodes": [_episode(recording, bool(heading)) for recording in recordings],
        "phase_colours": {
            name: _PHASE_COLOURS[i % len(_PHASE_COLOURS)] for i, name in enumerate(phases)
        },
        "charts": list(_charts(recordings)),
        "step_s": _step_s(recordings[0]),
        "metres_per_n": METRES_PER_N,
    }
    names = " against ".join(recording.header.policy for recording in recordings)
    return page(
        "episode.html.j2",
        data,
        _SCRIPTS,
        three=Markup(f"/*\n{asset('vendor/three.LICENSE')}*/\n{asset('vendor/three.min.js')}"),
        two=len(recordings) > 1,
        title=f"{heading or names}: {head.env_id}, seed {head.seed}",
        heading=heading or names,
        meta=f"{head.env_id} · {f'setting {head.setting}' if heading else _operation(head)}",
        notes=list(_notes(recordings)),
    )


def phase_spans(recording: Recording) -> Iterator[tuple[float, float, str]]:
    """Yield (start_s, end_s, name) of every stretch of one phase, in order, without gaps."""
    frame = 0
    times = recording.frames.time_s
    for name, frames in groupby(recording.frames.phase):
        start, frame = frame, frame + sum(1 for _ in frames)
        yield float(times[start]), float(times[min(frame, len(times) - 1)]), name


def _notes(recordings: Sequence[Recording]) -> Iterator[str]:
    """Yield what is missing, and of two recordings of which."""
    for letter, recording in zip("AB", recordings, strict=False):
        if recording.cut is not None:
            yield f"{letter}: {recording.cut}" if len(recordings) > 1 else recording.cut


def _check_same_operation(recordings: Sequence[Recording]) -> None:
    """Raise unless the recordings differ in their policy only."""
    for field in ("env_id", "spec_hash", "setting", "seed", "rack", "slot", "perturbation"):
        values = [getattr(recording.header, field) for recording in recordings]
        if values[0] != values[1]:
            raise RacklineError(
                f"--compare: the recordings differ in {field} ({values[0]} and {values[1]}); "
                "record both policies on the same seed of one station"
            )


def _episode(recording: Recording, own_operation: bool) -> dict[str, Any]:
    """Return what the page shows of one recording; which operation, where each is of its own."""
    head = recording.header
    outcome = None if recording.end is None else OutcomeClass(recording.end.outcome)
    return {
        "policy": head.policy,
        "operation": _operation(head) if own_operation else "",
        "outcome": "cut" if outcome is None else outcome.value,
        "tone": CLASS_COLOURS.get(outcome, "#5d6976") if outcome else "#5d6976",
        "pale": outcome in _PALE,
        "length_s": float(recording.frames.time_s[-1]),
        "times": packed(recording.frames.time_s, np.float64),
        "poses": packed(recording.frames.poses, np.float32),
        "links": [_link(link) for link in recording.scene],
        "follow": _followed(recording.scene),
        "wrist": _wrist(recording),
        "phases": list(phase_spans(recording)),
    }


def _operation(head: Header) -> str:
    return f"seed {head.seed} · rack {head.rack}, slot {head.slot}, {head.part}"


def _link(link: SceneLink) -> dict[str, Any]:
    return {
        "name": link.name,
        "moving": link.moving,
        "colour": list(link.colour),
        "pose": None if link.moving else [*link.pose.position, *link.pose.orientation],
        "boxes": [
            [*box.half_extents_m, *box.pose.position, *box.pose.orientation] for box in link.boxes
        ],
    }


def _wrist(recording: Recording) -> dict[str, str] | None:
    """Return the link of the wrist and the force (N) on the part there, in that link's frame.

    None where that link is not drawn, so that nobody knows where it is.
    """
    wrist = recording.header.wrist
    if wrist not in recording.moving:
        return None
    signals = recording.frames.signals
    forces = np.column_stack([signals[f"wrist_f{axis}_n"] for axis in "xyz"])
    return {"link": wrist, "forces": packed(forces, np.float32)}


def _followed(scene: Sequence[SceneLink]) -> str:
    """Return the link that close views stay with: the part, or else the last that moves."""
    moving = [link.name for link in scene if link.moving and link.boxes]
    return "part" if "part" in moving else moving[-1]


def _charts(recordings: Sequence[Recording]) -> Iterator[dict[str, Any]]:
    """Yield the plots: of one recording, or those that two policies can share."""
    two = len(recordings) > 1
    limits = _limits(recordings[0].header)
    for title, unit, factor, names in _PLOTS:
        if two and len(names) > 1:
            continue
        series = [
            _series("AB"[i] if two else label, r.frames.time_s, factor * r.frames.signals[name])
            for name, label in names.items()
            for i, r in enumerate(recordings)
        ]
        marks = [{"value": limits[name], "label": "damage"} for name in names if name in limits]
        colours = _POLICY_COLOURS if two else _SIGNAL_COLOURS
        yield {**_plot(title, unit, series, colours), "marks": marks}
    rewards = [
        _series("AB"[i] if two else "", r.steps.time_s, np.cumsum(r.steps.rewards))
        for i, r in enumerate(recordings)
    ]
    yield _plot("Reward", "sum so far", rewards, _POLICY_COLOURS, digits=2)


def _limits(header: Header) -> dict[str, float]:
    """Return what damages (N) by signal, where the station that was recorded is the one here."""
    try:
        spec = station(header.env_id).spec
    except UnknownNameError:
        return {}
    if spec_hash(spec) != header.spec_hash:
        return {}
    limits = spec.limits
    return {"side_force_n": limits.lateral_damage_n, "axial_force_n": limits.axial_damage_n}


def _plot(
    title: str, unit: str, series: list[dict[str, Any]], colours: Sequence[str], digits: int = 1
) -> dict[str, Any]:
    coloured = [{**one, "colour": c} for one, c in zip(series, colours, strict=False)]
    return {"title": title, "unit": unit, "digits": digits, "series": coloured}


def _series(name: str, x: Any, y: Any) -> dict[str, Any]:
    return {"name": name, "x": packed(x, np.float64), "y": packed(y, np.float32)}


def _step_s(recording: Recording) -> float:
    """Return what an arrow key moves: one frame."""
    gaps = np.diff(recording.frames.time_s)
    return float(np.median(gaps)) if len(gaps) else 0.02
