"""``rackline line record`` and ``rackline line replay``: a line's day on file, and as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from configs.errors import RacklineError
from configs.specs.line import load_line
from twin.cli.line import LineArgument, Seed, line_app, takt_s
from twin.cli.output import check_file, write_file
from twin.line.model import LineModel
from twin.line.recording import record_line
from twin.line.run_file import read_line_run, write_line_run
from twin.replay.line_page import line_page


@line_app.command("record")
def record(
    line: LineArgument,
    out: Annotated[Path, typer.Option(metavar="RUN.json", help="File that the run goes to.")],
    hours: Annotated[float, typer.Option(min=0.1, help="Hours to record, after the warm-up.")] = 24,
    warmup_days: Annotated[
        float, typer.Option(min=0.0, help="Days from the empty line until recording begins.")
    ] = 15.0,
    seed: Seed = 0,
    replication: Annotated[int, typer.Option(min=0, help="Which of the seed's replications.")] = 0,
    takt: Annotated[
        str | None,
        typer.Option(help='Push a rack in every so often instead, e.g. "50 min" for saturation.'),
    ] = None,
) -> None:
    """Record what every server and every rack of a line did, for [bold]line replay[/bold].

    The history is that of the same replication in [bold]line simulate[/bold].

    Example: [bold]rackline line record nvl72_l11 --out run.json --seed 1[/bold]
    """
    check_file("--out", out)
    spec = load_line(line)
    model = LineModel(spec) if takt is None else LineModel(spec).at_takt(takt_s(takt))
    run = record_line(
        model, seed=seed, replication=replication, days=hours / 24, warmup_days=warmup_days
    )
    write_line_run(out, run)
    console = Console()
    console.print(f"{len(run.racks)} racks in {hours:g} h; see them with")
    see = f"rackline line replay {out} --web {out.with_suffix('.html')}"
    console.print(see, highlight=False, soft_wrap=True)


@line_app.command("replay")
def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN.json", help="File of `line record`.")],
    web: Annotated[
        Path | None,
        typer.Option(metavar="OUT.html", help="Page to write; it opens from disk by itself."),
    ] = None,
) -> None:
    """Show a recorded line: racks on their way, states of servers, racks in line and shipped."""
    if web is None:
        raise RacklineError("line replay: nothing to show it in; add --web OUT.html")
    check_file("--web", web)
    write_file("--web", web, line_page(read_line_run(run)))
    Console().print(f"Page: {web}", highlight=False, soft_wrap=True)
