"""``rackline rollout``: seeded episodes of policies at a station, and a table of what they do."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from configs.errors import RacklineError, UnknownNameError
from policies.executor import usable_cores
from policies.seeds import HELD_OUT, SELECTION, TRAINING
from twin.cli.app import app
from twin.cli.options import INTERRUPTED, Workers
from twin.cli.output import check_file, write_file
from twin.cli.progress import progress_bar

if TYPE_CHECKING:  # physics would slow every other command's start down
    from policies.records import EpisodeRecord


class SeedRange(StrEnum):
    """The declared seed ranges, see `policies.seeds`."""

    HELD_OUT = "held-out"
    SELECTION = "selection"
    TRAINING = "training"


_RANGES = {
    SeedRange.HELD_OUT: HELD_OUT,
    SeedRange.SELECTION: SELECTION,
    SeedRange.TRAINING: TRAINING,
}


@dataclass(frozen=True)
class Campaign:
    """What is to be run: every policy on the same seeds, one part a rack visit."""

    env_id: str
    setting: str
    policies: tuple[str, ...]
    seeds: range
    spec_hash: str


@app.command("rollout")
def rollout(
    env_id: Annotated[
        str, typer.Argument(metavar="ENV_ID", help="Station, e.g. rackline/TrayInsert-v0.")
    ],
    policy: Annotated[
        list[str],
        typer.Option(
            metavar="NAME_OR_PATH",
            help="Policy that works it; repeat the option to compare policies on the same seeds.",
        ),
    ],
    episodes: Annotated[
        int, typer.Option(metavar="N", help="Operations of each policy, one part a rack visit.")
    ] = 100,
    seed: Annotated[
        int, typer.Option(metavar="S", help="First seed, counted from the start of its range.")
    ] = 0,
    seed_range: Annotated[
        SeedRange,
        typer.Option("--range", help="Where seeds come from; nothing is chosen on held-out ones."),
    ] = SeedRange.HELD_OUT,
    setting: Annotated[
        str | None, typer.Option(help="Difficulty (default: the station's own).")
    ] = None,
    workers: Workers = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            help="Also write the summary and one row an episode to this file; every seed is a rack "
            "visit of its own, so rack_id is 0 and seed tells visits apart.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also record every episode; see rackline replay."),
    ] = None,
) -> None:
    """Let policies work a station, and print success, times and forces over all operations.

    Example: [bold]rackline rollout rackline/TrayInsert-v0 --episodes 50
    --policy scripted/straight-push --policy scripted/lateral-admittance[/bold]
    """
    check_file("--json", json_file)
    campaign = _campaign(env_id, tuple(policy), setting, _seeds(seed_range, seed, episodes))
    if record is not None:
        from policies.recorder import make_folder

        make_folder(record, "--record")
    found: dict[str, list[EpisodeRecord]] = {name: [] for name in campaign.policies}
    complete = True
    with progress_bar() as bar:
        task = bar.add_task("episodes", total=len(campaign.seeds) * len(campaign.policies))
        try:
            _run(campaign, workers or usable_cores(), found, lambda: bar.advance(task), record)
        except KeyboardInterrupt:
            complete = False
    _show(campaign, found, complete)
    if record is not None:
        _show_recordings(campaign, found, record)
    if json_file is not None:
        data = _as_data(campaign, found, complete)
        write_file("--json", json_file, json.dumps(data, indent=1) + "\n")
    if not complete:
        raise typer.Exit(INTERRUPTED)


def _seeds(name: SeedRange, first: int, count: int) -> range:
    seeds = _RANGES[name]
    if count < 1:
        raise RacklineError(f"--episodes {count}: no episode to run; write 1 or more")
    if first < 0 or first + count > len(seeds):
        raise RacklineError(
            f"--seed {first}: the {name} range holds {len(seeds)} seeds; write 0 to "
            f"{len(seeds) - count} for {count} episodes"
        )
    return seeds[first : first + count]


def _campaign(
    env_id: str, policies: tuple[str, ...], setting: str | None, seeds: range
) -> Campaign:
    """Return what is to be run, or refuse a name that does not exist before anything starts."""
    from configs.specs.base import spec_hash
    from envs.registry import station
    from policies.catalogue import load_policy

    entry = station(env_id)
    spec = entry.spec
    chosen = setting or spec.default_setting
    if chosen not in spec.settings:
        raise UnknownNameError("setting", chosen, spec.settings)
    for name in policies:
        load_policy(name, spec)
        if policies.count(name) > 1:
            raise RacklineError(f"--policy {name}: is given twice; name each policy once")
    return Campaign(entry.env_id, chosen, policies, seeds, spec_hash(spec))


def _run(
    campaign: Campaign,
    workers: int,
    found: dict[str, list[EpisodeRecord]],
    on_done: Callable[[], None],
    record: Path | None,
) -> None:
    """Run seed by seed, every policy in turn, so that a stopped run compares like with like."""
    from policies.executor import run
    from policies.recorder import record_in
    from policies.rollout import Episode, run_episode, single_part_episodes

    def keep(episode: Episode, record: EpisodeRecord) -> None:
        found[episode.policy].append(record)
        on_done()

    each = (
        single_part_episodes(campaign.env_id, name, campaign.seeds, campaign.setting)
        for name in campaign.policies
    )
    items = itertools.chain.from_iterable(zip(*each, strict=True))
    work = run_episode if record is None else functools.partial(record_in, record)
    run(items, work, workers, keep, ordered=True)


def _show(campaign: Campaign, found: Mapping[str, Sequence[EpisodeRecord]], complete: bool) -> None:
    from rich.console import Console

    from twin.cli.rollout_view import difference_line, summary_table

    console = Console()
    done = {name: records for name, records in found.items() if records}
    if not complete:
        ran, asked = sum(map(len, found.values())), len(campaign.seeds) * len(found)
        console.print(f"Stopped after {ran} of {asked} episodes; what is done is summarised.")
    if not done:
        return
    title = f"{campaign.env_id}, setting {campaign.setting}, seeds from {campaign.seeds[0]}"
    console.print(summary_table(title, done))
    base, *others = done
    for name in others:
        if min(len(done[base]), len(done[name])) > 1:
            line = difference_line(name, done[name], base, done[base])
            console.print(line, highlight=False)


def _show_recordings(
    campaign: Campaign, found: Mapping[str, Sequence[EpisodeRecord]], folder: Path
) -> None:
    """Say what was recorded, and the command that shows the first of it."""
    from rich.console import Console

    from policies.recorder import file_name
    from policies.rollout import Episode

    done = [(name, records[0]) for name, records in found.items() if records]
    if not done:
        return
    files = [
        folder / file_name(Episode(campaign.env_id, name, None, r.seed, r.rack_id, r.slot))
        for name, r in done[:2]
    ]
    beside = f" --compare {files[1]}" if len(files) == 2 else ""
    count = sum(map(len, found.values()))
    Console().print(
        f"{count} recordings in {folder}; see the first with\n"
        f"rackline replay {files[0]}{beside} --web {files[0].with_suffix('.html')}",
        highlight=False,
        soft_wrap=True,
    )


def _as_data(
    campaign: Campaign, found: Mapping[str, Sequence[EpisodeRecord]], complete: bool
) -> dict[str, Any]:
    """Return the run as plain data: what was run, the summary, one row an episode."""
    from policies.summary import summarise

    return {
        "env_id": campaign.env_id,
        "setting": campaign.setting,
        "station_hash": campaign.spec_hash,
        "complete": complete,
        "visit": ["seed", "rack_id"],  # what tells rack visits apart
        "summary": {name: summarise(rs).as_data() for name, rs in found.items() if rs},
        "episodes": [
            {"policy": name, **json.loads(record.to_json())}
            for name, records in found.items()
            for record in records
        ],
    }
