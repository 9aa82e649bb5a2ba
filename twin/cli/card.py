"""``rackline card``: what a policy does on held-out seeds, as a page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from configs.errors import RacklineError
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.output import check_file, writing
from twin.cli.progress import progress_bar

if TYPE_CHECKING:
    from configs.specs.bars import TrialSpec


@app.command("card")
def card_command(
    bundle: Annotated[
        str, typer.Argument(metavar="BUNDLE", help="zoo/NAME, or the folder of a bundle.")
    ],
    env: Annotated[
        str | None,
        typer.Option(metavar="ENV_ID", help="Station it works at (default: where it was trained)."),
    ] = None,
    bars: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What it has to reach: a file of configs/bars, or a path (default: the station's, "
            "where there is one).",
        ),
    ] = None,
    episodes: Annotated[
        int | None,
        typer.Option(
            min=20,
            max=10_000,
            help="Held-out seeds of the policy, and at most as many of each script (default: as "
            "the bars say).",
        ),
    ] = None,
    robustness: Annotated[
        int | None,
        typer.Option(
            min=20,
            help="Seeds of each row of robustness and training seed (default: as the bars say; at "
            "most those that every script works).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Run folder, resumed (default: runs/card-NAME, with the station's name behind it "
            "where it was not trained there).",
        ),
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
    errors, other friction, finer physics and at other stations that the bars
    name. Writes a page and a force histogram into the run folder; --save also
    puts them into the bundle, with the held-out row of its card.yaml. Every new
    study counts as a look at the policy's block of held-out seeds; going on
    with a stopped one does not.

    Exit code 0 where every bar holds, 1 where one does not.

    Example: [bold]rackline card zoo/tray_insert --episodes 200[/bold]

    A policy of the light tier at the arm: [bold]rackline card
    zoo/cable_plug_light --env rackline/CablePlug-v0[/bold]
    """
    from configs.specs.bars import TrialSpec
    from envs.registry import station
    from policies.bundle import CARD, NETWORK, bundle_name, read_bundle
    from policies.card_page import NO_BARS, page_names, save_card, write_card
    from policies.card_study import open_study, run_study
    from policies.card_trial import home_of, load_trial, trial_of
    from policies.catalogue import bundle_path, zoo_folder
    from twin.evaluation.physics import physics_statement
    from twin.evaluation.runfolder import RunFolder

    path = bundle_path(bundle)
    if path is None or not path.is_dir():
        raise RacklineError(f"{bundle}: no such bundle; name zoo/NAME or a folder with card.yaml")
    card = read_bundle(path)[0]
    home = home_of(card)
    entry = station(env) if env else home
    if entry is None:
        raise RacklineError(f"{bundle}: does not say at which station it was made; name it: --env")
    asked = load_trial(bars, entry) if bars else trial_of(entry)
    name = bars or (entry.stem if asked else "")
    trial = _with(asked or TrialSpec(), episodes, robustness)
    elsewhere = "" if entry is home else f"-{entry.stem}"
    folder = out or Path("runs") / f"card-{bundle_name(path)}{elsewhere}"
    looks = ledger or zoo_folder() / "held_out.json"
    check_file("--ledger", looks)
    if save:
        for file in (*page_names(card, entry.env_id), CARD, NETWORK):
            check_file("--save", path / file)
    env_id, spec = entry.env_id, entry.spec
    physics_statement(env_id, spec)  # a damaged one is said before the look
    console = Console()
    with closing(RunFolder(folder)):  # the same command twice at once would mix the records
        study = open_study(path, env_id, folder, looks, trial, name)
        try:
            with progress_bar() as bar:
                task = bar.add_task("episodes", total=study.total)
                found = run_study(study, workers or usable_cores(), lambda: bar.advance(task))
        except KeyboardInterrupt:
            console.print(f"Stopped; the same command goes on from {folder}.")
            raise typer.Exit(INTERRUPTED) from None
    with writing("--out", folder):
        judged = write_card(study, found, physics_statement(env_id, spec, study.setting))
    if save:
        with writing("--save", path):
            save_card(study, found)
    table = Table("asked", "found", "")
    for each in judged:
        table.add_row(each.asked, each.found, "holds" if each.holds else "does not hold")
    console.print(table if judged else NO_BARS)
    page = (path if save else folder) / page_names(card, env_id)[0]
    console.print(f"Card: {page}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(each.holds for each in judged) else 1)


def _with(trial: TrialSpec, episodes: int | None, robustness: int | None) -> TrialSpec:
    """Return a trial on as many seeds as options say.

    Args:
        trial: what is asked for.
        episodes: seeds of the policy, None for those of the trial.
        robustness: seeds of every row, None for those of the trial.

    Raises:
        RacklineError: the rows take more seeds than the scripts work.
    """
    seeds = episodes or trial.episodes
    scripted = min(trial.scripted, seeds)
    if robustness is not None and robustness > scripted:
        raise RacklineError(
            f"--robustness {robustness}: its rows take the first of the {scripted} seeds that "
            f"every script works; write {scripted} or fewer"
        )
    rows = min(trial.rows, scripted) if robustness is None else robustness
    seen = {"episodes": seeds, "scripts": scripted, "robustness": rows}
    return trial.model_copy(update=seen)
