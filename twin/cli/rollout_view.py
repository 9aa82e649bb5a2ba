"""What ``rackline rollout`` shows in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from envs.outcome import OutcomeClass
from policies.intervals import Interval
from policies.records import EpisodeRecord
from policies.summary import Spread, Summary, compare, summarise

_CLASSES = {
    OutcomeClass.RETRIED: "  of it retried",
    OutcomeClass.ASSISTED: "assisted",
    OutcomeClass.DETECTED: "detected",
    OutcomeClass.ESCAPED: "escaped",
    OutcomeClass.DAMAGE: "damaged",
    OutcomeClass.VOID: "void",
}


def summary_table(title: str, found: Mapping[str, Sequence[EpisodeRecord]]) -> Table:
    """Return the figures of each policy, one column a policy."""
    summaries = [summarise(records) for records in found.values()]
    table = Table("over all operations", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in found:
        table.add_column(name.replace("/", "/\n"), justify="right")
    table.add_row("operations", *(str(s.episodes) for s in summaries))
    table.add_row("success: ok or retried", *(_share(s.success) for s in summaries), style="bold")
    for outcome, label in _CLASSES.items():
        table.add_row(label, *(_count(s, outcome) for s in summaries))
    for label, of in (
        ("cycle time, mean / p95", [s.cycle_time_s for s in summaries]),
        ("contact time, mean / p95", [s.contact_time_s for s in summaries]),
    ):
        table.add_row(label, *(_seconds(spread) for spread in of))
    for label, of in (
        ("lateral force, p95", [s.windowed_force_n for s in summaries]),
        ("axial force, p95", [s.windowed_axial_n for s in summaries]),
    ):
        table.add_row(label, *(f"{spread.p95:.1f} N" for spread in of))
    deepest = (f"{1e3 * s.penetration_max_m:.3f} mm" for s in summaries)
    table.add_row("deepest penetration", *deepest)
    table.caption = "Intervals: 95 %, Wilson. Cycle: robot only, pick to retract. Contact: align "
    table.caption += "and insert. Forces: largest mean over 1/60 s of each operation."
    table.caption_justify = "left"
    return table


def difference_line(
    name: str, ours: Sequence[EpisodeRecord], base: str, theirs: Sequence[EpisodeRecord]
) -> str:
    """Return one sentence that compares two policies operation by operation."""
    found = compare(ours, theirs)
    return (
        f"{name} - {base}, operation by operation: success gained on {found.gained} and lost on "
        f"{found.lost} of {found.operations}; cycle time {_signed(found.cycle_time_s)} s, "
        f"lateral force {_signed(found.windowed_force_n)} N (mean, 95 %, paired t)"
    )


def _share(found: Interval) -> str:
    return f"{100 * found.estimate:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _count(summary: Summary, outcome: OutcomeClass) -> str:
    return f"{summary.outcomes[outcome]}  {100 * summary.share(outcome):5.1f} %"


def _seconds(spread: Spread) -> str:
    return f"{spread.mean:.1f} / {spread.p95:.1f} s"


def _signed(found: Interval) -> str:
    return f"{found.estimate:+.1f} ({found.low:+.1f} to {found.high:+.1f})"
