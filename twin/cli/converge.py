"""``rackline converge``: write a station's convergence card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from configs.errors import RacklineError
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import Workers
from twin.cli.output import check_file, write_file
from twin.cli.progress import progress_bar


@app.command("converge")
def converge(
    env_id: Annotated[
        str, typer.Argument(metavar="ENV_ID", help="Station, e.g. rackline/TrayInsert-v0.")
    ],
    policy: Annotated[
        str,
        typer.Option(help="Policy that works it: the quickest there is, for slow ones hide hits."),
    ],
    seeds: Annotated[int, typer.Option(min=20, help="Seeds a variant, one part a visit.")] = 300,
    workers: Workers = None,
    card: Annotated[Path | None, typer.Option(help="Write the card for people here.")] = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save", help="Store the result beside the station, for reports; needs 300 seeds."
        ),
    ] = False,
) -> None:
    """Check that finer physics gives the same answers at a station.

    Runs the same seeds at 1, 2 and 4 times the physics rate, and at 4 times the contact
    stiffness, and holds them against the criteria of convergence. Under 149 seeds none can hold:
    too many operations might flip unseen. What holds for a slow policy need not for a quick one,
    whose hits are harder: try the quickest that is judged there.

    Exit code 0: every criterion holds · 1: one does not.

    Example: [bold]rackline converge rackline/TrayInsert-v0
    --policy scripted/lateral-admittance --seeds 150[/bold]
    """
    from envs.registry import station
    from policies.catalogue import load_policy
    from policies.convergence import (
        MIN_SEEDS,
        VARIANTS,
        result_path,
        study,
        to_json,
        to_markdown,
    )

    entry = station(env_id)
    load_policy(policy, entry.spec)  # refused here, not in a worker
    if save and seeds < MIN_SEEDS:
        raise RacklineError(
            f"--save --seeds {seeds}: too few for reports to rest on; write {MIN_SEEDS} or more"
        )
    stored = result_path(entry) if save else None
    check_file("--card", card)
    check_file("--save", stored)
    with progress_bar() as bar:
        task = bar.add_task("episodes", total=seeds * len(VARIANTS))
        found = study(env_id, policy, seeds, workers or usable_cores(), lambda: bar.advance(task))
    text = to_markdown(found)
    Console().print(Markdown(text))
    if card is not None:
        write_file("--card", card, text)
    if stored is not None:
        write_file("--save", stored, to_json(found))
    raise typer.Exit(0 if found.converged else 1)
