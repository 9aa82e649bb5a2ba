"""The worst, median and best episode of both policies, recorded into the run folder."""

from __future__ import annotations

from pathlib import Path

from policies.executor import Executor
from policies.recording_campaign import LABELS, Highlight, record_highlights
from policies.records import read_records
from policies.rollout import Episode
from twin.evaluation.plan import LETTERS, Plan
from twin.evaluation.progress import Progress, Quiet

FOLDER = "recordings"
"""Folder within a run: ``x-worst.mcap``, ``x-median.mcap`` … ``y-best.mcap``."""


def record_evaluation(
    plan: Plan, out: Path, workers: int, progress: Progress | None = None
) -> list[Highlight]:
    """Record the highlights of a finished campaign; what is there already is kept.

    Args:
        plan: the evaluation.
        out: its run folder, with all episodes.
        workers: processes.
        progress: told how far it is.

    Raises:
        RecordingError: the folder cannot be written.
    """
    spec, told = plan.spec, progress or Quiet()
    campaigns = {
        letter: (
            Episode(spec.env, plan.policy(letter), spec.setting, spec.campaign.seed, 0, 0),
            tuple(read_records(out / f"episodes-{letter}.jsonl")),
        )
        for letter in LETTERS
    }
    told.begin("recordings", len(LETTERS) * len(LABELS), 0)
    with Executor(workers) as executor:
        found = record_highlights(campaigns, out / FOLDER, executor, on_done=told.advance)
    told.end()
    return found
