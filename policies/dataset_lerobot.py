"""A dataset in LeRobot's format v3.0: Parquet, JSON and MP4; the only module that talks to pyarrow.

Written after the loader of LeRobot 0.4.4 (lerobot/datasets/lerobot_dataset.py and utils.py,
https://github.com/huggingface/lerobot), which `make check-datasets` reads it back with::

    data/chunk-000/file-000.parquet               a row a policy step
    videos/<camera>/chunk-000/file-000.mp4        pictures of the first episode; a file an episode
    meta/info.json, stats.json, tasks.parquet
    meta/episodes/chunk-000/file-000.parquet      a row an episode
    meta/rackline.json                            what is Rackline's own: spec hash, units, scales
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import EnvironmentSetupError, RecordingError
from policies.dataset import About, Transitions
from policies.recording_film_steps import INFO, SIZE, StepFilm

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    raise EnvironmentSetupError(
        "--format lerobot needs pyarrow; install with: pip install 'rackline[data]' "
        "(in a clone: pip install -c constraints.txt -e '.[data]')"
    ) from None

VERSION = "v3.0"
CAMERA = "observation.images.cell"
_A_CHUNK = 1000  # files in a folder, LeRobot's DEFAULT_CHUNK_SIZE
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
_DATA = f"data/{_FILE}.parquet"
_VIDEO = f"videos/{{video_key}}/{_FILE}.mp4"
_EPISODES = f"meta/episodes/{_FILE}.parquet"
_FIRST = {"chunk_index": 0, "file_index": 0}
_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
_SCALARS = {
    "next.reward": "float32",
    "next.done": "bool",
    "next.truncated": "bool",
    "next.success": "bool",
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns of one number a step. ``next.done`` is true in the last row of an episode, whatever ended
it; ``next.truncated`` where that was a time limit; ``next.success`` where it was seated by then."""

Columns = dict[str, NDArray[Any]]


