"""``rackline card``: what a policy does on held-out seeds, written beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from configs.errors import RacklineError
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.progress import progress_bar


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
        int, typer.Option(min=20, help="Seeds of each row of robustness and training seed.")
    ] = 500,
    out: Annotated[
        Path | None, typer.Option(help="Run folder, resumed (default: runs/card-NAME).")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Looks at held-out seeds (default: the zoo's).")
    ] = None,
    workers: Workers = None,
) -> None:
    """Write a policy's card: held-out seeds against every tuned script.

    Runs the policy and all scripts on the same held-out seeds, one part a rack
    visit, then the other training seeds shipped with it, and both the policy
    and the best script with wider errors, other friction and finer physics.
    Writes README.md, a force histogram and the held-out row of card.yaml into
    the bundle. Every new study counts as a look at the policy's block of
    held-out seeds; going on with a stopped one does not.

    Exit code 0 where every bar holds, 1 where one does not.

    Example: [bold]rackline card zoo/tray_insert --episodes 200 --robustness 50[/bold]
    """
    from envs.registry import station
    from policies.card_page import write_card
    from policies.card_study import open_study, read_looks, run_study
    from policies.catalogue import bundle_path, zoo_folder
    from twin.evaluation.physics import physics_statement

    path = bundle_path(bundle)
    if path is None or not path.is_dir():
        raise RacklineError(f"{bundle}: no such bundle; name zoo/NAME or a folder with card.yaml")
    folder = out or Path("runs") / f"card-{path.name}"
    looks = ledger or zoo_folder() / "held_out.json"
    study = open_study(path, env, folder, looks, episodes, robustness)
    console = Console()
    try:
        with progress_bar() as bar:
            task = bar.add_task("episodes", total=study.total)
            found = run_study(study, workers or usable_cores(), lambda: bar.advance(task))
    except KeyboardInterrupt:
        console.print(f"Stopped; the same command goes on from {folder}.")
        raise typer.Exit(INTERRUPTED) from None
    count = read_looks(looks)[study.block]["looks"]
    judged = write_card(study, found, count, physics_statement(env, station(env).spec))
    table = Table("asked", "found", "")
    for each in judged:
        table.add_row(each.asked, each.found, "holds" if each.holds else "does not hold")
    console.print(table)
    console.print(f"Card: {path / 'README.md'}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(each.holds for each in judged) else 1)
