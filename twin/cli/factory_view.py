"""What ``rackline factory`` shows in the terminal: the answer, the cases, what it hangs on."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from twin.cli.evaluate_view import COLOURS, WIDE
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory
from twin.report import factory_tables as tables
from twin.report import factory_words as words


def show(plan: FactoryPlan, found: Factory, page: Path) -> None:
    """Print the answer, the table of cases, the sentences below it, and the report's path."""
    console = Console()
    said, colour = words.banner(plan, found), COLOURS[found.answer]
    answer = Text(f"{said['word']}: ", style=f"bold {colour}") + Text(said["sentence"])
    if quick := words.quick_look(plan):
        console.print(Text(quick, style="bold"))
    console.print(Panel(answer, border_style=colour, padding=(1, 2)))
    console.print(_table(plan, found, wide=console.width >= WIDE))
    lines = [Text(f"• {sentence}") for sentence in words.sentences(plan, found)]
    console.print(Group(*lines))
    console.print(f"report: {page.resolve()}", soft_wrap=True, highlight=False)


def _table(plan: FactoryPlan, found: Factory, wide: bool) -> Table:
    content = tables.table(plan, found)
    table = Table(
        title="The line at takt", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for head, limit in (("", ""), ("gates", ""), *content["heads"]):
        table.add_column(f"{head}\n{limit}" if limit else head)
    for row in content["rows"]:
        cells = []
        for shown in row["entries"]:
            marked = f"{shown.mark} {shown.value}".strip()
            lines = [line for line in (shown.below, shown.bounds) if line and wide]
            below = "".join(f"\n{line}" for line in lines)
            cells.append(Text(marked) + Text(below, style="dim"))
        table.add_row(row["title"], row["word"], *cells, style="dim" if row["bound"] else "")
    table.caption = content["note"]
    return table
