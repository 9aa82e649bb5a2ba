"""A Rerun file of ours, read back by Rerun's own reader; run by ``make check-datasets``."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from rerun.chunk import RrdReader

MADE = Path(os.environ["EXPORTS"])


@pytest.fixture(scope="module")
def told():
    """Return what the file says: (seconds or None, value) by entity and component, in time."""
    found = defaultdict(list)
    for chunk in RrdReader(MADE / "damaged.rrd").stream():
        batch = chunk.to_record_batch()
        times = batch.column("cycle").cast("int64").to_pylist() if "cycle" in batch.schema.names \
            else [None] * batch.num_rows  # fmt: skip
        for name in batch.schema.names:
            if ":" in name:
                for time_ns, value in zip(times, batch.column(name).to_pylist(), strict=True):
                    at = None if time_ns is None else time_ns * 1e-9
                    found[chunk.entity_path, name.rpartition(":")[2]].append((at, value))
    return {key: sorted(rows, key=lambda row: row[0] or 0.0) for key, rows in found.items()}


def test_every_pose_is_that_of_the_recording(told):
    with np.load(MADE / "rerun.npz") as made:
        for k, link in enumerate(made["links"]):
            for component, columns in (("translation", slice(0, 3)), ("quaternion", slice(3, 7))):
                rows = told[f"/scene/{link}", component]
                assert [t for t, _ in rows] == pytest.approx(list(made["times_s"]), abs=1e-8)
                values = np.array([v[0] for _, v in rows], dtype=np.float32)
                np.testing.assert_array_equal(values, made["poses"][:, k, columns])


def test_signals_and_rewards_are_those_of_the_recording(told):
    with np.load(MADE / "rerun.npz") as made:
        rows = told["/signals/side_force_n", "scalars"]
        known = np.isfinite(made["side_force_n"])
        assert 0 < len(rows) == known.sum()
        np.testing.assert_array_equal(
            np.array([v[0] for _, v in rows], dtype=np.float32), made["side_force_n"][known]
        )
        rows = told["/reward", "scalars"]
        assert [t for t, _ in rows] == pytest.approx(list(made["steps_s"]), abs=1e-8)
        np.testing.assert_array_equal(
            np.array([v[0] for _, v in rows], dtype=np.float32), made["rewards"]
        )


def test_the_log_tells_the_phases_and_the_end(told):
    lines = [value[0] for _, value in told["/log", "text"]]
    assert lines[:5] == ["pick", "transit", "align", "approach", "insert"]
    assert lines[-1] == "ended damage"


def test_every_link_has_its_boxes(told):
    drawn = {path for path, component in told if component == "half_sizes"}
    assert {"/scene/part", "/scene/slot/left"} <= drawn
