"""``rackline factory``: robot cells at several stations at once, judged by the line."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import StudyFolder, Workers, study_folder


@app.command("factory")
def factory_command(
    question: Annotated[
        str,
        typer.Argument(metavar="[FILE]", help="Shipped question (factory) or path of a file."),
    ] = "factory",
    out: StudyFolder = None,
    workers: Workers = None,
    racks: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Rack visits of every campaign instead of the file's: a quick look, in a folder "
            "of its own. Fewer than 30 decide nothing.",
        ),
    ] = None,
    allow_inconclusive: Annotated[
        bool, typer.Option("--allow-inconclusive", help="Exit 0 where nothing is decided.")
    ] = False,
) -> None:
    """Ask how many robot cells and people hold takt, and which station's policy buys most.

    Every station of the file names a script and a trained policy. The line is run as it is staffed
    today; with all scripted, all trained, one station trained alone; and with perfect policies,
    which bound them all. For each, the fewest people and then cells that hold the gates are sought.
    A station without a trained policy counts with its script, and the report says so.

    The shipped question takes hours: 20,000 cables alone. A quick look: [bold]--racks 30[/bold].

    Exit code 0: a size holds the gates · 1: none does · 2: bad input · 3: not decided ·
    70: a fault in Rackline itself.
    A killed or interrupted run is resumed by the same command.

    Example: [bold]rackline factory --racks 30 --out runs/factory_look[/bold]
    """
    # Imported here: physics and charts would slow every other command's start down.
    from rich.text import Text

    from twin.cli.evaluate_view import exit_with, resumable
    from twin.cli.factory_view import show
    from twin.factory.plan import load_factory_plan
    from twin.factory.run import answer_factory
    from twin.report.factory import write_factory_reports
    from twin.report.factory_words import bound_sentence

    plan = load_factory_plan(question)
    folder = study_folder(out, plan.spec.name, racks)
    if racks is not None:
        plan = plan.with_racks(racks)
    words = ["rackline", "factory", question, "--out", str(folder)]
    words += [] if racks is None else ["--racks", str(racks)]
    words += ["--allow-inconclusive"] if allow_inconclusive else []
    command = shlex.join(words)
    with resumable(command, workers) as bars:
        found = answer_factory(
            plan,
            folder,
            workers or usable_cores(),
            bars,
            lambda need: bars.say(Text(bound_sentence(plan, need))),
        )
    page = write_factory_reports(plan, found, folder, command)
    show(plan, found, page)
    raise exit_with(found.exit_code, allow_inconclusive=allow_inconclusive)
