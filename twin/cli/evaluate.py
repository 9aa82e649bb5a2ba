"""``rackline evaluate``: run an evaluation, show its verdict, write its reports."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import StudyFolder, Workers, study_folder
from twin.cli.output import check_file, write_file

if TYPE_CHECKING:  # physics would slow every other command's start down
    from twin.replay.highlights import Shown


@app.command("evaluate")
def evaluate_command(
    evaluation: Annotated[
        str,
        typer.Argument(metavar="EVAL", help="Shipped evaluation (tray_cell) or path of a file."),
    ],
    out: StudyFolder = None,
    workers: Workers = None,
    racks: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Rack visits a policy instead of the file's: more to decide, fewer for a look. "
            "In a folder of its own. Fewer than 30 decide nothing.",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write junit.xml to this file.")] = None,
    allow_inconclusive: Annotated[
        bool,
        typer.Option(
            "--allow-inconclusive", help="Exit 0 and pass in junit.xml where nothing is decided."
        ),
    ] = False,
    recordings: Annotated[
        bool, typer.Option(help="Record the worst, median and best episode of both policies.")
    ] = True,
) -> None:
    """Judge two policies at a station by what the line gains.

    Exit code 0: the gates hold · 1: a gate fails · 2: bad input · 3: not decided ·
    70: a fault in Rackline itself.
    A killed or interrupted run is resumed by the same command.

    Example: [bold]rackline evaluate tray_cell --out runs/tray_cell[/bold]
    """
    # Imported here: physics and charts would slow every other command's start down.
    from twin.cli.evaluate_view import exit_with, resumable, show, show_preflight, show_recordings
    from twin.evaluate import evaluate
    from twin.evaluation.plan import load_plan
    from twin.evaluation.recordings import record_evaluation
    from twin.replay.highlights import write_replays
    from twin.report import write_reports

    check_file("--junit", junit)
    plan = load_plan(evaluation)
    folder = study_folder(out, plan.spec.name, racks)
    if racks is not None:
        plan = plan.with_racks(racks)
    command = _command(evaluation, folder, racks, junit, allow_inconclusive, recordings)
    shown: tuple[Shown, ...] = ()
    with resumable(command, workers) as bars:
        found = evaluate(
            plan,
            folder,
            workers or usable_cores(),
            bars,
            lambda preflight: bars.say(show_preflight(preflight)),
        )
        if recordings:
            recorded = record_evaluation(plan, folder, workers or usable_cores(), bars)
            bars.say(show_recordings(recorded))
            shown = write_replays(recorded, folder)
    page = write_reports(
        plan, found, folder, command, allow_inconclusive=allow_inconclusive, shown=shown
    )
    show(plan, found, page)
    if junit is not None:
        write_file("--junit", junit, (folder / "junit.xml").read_text(encoding="utf-8"))
    raise exit_with(found.verdict.exit_code, allow_inconclusive=allow_inconclusive)


def _command(
    evaluation: str,
    folder: Path,
    racks: int | None,
    junit: Path | None,
    allow_inconclusive: bool,
    recordings: bool,
) -> str:
    """Return the command that gives the same reports and exit code again, for shell and CI."""
    words = ["rackline", "evaluate", evaluation, "--out", str(folder)]
    if racks is not None:
        words += ["--racks", str(racks)]
    if junit is not None:
        words += ["--junit", str(junit)]
    if allow_inconclusive:
        words.append("--allow-inconclusive")
    if not recordings:
        words.append("--no-recordings")
    return shlex.join(words)
