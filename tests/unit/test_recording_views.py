"""Recordings to look at: stills, videos, PyBullet's window under a virtual display, the command."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import twin.cli.replay  # noqa: F401 - registers the command
from configs.errors import EnvironmentSetupError, PhysicsError, RacklineError
from envs.physics.pose import Pose
from envs.physics.shapes import Box
from envs.physics.window import Controls, answering_display
from envs.scene import SceneLink, scene_of
from envs.stage import Stage
from policies import recording_film as film
from policies.executor import _release
from policies.recorder import record_file
from policies.recording import read_recording
from policies.recording_file import RecordingWriter
from policies.recording_playback import Playback, _show, wrist_force
from policies.rollout import Episode, environment
from twin.cli.app import app

DAMAGED = Episode("rackline/TrayInsert-v0", "scripted/straight-push", None, 30_000_006, 0, 12)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("views") / "damaged.mcap"
    record_file(DAMAGED, file)
    _release()
    return file


def replay(*arguments):
    return CliRunner().invoke(app, ["replay", *(str(argument) for argument in arguments)])


def test_the_still_shows_the_tray_where_it_was(file, tmp_path):
    pictures = []
    for name, at in (("pick", 0.5), ("contact", None)):
        target = tmp_path / f"{name}.png"
        options = ("--png", target) if at is None else ("--png", target, "--at", at)
        result = replay(file, *options)
        assert result.exit_code == 0, result.output
        assert "ended damage" in result.output
        pictures.append(np.asarray(Image.open(target)).astype(int))
    assert pictures[0].shape == (film.SIZE[1], film.SIZE[0], 3)
    blue = [np.argwhere((p[:, :, 2] - p[:, :, 0]) > 60) for p in pictures]  # the tray alone
    assert min(map(len, blue)) > 200
    # From the cart, left in the picture, to the rack.
    assert blue[1][:, 1].mean() > blue[0][:, 1].mean() + 150


def test_the_video_decodes_to_the_frames_it_should_have(file, tmp_path, monkeypatch):
    monkeypatch.setattr(film, "SIZE", (192, 108))
    monkeypatch.setattr(film, "FPS", 5)
    recording, told = read_recording(file), []
    film.save_video(recording, tmp_path / "out.mp4", lambda: told.append(1))
    expected = int(recording.frames.time_s[-1] * 5) + 1
    with av.open(str(tmp_path / "out.mp4")) as container:
        decoded = sum(1 for _ in container.decode(video=0))
        assert float(container.duration) / av.time_base == pytest.approx(expected / 5, abs=0.3)
    assert decoded == len(told) == film.frame_count(recording) == expected


def test_a_video_without_its_library_says_how_to_get_it(file, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    result = replay(file, "--video", tmp_path / "x.mp4")
    assert isinstance(result.exception, EnvironmentSetupError)
    assert "pip install" in str(result.exception)
    result = replay(file, "--png", tmp_path / "no" / "x.png")
    assert isinstance(result.exception, RacklineError)
    assert "--png" in str(result.exception)


def test_the_command_proves_and_refuses(file, tmp_path):
    result = replay(file, "--verify")
    assert result.exit_code == 0, result.output
    assert "Verified: simulated again" in result.output
    assert "Its actions are those of scripted/straight-push." in result.output
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(file.read_bytes()[:20_000])  # before the policy's part
    result = replay(cut, "--verify")
    assert result.exit_code == 0, result.output
    assert "the file is cut" in result.output
    assert "Verified up to the cut: simulated again, " in result.output
    assert "Not verified: the policy; the file ends before its first step." in result.output
    forged = tmp_path / "forged.mcap"
    forged.write_bytes(_with_another_seed(file))
    result = replay(forged, "--verify")
    assert result.exit_code == 1
    assert "NOT what happened: " in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--compare", "other.mcap"), "--compare other.mcap: .*add --web OUT.html"),
        (("--at", "5"), "--at 5: .*add --png OUT.png"),
        (("--png", "x.png", "--at", "99"), r"--at 99: .* goes from 0 to \d+\.\d\d s"),
        (("--png", "x.png", "--at", "-1"), "--at -1: "),
    ],
)
def test_an_option_without_effect_is_refused(file, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = replay(file, *options)
    assert isinstance(result.exception, RacklineError)
    assert re.search(message, str(result.exception))
    assert not list(tmp_path.iterdir())


def test_both_of_two_recordings_are_told_and_proven(file, tmp_path):
    forged = tmp_path / "forged.mcap"
    forged.write_bytes(_with_another_seed(file))
    result = replay(file, "--verify", "--compare", forged, "--web", tmp_path / "both.html")
    assert result.exit_code == 1
    assert f"seed {DAMAGED.seed}," in result.output
    assert f"seed {DAMAGED.seed + 1}," in result.output
    assert not (tmp_path / "both.html").exists()


def _with_another_seed(file):
    recording = read_recording(file)
    stream = io.BytesIO()
    header = {**vars(recording.header), "seed": recording.header.seed + 1}
    writer = RecordingWriter(stream, header, recording.scene)
    writer.finish(vars(recording.end))
    return stream.getvalue()


@pytest.mark.parametrize("slot", [0, 17, 28])
def test_every_slot_can_be_shown(slot):
    env = environment(replace(DAMAGED, slot=slot))
    env.reset(seed=1, options={"rack": 0, "slot": slot})
    links = scene_of(env.operation, Pose.planar(-0.2, 0.0, 0.9, 0.0))
    assert sum(len(link.boxes) for link in links if "trays" in link.name) == slot
    stage = Stage(links)
    try:
        assert stage.picture(64, 48).std() > 10
    finally:
        stage.close()


def test_a_link_of_more_boxes_than_the_engine_has_room_for_is_refused():
    box = Box((0.1, 0.1, 0.1))
    heap = SceneLink("heap", (box,) * 17, (0.5, 0.5, 0.5, 1.0), False, Pose())
    with pytest.raises(PhysicsError, match="link 'heap' has 17 boxes"):
        Stage([heap])


def look(time_s=0.0, speed=1.0, toggled=False, steps=0):
    return Controls(time_s, speed, toggled, steps)


def test_playing_follows_the_person():
    playback = Playback(np.arange(0.0, 10.01, 0.5))
    playback.advance(1.2, look())
    assert (playback.time_s, playback.frame) == (1.2, 2)
    playback.advance(1.0, look(speed=2.0))
    assert playback.time_s == pytest.approx(3.2)
    playback.advance(1.0, look(toggled=True))  # pause
    assert (playback.playing, playback.frame) == (False, 6)
    playback.advance(5.0, look(steps=1))
    assert playback.time_s == 3.5
    playback.advance(5.0, look(steps=-2))
    assert playback.time_s == 2.5
    playback.advance(5.0, look(time_s=8.1))  # the slider was moved
    assert playback.frame == 16
    playback.advance(1.0, look(time_s=8.1))  # and rests: it does not hold the playhead
    assert playback.frame == 16
    playback.advance(5.0, look(time_s=8.1, toggled=True))
    assert (playback.time_s, playback.playing) == (10.0, False)
    playback.advance(1.0, look(time_s=8.1, toggled=True))  # play at the end begins again
    assert playback.time_s == 1.0


def test_the_arrow_is_the_force_on_the_part_in_the_world(file):
    recording = read_recording(file)
    signals = recording.frames.signals
    frame = int(np.nanargmax(signals["side_force_n"]))
    assert recording.header.wrist == "gantry/ft"  # as the robot says
    at, force = wrist_force(recording, frame)
    assert np.linalg.norm(force) == pytest.approx(
        np.linalg.norm([signals[f"wrist_f{axis}_n"][frame] for axis in "xyz"]), rel=1e-5
    )
    assert at == pytest.approx(recording.frames.poses[frame, 3, :3].tolist())
    assert wrist_force(recording, 0)[1] == (0.0, 0.0, 0.0)  # scripted: nothing is measured


def test_a_robot_whose_wrist_is_not_drawn_has_no_arrow(file):
    recording = read_recording(file)
    other = replace(recording, header=replace(recording.header, wrist="arm/flange"))
    assert wrist_force(other, 0) is None
    texts = []
    window = SimpleNamespace(arrow=lambda at, along, text: texts.append((at, along, text)))
    _show(other, SimpleNamespace(put=lambda poses: None), window, 0)
    at, along, text = texts[0]
    assert at == pytest.approx(recording.frames.poses[0, -1, :3].tolist())
    assert along == (0.0, 0.0, 0.0)
    assert "pick" in text
    assert "N" not in text


@pytest.mark.parametrize("display", [None, ":987"])
def test_without_a_display_there_is_one_sentence(file, display, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    refused = pytest.raises(EnvironmentSetupError, match=r"--gui: .*; use --web, --video or --png")
    with refused, answering_display():
        pass
    result = replay(file, "--gui")
    assert isinstance(result.exception, EnvironmentSetupError)


WATCH = """
import json, sys
import pybullet
from pathlib import Path
from policies import recording_playback
from policies.recording import read_recording

