"""Colours and figure style of the report, and figures as SVG text that never changes by itself."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from envs.outcome import OutcomeClass
from twin.kpi.gates import Answer
from twin.line.process import State

INK: Final = "#1d2733"
MUTED: Final = "#6b7785"
GRID: Final = "#e3e7ec"

LINE_COLOURS: Final = ("#6b7785", "#c4711a", "#1d6fb8")
"""Staffed, policy x, policy y: the same everywhere."""

ANSWER_COLOURS: Final = {
    Answer.HOLDS: "#1a7f4b",
    Answer.FAILS: "#b3261e",
    Answer.INCONCLUSIVE: "#8f6400",
}

CLASS_COLOURS: Final = {
    OutcomeClass.OK: "#3f9b68",
    OutcomeClass.RETRIED: "#a5d3b4",
    OutcomeClass.ASSISTED: "#f2c14e",
    OutcomeClass.DETECTED: "#e58a3c",
    OutcomeClass.ESCAPED: "#8259a8",
    OutcomeClass.DAMAGE: "#b3261e",
}

STATE_COLOURS: Final = {
    State.WORKING: "#2d6da3",
    State.SETUP: "#5fa3cf",
    State.REWORK: "#a9cde6",
    State.DOWN: "#c0453c",
    State.WAITING_FOR_CREW: "#efb23f",
    State.WAITING_FOR_TRANSPORT: "#bfa07a",
    State.BLOCKED: "#7d5ba6",
    State.STARVED: "#dde2e8",
}

WIDTH: Final = 10.2
"""Of every figure, in inches of 72 points: the report's column."""
_RC: Final[dict[str, Any]] = {
    "svg.fonttype": "none",  # text stays text: small, sharp, searchable
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # ships with matplotlib: the same layout everywhere
    "font.size": 9.5,
    "axes.edgecolor": "#aab3bd",
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def drawing(name: str) -> Iterator[None]:
    """Draw within the report's style; ids in the SVG then depend on ``name`` only."""
    style: Any = _RC | {"svg.hashsalt": name}  # typed as a literal of every key there is
    with mpl.rc_context(style):
        yield


def figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure without a global state behind it."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def colour_legend(drawn: Figure, colours: Mapping[str, str]) -> None:
    """Put a legend of coloured patches below a figure."""
    patches = [Patch(color=colour) for colour in colours.values()]
    drawn.legend(patches, list(colours), loc="outside lower center", ncols=len(colours))


def as_svg(drawn: Figure, label: str) -> str:
    """Return a figure as an SVG element to inline in HTML: no date, no address, a label.

    Args:
        drawn: the figure, drawn within `drawing`.
        label: what it shows, for readers who cannot see it.
    """
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", text)  # implied within HTML
    text = re.sub(r'(<svg\b[^>]*?)\swidth="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg\b[^>]*?)\sheight="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"font: ([\d.]+)px 'DejaVu Sans'[^;\"]*", r"font: \1px var(--sans)", text)
    label = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
