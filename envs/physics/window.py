"""PyBullet's own window: a world that can be watched, with sliders, buttons, keys and arrows."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pybullet as pb

from configs.errors import EnvironmentSetupError
from envs.physics.pose import Vector
from envs.physics.world import World

_RED = (0.85, 0.1, 0.1)


@dataclass(frozen=True)
class Controls:
    """What a person asked for since the last look.

    Attributes:
        time_s: where the time slider stands.
        speed: where the speed slider stands, 1 is real time.
        toggled: play or pause was pressed (button or space).
        steps: frames to go on, negative goes back (button, or arrow keys).
    """

    time_s: float
    speed: float
    toggled: bool
    steps: int


class Window(World):
    """A world in a window; refuses where there is no display (`answering_display`).

    Args:
        duration_s: end of the time slider.
        size: width and height in pixels.
    """

    def __init__(self, duration_s: float, size: tuple[int, int] = (1280, 800)) -> None:
        self._size = size
        super().__init__(visible=True)
        self._duration_s = duration_s
        self._arrow: list[int] = []

    def _connect(self) -> int:
        width, height = self._size
        with answering_display():
            client: int = pb.connect(pb.GUI, options=f"--width={width} --height={height}")
        return client

    def furnish(self, eye: Vector, target: Vector) -> None:
        """Add sliders and buttons and look from ``eye`` at ``target``; after `clear`."""
        client = self._id
        dx, dy, dz = (e - t for e, t in zip(eye, target, strict=True))
        reach = (dx * dx + dy * dy + dz * dz) ** 0.5
        yaw, pitch = _degrees(dx, dy, dz)
        pb.resetDebugVisualizerCamera(reach, yaw, pitch, target, physicsClientId=client)
        for preview in (
            pb.COV_ENABLE_RGB_BUFFER_PREVIEW,
            pb.COV_ENABLE_DEPTH_BUFFER_PREVIEW,
            pb.COV_ENABLE_SEGMENTATION_MARK_PREVIEW,
            pb.COV_ENABLE_KEYBOARD_SHORTCUTS,  # space and arrows are ours
        ):
            pb.configureDebugVisualizer(preview, 0, physicsClientId=client)
        self._time = pb.addUserDebugParameter("time (s)", 0.0, self._duration_s, 0.0, client)
        self._speed = pb.addUserDebugParameter("speed", 0.1, 4.0, 1.0, client)
        # A range that runs backwards makes a button, which counts its presses.
        self._buttons = {
            name: pb.addUserDebugParameter(name, 1, 0, 0, client)
            for name in ("play or pause (space)", "one step on (right)", "one step back (left)")
        }
        self._pressed = [0.0, 0.0, 0.0]

    def read(self) -> Controls | None:
        """Return what was asked for; None where the window was closed."""
        client = self._id
        try:
            time_s = pb.readUserDebugParameter(self._time, client)
            speed = pb.readUserDebugParameter(self._speed, client)
            counts = [pb.readUserDebugParameter(b, client) for b in self._buttons.values()]
            keys = pb.getKeyboardEvents(client)
        except pb.error:
            return None
        play, on, back = (
            int(now - before) for now, before in zip(counts, self._pressed, strict=True)
        )
        self._pressed = counts

        def released(key: int) -> bool:  # a key that is held must not act at every look
            return bool(keys.get(key, 0) & pb.KEY_WAS_RELEASED)

        steps = on - back + released(pb.B3G_RIGHT_ARROW) - released(pb.B3G_LEFT_ARROW)
        toggled = (play % 2 == 1) != released(ord(" "))
        return Controls(float(time_s), float(speed), toggled, int(steps))

    def arrow(self, at: Vector, along: Vector, text: str) -> None:
        """Show an arrow from ``at`` by ``along`` (m), ``text`` at its tip; the last one goes."""
        tip = (at[0] + along[0], at[1] + along[1], at[2] + along[2])
        old = self._arrow or [-1, -1]
        line = pb.addUserDebugLine(
            at, tip, _RED, 5.0, replaceItemUniqueId=old[0], physicsClientId=self._id
        )
        label = pb.addUserDebugText(
            text, tip, _RED, 1.4, replaceItemUniqueId=old[1], physicsClientId=self._id
        )
        self._arrow = [line, label]


@contextmanager
def answering_display() -> Iterator[None]:
    """Hold a connection to the display, or refuse: PyBullet would end the whole process there.

    It is held until a window has its own: an X server begins anew when its last client leaves, and
    turns away who comes meanwhile (Xvfb: 34 of 60 that came at once).

    Raises:
        EnvironmentSetupError: no display, or one that does not answer.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    remedy = "use --web, --video or --png instead"
    name = os.environ.get("DISPLAY")
    if not name:
        raise EnvironmentSetupError(
            f"--gui: there is no display here (DISPLAY is not set); {remedy}"
        )
    library = ctypes.util.find_library("X11")
    if library is None:
        raise EnvironmentSetupError(f"--gui: libX11 is not installed here; {remedy}")
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = x11.XOpenDisplay(None)
    if not display:
        raise EnvironmentSetupError(f"--gui: the display {name} does not answer; {remedy}")
    try:
        yield
    finally:
        x11.XCloseDisplay(ctypes.c_void_p(display))


def _degrees(dx: float, dy: float, dz: float) -> tuple[float, float]:
    """Return PyBullet's camera yaw and pitch for an eye at (dx, dy, dz) from what it looks at."""
    yaw = math.degrees(math.atan2(dx, -dy))
    return yaw, -math.degrees(math.atan2(dz, math.hypot(dx, dy)))
