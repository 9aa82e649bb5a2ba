"""``rackline stations`` and ``rackline policies``: what there is to name in other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

from configs.errors import RacklineError
from twin.cli.app import app
from twin.cli.output import check_file, write_file


@app.command("stations")
def stations(
    env_id: Annotated[
        str | None,
        typer.Argument(metavar="[ENV_ID]", help="Show the page of this station instead."),
    ] = None,
    doc: Annotated[
        Path | None, typer.Option(help="Write that page to this Markdown file instead.")
    ] = None,
    docs: Annotated[
        Path | None, typer.Option(help="Write the pages of all stations to this folder instead.")
    ] = None,
) -> None:
    """List the stations, or explain one: observation, action, judge, settings.

    Example: [bold]rackline stations rackline/TrayInsert-v0[/bold]
    """
    # Imported here: physics would slow every other command's start down.
    from envs.registry import station
    from envs.registry import stations as registered
    from envs.station_page import station_page

    if docs is not None:
        if env_id is not None or doc is not None:
            raise typer.BadParameter("--docs writes every station's page; give it alone")
        pages = {docs / f"{entry.stem}.md": entry for entry in registered()}
        for file in pages:
            check_file("--docs", file)
        for file, entry in pages.items():
            write_file("--docs", file, station_page(entry))
        return
    check_file("--doc", doc)
    if env_id is None:
        if doc is not None:
            raise typer.BadParameter("say which station's page, e.g. rackline/TrayInsert-v0")
        table, wrong = _stations_table()
        Console().print(table)
        if wrong is not None:
            raise wrong
        return
    page = station_page(station(env_id))
    if doc is None:
        Console().print(Markdown(page))
    else:
        write_file("--doc", doc, page)


@app.command("policies")
def policies() -> None:
    """List the policies, where their parameters live, and what effort went into these."""
    from configs.commented import opening_comment
    from policies.catalogue import policy_title, zoo
    from policies.scripted.registry import scripts

    table = Table()
    table.add_column("policy", no_wrap=True)
    table.add_column("version")
    head = "what it does, where its parameters live, what effort went into them"
    table.add_column(head, overflow="fold")
    for entry in scripts():
        effort = " ".join(opening_comment(entry.file)) or "Not tuned: set by hand."
        where = entry.config or f"configs/policies/{entry.file.name}"
        text = f"{entry.title}\n[dim]{escape(str(where))}: {escape(effort)}[/dim]"
        table.add_row(entry.name, str(entry.version), text)
    for name in zoo():
        table.add_row(name, "", escape(policy_title(name)))
    Console().print(table)


def _stations_table() -> tuple[Table, RacklineError | None]:
    """Return the stations that there are, and what is wrong with the first that is not shown."""
    from envs.registry import stations as registered

    table = Table()
    table.add_column("station", no_wrap=True)
    table.add_column("what it does, its settings", overflow="fold")
    wrong: RacklineError | None = None
    for entry in registered():
        try:
            spec = entry.spec
        except RacklineError as error:
            wrong = wrong or error
            continue
        settings = (f"{n} (default)" if n == spec.default_setting else n for n in spec.settings)
        table.add_row(entry.env_id, f"{escape(entry.title)}\n[dim]{', '.join(settings)}[/dim]")
    return table, wrong
