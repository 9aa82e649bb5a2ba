"""A recording in PyBullet's window: play, pause, step, seek, speed, and the wrist's force."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.physics.pose import Vector, rotate
from envs.physics.window import Controls, Window
from envs.stage import EYE, TARGET, Stage
from policies.recording import Recording

METRES_PER_N = 0.003
"""Length of the force arrow: 100 N are 30 cm."""
_LOOK_S = 1.0 / 60.0


@dataclass
class Playback:
    """Where playing is, as a function of what a person does; wall-clock time is an argument.

    Attributes:
        times_s: of the frames, ascending. # (n,)
        time_s: the playhead.
        playing: it moves by itself.
    """

    times_s: NDArray[np.float64]
    time_s: float = 0.0
    playing: bool = True
    _slider_s: float = 0.0

    @property
    def frame(self) -> int:
        """Number of the frame under the playhead."""
        return max(0, int(np.searchsorted(self.times_s, self.time_s + 1e-9, side="right")) - 1)

    def advance(self, elapsed_s: float, asked: Controls) -> None:
        """Go on by ``elapsed_s`` of wall-clock time, or where the person says.

        PyBullet's slider cannot be moved by a program: it seeks when it is moved, and is not
        looked at otherwise.
        """
        if asked.toggled:
            self.playing = not self.playing
            if self.playing and self.time_s >= self.times_s[-1]:
                self.time_s = 0.0
        if asked.time_s != self._slider_s:
            self.time_s = self._slider_s = asked.time_s
        elif asked.steps:
            self.playing = False
            frame = min(len(self.times_s) - 1, max(0, self.frame + asked.steps))
            self.time_s = float(self.times_s[frame])
        elif self.playing:
            self.time_s = min(float(self.times_s[-1]), self.time_s + asked.speed * elapsed_s)
            self.playing = self.time_s < self.times_s[-1]


def wrist_force(recording: Recording, frame: int) -> tuple[Vector, Vector] | None:
    """Return where the wrist is (m) and the force (N) on the part there, in the world.

    None where its link is not drawn, so that nobody knows where it is.
    """
    wrist = recording.header.wrist
    if wrist not in recording.moving:
        return None
    x, y, z, *turned = recording.frames.poses[frame, recording.moving.index(wrist)].tolist()
    signals = recording.frames.signals
    fx, fy, fz = (float(np.nan_to_num(signals[f"wrist_f{axis}_n"][frame])) for axis in "xyz")
    a, b, c, w = turned
    return (x, y, z), rotate((a, b, c, w), (fx, fy, fz))


def watch(recording: Recording, most_looks: int | None = None) -> int:
    """Show a recording in a window until it is closed; return the last frame shown.

    Args:
        recording: with at least one frame.
        most_looks: close by itself after so many looks at the controls.

    Raises:
        EnvironmentSetupError: no window can be opened here.
    """
    times_s = recording.frames.time_s
    window = Window(float(times_s[-1]))
    stage = Stage(recording.scene, window)
    window.furnish(EYE, TARGET)
    playback, shown, looks = Playback(times_s), -1, 0
    last = time.monotonic()
    try:
        while looks != most_looks and (asked := window.read()) is not None:
            now = time.monotonic()
            playback.advance(now - last, asked)
            last, looks = now, looks + 1
            if playback.frame != shown:
                shown = playback.frame
                _show(recording, stage, window, shown)
            time.sleep(_LOOK_S)
    finally:
        stage.close()
    return shown


def _show(recording: Recording, stage: Stage, window: Window, frame: int) -> None:
    poses = recording.frames.poses[frame].tolist()
    stage.put(poses)
    text = f"{recording.frames.time_s[frame]:.2f} s  {recording.frames.phase[frame]}"
    found = wrist_force(recording, frame)
    if found is None:  # the words stay with what moves last, the part
        window.arrow(tuple(poses[-1][:3]), (0.0, 0.0, 0.0), text)
        return
    at, (x, y, z) = found
    along = (METRES_PER_N * x, METRES_PER_N * y, METRES_PER_N * z)
    window.arrow(at, along, f"{text}  {np.linalg.norm((x, y, z)):.0f} N")
