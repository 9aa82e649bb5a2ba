"""A dataset in Minari's format: one HDF5 file and its metadata; the only module that talks to h5py.

Written after the loader of Minari 0.5.4 (minari/dataset/_storages/hdf5_storage.py and
minari_storage.py, https://github.com/Farama-Foundation/Minari), which a test reads it back with::

    data/metadata.json      spaces, environment, totals
    data/main_data.hdf5     a group an episode: observations (m + 1), actions, rewards, ends, infos
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from configs.errors import EnvironmentSetupError, RecordingError
from policies.dataset import About, Transitions

try:
    import h5py
except ImportError:
    raise EnvironmentSetupError(
        "--format minari needs h5py; install with: pip install 'rackline[data]' "
        "(in a clone: pip install -c constraints.txt -e '.[data]')"
    ) from None

VERSION = "0.5.4"
"""Minari's release whose loader this is for; others say which they read."""
_NAME = re.compile(r"[-\w]+-v\d+", re.ASCII)  # minari.dataset.minari_dataset.DATASET_ID_RE


class MinariWriter:
    """Writes a dataset into an empty folder, whose name is the dataset's.

    Args:
        folder: there, and empty.
        about: what the episodes share.

    Raises:
        RecordingError: the folder's name is none of a Minari dataset.
    """

    def __init__(self, folder: Path, about: About) -> None:
        if not _NAME.fullmatch(folder.name):
            raise RecordingError(
                f"{folder.name}: is no name of a Minari dataset, which ends in its version; "
                f"write {folder.name}-v0"
            )
        self._about, self._name = about, folder.name
        self._folder = folder / "data"
        self._folder.mkdir()
        self._file: Any = h5py.File(self._folder / "main_data.hdf5", "w", track_order=True)
        self._episodes = self._steps = 0
        self._settings: set[str] = set()
        self._policies: set[str] = set()

    def add(self, episode: Transitions) -> None:
        """Write the next episode."""
        count, header = len(episode), episode.header
        group = self._file.create_group(f"episode_{self._episodes}")
        group.attrs.update(episode.facts())
        group.attrs.update(
            {
                "id": self._episodes,
                "total_steps": count,
                "task": episode.task,
                "options/rack": header.rack,  # as reset(seed, options) takes them
                "options/slot": header.slot,
            }
        )
        last = np.arange(count) == count - 1
        group["observations"] = episode.observations
        group["actions"] = episode.actions
        group["rewards"] = episode.rewards.astype(np.float64)
        group["terminations"] = last & episode.terminated
        group["truncations"] = last & episode.truncated
        infos = group.create_group("infos")  # from the reset on, as observations
        infos["is_success"] = np.append(False, last & episode.success)
        text = h5py.string_dtype(encoding="utf-8")
        infos.create_dataset("outcome", data=[""] * count + [episode.outcome], dtype=text)
        self._episodes += 1
        self._steps += count
        self._settings.add(header.setting)
        self._policies.add(header.policy)

    def finish(self) -> None:
        """Write what can only be said of the whole."""
        self._file.close()
        size = (self._folder / "main_data.hdf5").stat().st_size
        metadata = {
            "dataset_id": self._name,
            "minari_version": VERSION,
            "data_format": "hdf5",
            "jpeg_encoding": True,  # of spaces of pictures; here are none
            "total_episodes": self._episodes,
            "total_steps": self._steps,
            "dataset_size": round(size / 1e6, 1),
            "observation_space": _box([field.limit for field in self._about.fields]),
            "action_space": _box([1.0] * len(self._about.actions)),
            "env_spec": self._env_spec(),
            "algorithm_name": ", ".join(sorted(self._policies)),
            "description": f"Recordings of {self._about.env_id}, the policy's part of them.",
            "rackline": self._about.as_data(),
        }
        text = json.dumps(metadata, allow_nan=False)
        (self._folder / "metadata.json").write_text(text, encoding="utf-8")

    def close(self) -> None:
        """Close what is open."""
        self._file.close()

    def _env_spec(self) -> str:
        """Return the environment that Minari recovers; with its difficulty, where there is one."""
        spec = copy.deepcopy(gym.spec(self._about.env_id))  # the registry's own
        if len(self._settings) == 1:
            (setting,) = self._settings
            spec.kwargs["setting"] = setting
        return spec.to_json()


def _box(high: Sequence[float]) -> str:
    """Return a box of ± ``high`` as `minari.serialization.serialize_space` does."""
    return json.dumps({
        "type": "Box", "dtype": "float32", "shape": [len(high)],
        "low": [-value for value in high], "high": list(high),
    })  # fmt: skip
