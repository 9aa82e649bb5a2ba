"""An evaluation's recorded episodes for its report: a page a rank, x beside y, and stills."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.recording import Recording, read_recording
from policies.recording_campaign import LABELS, Highlight
from policies.recording_film import close_jpeg, most_force_s
from policies.records import EpisodeRecord
from twin.replay.episode import episode_page


@dataclass(frozen=True)
class ShownEpisode:
    """One recorded episode.

    Attributes:
        policy: name of the policy.
        record: the campaign's record of it.
        same: simulated again for the recording it came to the same record.
        most_force_s: time of the largest side force.
        still: how it looks then, JPEG as base64.
    """

    policy: str
    record: EpisodeRecord
    same: bool
    most_force_s: float
    still: str


@dataclass(frozen=True)
class Shown:
    """The episodes of one rank, and the page that plays them side by side.

    Attributes:
        label: worst, median or best.
        page: name of the page, which lies in the run folder as the report does.
        episodes: of policy x, then of y.
    """

    label: str
    page: str
    episodes: tuple[ShownEpisode, ...]


def write_replays(found: Sequence[Highlight], folder: Path) -> tuple[Shown, ...]:
    """Write ``replay-worst.html``, ``replay-median.html`` and ``replay-best.html``.

    Args:
        found: recorded episodes, policy x before y.
        folder: the run folder.

    Returns:
        What the report shows of them, in the order of `LABELS`.
    """
    shown = []
    for label in LABELS:
        some = [one for one in found if one.label == label]
        recordings = [read_recording(one.file) for one in some]
        page = folder / f"replay-{label}.html"
        heading = f"The {label} operation of each policy"
        page.write_text(episode_page(recordings, heading), encoding="utf-8")
        pairs = zip(some, recordings, strict=True)
        shown.append(Shown(label, page.name, tuple(_shown(*pair) for pair in pairs)))
    return tuple(shown)


def _shown(one: Highlight, recording: Recording) -> ShownEpisode:
    time_s = most_force_s(recording)
    still = base64.b64encode(close_jpeg(recording, time_s)).decode("ascii")
    return ShownEpisode(one.policy, one.record, one.same, time_s, still)
