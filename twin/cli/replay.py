"""``rackline replay``: a recorded episode as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from configs.errors import RacklineError
from twin.cli.app import app
from twin.cli.output import check_file, write_file


@app.command("replay")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Recording of an episode.")],
    web: Annotated[
        Path | None,
        typer.Option(metavar="OUT.html", help="Page to write; it opens from disk by itself."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Another policy's recording on the same seed, beside."),
    ] = None,
) -> None:
    """Show a recorded episode in 3D beside its phases, forces and reward.

    Example: [bold]rackline replay y.mcap --compare x.mcap --web both.html[/bold]
    """
    if web is None:
        raise RacklineError("replay: nothing to show it in; add --web OUT.html")
    write_page(web, file, compare)


def write_page(web: Path, file: Path, compare: Path | None) -> None:
    """Write the page of ``file``, beside it that of ``compare``."""
    from policies.recording import read_recording
    from twin.replay.episode import episode_page

    check_file("--web", web)
    files = [file] if compare is None else [file, compare]
    write_file("--web", web, episode_page([read_recording(path) for path in files]))
    Console().print(f"Page: {web}", highlight=False, soft_wrap=True)