class LeRobotWriter:
    """Writes a dataset into an empty folder.

    Args:
        folder: there, and empty.
        about: what the episodes share.

    Raises:
        RecordingError: the station's rate is no whole number, as LeRobot's ``fps`` is.
    """

    def __init__(self, folder: Path, about: About) -> None:
        if about.rate_hz != round(about.rate_hz):
            raise RecordingError(
                f"{about.env_id}: has a policy rate of {about.rate_hz:g} Hz, and LeRobot's fps is "
                f"a whole number; use --format minari"
            )
        self._folder, self._about, self._fps = folder, about, round(about.rate_hz)
        self._vectors = {
            "observation.state": [field.name for field in about.fields],
            "action": list(about.actions),
        }
        path = self._made(_DATA.format(**_FIRST))
        self._data: Any = pq.ParquetWriter(path, self._schema(), compression="snappy")
        self._tasks: dict[str, int] = {}
        self._rows: list[Columns] = []
        self._episodes: list[dict[str, Any]] = []
        self._levels: list[NDArray[np.int64]] = []

    def add(self, episode: Transitions) -> None:
        """Write the next episode."""
        number, start = len(self._episodes), sum(len(row["index"]) for row in self._rows)
        task = self._tasks.setdefault(episode.task, len(self._tasks))
        columns = _columns(episode, number, start, task, self._fps)
        schema = self._schema()
        arrays = [_array(columns[name], schema.field(name).type) for name in schema.names]
        self._data.write_table(pa.Table.from_arrays(arrays, schema=schema))
        self._rows.append(columns)
        stats = {name: _stats(values) for name, values in columns.items()}
        row: dict[str, Any] = {
            "episode_index": number,
            "tasks": [episode.task],
            "length": len(episode),
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": start,
            "dataset_to_index": start + len(episode),
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
            **episode.facts(),
        }
        if episode.film is not None:
            row |= self._add_film(number, episode.film)
            stats[CAMERA] = _level_stats(episode.film.levels, len(episode))
        row |= {f"stats/{n}/{k}": v for n, values in stats.items() for k, v in values.items()}
        self._episodes.append(row)

    def finish(self) -> None:
        """Write what can only be said of the whole."""
        self._data.close()
        episodes = pa.Table.from_pylist(self._episodes)
        pq.write_table(episodes, self._made(_EPISODES.format(**_FIRST)))
        pq.write_table(_task_table(self._tasks), self._folder / "meta/tasks.parquet")
        whole = {name: np.concatenate([row[name] for row in self._rows]) for name in self._rows[0]}
        stats = {name: _stats(values) for name, values in whole.items()}
        if self._levels:
            stats[CAMERA] = _level_stats(np.sum(self._levels, axis=0), len(whole["index"]))
        self._json("meta/stats.json", stats)
        self._json("meta/info.json", self._info(len(whole["index"])))
        self._json("meta/rackline.json", self._about.as_data())

    def close(self) -> None:
        """Close what is open."""
        self._data.close()

    def _add_film(self, number: int, film: StepFilm) -> dict[str, Any]:
        """Write the pictures of an episode as a file of their own; return what its row says."""
        at = {"chunk_index": number // _A_CHUNK, "file_index": number % _A_CHUNK}
        self._made(_VIDEO.format(video_key=CAMERA, **at)).write_bytes(film.mp4)
        self._levels.append(film.levels)
        row: dict[str, Any] = {f"videos/{CAMERA}/{name}": value for name, value in at.items()}
        row[f"videos/{CAMERA}/from_timestamp"] = 0.0
        row[f"videos/{CAMERA}/to_timestamp"] = film.frames / self._fps
        return row

    def _schema(self) -> Any:
        vectors = {
            name: pa.list_(pa.float32(), len(names)) for name, names in self._vectors.items()
        }
        scalars = {name: getattr(pa, f"{dtype}_" if dtype == "bool" else dtype)()
                   for name, dtype in _SCALARS.items()}  # fmt: skip
        return pa.schema(vectors | scalars)

    def _info(self, steps: int) -> dict[str, Any]:
        features: dict[str, Any] = {
            name: {"dtype": "float32", "shape": [len(names)], "names": names}
            for name, names in self._vectors.items()
        }
        if self._levels:
            width, height = SIZE
            features[CAMERA] = {
                "dtype": "video",
                "shape": [height, width, 3],
                "names": ["height", "width", "channels"],
                "info": {**INFO, "video.fps": self._fps},
            }
        for name, dtype in _SCALARS.items():
            features[name] = {"dtype": dtype, "shape": [1], "names": None}
        return {
            "codebase_version": VERSION,
            "robot_type": self._about.station,
            "total_episodes": len(self._episodes),
            "total_frames": steps,
            "total_tasks": len(self._tasks),
            "chunks_size": _A_CHUNK,
            "data_files_size_in_mb": 100,  # LeRobot's defaults; they bind those who append
            "video_files_size_in_mb": 200,
            "fps": self._fps,
            "splits": {"train": f"0:{len(self._episodes)}"},
            "data_path": _DATA,
            "video_path": _VIDEO if self._levels else None,
            "features": features,
        }

    def _made(self, name: str) -> Path:
        """Return the path of a file, its folder made."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _json(self, name: str, data: dict[str, Any]) -> None:
        text = json.dumps(data, indent=4, allow_nan=False) + "\n"
        self._made(name).write_text(text, encoding="utf-8")


def _columns(episode: Transitions, number: int, start: int, task: int, fps: int) -> Columns:
    """Return the rows of an episode by column, the last observation left out: no action saw it."""
    count = len(episode)
    frames = np.arange(count)
    last = frames == count - 1
    return {
        "observation.state": episode.observations[:-1],
        "action": episode.actions,
        "next.reward": episode.rewards,
        "next.done": last,
        "next.truncated": last & episode.truncated,
        "next.success": last & episode.success,
        "timestamp": (frames / fps).astype(np.float32),
        "frame_index": frames,
        "episode_index": np.full(count, number),
        "index": start + frames,
        "task_index": np.full(count, task),
    }


def _array(values: NDArray[Any], kind: Any) -> Any:
    if values.ndim == 1:
        return pa.array(values, type=kind)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), kind.value_type), type=kind)


def _stats(values: NDArray[Any]) -> dict[str, Any]:
    """Return LeRobot's statistics of rows, each a list of one number an entry."""
    rows = values.reshape(len(values), -1).astype(np.float64)
    found: dict[str, Any] = {
        "min": rows.min(axis=0).tolist(),
        "max": rows.max(axis=0).tolist(),
        "mean": rows.mean(axis=0).tolist(),
        "std": rows.std(axis=0).tolist(),
        "count": [len(rows)],
    }
    for name, value in zip(
        _QUANTILES, np.quantile(rows, list(_QUANTILES.values()), axis=0), strict=True
    ):
        found[name] = value.tolist()
    return found


def _level_stats(levels: NDArray[np.int64], frames: int) -> dict[str, Any]:
    """Return LeRobot's statistics of pictures from how often each level occurs in each channel.

    Args:
        levels: counts of the levels 0 to 255 by channel. # (3, 256)
        frames: number of pictures.
    """
    scale = np.arange(256) / 255.0
    share = np.cumsum(levels, axis=1) / levels.sum(axis=1, keepdims=True)
    mean = levels @ scale / levels.sum(axis=1)
    square = levels @ scale**2 / levels.sum(axis=1)
    found = {
        "min": scale[(levels > 0).argmax(axis=1)],
        "max": scale[255 - (levels[:, ::-1] > 0).argmax(axis=1)],
        "mean": mean,
        "std": np.sqrt(np.maximum(square - mean**2, 0.0)),
        **{name: scale[(share >= q).argmax(axis=1)] for name, q in _QUANTILES.items()},
    }
    shaped: dict[str, Any] = {n: v.reshape(3, 1, 1).tolist() for n, v in found.items()}
    return shaped | {"count": [frames]}


def _task_table(tasks: dict[str, int]) -> Any:
    """Return the table of tasks, with the note by which pandas makes their text the index."""
    names = {"task_index": ("int64", "int64"), "task": ("unicode", "object")}
    note = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": n, "field_name": n, "pandas_type": p, "numpy_type": t, "metadata": None}
            for n, (p, t) in names.items()
        ],
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": list(tasks.values()), "task": list(tasks)})
    return table.replace_schema_metadata({"pandas": json.dumps(note)})
