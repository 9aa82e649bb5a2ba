"""What ``rackline evaluate`` shows in the terminal: bars at work, then the verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import TaskID
from rich.table import Table
from rich.text import Text

from policies.recording_campaign import Highlight
from twin.cli.options import INTERRUPTED
from twin.cli.progress import progress_bar
from twin.evaluation.before import Preflight
from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation
from twin.evaluation.words import minutes
from twin.kpi.gates import EXIT_INCONCLUSIVE, Answer
from twin.report.first_screen import cards
from twin.report.reasons import next_steps, whys
from twin.report.tables import cells_table, kpi_blocks

WIDE = 110
"""Columns of a terminal that has room for every interval."""
_NAMES = 21
"""Columns of a KPI's name and unit."""
COLOURS = {Answer.HOLDS: "green", Answer.FAILS: "red", Answer.INCONCLUSIVE: "yellow"}


class Bars:
    """One progress bar a phase on stderr; quiet where that is no terminal."""

    def __init__(self) -> None:
        self._progress = progress_bar()
        self._task: TaskID | None = None

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, what: Text | Group) -> None:
        """Print above the bars."""
        self._progress.console.print(what)

    def begin(self, title: str, total: int, done: int) -> None:
        """Begin a phase."""
        self._task = self._progress.add_task(title, total=total, completed=done)

    def advance(self) -> None:
        """Count one more item."""
        if self._task is not None:
            self._progress.advance(self._task)

    def end(self) -> None:
        """End the phase."""
        self._task = None


def show(plan: Plan, found: Evaluation, page: Path) -> None:
    """Print the verdict with its gates, the KPI table, cells and people, and the report's path."""
    console = Console()
    console.print(_verdict(plan, found))
    takt_min, pushed_min = plan.line.takt_s / 60, plan.spec.line_runs.saturated_takt_s / 60
    console.print(_kpis(takt_min, pushed_min, found, wide=console.width >= WIDE))
    console.print(_cells(found))
    console.print(f"report: {page.resolve()}", soft_wrap=True, highlight=False)


def show_recordings(found: list[Highlight]) -> Text:
    """Return where the recordings are, and which of them do not show what was counted."""
    text = Text(f"Recordings of {len(found)} episodes: {found[0].file.parent}")
    for one in found:
        if not one.same:
            text.append(
                f"\n{one.file.name}: simulated again it came to another end than its record; the "
                f"episodes were run by another machine or version",
                style="yellow",
            )
    return text


@contextlib.contextmanager
def resumable(command: str, workers: int | None) -> Iterator[Bars]:
    """Show bars while the block works; Ctrl-C ends it with the command that goes on.

    Args:
        command: the command without its workers, which change no result.
        workers: as they were given.
    """
    with Bars() as bars:
        try:
            yield bars
        except KeyboardInterrupt:
            again = command if workers is None else f"{command} --workers {workers}"
            text = f"Stopped. What is done is kept; to go on: {again}"
            bars.say(Text(text, style="bold"))
            raise typer.Exit(INTERRUPTED) from None


def exit_with(code: int, *, allow_inconclusive: bool) -> typer.Exit:
    """Return the exit of a verdict: of success if nothing is decided, where that is allowed."""
    return typer.Exit(0 if code == EXIT_INCONCLUSIVE and allow_inconclusive else code)


def show_preflight(found: Preflight) -> Group:
    """Return the preflight for the terminal."""
    lines = [Text("Known before anything ran", style="bold")]
    lines += [Text(f"  {sentence}") for sentence in found.sentences]
    if found.minutes is not None:
        lines.append(Text(f"  Expected time of the whole evaluation: {minutes(found.minutes)}."))
    return Group(*lines)


def _verdict(plan: Plan, found: Evaluation) -> Panel:
    verdict = found.verdict
    colour = COLOURS[verdict.answer]
    word, _, headline = verdict.headline.partition(": ")
    parts: list[Text | Table] = [Text(f"{word}: ", style=f"bold {colour}") + Text(headline)]
    for card, policy in zip(cards(found), verdict.policies, strict=True):
        answer = Text(f"  {card['word']}", style=f"bold {COLOURS[policy.answer]}")
        parts += [Text(), Text(card["name"], style="bold") + answer]
        gates = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for gate, result in zip(card["gates"], policy.gates, strict=True):
            mark = Text(gate["mark"], style=f"bold {COLOURS[result.answer]}")
            measured = Text(f"{gate['measured']}  ") + Text(f"({gate['span']})", style="dim")
            gates.add_row(mark, gate["title"], measured, Text(gate["limit"], style="dim"))
            if not result.tested:
                gates.add_row("", "", Text("not tested at the bounds of rare outcomes", "dim"), "")
        parts.append(gates)
        parts += [Text(why, style="dim") for why in whys(plan, found, policy)]
    steps = next_steps(plan, found)
    if steps:
        parts += [Text(), Text("Next: ", style="bold") + Text(" ".join(steps))]
    return Panel(Group(*parts), border_style=colour, padding=(1, 2))


def _kpis(takt_min: float, pushed_min: float, found: Evaluation, wide: bool) -> Table:
    x, y = (card["short"] for card in cards(found))
    title = "Key figures: mean ± half of the 95 % interval"
    style: dict[str, Any] = {"box": box.SIMPLE_HEAD, "pad_edge": False, "padding": (0, 1, 0, 0)}
    table = Table(title=title, title_justify="left", show_edge=False, **style)
    table.add_column("", min_width=_NAMES)
    for name in ("staffed", "X", "Y", "X-staffed", "Y-staffed"):
        table.add_column(name, justify="right", no_wrap=True)
    for block in kpi_blocks(found.kpis, takt_min, pushed_min):
        table.add_row(Text(block["title"].partition(":")[0], style="bold"))
        for kpi in block["rows"]:
            unit = f", {kpi['unit']}" if kpi["unit"] else ""
            cells = [
                Text(entry.value, style="bold" if entry.clear else "")
                + Text(f" ±{entry.half}" if entry.half and (wide or at > 2) else "", style="dim")
                for at, entry in enumerate(kpi["entries"][:5])
            ]
            table.add_row(f"{kpi['title']}{unit}", *cells)
        table.add_section()
    table.caption = f"X: {x}, Y: {y}; bold: clear of zero"
    unseen = {f"{held.operations:,}" for row in found.kpis for held in row.unseen.values()}
    if unseen:
        shown = " or ".join(sorted(unseen))
        table.caption += f"\nat most: 0 seen in {shown} operations, 95 % bound"
    return table


def _cells(found: Evaluation) -> Group:
    table = Table(title="Cells and people for takt", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("policy", "cells", "technicians", "people", "against today"):
        table.add_column(
            column, no_wrap=column == "policy", min_width=30 if column == "policy" else 0
        )
    for need in cells_table(found):
        if need["found"]:
            numbers = (need["found"].cells, need["found"].technicians, need["people"])
            table.add_row(need["name"], *(str(number) for number in numbers), need["change"])
        else:
            table.add_row(need["name"], *(["-"] * 4))
    none = [Text(f"  {n['name']}: {n['none']}") for n in cells_table(found) if not n["found"]]
    return Group(table, *none, Text(f"  today: {found.people_staffed} people", style="dim"))
