"""A training of seconds: SAC on the tray, 240 steps."""

from __future__ import annotations

import yaml

from configs.specs.base import resolve_path
from policies.rollout import run_episode, single_part_episodes
from policies.training_run import CHOICE_SEEDS

SMALL = {
    "algorithm": "SAC",
    "on_policy": None,
    "normalise": False,
    "network": [8],
    "batch": 16,
    "steps": 240,
    "chunk": 60,
    "evaluate_chunks": 100,
    "seeds": [3],
    "selection": {"episodes": 1, "final_episodes": 2},
}
SMALL_PPO = {"steps": 32, "epochs": 2, "gae": 0.95, "clip": 0.2, "entropy": 0.0}
SMALL_PPO |= {"log_std_start": -1.0}
OFF_POLICY = {"buffer": 100, "learning_starts": 20, "tau": 0.01, "updates": 0.5}


def training_file(folder, **changes):
    data = yaml.safe_load(resolve_path("training", "tray_insert").read_text())
    data |= SMALL | {"off_policy": OFF_POLICY | {"entropy_start": 0.1}} | changes
    path = folder / "small.yaml"
    path.write_text(
        yaml.safe_dump({key: value for key, value in data.items() if value is not None})
    )
    return path


def any_record(spec):
    """Return any record of the station."""
    name = spec.composition.base
    (episode,) = single_part_episodes("rackline/TrayInsert-v0", name, CHOICE_SEEDS[:1], "hard")
    return run_episode(episode)
