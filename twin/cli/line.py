"""``rackline line`` and ``rackline lines``: simulate a line, validate the reference line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from configs.errors import RacklineError
from configs.specs.base import spec_hash
from configs.specs.line import LineSpec, load_line, shipped_lines
from configs.specs.quantities import parse_quantity
from policies.executor import usable_cores
from twin.cli.app import app
from twin.cli.options import Workers
from twin.cli.output import check_file, write_file, writing
from twin.cli.progress import progress_bar
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.intervals import t_interval
from twin.kpi.line_kpis import bottleneck
from twin.line.model import LineModel
from twin.line.oracles import ORACLES, Z_LIMIT, Answer, answers_as_markdown, ask
from twin.line.process import State
from twin.line.study import Columns, replicate
from twin.line.validation import (
    MIN_REPLICATIONS,
    MODE_TITLES,
    MODES,
    Row,
    as_markdown,
    compare,
    write_section,
)

line_app = typer.Typer(
    name="line",
    help="Simulate a production line, or check the reference line against independent figures.",
    no_args_is_help=True,
)
app.add_typer(line_app)

LineArgument = Annotated[
    str, typer.Argument(metavar="LINE", help="Shipped line (nvl72_l11) or path of a line file.")
]
Seed = Annotated[int, typer.Option(help="Campaign seed: the same seed gives the same numbers.")]


@app.command("lines")
def lines() -> None:
    """List the lines that are shipped."""
    table = Table("line", "what it makes", "stations", "takt", "people")
    for name in shipped_lines():
        spec = load_line(name)
        people = str(LineModel(spec).people)
        takt = f"{spec.takt_s / 60:g} min"
        table.add_row(name, spec.title, str(len(spec.stations)), takt, people)
    Console().print(table)


@line_app.command("simulate")
def simulate_line(
    line: LineArgument,
    replications: Annotated[
        int, typer.Option(min=2, help="Independent replications; intervals are over them.")
    ] = 10,
    days: Annotated[
        float, typer.Option(min=0.01, help="Measured days of each, after the warm-up.")
    ] = 60.0,
    warmup_days: Annotated[
        float, typer.Option(min=0.0, help="Days from the empty line until measuring begins.")
    ] = 15.0,
    seed: Seed = 0,
    takt: Annotated[
        str | None,
        typer.Option(help='Push a rack in every so often instead, e.g. "50 min" for saturation.'),
    ] = None,
    workers: Workers = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Also write every replication's figures to this file."),
    ] = None,
) -> None:
    """Simulate a line and print its key figures and what its servers' time went to.

    Every figure is a mean over replications with its 95 % interval (Student's t).

    Example: [bold]rackline line simulate nvl72_l11 --replications 20 --seed 1[/bold]
    """
    check_file("--json", json_file)
    spec = load_line(line)
    model = LineModel(spec) if takt is None else LineModel(spec).at_takt(takt_s(takt))
    with progress_bar() as progress:
        task = progress.add_task(f"simulating {spec.name}", total=replications)
        columns = replicate(
            model,
            seed=seed,
            replications=replications,
            days=days,
            warmup_days=warmup_days,
            workers=workers or usable_cores(),
            on_done=lambda: progress.advance(task),
        )
    if json_file is not None:
        run = {"seed": seed, "days": days, "warmup_days": warmup_days}
        _write_json(json_file, model.spec, run, columns)
    console = Console()
    runs = f"{replications} x {days:g} days after {warmup_days:g} of warm-up"
    console.print(_line_table(model.spec, columns, runs, wide=console.width >= _WIDE))
    console.print(_station_table(model.spec, columns))
    console.print(f"bottleneck: [bold]{bottleneck(_mean_shares(model.spec, columns))}[/bold]")


@line_app.command("validate")
def validate(
    replications: Annotated[
        int, typer.Option(help=f"Replications a mode, at least {MIN_REPLICATIONS}.")
    ] = 60,
    seed: Seed = 1,
    workers: Workers = None,
    doc: Annotated[
        Path | None, typer.Option(help="Write the result into its section of this Markdown file.")
    ] = None,
) -> None:
    """Compare the reference line with an independent model of the same table.

    Exit code 0: every judged row agrees (|z| at most 3); 1: one does not.
    """
    check_file("--doc", doc)
    with progress_bar() as progress:
        task = progress.add_task("validating", total=replications * len(MODES))
        rows = compare(
            seed=seed,
            replications=replications,
            workers=workers or usable_cores(),
            on_done=lambda: progress.advance(task),
        )
    Console().print(_validation_table(rows))
    if doc is not None:
        with writing("--doc", doc):
            write_section(doc, "line", as_markdown(rows, seed=seed))
    if not all(row.agrees for row in rows):
        raise typer.Exit(1)


@line_app.command("oracles")
def oracles(
    replications: Annotated[
        int, typer.Option(min=2, help="Replications of every line; 20 take about a minute.")
    ] = 20,
    error_percent: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Replicate every line, so many at a time, until each standard error is at most so "
            "many per cent of its answer; .3 takes a quarter of an hour.",
        ),
    ] = None,
    seed: Seed = 1,
    doc: Annotated[
        Path | None, typer.Option(help="Write the result into its section of this Markdown file.")
    ] = None,
) -> None:
    """Ask the engine what is known exactly: M/M/1, M/G/1, Jackson, rework, blocking, repairmen.

    Exit code 0: every answer is within 3 standard errors; 1: one is not.
    """
    check_file("--doc", doc)
    error = math.inf if error_percent is None else error_percent / 100
    answers: dict[str, list[Answer]] = {}
    with progress_bar() as progress:
        for oracle in progress.track(ORACLES, description="asking"):
            answers[oracle.name] = ask(oracle, seed=seed, replications=replications, error=error)
    table = Table("line", "answer", "exact", "simulated", "SE, %", "z", box=_BOX)
    for name, some in answers.items():
        for answer in some:
            spread, z = f"{100 * answer.relative_error:.2f}", f"{answer.z:+.2f}"
            numbers = f"{answer.known.exact:.5f}", f"{answer.mean:.5f}", spread, z
            table.add_row(name, answer.known.name, *numbers)
    Console().print(table)
    if doc is not None:
        until = "" if error_percent is None else f" --error-percent {error_percent:g}"
        command = f"rackline line oracles --replications {replications}{until} --seed {seed}"
        with writing("--doc", doc):
            write_section(doc, "oracles", answers_as_markdown(answers, command))
    if any(abs(answer.z) > Z_LIMIT for some in answers.values() for answer in some):
        raise typer.Exit(1)


def takt_s(text: str) -> float:
    """Return the seconds of a `--takt`, or raise a `RacklineError`."""
    try:
        value_s = parse_quantity(text, "s")
    except ValueError as error:
        raise RacklineError(f"--takt {text!r} {error}") from None
    if value_s <= 0:
        raise RacklineError(f"--takt {text!r} is not above zero; write e.g. --takt '50 min'")
    return value_s


_BOX = box.SIMPLE_HEAD
_WIDE = 120  # columns of a terminal from which definitions fit beside the figures


def _line_table(spec: LineSpec, columns: Columns, runs: str, *, wide: bool) -> Table:
    table = Table("figure", "unit", "mean", "95 % interval", title=f"{spec.name}: {runs}", box=_BOX)
    if wide:
        table.add_column("definition")
    for kpi in LINE_KPIS.values():
        values = columns[kpi.key]
        if math.isnan(values.mean()):
            continue  # nothing to divide by: no operation, no test
        found = t_interval(values)
        spread = "" if found.low == found.high else f"{found.low:.3f} to {found.high:.3f}"
        per = f"; over {kpi.denominator}" if kpi.denominator else ""
        row = [kpi.title, kpi.unit, f"{found.estimate:.3f}", spread, kpi.definition + per]
        table.add_row(*row[: len(table.columns)])
    return table


_SHORT = {
    State.WORKING: "work",
    State.REWORK: "rewrk",
    State.STARVED: "starv",
    State.BLOCKED: "block",
    State.WAITING_FOR_CREW: "crew",
    State.WAITING_FOR_TRANSPORT: "trans",
}


def _station_table(spec: LineSpec, columns: Columns) -> Table:
    shares = _mean_shares(spec, columns)
    used = [state for state in State if any(shares[id_][state] > 0 for id_ in shares)]
    heads = [_SHORT.get(state, state.value) for state in used]
    title = "time of servers by state, %"
    table = Table("station", "n", *heads, "OEE", "FPY", title=title, box=_BOX, padding=(0, 1, 0, 0))
    for station in spec.stations:
        cells = [f"{100 * shares[station.id][state]:.1f}" for state in used]
        oee = f"{columns[f'{station.id}.oee'].mean():.3f}"
        tested = station.first_pass_yield is not None
        first = f"{columns[f'{station.id}.first_pass_yield'].mean():.3f}" if tested else ""
        table.add_row(station.id, str(station.servers), *cells, oee, first)
    table.caption = (
        "rewrk: repair of a failed rack; crew: waiting for a debug bench; trans: idle while the "
        "next rack is already moving. "
        "OEE is over planned busy time: servers x window."
    )
    table.caption_justify = "left"
    return table


def _mean_shares(spec: LineSpec, columns: Columns) -> dict[str, dict[State, float]]:
    return {
        id_: {state: float(columns[f"{id_}.{state.value}"].mean()) for state in State}
        for id_ in spec.ids
    }


def _validation_table(rows: list[Row]) -> Table:
    table = Table("mode", "figure", "independent", "ours", "z", title="reference line", box=_BOX)
    for row in rows:
        width = row.figure.half_width
        theirs = f"{row.figure.value:g}" + ("" if width is None else f" ± {width:g}")
        z = "not judged" if width is None else f"{row.z:+.2f}" + ("" if row.agrees else " NO")
        ours = f"{row.mean:.3f} ± {1.96 * row.standard_error:.3f}"
        table.add_row(MODE_TITLES[row.figure.mode], row.figure.title, theirs, ours, z)
    return table


def _write_json(path: Path, spec: LineSpec, run: dict[str, Any], columns: Columns) -> None:
    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    summary = {}
    for key, values in columns.items():
        found = t_interval(values)
        ends = {"mean": values.mean(), "low": found.low, "high": found.high}
        summary[key] = {name: number(value) for name, value in ends.items()}
    count = len(next(iter(columns.values())))
    each = [{key: number(v[i]) for key, v in columns.items()} for i in range(count)]
    content = {"line": spec.name, "line_hash": spec_hash(spec), **run}
    data = {**content, "summary": summary, "replications": each}
    write_file("--json", path, json.dumps(data, indent=1) + "\n")
