"""What ``rackline factory`` shows in the terminal: the answer, the cases, what it hangs on."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from twin.cli.evaluate_view import COLOURS
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory
from twin.report import factory_tables as tables
from twin.report import factory_words as words


def show(plan: FactoryPlan, found: Factory, page: Path) -> None:
    """Print the answer, the table of cases, the sentences below it, and the report's path."""
    console = Console()
    said, colour = words.banner(plan, found), COLOURS[found.answer]
    answer = Text(f"{said['word']}: ", style=f"bold {colour}") + Text(said["sentence"])
    console.print(Panel(answer, border_style=colour, padding=(1, 2)))
    console.print(_table(found))
    lines = [Text(f"• {sentence}") for sentence in words.sentences(plan, found)]
    console.print(Group(*lines))
    console.print(f"report: {page.resolve()}", soft_wrap=True, highlight=False)


def _table(found: Factory) -> Table:
    content = tables.table(found)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("holds takt")
    for head in content["heads"]:
        table.add_column(head)
    for row in content["rows"]:
        cells = [
            Text(entry.value) + Text(f"\n{entry.span}" if entry.span else "", style="dim")
            for entry in row["entries"]
        ]
        table.add_row(row["title"], row["word"], *cells, style="dim" if row["bound"] else "")
    return table
