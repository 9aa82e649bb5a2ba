"""A recording as pictures: a still or a video, drawn by PyBullet's software renderer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from configs.errors import EnvironmentSetupError, RecordingError
from envs.stage import Stage
from envs.station import PART
from policies.recording import Recording

SIZE = (960, 540)
FPS = 25
"""Frames a second of a video, in real time."""
_STRIP_PX = 44
_CLOSE_SIZE = (480, 270)
_CLOSE_EYE = (-0.75, -1.25, 0.75)
"""Where the camera of a close picture stands (m), from the part."""
_DARK, _LIGHT = (26, 28, 33), (240, 241, 243)
_SHOWN = (
    ("side", "side_force_n", "N"),
    ("axial", "axial_force_n", "N"),
    ("depth", "depth_m", "mm"),
)


def save_still(recording: Recording, time_s: float, file: Path) -> None:
    """Write the frame at ``time_s`` as a picture; drawn at twice the size, for smooth edges.

    Raises:
        RecordingError: the file cannot be written.
    """
    stage = Stage(recording.scene)
    try:
        picture = _picture(recording, stage, _frame_at(recording, time_s), 2)
    finally:
        stage.close()
    try:
        picture.save(file, format="PNG")
    except OSError as error:
        raise _unwritable(file, error) from None


def close_jpeg(recording: Recording, time_s: float) -> bytes:
    """Return a small picture of the part at ``time_s``, without a caption, as JPEG."""
    width, height = _CLOSE_SIZE
    frame = _frame_at(recording, time_s)
    x, y, z = recording.frames.poses[frame, recording.moving.index(PART), :3].tolist()
    right, back, up = _CLOSE_EYE
    stage = Stage(recording.scene)
    try:
        stage.put(recording.frames.poses[frame].tolist())
        drawn = stage.picture(2 * width, 2 * height, (x + right, y + back, z + up), (x, y, z))
    finally:
        stage.close()
    file = io.BytesIO()
    smooth = Image.fromarray(drawn).resize((width, height), Image.Resampling.LANCZOS)
    smooth.save(file, format="JPEG", quality=80)
    return file.getvalue()


def save_video(
    recording: Recording, file: Path, on_frame: Callable[[], None] = lambda: None
) -> None:
    """Write a recording as MP4 (H.264) in real time.

    Args:
        recording: with at least one frame.
        file: to be written.
        on_frame: called behind each of `frame_count` frames.

    Raises:
        EnvironmentSetupError: PyAV is not installed.
        RecordingError: the file cannot be written.
    """
    require_av()
    import av

    try:
        with av.open(str(file), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=FPS, options={"crf": "23"})
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            for picture in _pictures(recording):
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                container.mux(stream.encode(frame))
                on_frame()
            container.mux(stream.encode())
    except OSError as error:  # PyAV's errors of files are these
        raise _unwritable(file, error) from None


def most_force_s(recording: Recording) -> float:
    """Return the time of the largest side force, 0 where none was measured."""
    side = np.nan_to_num(recording.frames.signals["side_force_n"])
    return float(recording.frames.time_s[int(side.argmax())]) if side.any() else 0.0


def frame_count(recording: Recording) -> int:
    """Return how many frames its video has."""
    return int(recording.frames.time_s[-1] * FPS) + 1


def require_av() -> None:
    """Raise `EnvironmentSetupError` with the install command where PyAV is missing."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise EnvironmentSetupError(
            "--video needs PyAV; install with: pip install 'rackline[viz]' "
            "(in a clone: pip install -c constraints.txt -e '.[viz]')"
        ) from None


def _pictures(recording: Recording) -> Iterator[Image.Image]:
    stage = Stage(recording.scene)
    try:
        for k in range(frame_count(recording)):
            yield _picture(recording, stage, _frame_at(recording, k / FPS), 1)
    finally:
        stage.close()


def _frame_at(recording: Recording, time_s: float) -> int:
    times_s = recording.frames.time_s
    return max(0, int(np.searchsorted(times_s, time_s + 1e-9, side="right")) - 1)


def _picture(recording: Recording, stage: Stage, frame: int, finer: int) -> Image.Image:
    """Return a frame of size `SIZE`, drawn ``finer`` times as large, with a strip of text."""
    width, height = SIZE
    stage.put(recording.frames.poses[frame].tolist())
    drawn = stage.picture(finer * width, finer * (height - _STRIP_PX))
    whole = Image.new("RGB", SIZE, _DARK)
    whole.paste(
        Image.fromarray(drawn).resize((width, height - _STRIP_PX), Image.Resampling.LANCZOS)
    )
    font: Any = ImageFont.load_default(18)
    text = ImageDraw.Draw(whole)
    middle = height - _STRIP_PX / 2
    text.text((16, middle), _caption(recording, frame), _LIGHT, font, anchor="lm")
    name = f"{recording.header.policy}, seed {recording.header.seed}"
    text.text((width - 16, middle), name, _LIGHT, font, anchor="rm")
    return whole


def _caption(recording: Recording, frame: int) -> str:
    frames = recording.frames
    words = [f"{frames.time_s[frame]:5.1f} s", frames.phase[frame]]
    for name, signal, unit in _SHOWN:
        value = float(frames.signals[signal][frame])
        if np.isfinite(value):
            words.append(f"{name} {value * (1e3 if unit == 'mm' else 1.0):.0f} {unit}")
    end = recording.end
    if end is not None and frame == len(frames.phase) - 1:
        words.append(end.outcome)
    return "   ".join(words)


def _unwritable(file: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"{file}: cannot be written ({error.strerror or error}); choose another file"
    )
