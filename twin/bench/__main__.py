"""``python -m twin.bench``: measure, print the table, write docs/bench.md where asked."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import gymnasium as gym
import typer
from rich.console import Console
from rich.markdown import Markdown

from configs.errors import RacklineError
from envs.registry import station
from envs.station_env import StationEnv
from policies.catalogue import load_policy
from policies.executor import usable_cores
from policies.rollout import single_part_episodes
from policies.seeds import SELECTION
from twin.bench import pace, step, workers
from twin.cli.output import check_file, write_file
from twin.cli.progress import progress_bar
from twin.evaluation.runfolder import seconds_by_phase

WORK = {
    "rackline/TrayInsert-v0": "scripted/lateral-admittance",
    "rackline/CablePlugLight-v0": "scripted/plug-search",
    "rackline/CablePlug-v0": "scripted/plug-search",
}
"""A station of each robot, and a tuned script that works it."""
STEP_LIMIT, STEP_AIM = 2.0, 1.5
"""env.step over raw stepSimulation: what is required and what is aimed at (issue 2)."""
WORKER_GAIN = 1.6
"""Two workers over one (issue 2)."""
BUSY = 0.5
"""Load average at the start from which a wall-clock ratio says little (assumed)."""

HOW = (
    "Run it on an idle machine: `make bench` measures all of this and installs what it compares "
    "with; `make bench ARGS='--doc docs/bench.md'` writes this page."
)


@dataclass(frozen=True)
class Bench:
    """What one run of the bench found.

    Attributes:
        load: load average of the machine when the bench began.
        steps: what `env.step` costs, of each station that was worked.
        gain: paces with one and two workers; ``None`` on a single core.
        paces: env-steps a second of our stations, and last of panda-gym's; empty without it.
        demo: wall-clock seconds of the demo by phase; empty before `make demo`.
    """

    load: float
    steps: Sequence[step.StepCost]
    gain: workers.WorkerGain | None
    paces: Sequence[pace.Pace]
    demo: Mapping[str, float]

    @property
    def holds(self) -> bool:
        """Whether every requirement that was measured holds."""
        return all(cost.ratio <= STEP_LIMIT for cost in self.steps) and (
            self.gain is None or self.gain.ratio >= WORKER_GAIN
        )


def run(rounds: int, episodes: int, actions: int, demo: Path, work: Mapping[str, str]) -> Bench:
    """Measure everything.

    Three recorded episodes of each of ``work`` (a station's id and a policy), then ``episodes`` of
    its first a round and worker count, then ``actions`` a round and environment.
    """
    load = os.getloadavg()[0]
    with progress_bar() as bar:
        steps = []
        for env_id, policy in work.items():
            task = bar.add_task(f"env.step, {env_id}", total=rounds)
            steps.append(_step_cost(env_id, policy, rounds, partial(bar.advance, task)))
        gain = None
        if usable_cores() > 1:
            task = bar.add_task("workers", total=rounds)
            items = list(single_part_episodes(*next(iter(work.items())), SELECTION[:episodes]))
            gain = workers.measure(items, rounds, partial(bar.advance, task))
        paces: Sequence[pace.Pace] = ()
        if pace.peer_is_here():
            task = bar.add_task("panda-gym", total=rounds)
            paces = pace.measure(rounds, actions, partial(bar.advance, task))
    return Bench(load, steps, gain, paces, seconds_by_phase(demo))


def _step_cost(
    env_id: str, policy: str, rounds: int, on_round: Callable[[], None]
) -> step.StepCost:
    with closing(gym.make(station(env_id).env_id)) as made:
        env = made.unwrapped
        if not isinstance(env, StationEnv):
            raise TypeError(f"{env_id} is no station of ours")
        worker, slots = load_policy(policy, env.station), len(env.station.slots)
        tapes = [step.record(env, worker, seed, seed % slots) for seed in SELECTION[:3]]
        physics = env.station.physics
        rates = (
            f"{physics.rate_hz:g} Hz physics, {physics.control_rate_hz:g} Hz control, "
            f"{physics.policy_rate_hz:g} Hz policy"
        )
        costs = step.measure(env, tapes, rounds, on_round)
    return step.StepCost(env_id, policy, rates, sum(tape.ticks for tape in tapes), costs)


def as_markdown(bench: Bench, command: str) -> str:
    """Return the page docs/bench.md."""
    rounds = len(bench.steps[0].rounds)
    sections = [
        "# Speed",
        HOW,
        f"`{command}`: ratios of one run, median of {rounds}. Python {platform.python_version()}, "
        f"PyBullet {version('pybullet')}, {usable_cores()} usable cores, load average "
        f"{bench.load:.1f} at the start. Absolute times are this machine's: trust the ratios.",
        "## env.step over raw stepSimulation",
        f"Align and insert of three episodes of each. The same scene is taken through the same "
        f"states again with only some of the calls made, from the drive commands and steps alone "
        f"up to `env.step`; what a part costs is the difference. CPU time of the thread. Required: "
        f"at most {STEP_LIMIT:g}; aim: {STEP_AIM:g}.",
        *(_step_words(cost) for cost in bench.steps),
        "## Two workers over one",
        _workers_words(bench),
        "## Env-steps a second, beside panda-gym's",
        _paces_words(bench),
        "## The demo by phase",
        _demo_table(bench.demo),
    ]
    return "\n\n".join(sections) + "\n"


def _step_words(found: step.StepCost) -> str:
    singles = ", ".join(f"{step.ratio(costs):.2f}" for costs in found.rounds)
    lines = [
        f"{found.env_id}, worked by {found.policy}: **{found.ratio:.2f}** (single rounds: "
        f"{singles}). {found.ticks} ticks; {found.rates}.",
        "",
        "| part | us a tick | share of raw |",
        "|---|---|---|",
    ]
    for part in step.PARTS:
        cost = statistics.median(1e6 * costs[part] / found.ticks for costs in found.rounds)
        share = statistics.median(costs[part] / costs[step.RAW] for costs in found.rounds)
        lines.append(f"| {part} | {cost:.2f} | {share:.3f} |")
    return "\n".join(lines)


def _workers_words(bench: Bench) -> str:
    gain = bench.gain
    if gain is None:
        return "Not measured: this machine lets us use one core."
    one, two = (statistics.median(pace) for pace in (gain.one, gain.two))
    singles = ", ".join(f"{b / a:.2f}" for a, b in zip(gain.one, gain.two, strict=True))
    return (
        f"**{gain.ratio:.2f}** (required: at least {WORKER_GAIN:g}): {one:.2f} and {two:.2f} "
        f"episodes of {bench.steps[0].env_id} a second, by the wall clock, start of the workers "
        f"left out; single rounds: {singles}.{_other_work(bench.load)}"
    )


def _paces_words(bench: Bench) -> str:
    if not bench.paces:
        return f"Not measured: {pace.MISSING}."
    works = ", ".join(f"{found.tick_us:.1f} us ({found.env_id})" for found in bench.steps)
    return "\n\n".join(
        [
            f"PickAndPlace of panda-gym {version('panda-gym')}: a Panda arm that grasps a cube, on "
            f"the same engine. What a step is:",
            pace.steps_table(bench.paces),
            f"Random actions, the same in every round. CPU time of the thread in `env.step`, "
            f"resets left out; medians and ranges, ratios taken within a round."
            f"{_other_work(bench.load)}",
            pace.paces_table(bench.paces),
            f"Random actions are less in contact than a policy at work, and contact costs most: in "
            f"the episodes above, a physics step took {works}.",
        ]
    )


def _other_work(load: float) -> str:
    if load <= BUSY:
        return ""
    return (
        f" The machine had other work (load average {load:.1f}): the ratio says little; repeat it "
        f"on an idle one."
    )


def _demo_table(demo: Mapping[str, float]) -> str:
    if not demo:
        return "No run of `make demo` was found."
    rows = [f"| {phase} | {seconds:.1f} |" for phase, seconds in demo.items()]
    total = f"| total | {sum(demo.values()):.1f} |"
    return "\n".join(["| phase | s |", "|---|---|", *rows, total])


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; medians are over them.")] = 5,
    episodes: Annotated[int, typer.Option(min=8, help="Episodes a round and worker count.")] = 24,
    actions: Annotated[
        int,
        typer.Option(min=1, help="Random actions a round and environment, ours and panda-gym's."),
    ] = 600,
    demo: Annotated[Path, typer.Option(help="Run folder of the demo.")] = Path("runs/demo"),
    env_id: Annotated[
        str | None,
        typer.Option("--station", help="Take env.step of this station alone; with --policy."),
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Policy that works the --station.")] = None,
    doc: Annotated[Path | None, typer.Option(help="Also write this page, docs/bench.md.")] = None,
) -> None:
    """Measure speed as ratios within one run.

    Exit code 0: what is required holds; 1: it does not.
    """
    try:
        check_file("--doc", doc)
        bench = run(rounds, episodes, actions, demo, _work(env_id, policy))
        other = f" --station {env_id} --policy {policy}" if env_id else ""
        options = f"--rounds {rounds} --episodes {episodes} --actions {actions}{other}"
        text = as_markdown(bench, f"python -m twin.bench {options}")
        Console().print(Markdown(text))
        if doc is not None:
            write_file("--doc", doc, text)
    except RacklineError as error:
        Console(stderr=True).print(f"error: {error}", soft_wrap=True, markup=False)
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(0 if bench.holds else 1)


def _work(env_id: str | None, policy: str | None) -> Mapping[str, str]:
    if env_id is None and policy is None:
        return WORK
    if env_id is None or policy is None:
        raise typer.BadParameter("--station and --policy go together: a station and who works it")
    return {env_id: policy}


if __name__ == "__main__":
    typer.run(main)
