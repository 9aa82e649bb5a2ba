"""Makes what the loaders read: two recorded operations, their exports, and what was seen live.

python tests/loaders/make_exports.py DIR
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from policies.dataset_export import export
from policies.dataset_format import Format
from policies.recorder import file_name, record_file
from policies.recording import read_recording
from policies.recording_rerun import save_rerun
from policies.rollout import Episode, environment, policy_of

ENV = "rackline/TrayInsert-v0"
EPISODES = (
    Episode(ENV, "scripted/straight-push", None, 30_000_006, 0, 12),  # ends in damage
    Episode(ENV, "scripted/lateral-admittance", "nominal", 30_000_005, 0, 5),
)


def live(episode: Episode) -> dict[str, np.ndarray]:
    """Play an episode without any recording, and return what there was to see."""
    env, policy = environment(episode), policy_of(episode)
    seen, _ = env.reset(seed=episode.seed, options={"rack": episode.rack, "slot": episode.slot})
    policy.reset()
    rows, ended, success = [], False, False
    while not ended:
        action = policy.act(seen)
        after, reward, terminated, truncated, info = env.step(action)
        ended, success = terminated or truncated, info.get("is_success", False)
        rows.append((seen, np.clip(action, -1.0, 1.0), reward, ended, truncated, success))
        seen = after
    names = ("observation", "action", "reward", "done", "truncated", "success")
    return {n: np.array(values) for n, values in zip(names, zip(*rows, strict=True), strict=True)}


def main(out: Path) -> None:
    """Write recordings, exports and ``live-<n>.npz``."""
    films = out / "films"
    films.mkdir(parents=True)
    files = [films / file_name(episode) for episode in EPISODES]
    for number, (episode, file) in enumerate(zip(EPISODES, files, strict=True)):
        record_file(episode, file)
        np.savez(out / f"live-{number}.npz", outcome=read_recording(file).end.outcome,
                 **live(episode))  # fmt: skip
    export(files, Format.LEROBOT, out / "trays", film=True)
    recording = read_recording(files[0])
    save_rerun(recording, out / "damaged.rrd")
    np.savez(
        out / "rerun.npz",
        links=np.array(recording.moving),
        times_s=recording.frames.time_s,
        poses=recording.frames.poses,
        steps_s=recording.steps.time_s,
        rewards=recording.steps.rewards,
        **recording.frames.signals,
    )


main(Path(sys.argv[1]))
