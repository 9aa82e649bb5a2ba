"""``rackline train`` and ``rackline export``: to a bundle, which runs no code when loaded."""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from configs.errors import RacklineError
from policies.executor import run, usable_cores
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.output import writing
from twin.cli.progress import progress_bar

if TYPE_CHECKING:  # physics and torch would slow every other command's start down
    from configs.specs.training import TrainingSpec
    from policies.training_choice import Choice
    from policies.training_run import SeedRun, SeedState


class Algorithm(StrEnum):
    """What can be exported."""

    SAC = "SAC"
    TQC = "TQC"
    PPO = "PPO"


@app.command("train")
def train_command(
    training: Annotated[
        str, typer.Argument(metavar="TRAINING", help="Shipped training (tray_insert) or a path.")
    ],
    seeds: Annotated[
        str | None, typer.Option(metavar="0,1,2", help="Training seeds (default: the file's).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder (default: runs/train-NAME).")] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Policy steps of each seed (default: the file's).")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes: training seeds side by side, then episodes of the choice "
            "(default: all cores).",
        ),
    ] = None,
) -> None:
    """Train a policy, export it as a bundle, and choose among seeds on selection seeds.

    A killed run goes on with the same command and ends as if it had not been
    killed. Each training seed is judged along the way; the finalists of each
    and the script under them then work the same selection seeds, the cheapest
    few race on more, and the winner tries a slower script where the file says
    so. The cheapest (server seconds a part, as rackline tune) is written to
    OUT/bundle.
    To look in meanwhile: tensorboard --logdir OUT. More in docs/training.md.

    Example: [bold]rackline train tray_insert --seeds 0,1,2 --out runs/train[/bold]
    """
    from policies.training import require_packages
    from twin.evaluation.runfolder import RunFolder

    require_packages()
    spec = _spec(training, seeds, steps)
    folder = out or Path("runs") / f"train-{Path(training).stem}"
    with closing(RunFolder(folder)):  # the same command twice at once would mix the files
        _work(spec, folder, workers or usable_cores())


@app.command("choose")
def choose_command(
    training: Annotated[
        str, typer.Argument(metavar="TRAINING", help="Shipped training (tray_insert) or a path.")
    ],
    among: Annotated[
        list[str],
        typer.Option(
            metavar="BUNDLE",
            help="zoo/NAME or a path, with the best of other seeds that lies in it; repeatable.",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: runs/choose-NAME).")
    ] = None,
    workers: Workers = None,
) -> None:
    """Ask the end of a training again, of bundles made before: nothing is trained.

    For a choice on more seeds, other slower scripts, or a station whose data
    have changed, when the folder of the training is gone: set `selection` in
    the file. All else is as in rackline train.

    Example: [bold]rackline choose tray_insert --among zoo/tray_insert --out runs/choose[/bold]
    """
    from policies.training_choice import bundled
    from policies.training_file import load_training
    from policies.training_run import prepare
    from twin.evaluation.runfolder import RunFolder

    spec = load_training(training)
    takes_part = bundled(spec, among)
    folder = out or Path("runs") / f"choose-{Path(training).stem}"
    with closing(RunFolder(folder)):
        prepare(spec, folder)
        with _going_on():
            choice = _choose(spec, folder, takes_part, workers or usable_cores())
        _show(Console(), spec, folder, choice)


def _work(spec: TrainingSpec, folder: Path, workers: int) -> None:
    """Train, choose and draw, or go on where a run was stopped."""
    from policies.bundle import CHOSEN
    from policies.card_page import CURVE
    from policies.results import figures
    from policies.training_choice import candidates, draw_curves
    from policies.training_run import prepare

    items = prepare(spec, folder)
    console = Console()
    with _going_on():
        states = _train(spec, items, workers)
        choice = _choose(spec, folder, candidates(spec, folder, states), workers)
    script = choice.records.get(spec.composition.base or "")
    draw_curves(folder / CURVE, states, figures(script) if script else None)
    shutil.copyfile(folder / CURVE, folder / CHOSEN / CURVE)  # a card shows it
    _show(console, spec, folder, choice)
    for seed, state in states.items():
        if state.steps < spec.steps:
            budget = spec.time_budget_s / 60.0
            console.print(f"seed {seed} stopped at {state.steps} steps: {budget:g} min were over")
    console.print(f"curves: {folder / CURVE}", highlight=False, soft_wrap=True)
    if importlib.util.find_spec("tensorboard") is not None:
        steps = f"step by step: tensorboard --logdir {folder}"
        console.print(steps, highlight=False, soft_wrap=True)


@contextmanager
def _going_on() -> Iterator[None]:
    """End with one line on Ctrl-C: all is kept."""
    try:
        yield
    except KeyboardInterrupt:
        Console().print("Stopped; the same command goes on from there.")
        raise typer.Exit(INTERRUPTED) from None


