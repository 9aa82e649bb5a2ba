"""A recording as a Rerun file (https://rerun.io): scene, forces, phases, rewards on one clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import EnvironmentSetupError, RecordingError
from envs.scene import SceneLink
from policies.recording import Floats, Recording, action_names

CLOCK = "cycle"
"""Name of the timeline: seconds since the cycle began."""


def require_rerun() -> None:
    """Raise `EnvironmentSetupError` with the install command where Rerun is missing."""
    try:
        import rerun  # noqa: F401
    except ImportError:
        raise EnvironmentSetupError(
            "--rerun needs Rerun's SDK; install with: pip install 'rackline[rerun]' "
            "(in a clone: pip install -c constraints.txt -e '.[rerun]')"
        ) from None


def save_rerun(recording: Recording, file: Path) -> None:
    """Write a recording as ``.rrd``, for Rerun's viewer: ``rerun FILE``.

    The scene is under ``scene/<link>``, signals under ``signals/<name>``, what the policy did under
    ``actions/<axis>``, ``reward`` and ``terms/<name>``, phases and the outcome as text in ``log``.

    Raises:
        EnvironmentSetupError: Rerun's SDK is not installed.
        RecordingError: the file cannot be written.
    """
    require_rerun()
    import rerun as rr

    header = recording.header
    name = f"{header.policy}, seed {header.seed}, rack {header.rack}, slot {header.slot}"
    stream: Any = rr.RecordingStream("rackline", recording_id=f"{header.env_id}, {name}")
    try:
        stream.save(file)
    except (OSError, RuntimeError) as error:
        raise RecordingError(f"{file}: cannot be written ({error}); choose another file") from None
    stream.log("/", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
    frames, steps = recording.frames, recording.steps
    for link in recording.scene:
        stream.log(_path(link.name), _boxes(link), static=True)
        if not link.moving:
            at = rr.Transform3D(
                translation=link.pose.position, quaternion=list(link.pose.orientation)
            )
            stream.log(_path(link.name), at, static=True)
    for k, link_name in enumerate(recording.moving):
        poses = frames.poses[:, k]
        columns = rr.Transform3D.columns(translation=poses[:, :3], quaternion=poses[:, 3:])
        stream.send_columns(_path(link_name), [_clock(frames.time_s)], columns)
    for signal, values in frames.signals.items():
        known = np.isfinite(values)  # scripted phases touch nothing
        _scalars(stream, f"signals/{signal}", frames.time_s[known], values[known])
    for axis, values in zip(action_names(recording), steps.actions.T, strict=True):
        _scalars(stream, f"actions/{axis}", steps.time_s, values)
    _scalars(stream, "reward", steps.time_s, steps.rewards)
    for term, values in steps.terms.items():
        _scalars(stream, f"terms/{term}", steps.time_s, values)
    times_s, lines = _log(recording)
    stream.send_columns("log", [_clock(times_s)], rr.TextLog.columns(text=lines))
    stream.disconnect()  # writes the rest, and the footer


def _path(link: str) -> str:
    import rerun as rr

    return "/".join(["scene", *map(rr.escape_entity_path_part, link.split("/"))])


def _scalars(stream: Any, path: str, times_s: Any, values: Floats) -> None:
    import rerun as rr

    if len(values):
        columns = rr.Scalars.columns(scalars=values.astype(np.float64))
        stream.send_columns(path, [_clock(times_s)], columns)


def _clock(times_s: Any) -> Any:
    import rerun as rr

    return rr.TimeColumn(CLOCK, duration=np.asarray(times_s, dtype=np.float64))


def _boxes(link: SceneLink) -> Any:
    import rerun as rr

    colour = [round(255 * value) for value in link.colour]
    return rr.Boxes3D(
        centers=[box.pose.position for box in link.boxes],
        half_sizes=[box.half_extents_m for box in link.boxes],
        quaternions=[list(box.pose.orientation) for box in link.boxes],
        colors=[colour] * len(link.boxes),
        fill_mode="solid",
    )


def _log(recording: Recording) -> tuple[list[float], list[str]]:
    """Return when phases began and what it came to, in words."""
    frames, end = recording.frames, recording.end
    begun = [
        (float(time_s), phase)
        for k, (time_s, phase) in enumerate(zip(frames.time_s, frames.phase, strict=True))
        if k == 0 or frames.phase[k - 1] != phase
    ]
    if end is not None and len(frames.time_s):
        begun.append((float(frames.time_s[-1]), f"ended {end.outcome}"))
    return [time_s for time_s, _ in begun], [line for _, line in begun]
