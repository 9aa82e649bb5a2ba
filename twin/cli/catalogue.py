"""``rackline stations`` and ``rackline policies``: what there is to name in other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

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
) -> None:
    """List the stations, or explain one: observation, action, judge, settings.

    Example: [bold]rackline stations rackline/TrayInsert-v0[/bold]
    """
    # Imported here: physics would slow every other command's start down.
    from envs.registry import station
    from envs.station_page import station_page

    check_file("--doc", doc)
    if env_id is None:
        if doc is not None:
            raise typer.BadParameter("say which station's page, e.g. rackline/TrayInsert-v0")
        Console().print(_stations_table())
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
    from configs.specs.base import resolve_path
    from policies.catalogue import policy_title, zoo
    from policies.scripted.registry import scripts

    table = Table()
    table.add_column("policy", no_wrap=True)
    table.add_column("version")
    head = "what it does, where its parameters live, what effort went into them"
    table.add_column(head, overflow="fold")
    for entry in scripts():
        file = resolve_path("policies", entry.file_stem)
        effort = " ".join(opening_comment(file)) or "Not tuned: set by hand."
        where = f"configs/policies/{file.name}"
        text = f"{entry.title}\n[dim]{escape(where)}: {escape(effort)}[/dim]"
        table.add_row(entry.name, str(entry.version), text)
    for name in zoo():
        table.add_row(name, "", escape(policy_title(name)))
    Console().print(table)


def _stations_table() -> Table:
    from envs.registry import stations as registered

    table = Table()
    table.add_column("station", no_wrap=True)
    for column in ("on the line", "settings", "what it does"):
        table.add_column(column)
    for entry in registered():
        spec = entry.spec
        settings = (f"{n} (default)" if n == spec.default_setting else n for n in spec.settings)
        table.add_row(entry.env_id, entry.line_station, "\n".join(settings), entry.title)
    return table
