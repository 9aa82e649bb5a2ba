"""``rackline tune``: search a script's parameters on selection seeds, and store the best."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from policies.executor import usable_cores
from policies.seeds import SELECTION
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.output import check_file
from twin.cli.progress import progress_bar

if TYPE_CHECKING:  # physics would slow every other command's start down
    from policies.tuning import TrialResult


@app.command("tune")
def tune_command(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="Script to tune, see rackline policies.")
    ],
    trials: Annotated[int, typer.Option(min=1, help="Parameter sets to try.")] = 30,
    episodes: Annotated[
        int, typer.Option(min=1, help="Episodes of each, on the same selection seeds.")
    ] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search.")] = 0,
    env: Annotated[
        str, typer.Option(metavar="ENV_ID", help="Station to tune for.")
    ] = "rackline/TrayInsert-v0",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write (default: where the script's own are)."),
    ] = None,
    workers: Workers = None,
) -> None:
    """Search a script's parameters on selection seeds and store the best with the effort made.

    Three trials in five cover the whole range (Latin hypercube), the rest a
    quarter of it around the best. The cost of a parameter set is what a tray
    costs the server on average: the robot's cycle time, plus 480 s where a
    technician has to come (assisted, detected, void), plus 3600 s for a swap
    (damage, and escaped alike). The smallest cost wins.

    Example: [bold]rackline tune scripted/straight-push --trials 30 --episodes 64[/bold]
    """
    from envs.registry import station
    from policies.tuning import script_called, tune, write_parameters

    entry = script_called(script)
    env_id = station(env).env_id
    file = out or entry.file
    check_file("--out", file)
    console = Console()
    tried: list[TrialResult] = []
    with progress_bar() as bar:
        task = bar.add_task("trials", total=trials)

        def on_trial(result: TrialResult) -> None:
            tried.append(result)
            console.print(f"trial {len(tried):3d}: {_words(result)}", highlight=False)
            bar.advance(task)

        try:
            best = tune(env_id, script, trials, episodes, workers or usable_cores(), seed, on_trial)
        except KeyboardInterrupt:
            console.print(f"Stopped after {len(tried)} of {trials} trials; nothing was written.")
            raise typer.Exit(INTERRUPTED) from None
    options = ["--trials", str(trials), "--episodes", str(episodes), "--seed", str(seed)]
    command = shlex.join(["rackline", "tune", script, *options, "--env", env_id])
    effort = (
        f"Tuned by: {command}; {trials} trials on selection seeds {SELECTION[0]} to "
        f"{SELECTION[episodes - 1]}; {_words(best[0])}"
    )
    write_parameters(file, best[0], effort)
    console.print(f"best: {_words(best[0])}\nwritten to {file}", highlight=False, soft_wrap=True)


def _words(result: TrialResult) -> str:
    return (
        f"{result.cost_s:.1f} s a tray, success {100 * result.success:.1f} %, "
        f"damage {100 * result.damage:.1f} %, contact time {result.contact_time_s:.1f} s"
    )
