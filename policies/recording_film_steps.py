"""What a camera saw at each policy step of a recording, drawn as `policies.recording_film` does."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.stage import Stage
from policies.recording import CONTACT, Recording
from policies.recording_film import require_av

SIZE = (320, 240)
"""Width and height of a picture (pixels), assumed: as much as policies take in."""
INFO: dict[str, Any] = {
    "video.width": SIZE[0],
    "video.height": SIZE[1],
    "video.codec": "h264",
    "video.pix_fmt": "yuv420p",
    "video.channels": 3,
    "video.is_depth_map": False,
    "has_audio": False,
}
"""How pictures are kept, in LeRobot's words (lerobot/datasets/video_utils.py, get_video_info)."""
_OPTIONS = {"crf": "23", "g": "2", "bf": "0"}
"""A key picture in two, as LeRobot has it, and none that waits for a later one: datasets are read
at random."""


@dataclass(frozen=True, eq=False)
class StepFilm:
    """What a camera that looks at the cell saw before each action.

    Attributes:
        mp4: a video of one picture a policy step.
        levels: how often each level occurs in red, green and blue. # (3, 256)
        frames: number of pictures.
    """

    mp4: bytes
    levels: NDArray[np.int64]
    frames: int


def step_film(recording: Recording, rate_hz: int) -> StepFilm:
    """Draw what the camera saw before each action.

    Args:
        recording: with at least one policy step.
        rate_hz: pictures a second of the video, the policy's rate.

    Raises:
        EnvironmentSetupError: PyAV is not installed.
    """
    require_av()
    import av

    levels, target = np.zeros((3, 256), dtype=np.int64), io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate_hz, options=_OPTIONS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for picture in _pictures(recording):
            for channel in range(3):
                levels[channel] += np.bincount(picture[:, :, channel].ravel(), minlength=256)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return StepFilm(target.getvalue(), levels, len(recording.steps.hashes))


def frames_before_actions(recording: Recording) -> list[int]:
    """Return the frame under each action: the last before the policy's part, then steps' ends."""
    frames = recording.frames
    first = next(i for i, phase in enumerate(frames.phase) if phase in CONTACT)
    ends = np.searchsorted(frames.time_s, recording.steps.time_s[:-1] + 1e-9, side="right") - 1
    return [first - 1, *ends.tolist()]


def _pictures(recording: Recording) -> Iterator[NDArray[np.uint8]]:
    """Yield what the camera saw before each action, (height, width, 3)."""
    stage = Stage(recording.scene)
    try:
        for frame in frames_before_actions(recording):
            stage.put(recording.frames.poses[frame].tolist())
            yield stage.picture(*SIZE)
    finally:
        stage.close()
