"""Recordings of operations as data: header, scene, frames, steps and end, and how to read one.

One file an operation, an MCAP container (https://mcap.dev) that other tools open too; see
`policies.recording_file` for what is in it and docs/decisions for why.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from configs.errors import RecordingError, UnknownNameError
from configs.specs.base import first_problem
from envs.registry import station, station_of
from envs.scene import SceneLink
from policies import recording_file as file

__all__ = [
    "CONTACT",
    "End",
    "Frames",
    "Header",
    "Recording",
    "SceneLink",
    "Steps",
    "action_names",
    "read_recording",
]

FORMAT = 1
"""Version of what is in a recording; raised when a reader would have to know."""

CONTACT = ("approach", "insert")
"""Phases that the policy works in; the others are scripted."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Header:
    """What was run, on what.

    Attributes:
        env_id: station, e.g. ``"rackline/TrayInsert-v0"``.
        setting: difficulty.
        station: id of the station's data, with its ``station_version`` and ``spec_hash``.
        policy: name of the policy, or path of its bundle.
        policy_digest: 16 hex digits of what decides how it behaves.
        seed, rack, slot: which operation: campaign seed, rack visit, slot (0 = lowest).
        part: name of the part.
        perturbation: factors of a study, by name; 1 is the station.
        versions: of what computed it: python, rackline, pybullet, numpy.
        format: version of the recording.
        wrist: link whose frame the wrist's signals are in; files of before it was said have the
            gantry's.
        code: digest of the sources that made it, see `policies.recording_code`; empty in files of
            before it was said.
    """

    env_id: str
    setting: str
    station: str
    station_version: int
    spec_hash: str
    policy: str
    policy_digest: str
    seed: int
    rack: int
    slot: int
    part: str
    perturbation: dict[str, float]
    versions: dict[str, str]
    format: int = FORMAT
    wrist: str = "gantry/ft"
    code: str = ""


@dataclass(frozen=True, eq=False)
class Frames:
    """Where everything was, at 25 Hz in scripted phases and at 30 Hz in the policy's.

    Attributes:
        time_s: since the cycle began. # (n,)
        phase: pick, transit, align, then the policy's approach and insert, then close, release,
            retract; one a frame.
        poses: of the links of the scene that move, in its order: position (m) and quaternion
            (xyzw) of the link frame in the world. # (n, moving, 7)
        signals: by name with unit suffix, nan where it is not measured: scripted phases touch
            nothing. Forces of the judge are the largest window of 1/60 s since the frame before,
            the rest is as of the frame. # (n,) each
        units: unit of each signal.
    """

    time_s: NDArray[np.float64]
    phase: tuple[str, ...]
    poses: Floats
    signals: dict[str, Floats]
    units: dict[str, str]


@dataclass(frozen=True, eq=False)
class Steps:
    """What the policy did, one row a policy step.

    Attributes:
        time_s: since the cycle began, at the end of the step. # (m,)
        phase: approach while the true front edge was before the mouth plane, else insert.
        actions: as applied, in [-1, 1]; `action_names` says what they move. # (m, actions)
        hashes: of the robot's exact state after the step, 16 hex digits.
        rewards: weighted sums. # (m,)
        terms: raw reward terms by name. # (m,) each
    """

    time_s: NDArray[np.float64]
    phase: tuple[str, ...]
    actions: Floats
    hashes: tuple[str, ...]
    rewards: Floats
    terms: dict[str, Floats]


@dataclass(frozen=True)
class End:
    """What the operation came to, as in `envs.outcome` and `envs.judge.OperationResult`."""

    outcome: str
    facts: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Recording:
    """One recorded operation.

    Attributes:
        header: what was run.
        scene: what is to be seen.
        frames: poses and signals over time.
        steps: what the policy did.
        end: what it came to; None where the file was cut before.
        cut: one sentence on what is missing; None of a whole file.
    """

    header: Header
    scene: tuple[SceneLink, ...]
    frames: Frames
    steps: Steps
    end: End | None
    cut: str | None

    @property
    def moving(self) -> tuple[str, ...]:
        """Names of the links in ``frames.poses``, in order."""
        return tuple(link.name for link in self.scene if link.moving)


def action_names(recording: Recording) -> tuple[str, ...]:
    """Return what the entries of an action move; numbers where the station is not here."""
    count = recording.steps.actions.shape[1]
    names: tuple[str, ...] = ()
    with contextlib.suppress(UnknownNameError):
        entries = station_of(station(recording.header.env_id).spec).actions
        names = tuple(entry.name for entry in entries)
    return names if len(names) == count else tuple(map(str, range(count)))


def read_recording(path: Path) -> Recording:
    """Read a recording, or what a cut left of one.

    Raises:
        RecordingError: no recording, of a newer format, or cut before the operation began.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordingError(
            f"{path}: cannot be read ({error.strerror}); name a file of rackline rollout --record"
        ) from None
    return parse_recording(data, str(path))


def parse_recording(data: bytes, where: str) -> Recording:
    """Return the recording of a file's bytes; ``where`` is named in errors."""
    found = file.read(io.BytesIO(data), where)
    header = _header(found.header, where)
    try:
        frames, steps = _frames(found), _steps(found)
        end = TypeAdapter(End).validate_python(found.end) if found.end is not None else None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RecordingError(
            f"{where}: says what no recording says ({type(error).__name__}: {error}); record it "
            f"again"
        ) from None
    return Recording(header, found.scene, frames, steps, end, _cut(found, frames))


def _header(data: Mapping[str, Any], where: str) -> Header:
    if data.get("format") != FORMAT:
        raise RecordingError(
            f"{where}: has format {data.get('format')!r}, this Rackline reads {FORMAT}; use the "
            f"release that wrote it, or record it again"
        )
    try:
        return TypeAdapter(Header).validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise RecordingError(
            f"{where}: has a damaged header ({first_problem(error)}); record it again"
        ) from None


def _frames(found: file.Content) -> Frames:
    moving = [link.name for link in found.scene if link.moving]
    rows = found.frames
    poses = np.array([[row.poses[name] for name in moving] for row in rows], dtype=np.float32)
    names = file.SIGNALS
    values = np.array(
        [[row.signals.get(name, np.nan) for name in names] for row in rows], dtype=np.float32
    ).reshape(len(rows), len(names))
    return Frames(
        np.array([row.time_ns for row in rows], dtype=np.float64) * 1e-9,
        tuple(row.phase for row in rows),
        poses.reshape(len(rows), len(moving), 7),
        {name: values[:, i] for i, name in enumerate(names)},
        dict(names),
    )


def _steps(found: file.Content) -> Steps:
    rows = [row for _, row in found.steps]
    terms = list(rows[0]["terms"]) if rows else []
    shape = len(rows), len(rows[0]["action"]) if rows else 0
    return Steps(
        np.array([time_ns for time_ns, _ in found.steps], dtype=np.float64) * 1e-9,
        tuple(str(row["phase"]) for row in rows),
        np.array([row["action"] for row in rows], dtype=np.float32).reshape(shape),
        tuple(str(row["state_hash"]) for row in rows),
        np.array([row["reward"] for row in rows], dtype=np.float32),
        {name: np.array([row["terms"][name] for row in rows], dtype=np.float32) for name in terms},
    )


def _cut(found: file.Content, frames: Frames) -> str | None:
    if found.broken is None:
        return None
    if found.end is not None:
        return f"the file is cut behind the operation, which is whole ({found.broken})"
    at = f"{frames.time_s[-1]:.2f} s" if len(frames.time_s) else "its first second"
    return f"the file is cut: what came after {at} is missing ({found.broken})"
