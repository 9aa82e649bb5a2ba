"""The reference line against the figures of an independent model of the same table.

The figures come from a SimPy model written by others from the same semantics (project's domain
facts, section 2): 10 replications, 60 days after 15 of warm-up, 95 % half-widths. They agree with
ours when the difference is at most 3 standard errors, both models' errors counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configs.errors import RacklineError
from configs.specs.base import spec_hash
from configs.specs.line import load_line
from twin.line.model import LineModel
from twin.line.study import Columns, replicate

LINE = "nvl72_l11"
DAYS, WARMUP_DAYS = 60.0, 15.0
MIN_REPLICATIONS = 50
Z_LIMIT = 3.0
HALF_WIDTH_PER_SE = 2.26
"""Student's t at 9 degrees of freedom: how the half-widths of 10 replications were made."""


@dataclass(frozen=True)
class Figure:
    """One independent figure.

    Attributes:
        mode: key of `MODES` it was measured in.
        key: key of `twin.kpi.definitions.LINE_KPIS`.
        title: name of the row.
        value: the independent mean.
        half_width: its 95 % half-width; ``None`` where none was given: shown, not judged.
    """

    mode: str
    key: str
    title: str
    value: float
    half_width: float | None


FIGURES: tuple[Figure, ...] = (
    Figure("takt", "racks_per_day", "racks/day", 20.01, 0.03),
    Figure("takt", "lead_time_mean_h", "lead time (h)", 46.8, 0.4),
    Figure("takt", "wip_mean", "WIP (racks)", 39.0, 0.3),
    Figure("saturated", "racks_per_day", "capacity (racks/day)", 23.0, 0.1),
    Figure("takt", "lead_time_p95_h", "lead time p95 (h)", 62.6, None),
    Figure("takt", "rolled_throughput_yield", "rolled throughput yield", 0.743, None),
    Figure("takt", "line_balance_ratio", "line balance ratio", 0.81, None),
    Figure("22 bays", "lead_time_mean_h", "lead time (h)", 52.4, None),
    Figure("24 bays", "lead_time_mean_h", "lead time (h)", 48.0, None),
)
MODES: Mapping[str, Callable[[LineModel], LineModel]] = {
    "takt": lambda line: line.at_takt(72 * 60.0),
    "saturated": lambda line: line.at_takt(50 * 60.0),
    "22 bays": lambda line: line.with_servers({"S110": 22}),
    "24 bays": lambda line: line.with_servers({"S110": 24}),
}
MODE_TITLES = {
    "takt": "takt 72 min",
    "saturated": "takt 50 min",
    "22 bays": "takt 72 min, 22 stress bays",
    "24 bays": "takt 72 min, 24 stress bays",
}


@dataclass(frozen=True)
class Row:
    """An independent figure beside ours.

    Attributes:
        figure: the independent figure.
        mean: our mean.
        standard_error: of our mean.
        replications: of ours.
    """

    figure: Figure
    mean: float
    standard_error: float
    replications: int

    @property
    def z(self) -> float:
        """The difference in standard errors; nan where the figure has none of its own."""
        if self.figure.half_width is None:
            return math.nan
        theirs = self.figure.half_width / HALF_WIDTH_PER_SE
        return (self.mean - self.figure.value) / math.hypot(theirs, self.standard_error)

    @property
    def agrees(self) -> bool:
        """Whether the figure is not judged, or within `Z_LIMIT` standard errors."""
        return self.figure.half_width is None or abs(self.z) <= Z_LIMIT


def compare(
    *,
    seed: int,
    replications: int,
    workers: int = 1,
    on_done: Callable[[], None] | None = None,
) -> list[Row]:
    """Simulate every mode of the reference line and return the rows of `FIGURES`.

    Raises:
        RacklineError: fewer than `MIN_REPLICATIONS` replications.
    """
    if replications < MIN_REPLICATIONS:
        raise RacklineError(
            f"--replications {replications} is too few to judge agreement; give at least "
            f"{MIN_REPLICATIONS}"
        )
    line = LineModel(load_line(LINE))
    columns: dict[str, Columns] = {
        mode: replicate(
            change(line),
            seed=seed,
            replications=replications,
            days=DAYS,
            warmup_days=WARMUP_DAYS,
            workers=workers,
            on_done=on_done,
        )
        for mode, change in MODES.items()
    }
    rows = []
    for figure in FIGURES:
        values = columns[figure.mode][figure.key]
        error = float(values.std(ddof=1)) / math.sqrt(len(values))
        rows.append(Row(figure, float(np.mean(values)), error, len(values)))
    return rows


def as_markdown(rows: Sequence[Row], *, seed: int) -> str:
    """Return the line's part of docs/validation.md."""
    judged = [row for row in rows if row.figure.half_width is not None]
    verdict = "agree" if all(row.agrees for row in judged) else "**do not all agree**"
    lines = [
        "## The line against an independent model",
        "",
        f"Purpose: mean lead time, WIP and throughput of `{LINE}`, at takt and saturated. Written",
        f"by `rackline line validate --replications {rows[0].replications} --seed {seed} "
        f"--doc docs/validation.md`",
        f"(line file {spec_hash(load_line(LINE))}, {DAYS:g} days after {WARMUP_DAYS:g} of warm-up, "
        f"{rows[0].replications} replications a mode).",
        "",
        "The independent figures are those of another SimPy model of the same table (10",
        f"replications). The judged rows {verdict}: |z| ≤ {Z_LIMIT:g} on the difference with both",
        "standard errors. Racks/day at takt 72 is the takt, WIP follows by Little's law; lead time",
        "and capacity are the rows that test something. Rows without z came without an error of",
        "their own and are shown, not judged. With 22 bays the stress test is loaded to .99, where",
        "60 days decide little. tests/oracle/test_line_second_model.py writes the line a second",
        "time, in plain SimPy with other random numbers, and requires agreement too.",
        "",
        "| mode | figure | independent | ours (± standard error) | z |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        figure = row.figure
        width = "" if figure.half_width is None else f" ± {figure.half_width:g}"
        z = "" if math.isnan(row.z) else f"{row.z:+.2f}" + ("" if row.agrees else " **no**")
        lines.append(
            f"| {MODE_TITLES[figure.mode]} | {figure.title} | {figure.value:g}{width} "
            f"| {row.mean:.3f} ± {row.standard_error:.3f} | {z} |"
        )
    return "\n".join(lines) + "\n"


def write_section(path: Path, name: str, text: str) -> None:
    """Put ``text`` between the markers of section ``name`` of a Markdown file, others untouched.

    The markers are ``<!-- name: begin -->`` and ``<!-- name: end -->``; where they are missing the
    section is added at the end, where the file is missing it is begun.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{text.rstrip()}\n{end}"
    old = path.read_text(encoding="utf-8") if path.exists() else "# Validation\n"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    new = pattern.sub(lambda _: section, old) if pattern.search(old) else f"{old}\n{section}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new, encoding="utf-8")
