"""``rackline tune``: search a script's parameters on selection seeds, and store better ones."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from configs.errors import RacklineError
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
        str | None,
        typer.Option(
            metavar="ENV_ID",
            help="Station to tune for (default: the first of rackline stations that it works).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write (default: none, or the script's own with --save)."),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Write a better set where the script's own are.")
    ] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            help="File that keeps every trial, gone on from if it exists "
            "(default: runs/tune-SCRIPT.jsonl)."
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Search a script's parameters on selection seeds and store better ones with the effort made.

    The set that is stored is tried too, and stays unless a trial costs less on
    the same seeds; --save then replaces the script's own, which are for the
    station that is the default. A killed or interrupted search goes on with the
    same command, and one that is over takes no time with --save.

    Three trials in five cover the whole range (Latin hypercube), the rest a
    quarter of it around the best. The cost of a parameter set is what a part
    costs the server on average: the robot's cycle time, plus 480 s where a
    technician has to come (assisted, detected, void), plus 3600 s for a swap
    (damage, and escaped alike). The smallest cost wins.

    Example: [bold]rackline tune scripted/straight-push --trials 30 --episodes 64[/bold]
    """
    from configs.specs.base import load_spec
    from envs.registry import station
    from policies.tuning import Search, TrialLog, home_of, script_called, tune, write_parameters

    entry = script_called(script)
    place = station(env).env_id if env else home_of(entry)
    shared = entry.config is None  # a file of one's own is for whatever station its owner says
    if save and out is None and shared and place != (home := home_of(entry)):
        raise RacklineError(
            f"--save: the parameters of {script} are for {home}, and other stations take them too; "
            f"write those for {place} to a file of their own with --out"
        )
    search = Search(place, script, trials, episodes, seed)
    file = out or entry.file
    written = out is not None or save
    if written:
        check_file("--save" if out is None else "--out", file)
    stored = load_spec(entry.parameters, file) if file.exists() else None
    log = log or Path("runs") / f"tune-{entry.file.stem}.jsonl"
    made = TrialLog(log, search)
    console = Console()
    if len(made):
        console.print(
            f"{len(made)} trials are in {log} and are not made again; delete it to make them all",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    names = ["stored"] * (stored is not None) + [f"trial {n + 1:3d}" for n in range(trials)]
    shown = iter(names)
    with progress_bar() as bar:
        task = bar.add_task("trials", total=len(names))

        def on_trial(result: TrialResult) -> None:
            console.print(f"{next(shown)}: {_words(result)}", highlight=False)
            bar.advance(task)

        try:
            found = tune(search, made, stored, workers or usable_cores(), on_trial)
        except KeyboardInterrupt:
            console.print(
                f"Stopped; the same command goes on from the trials in {log}",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
            raise typer.Exit(INTERRUPTED) from None
    console.print(f"best: {_words(found.best)}", highlight=False)
    if not found.better:
        console.print(
            f"not less than what is stored costs on the same seeds: {file} stays as it is",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return
    if not written:
        console.print(
            f"less than what is stored costs on the same seeds; --save writes it to {file}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return
    options = ["--trials", str(trials), "--episodes", str(episodes), "--seed", str(seed)]
    command = shlex.join(["rackline", "tune", script, *options, "--env", search.env_id])
    effort = (
        f"Tuned by: {command}; {trials} trials on selection seeds {SELECTION[0]} to "
        f"{SELECTION[episodes - 1]}; {_words(found.best)}"
    )
    write_parameters(file, found.best, effort)
    console.print(f"written to {file}", highlight=False, soft_wrap=True)


def _words(result: TrialResult) -> str:
    return (
        f"{result.cost_s:.1f} s a part, success {100 * result.success:.1f} %, "
        f"damage {100 * result.damage:.1f} %, contact time {result.contact_time_s:.1f} s"
    )
