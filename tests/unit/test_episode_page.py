"""The page of an episode in a browser: no request, the recording's poses, keys, two policies."""

from dataclasses import replace

import numpy as np
import pytest

from configs.errors import RacklineError
from envs.physics.pose import Pose, about_axis
from envs.physics.shapes import Box
from policies.recording import End, Frames, Header, Recording, SceneLink, Steps
from policies.recording_playback import METRES_PER_N, wrist_force
from tests.browser import chromium, opened, until
from twin.replay.episode import episode_page, phase_spans

HEADER = Header(
    env_id="rackline/TrayInsert-v0", setting="hard", station="tray_insert", station_version=1,
    spec_hash="another", policy="scripted/a</script>", policy_digest="0" * 16, seed=7, rack=1,
    slot=2, part="compute", perturbation={}, versions={},
)  # fmt: skip
BOX = (Box((0.2, 0.1, 0.02)),)
SCENE = (
    SceneLink("gantry/ft", BOX, (0.6, 0.6, 0.6, 1.0), True, Pose()),
    SceneLink("slot/left", BOX, (0.8, 0.6, 0.2, 1.0), False, Pose((1.0, 0.3, 1.0))),
    SceneLink("part", BOX, (0.2, 0.4, 0.7, 1.0), True, Pose()),
    SceneLink("floor", (Box((2.5, 2.5, 0.01)),), (0.9, 0.9, 0.9, 1.0), False, Pose()),
)


def made_up(seconds=4.0, policy=HEADER.policy, seed=7):
    """Return a recording of two links that move and turn, one of them by uneven steps."""
    time_s = np.arange(0.0, seconds, 0.04)
    rng = np.random.default_rng(0)
    poses = np.empty((len(time_s), 2, 7), dtype=np.float32)
    for i, t in enumerate(time_s):
        turn = about_axis((0.0, 0.0, 1.0), 0.3 * t)
        poses[i, 0] = (0.2 * t, 0.0, 1.0, *turn)
        poses[i, 1] = (*rng.normal((0.2 * t, 0.0, 1.0), 0.01), *turn)
    names = ("side_force_n", "axial_force_n", "depth_m", *(f"wrist_f{axis}_n" for axis in "xyz"))
    signals = {name: np.where(time_s < 1, np.nan, 9.0 * time_s) for name in names}
    phase = tuple("pick" if t < 1 else "insert" for t in time_s)
    steps = Steps(
        time_s, phase, np.zeros((len(time_s), 4), np.float32), (), np.ones(len(time_s)), {}
    )
    frames = Frames(time_s, phase, poses, signals, {})
    header = replace(HEADER, policy=policy, seed=seed)
    return Recording(header, SCENE, frames, steps, End("ok", {}, {}), None)


def test_phases_follow_each_other_without_gaps():
    recording = made_up()
    spans = list(phase_spans(recording))
    assert [name for _, _, name in spans] == ["pick", "insert"]
    assert [start for start, _, _ in spans] == [0.0, spans[0][1]]
    assert spans[-1][1] == recording.frames.time_s[-1]


def test_recordings_of_different_operations_are_not_compared():
    with pytest.raises(RacklineError, match=r"differ in seed \(7 and 8\)"):
        episode_page([made_up(), made_up(seed=8)])
    one = made_up()
    for changes in ({"spec_hash": "yet another"}, {"perturbation": {"contact": 2.0}}):
        other = replace(one, header=replace(one.header, **changes))
        with pytest.raises(RacklineError, match=f"differ in {next(iter(changes))}"):
            episode_page([one, other])


def test_a_page_says_what_was_cut_and_of_which():
    whole, cut = made_up(), replace(made_up(2.0), end=None, cut="the file is cut: at 1.96 s")
    assert '<span class="meta">the file is cut: at 1.96 s</span>' in episode_page([cut])
    assert '<span class="meta">B: the file is cut: at 1.96 s</span>' in episode_page([whole, cut])
    assert "the file is cut" not in episode_page([whole])