@app.command("export")
def export_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL.zip", help="Stable-Baselines3 file.")],
    out: Annotated[Path, typer.Option(help="Bundle folder to write.")],
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Load the files, and run the code they carry.")
    ] = False,
    normalisation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.pkl",
            help="What VecNormalize.save wrote: goes into the bundle. The model's own file says "
            "nothing of it, and without it such a model does something else.",
        ),
    ] = None,
    algorithm: Annotated[Algorithm, typer.Option(help="What it was trained with.")] = Algorithm.SAC,
    env: Annotated[
        str, typer.Option(metavar="ENV_ID", help="Station it was trained on.")
    ] = "rackline/TrayInsert-v0",
    setting: Annotated[
        str | None, typer.Option(help="Difficulty (default: the station's own).")
    ] = None,
) -> None:
    """Turn a policy trained with plain Stable-Baselines3 on the station into a bundle.

    Such files can run anything when they are loaded: only with --trust-pickle,
    and only if you trust where they come from. A model that was trained behind
    VecNormalize needs its statistics, too: --normalisation FILE.pkl.

    Example: [bold]rackline export model.zip --out my_policy --trust-pickle[/bold]
    """
    if not trust_pickle:
        raise RacklineError(
            f"{model}: loading it would run code that it carries; "
            f"if you trust it, say so with --trust-pickle"
        )
    from policies.training_foreign import export_foreign

    with writing("--out", out):
        card = export_foreign(model, algorithm, env, setting, out, normalisation)
    console = Console()
    console.print(f"{card.name}: written to {out}", highlight=False, soft_wrap=True)
    if normalisation is None:
        console.print(
            "Observations go in as they come. If it was trained behind VecNormalize, it needs "
            "--normalisation FILE.pkl.",
            highlight=False,
            soft_wrap=True,
        )


def _spec(training: str, seeds: str | None, steps: int | None) -> TrainingSpec:
    from policies.training_file import load_training

    spec = load_training(training)
    changes: dict[str, object] = {}
    if steps is not None:
        changes["steps"] = steps
    if seeds is not None:
        try:
            chosen = [int(text) for text in seeds.split(",")]
        except ValueError:
            chosen = []
        if not chosen or min(chosen) < 0 or max(chosen) > 999 or len(set(chosen)) < len(chosen):
            raise RacklineError(f"--seeds {seeds}: write numbers from 0 to 999, e.g. --seeds 0,1,2")
        changes["seeds"] = chosen
    return spec.model_copy(update=changes)


def _train(spec: TrainingSpec, items: list[SeedRun], workers: int) -> Mapping[int, SeedState]:
    from policies.training_run import train_seed

    states: dict[int, SeedState] = {}
    with _watched(spec, items):
        run(items, train_seed, min(workers, len(items)),
            lambda item, state: states.update({item.seed: state}), ordered=True)  # fmt: skip
    return states


def _choose(
    spec: TrainingSpec, out: Path, takes_part: Mapping[str, int | None], workers: int
) -> Choice:
    """Choose, and record what was chosen."""
    from policies.training_choice import choose, episodes_to_choose, record_choice

    with progress_bar() as bar:
        task = bar.add_task("choice", total=episodes_to_choose(spec, len(takes_part)))
        choice = choose(spec, out, takes_part, workers, lambda: bar.advance(task))
    record_choice(spec, out, choice, workers)
    return choice


@contextmanager
def _watched(spec: TrainingSpec, items: list[SeedRun]) -> Iterator[None]:
    """Show the steps of every seed, read from the files that its process writes."""
    from policies.training_run import steps_now

    done = threading.Event()
    with progress_bar() as bar:
        tasks = [bar.add_task(f"seed {item.seed}, steps", total=spec.steps) for item in items]

        def watch() -> None:
            while not done.wait(0.5):
                for item, task in zip(items, tasks, strict=True):
                    bar.update(task, completed=steps_now(Path(item.folder)))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()


def _show(console: Console, spec: TrainingSpec, out: Path, choice: Choice) -> None:
    from policies.bundle import CHOSEN
    from policies.training_choice import RECORDINGS
    from twin.cli.rollout_view import difference_line, summary_table

    names = {name: f"seed {seed}" for seed, name in choice.best.items()}
    shown = [name for name in choice.records if name in names or name == spec.composition.base]
    found = {names.get(name, name): choice.records[name] for name in shown}
    console.print(summary_table(f"{spec.env}, setting {spec.setting}, selection seeds", found))
    base, chosen = spec.composition.base, names[choice.chosen]
    if base is not None and len(found[base]) > 1:
        console.print(difference_line(chosen, found[chosen], base, found[base]), highlight=False)
    name = Path(choice.chosen).name
    where = f"{chosen}, {name}, is chosen (least server seconds a part): {out / CHOSEN}"
    seen = f"its worst and best episode: {out / RECORDINGS}"
    console.print(f"{where}\n{seen}", highlight=False, soft_wrap=True)
