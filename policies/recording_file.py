"""The file behind a recording: MCAP with JSON messages; the only module that talks to `mcap`.

::

    metadata rackline                       the header, each value as JSON
    /scene     foxglove.SceneUpdate         once: an entity a link, its boxes as cubes
    /tf_fixed  foxglove.FrameTransforms     once: where the links are that stay
    /tf        foxglove.FrameTransforms     a frame: where those are that move
    /frames    rackline.Frame               a frame: phase and signals
    /steps     rackline.Step                a policy step
    metadata rackline.end                   what the operation came to, each value as JSON

The schemas of scene and poses are Foxglove's (https://docs.foxglove.dev/docs/sdk/schemas), so that
its 3D panel shows a recording as it is; a mesh of a link would be an entity's ``models`` there.
Times are nanoseconds since the cycle began; `policies.recording_messages` has scene and poses.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import zstandard
from mcap.exceptions import McapError
from mcap.records import Channel, Message, Metadata
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from configs.errors import RecordingError
from envs.physics.pose import Pose
from envs.scene import SceneLink
from policies.recording_messages import entity_of, link_of, poses_of, single, transforms
from policies.recording_schemas import SCHEMAS

HEADER, END = "rackline", "rackline.end"
FLUSH_NS = 2_000_000_000
"""What a kill may lose: a chunk is closed, compressed and flushed every 2 s of the operation."""
SIGNALS: Mapping[str, str] = {
    **{f"wrist_f{axis}_n": "N" for axis in "xyz"},
    **{f"wrist_m{axis}_nm": "N*m" for axis in "xyz"},
    "side_force_n": "N",
    "axial_force_n": "N",
    "depth_m": "m",
    "lateral_m": "m",
    "yaw_rad": "rad",
}
"""Signals of a frame and their units: wrench on the part by the wrist sensor, forces as judged,
true depth behind the mouth plane, true lateral and heading error of the front edge."""
_DIGITS = {"m": 7, "rad": 7, "N": 4, "N*m": 5}
"""Digits behind the point by unit of a signal."""
_DAMAGE = (
    McapError, zstandard.ZstdError, struct.error, ValueError, KeyError, TypeError, MemoryError,
)  # fmt: skip
"""What `mcap` and the messages raise on bytes that were cut or changed."""
_LARGEST = 64 * 2**20  # bytes a record may claim: a damaged length must not take all memory


class RecordingWriter:
    """Writes one recording as the operation goes on.

    Args:
        stream: opened for writing in binary.
        header: plain data of the header.
        scene: what is to be seen.
    """

    def __init__(
        self, stream: IO[bytes], header: Mapping[str, Any], scene: Sequence[SceneLink]
    ) -> None:
        self._moving = [link.name for link in scene if link.moving]
        self._writer: Any = Writer(stream, compression=CompressionType.ZSTD)  # typed in part
        self._writer.start(profile="", library="rackline")
        self._writer.add_metadata(HEADER, _texts(header))
        self._channels = {
            topic: self._writer.register_channel(
                topic,
                "json",
                self._writer.register_schema(name, "jsonschema", json.dumps(schema).encode()),
            )
            for topic, (name, schema) in SCHEMAS.items()
        }
        self._write("/scene", 0, {"deletions": [], "entities": [entity_of(s) for s in scene]})
        fixed = {link.name: link.pose for link in scene if not link.moving}
        self._write("/tf_fixed", 0, transforms(0, fixed))
        self._flush_at_ns = 0
        self._flush(0)

    def frame(
        self, time_s: float, phase: str, poses: Sequence[Pose], signals: Mapping[str, float]
    ) -> None:
        """Write a frame: poses of the links that move, in the order of the scene."""
        time_ns = _ns(time_s)
        moved = dict(zip(self._moving, poses, strict=True))
        said = {name: single(value, _DIGITS[SIGNALS[name]]) for name, value in signals.items()}
        self._write("/tf", time_ns, transforms(time_ns, moved))
        self._write("/frames", time_ns, {"phase": phase, "signals": said})
        self._flush(time_ns)

    def step(
        self,
        time_s: float,
        phase: str,
        action: Sequence[float],
        state_hash: str,
        reward: float,
        terms: Mapping[str, float],
    ) -> None:
        """Write a policy step."""
        row = {
            "phase": phase,
            "action": [float(str(np.float32(value))) for value in action],
            "state_hash": state_hash,
            "reward": single(reward, 7),
            "terms": {name: single(value, 7) for name, value in terms.items()},
        }
        self._write("/steps", _ns(time_s), row)

    def flush(self) -> None:
        """Close the chunk in work and write it."""
        self._writer.flush()

    def finish(self, end: Mapping[str, Any]) -> None:
        """Write what the operation came to, and the index; without this call the file is cut."""
        self._writer.flush()
        self._writer.add_metadata(END, _texts(end))
        self._writer.finish()

    def _write(self, topic: str, time_ns: int, data: Mapping[str, Any]) -> None:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
        self._writer.add_message(self._channels[topic], time_ns, text, time_ns)

    def _flush(self, time_ns: int) -> None:
        if time_ns >= self._flush_at_ns:
            self._writer.flush()
            self._flush_at_ns = time_ns + FLUSH_NS


@dataclass(frozen=True)
class Frame:
    """One frame as read: float32 poses by link (7,), signals by name."""

    time_ns: int
    phase: str
    poses: Mapping[str, Sequence[float]]
    signals: Mapping[str, float]


@dataclass
class Content:
    """What a file holds.

    Attributes:
        header: plain data.
        scene: what is to be seen.
        frames: in order of time.
        steps: time (ns) and plain data of each.
        end: plain data, None where it was not reached.
        broken: where and why reading ended before the file's end; None of a whole file.
    """

    header: dict[str, Any] = field(default_factory=dict)
    scene: tuple[SceneLink, ...] = ()
    frames: list[Frame] = field(default_factory=list)
    steps: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    end: dict[str, Any] | None = None
    broken: str | None = None


def read(stream: IO[bytes], where: str) -> Content:
    """Read a file, or what a cut left of it.

    Args:
        stream: opened for reading in binary.
        where: name of the file, for errors.

    Raises:
        RecordingError: no MCAP file, none of Rackline's, or cut before the operation began.
    """
    found, messages = Content(), _Messages()
    reader = StreamReader(stream, validate_crcs=True, record_size_limit=_LARGEST)
    try:
        for record in reader.records:
            if isinstance(record, Channel):
                messages.topics[record.id] = record.topic
            elif isinstance(record, Message):
                messages.take(record)
            elif isinstance(record, Metadata) and record.name == HEADER:
                found.header = _values(record)
            elif isinstance(record, Metadata) and record.name == END:
                found.end = _values(record)
    except _DAMAGE as error:
        reason = "its bytes end" if _at_end(stream) else f"damaged: {error or type(error).__name__}"
        found.broken = f"byte {stream.tell()}: {reason}"
    if not found.header or not messages.scene:
        raise RecordingError(
            f"{where}: is no recording of Rackline, or cut before the operation began; record it "
            f"again with rackline rollout --record"
        )
    found.scene, found.frames, found.steps = messages.content()
    return found


class _Messages:
    """Sorts messages by topic, and joins poses and signals of the same frame."""

    def __init__(self) -> None:
        self.topics: dict[int, str] = {}
        self.scene: list[dict[str, Any]] = []
        self._fixed: dict[str, list[float]] = {}
        self._poses: dict[int, dict[str, list[float]]] = {}
        self._frames: dict[int, dict[str, Any]] = {}
        self._steps: list[tuple[int, dict[str, Any]]] = []

    def take(self, message: Message) -> None:
        """Take in one message."""
        topic, data = self.topics[message.channel_id], json.loads(message.data)
        if topic == "/scene":
            self.scene = data["entities"]
        elif topic == "/tf_fixed":
            self._fixed = poses_of(data)
        elif topic == "/tf":
            self._poses[message.log_time] = poses_of(data)
        elif topic == "/frames":
            self._frames[message.log_time] = data
        elif topic == "/steps":
            self._steps.append((message.log_time, data))

    def content(self) -> tuple[tuple[SceneLink, ...], list[Frame], list[Any]]:
        """Return scene, frames and steps; a frame of which only half was read is dropped."""
        scene = tuple(link_of(entity, self._fixed.get(entity["id"])) for entity in self.scene)
        frames = [
            Frame(time, data["phase"], self._poses[time], data["signals"])
            for time, data in self._frames.items()
            if time in self._poses
        ]
        return scene, frames, self._steps


def _at_end(stream: IO[bytes]) -> bool:
    here = stream.tell()
    at_end = stream.read(1) == b""
    stream.seek(here)
    return at_end


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(value) for name, value in values.items()}


def _values(record: Metadata) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in record.metadata.items()}


def _ns(time_s: float) -> int:
    return round(time_s * 1e9)