def test_a_page_shows_the_poses_of_the_recording_and_obeys_keys(tmp_path):
    recording = made_up()
    file = tmp_path / "episode.html"
    file.write_text(episode_page([recording]))
    assert file.stat().st_size < 4_000_000
    with chromium() as browser, opened(browser, file.as_uri(), 400, 700) as page:
        times, poses = recording.frames.time_s, recording.frames.poses
        ask = "t => { rackline.clock.seek(t); return rackline.pose('part'); }"
        for frame in (0, 31, 57, len(times) - 1):
            assert page.evaluate(ask, times[frame]) == [float(v) for v in poses[frame, 1]]
        between = np.array(page.evaluate(ask, 0.25 * times[31] + 0.75 * times[32]))
        ends = poses[[31, 32], 1].astype(float)
        np.testing.assert_allclose(between[:3], 0.25 * ends[0, :3] + 0.75 * ends[1, :3], atol=1e-9)
        turn = about_axis((0.0, 0.0, 1.0), 0.3 * (0.25 * times[31] + 0.75 * times[32]))
        np.testing.assert_allclose(between[3:], turn, atol=1e-6)

        ask = "t => { rackline.clock.seek(t); return rackline.arrow(); }"
        assert page.evaluate(ask, times[10]) is None  # scripted: nothing is measured
        begin, end = (np.array(point) for point in page.evaluate(ask, times[57]))
        at, force = wrist_force(recording, 57)  # what PyBullet's window shows
        np.testing.assert_allclose(begin, at, atol=1e-6)
        np.testing.assert_allclose(end - begin, METRES_PER_N * np.array(force), atol=1e-6)
        said = f"{np.linalg.norm(force):.0f} N at the wrist"
        assert said in page.locator(".captions").inner_text()

        start = page.evaluate("rackline.clock.seek(0); rackline.pose('part')")
        page.keyboard.press("Space")
        until(page, "rackline.clock.timeS > 0.3")
        assert page.evaluate("rackline.pose('part')") != start
        page.keyboard.press("Space")
        before = page.evaluate("rackline.clock.timeS")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("rackline.clock.timeS") == pytest.approx(before + 0.04)
        page.keyboard.press("3")
        assert page.locator(".presets [aria-pressed=true]").first.inner_text().endswith("cut open")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_all_charts_are_seen_on_a_small_laptop(tmp_path):
    file = tmp_path / "episode.html"
    file.write_text(episode_page([made_up()]))
    with chromium() as browser, opened(browser, file.as_uri(), 1280, 720) as page:
        plots = "document.querySelector('.plots')"
        assert page.evaluate(f"{plots}.querySelectorAll('canvas').length") == 6
        assert page.evaluate(f"{plots}.scrollHeight <= {plots}.clientHeight")


def test_two_policies_share_a_clock(tmp_path):
    file = tmp_path / "both.html"
    short, long = made_up(2.0, "scripted/short"), made_up(4.0, "scripted/long", seed=8)
    file.write_text(episode_page([short, long], "The worst operation of each policy"))
    with chromium() as browser, opened(browser, f"{file.as_uri()}#t=3") as page:
        assert page.evaluate("rackline.clock.timeS") == 3
        last = page.evaluate("rackline.pose('part', 0)")
        assert last == [float(v) for v in short.frames.poses[-1, 1]]  # stays where it ended
        assert page.evaluate("rackline.pose('part', 1)") == [
            float(v) for v in long.frames.poses[75, 1]
        ]
        shown = page.locator(".captions").inner_text()
        assert "scripted/short" in shown
        assert "B · scripted/long" in shown
        assert "seed 7 · rack 1, slot 2, compute" in shown  # each view says its own operation
        assert "seed 8 · rack 1, slot 2, compute" in shown
        assert page.locator("h1").inner_text() == "The worst operation of each policy"
        assert "ends at" in shown
