"""``rackline dataset export``: recordings as a dataset that others' tools train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from policies.dataset_format import Format
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import Workers
from twin.cli.progress import progress_bar

dataset_app = typer.Typer(
    name="dataset",
    help="Turn recordings into datasets that other tools train on.",
    no_args_is_help=True,
)
app.add_typer(dataset_app)


@dataset_app.callback()
def dataset() -> None:
    """Turn recordings into datasets that other tools train on."""


@dataset_app.command("export")
def export(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDINGS...", help="Recordings of one station, or folders of them."
        ),
    ],
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="lerobot: LeRobot v3.0 (Parquet, MP4); minari: Minari (HDF5).",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder to be made; Minari takes its name from it, and wants a version: trays-v0.",
        ),
    ],
    video: Annotated[
        bool,
        typer.Option(
            "--video", help="With a camera's picture of the cell before each action (lerobot)."
        ),
    ] = False,
    workers: Workers = None,
) -> None:
    """Export recordings as a dataset: what the policy saw, did and earned, step by step.

    One episode a recording, one row a policy step; scripted phases are left out.
    A recording does not hold what the policy saw, so each is simulated again, and
    refused unless every state hash comes out as recorded. Recordings come from
    rackline rollout --record DIR. What the columns mean: docs/datasets.md

    Example: [bold]rackline rollout rackline/TrayInsert-v0 --episodes 50
    --policy scripted/lateral-admittance --range training --record films[/bold]

    then: [bold]rackline dataset export films --format lerobot --out trays[/bold]
    """
    # Imported here: physics would slow every other command's start down.
    from policies.dataset_export import export as write
    from policies.dataset_export import recordings as files_of

    files = files_of(recordings)
    with progress_bar() as bar:
        task = bar.add_task("episodes", total=len(files))
        done = write(files, form, out, workers or usable_cores(), video, lambda: bar.advance(task))
    Console().print(
        f"{done.episodes} episodes, {done.steps} steps, {done.successes} successes, every state "
        f"hash as recorded: {out}",
        highlight=False,
        soft_wrap=True,
    )