slider, read = {}, pybullet.readUserDebugParameter
add = pybullet.addUserDebugParameter


def added(name, *rest):
    number = add(name, *rest)
    if name.startswith("time"):
        slider[number] = float(sys.argv[2])
    return number


pybullet.addUserDebugParameter = added
pybullet.readUserDebugParameter = lambda number, client: slider.get(number, None) or read(number, client)
places = []
show = recording_playback._show


def shown(recording, stage, window, frame):
    show(recording, stage, window, frame)
    handle = stage._moving[-1]
    places.append([frame, pybullet.getBasePositionAndOrientation(handle, window._id)[0]])


recording_playback._show = shown
recording = read_recording(Path(sys.argv[1]))
recording_playback.watch(recording, most_looks=2)
print(json.dumps(places))
"""  # noqa: E501


@contextmanager
def virtual_display():
    """Yield the name of a display of its own; skip without Xvfb, but not in CI."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("CI"):
            pytest.fail("Xvfb is missing in CI: no window is tested; apt-get install xvfb")
        pytest.skip("Xvfb is not installed, so no window is tested; apt-get install xvfb")
    with subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def test_the_display_answers_as_long_as_it_is_held(monkeypatch):
    """An X server without clients begins anew, and turns the next one away meanwhile."""
    with virtual_display() as name:
        monkeypatch.setenv("DISPLAY", name)
        with answering_display():
            for _ in range(20):
                with answering_display():
                    pass


def test_the_windows_slider_moves_the_tray(file):
    """In a process of its own: PyBullet's window may end it."""
    recording = read_recording(file)
    with virtual_display() as name:
        done = subprocess.run(
            [sys.executable, "-c", WATCH, str(file), "6.0"],
            env={**os.environ, "DISPLAY": name}, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    frame, place = json.loads(done.stdout.splitlines()[-1])[0]
    assert recording.frames.time_s[frame] == pytest.approx(6.0, abs=0.05)
    expected = recording.frames.poses[frame, -1, :3]
    assert place == pytest.approx(expected.tolist(), abs=1e-6)
    assert np.linalg.norm(expected - recording.frames.poses[0, -1, :3]) > 0.5
