"""An export of ours, read back by LeRobot's own loader; run by ``make check-datasets``.

Two things of the environment are put right here, none of the loader: torchvision's wheel is built
for CUDA and wants two operators at import that a CPU's PyTorch lacks; and what LeRobot 0.4.4
decodes videos with is gone from torchvision (VideoReader) or wants CUDA (torchcodec), so PyAV
decodes the frames that LeRobot asks for.
"""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
import torch

os.environ["HF_HUB_OFFLINE"] = "1"
MADE = Path(os.environ["EXPORTS"])
os.environ["HF_HOME"] = str(MADE / "cache")
_operators = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms"):
    _operators.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from lerobot.datasets import lerobot_dataset  # noqa: E402


def decode(path, timestamps, tolerance_s, backend=None):
    """Return the frames at the times that LeRobot asks for, as its own decoders do."""
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode()]
    found = []
    for wanted in timestamps:
        time_s, picture = min(frames, key=lambda frame: abs(frame[0] - wanted))
        assert abs(time_s - wanted) < tolerance_s
        found.append(torch.from_numpy(picture).permute(2, 0, 1).float() / 255.0)
    return torch.stack(found)


@pytest.fixture(scope="module")
def dataset():
    lerobot_dataset.decode_video_frames = decode
    return lerobot_dataset.LeRobotDataset("rackline/trays", root=MADE / "trays")


@pytest.fixture(scope="module")
def live():
    return [dict(np.load(MADE / f"live-{number}.npz")) for number in range(2)]


def test_the_loader_knows_the_dataset(dataset, live):
    assert dataset.num_episodes == 2
    assert len(dataset) == dataset.num_frames == sum(len(episode["reward"]) for episode in live)
    assert dataset.fps == 10
    assert dataset.meta.info["codebase_version"] == lerobot_dataset.CODEBASE_VERSION
    names = dataset.meta.names
    assert names["observation.state"][0] == "pose axial"
    assert names["action"] == ["axial", "lateral", "height", "yaw"]
    assert dataset.meta.camera_keys == ["observation.images.cell"]


def test_every_row_is_what_was_seen_live(dataset, live):
    rows = dataset.hf_dataset
    keys = {
        "observation": "observation.state",
        "action": "action",
        "done": "next.done",
        "truncated": "next.truncated",
        "success": "next.success",
    }
    for name, key in keys.items():
        expected = np.concatenate([episode[name] for episode in live])
        np.testing.assert_array_equal(torch.stack(list(rows[key])).numpy(), expected)
    rewards = np.concatenate([episode["reward"] for episode in live])
    found = torch.stack(list(rows["next.reward"])).numpy()
    np.testing.assert_allclose(found, rewards, rtol=1e-6, atol=1e-7)  # kept to seven digits


def test_episodes_say_where_they_are_and_what_they_came_to(dataset, live):
    start = 0
    for number, expected in enumerate(live):
        episode, count = dataset.meta.episodes[number], len(expected["reward"])
        span = (episode["dataset_from_index"], episode["dataset_to_index"])
        assert (*span, episode["length"]) == (start, start + count, count)
        assert episode["outcome"] == expected["outcome"]
        first, last = dataset[start], dataset[start + count - 1]
        assert first["timestamp"] == 0.0
        assert last["timestamp"].item() == pytest.approx((count - 1) / 10)
        assert (last["episode_index"], last["frame_index"]) == (number, count - 1)
        assert last["index"] == start + count - 1
        assert first["task"] in episode["tasks"]
        assert first["task"].startswith("S60")
        start += count


def test_steps_around_a_step_stop_at_the_episode(dataset, live):
    count = len(live[0]["reward"])
    around = lerobot_dataset.LeRobotDataset(
        "rackline/trays", root=MADE / "trays", delta_timestamps={"action": [-0.1, 0.0, 0.1]}
    )
    item = around[count - 1]
    assert item["action_is_pad"].tolist() == [False, False, True]
    np.testing.assert_array_equal(item["action"][:2].numpy(), live[0]["action"][-2:])


def test_pictures_come_with_their_step(dataset, live):
    count = len(live[0]["reward"])
    first = dataset[0]["observation.images.cell"]
    last = dataset[count - 1]["observation.images.cell"]
    assert first.shape == (3, 240, 320)
    assert (first - last).abs().max() > 0.2  # the tray has moved
    assert dataset[count]["observation.images.cell"].shape == (3, 240, 320)


def test_statistics_are_those_of_the_rows(dataset, live):
    seen = np.concatenate([episode["observation"] for episode in live]).astype(float)
    stats = dataset.meta.stats["observation.state"]
    np.testing.assert_allclose(stats["mean"], seen.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(stats["max"], seen.max(axis=0))
    assert stats["count"] == [len(seen)]
    picture = dataset.meta.stats["observation.images.cell"]
    assert picture["mean"].shape == (3, 1, 1)
    assert (picture["mean"] > 0.0).all()
    assert (picture["mean"] < 1.0).all()


def test_lerobot_takes_our_statistics_as_its_own(dataset):
    from lerobot.datasets.compute_stats import aggregate_stats

    whole = aggregate_stats([dataset.meta.stats, dataset.meta.stats])
    np.testing.assert_allclose(whole["action"]["mean"], dataset.meta.stats["action"]["mean"])
