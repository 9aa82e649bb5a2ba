"""``rackline card``: what a policy does on held-out seeds, as a page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from configs.errors import RacklineError
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.output import check_file, writing
from twin.cli.progress import progress_bar

_ROWS = 500


@app.command("card")
def card_command(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="zoo/NAME, or the folder of a bundle.")
    ],
    env: Annotated[
        str, typer.Option(metavar="ENV_ID", help="Station it works at.")
    ] = "rackline/TrayInsert-v0",
    episodes: Annotated[
        int, typer.Option(min=20, max=10_000, help="Held-out seeds of each policy.")
    ] = 5000,
    robustness: Annotated[
        int | None,
        typer.Option(
            min=20,
            help="Seeds of each row of robustness and training seed (default: 500, or --episodes "
            "if those are fewer).",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, resumed (default: runs/card-NAME).")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Also write the card into the bundle.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="Looks at held-out seeds (default: the zoo's).")
    ] = None,
    workers: Workers = None,
) -> None:
    """Write a policy's card: held-out seeds against every tuned script.

    Runs the policy and all scripts on the same held-out seeds, one part a rack
    visit, in the setting that the policy was made in; then the other training
    seeds shipped with it, and both the policy and the best script with wider
    errors, other friction and finer physics. Writes README.md and a force
    histogram into the run folder; --save also puts them into the bundle, with
    the held-out row of its card.yaml. Every new study counts as a look at the
    policy's block of held-out seeds; going on with a stopped one does not.

    Exit code 0 where every bar holds, 1 where one does not.

    Example: [bold]rackline card zoo/tray_insert --episodes 200[/bold]
    """
    from envs.registry import station
    from policies.bundle import CARD, NETWORK, bundle_name
    from policies.card_page import PAGE, PICTURE, save_card, write_card
    from policies.card_study import open_study, run_study
    from policies.catalogue import bundle_path, zoo_folder
    from twin.evaluation.physics import physics_statement
    from twin.evaluation.runfolder import RunFolder

    path = bundle_path(bundle)
    if path is None or not path.is_dir():
        raise RacklineError(f"{bundle}: no such bundle; name zoo/NAME or a folder with card.yaml")
    rows = _rows(robustness, episodes)
    folder = out or Path("runs") / f"card-{bundle_name(path)}"
    looks = ledger or zoo_folder() / "held_out.json"
    check_file("--ledger", looks)
    if save:
        for name in (PAGE, PICTURE, CARD, NETWORK):
            check_file("--save", path / name)
    spec = station(env).spec
    physics_statement(env, spec)  # a damaged one is said before the look
    console = Console()
    with closing(RunFolder(folder)):  # the same command twice at once would mix the records
        study = open_study(path, env, folder, looks, episodes, rows)
        try:
            with progress_bar() as bar:
                task = bar.add_task("episodes", total=study.total)
                found = run_study(study, workers or usable_cores(), lambda: bar.advance(task))
        except KeyboardInterrupt:
            console.print(f"Stopped; the same command goes on from {folder}.")
            raise typer.Exit(INTERRUPTED) from None
    with writing("--out", folder):
        judged = write_card(study, found, physics_statement(env, spec, study.setting))
    if save:
        with writing("--save", path):
            save_card(study, found)
    table = Table("asked", "found", "")
    for each in judged:
        table.add_row(each.asked, each.found, "holds" if each.holds else "does not hold")
    console.print(table)
    page = (path if save else folder) / PAGE
    console.print(f"Card: {page}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(each.holds for each in judged) else 1)


def _rows(robustness: int | None, episodes: int) -> int:
    """Return the seeds of a row: those of the policy's own that it is paired with, at most."""
    if robustness is None:
        return min(_ROWS, episodes)
    if robustness > episodes:
        raise RacklineError(
            f"--robustness {robustness}: its rows take the first of the --episodes {episodes} "
            f"seeds; write {episodes} or fewer"
        )
    return robustness
