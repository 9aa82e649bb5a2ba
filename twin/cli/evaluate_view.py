"""What ``rackline evaluate`` shows in the terminal: bars at work, then the verdict."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Table
from rich.text import Text

from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation, Preflight
from twin.evaluation.words import answer_word, minutes
from twin.kpi.gates import Answer
from twin.report.html import BANNER_WORDS
from twin.report.tables import cards, cells_table, kpi_blocks

_COLOURS = {Answer.HOLDS: "green", Answer.FAILS: "red", Answer.INCONCLUSIVE: "yellow"}


class Bars:
    """One progress bar a phase on stderr; quiet where that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
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
    console.print(_verdict(found))
    console.print(_kpis(plan.line.takt_s / 60, plan.spec.line_runs.saturated_takt_s / 60, found))
    console.print(_cells(found))
    console.print(f"report: {page.resolve()}", soft_wrap=True, highlight=False)


def stopped(command: str) -> Text:
    """Return what Ctrl-C says."""
    return Text(f"Stopped. What is done is kept; to go on: {command}", style="bold")


def show_preflight(found: Preflight) -> Group:
    """Return the preflight for the terminal."""
    lines = [Text("Before anything ran", style="bold")]
    lines += [Text(f"  {sentence}") for sentence in found.sentences]
    if found.minutes is not None:
        lines.append(Text(f"  The whole evaluation takes about {minutes(found.minutes)} here."))
    return Group(*lines)


def _verdict(found: Evaluation) -> Panel:
    verdict = found.verdict
    colour = _COLOURS[verdict.answer]
    gates = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("policy", "gate", "must be", "measured", "95 % interval", "answer"):
        gates.add_column(column, overflow="fold")
    for card, policy in zip(cards(found), verdict.policies, strict=True):
        for gate, result in zip(card["gates"], policy.gates, strict=True):
            gates.add_row(
                card["short"],
                gate["title"],
                gate["limit"],
                gate["measured"],
                gate["span"],
                Text(answer_word(result.answer), style=_COLOURS[result.answer]),
            )
    word = Text(BANNER_WORDS[verdict.answer], style=f"bold {colour}")
    headline = Text(verdict.headline.partition(": ")[2], style="bold")
    return Panel(Group(word, headline, Text(), gates), border_style=colour, padding=(1, 2))


def _kpis(takt_min: float, pushed_min: float, found: Evaluation) -> Table:
    short = [card["short"] for card in cards(found)]
    table = Table(title="Key figures (mean, 95 % interval)", title_justify="left")
    table.add_column("")
    for name in ("staffed", *short, f"{short[0]} - staffed", f"{short[1]} - staffed"):
        table.add_column(name, justify="right")
    for block in kpi_blocks(found.kpis, takt_min, pushed_min):
        table.add_row(Text(block["title"].partition(":")[0], style="bold"))
        for kpi in block["rows"]:
            unit = f" ({kpi['unit']})" if kpi["unit"] else ""
            cells = []
            for entry in kpi["entries"][:5]:
                style = "bold" if entry.clear else ""
                text = Text(entry.value, style=style)
                cells.append(text + Text(f"\n{entry.span}" if entry.span else "", style="dim"))
            table.add_row(f"{kpi['title']}{unit}", *cells)
        table.add_section()
    return table


def _cells(found: Evaluation) -> Table:
    table = Table(title="Cells and people for takt", title_justify="left")
    for column in ("policy", "cells", "technicians", "people", "against today"):
        table.add_column(column)
    for need in cells_table(found):
        if need["found"]:
            numbers = (need["found"].cells, need["found"].technicians, need["people"])
            table.add_row(need["name"], *(str(number) for number in numbers), need["change"])
        else:
            table.add_row(need["name"], "none tried holds", "", "", "")
    table.caption = f"today: {found.people_staffed} people"
    return table
