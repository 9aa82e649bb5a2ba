"""A small evaluation: a line of three stations, the real tray station, made-up campaigns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from configs.specs.base import load_spec
from configs.specs.training import TrainingSpec
from policies.bundle import write_bundle
from policies.records import EpisodeRecord, append_records
from policies.training_run import SeedRun, SeedState, prepare, train_seed
from tests.small_training import training_file
from tests.toy_bundles import toy_card, toy_network
from twin.bridge.synthetic import Truth
from twin.evaluate import evaluate
from twin.evaluation.plan import Plan, load_plan
from twin.evaluation.result import Evaluation
from twin.evaluation.runfolder import RunFolder
from twin.factory.plan import FactoryPlan, load_factory_plan
from twin.factory.result import Factory
from twin.factory.run import answer_factory

LINE = """\
name: small
takt: 60 min
debug_benches: 1
technicians: {count: 2, response: 3 min}
stations:
  - {id: A, cycle_time: {mean: 40 min, cv: 0.2}, buffer: 2, crew: 1}
  - id: S60
    cycle_time: {mean: 100 min, cv: 0.15}
    servers: 2
    crew: 4
    buffer: 2
    minor_stops: {mtbf: 2 h, mttr: 5 min}
    breakdowns: {mtbf: 100 h, mttr: 60 min}
  - id: T
    cycle_time: {mean: 30 min, cv: 0.1}
    first_pass_yield: 0.9
    repair: {mean: 30 min, cv: 0.5}
    yield_sources: {S60: 0.02}
    finds_escapes: 1.0
    crew: 1
"""

EVALUATION = """\
name: small
question: May the cell take over?
line: {line}
station: S60
env: rackline/TrayInsert-v0
setting: hard
policies:
  x: scripted/straight-push
  y: scripted/lateral-admittance
campaign: {{racks: 40, parts_per_rack: 4, seed: 30000001}}
operations:
  per_rack: 29
  composition: {{compute: 18, switch: 9, top_of_rack: 2}}
attach:
  minor_stops: replaced
line_runs:
  horizon: 4 d
  warmup: 1 d
  saturated_takt: 50 min
  seed: 5
  replications: {{verdict: 8, preflight: 4, search: 8, tornado: 4}}
search: {{most_cells: 2, most_technicians: 2}}
effects:
  damage: {{mean: 30 min, cv: 0.0}}
gates:
  - {{kpi: racks_per_day, at_least: 0.75, against: reference ratio}}
  - {{kpi: technician_use, at_most: 0.8}}
tornado:
  - {{input: effects.damage.mean, low: 30 min, high: 120 min, says: swap}}
  - {{input: line.technicians.response, low: 1 min, high: 10 min, says: response}}
"""


def write_small(folder: Path) -> Path:
    """Write the small evaluation and its line; return the evaluation's path."""
    (folder / "line.yaml").write_text(LINE)
    path = folder / "small.yaml"
    path.write_text(EVALUATION.format(line=folder / "line.yaml"))
    return path


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """Return the path of the small evaluation."""
    return write_small(tmp_path)


@pytest.fixture
def small_plan(small_file: Path) -> Plan:
    """Return the small evaluation, loaded."""
    return load_plan(small_file)


@dataclass(frozen=True)
class Finished:
    """A finished evaluation of a bad policy x and a good policy y."""

    plan: Plan
    folder: Path
    found: Evaluation


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return the small evaluation as it ends; its folder is not to be changed."""
    home = tmp_path_factory.mktemp("finished")
    plan = load_plan(write_small(home))
    put(plan, home / "run", BAD, GOOD)
    return Finished(plan, home / "run", evaluate(plan, home / "run", workers=1))


def made_up(plan: Plan, truth: Truth, seed: int) -> list[EpisodeRecord]:
    """Return a campaign of a policy whose truth is known, in the plan's slots."""
    campaign = plan.spec.campaign
    rng = np.random.default_rng(seed)
    records = []
    for record in truth.campaign(campaign.racks, campaign.parts_per_rack, rng):
        slot = plan.slots(record.rack_id)[record.slot]
        part = plan.station.slots[slot]
        records.append(replace(record, seed=campaign.seed, slot=slot, part=part))
    return records


GOOD = Truth(0.03, 0.0, (0.8, 0.2, 0.0, 0.0, 0.0), cycle_s=24.0, rack_sd_s=0.5, operation_sd_s=0.5)
BAD = Truth(0.5, 0.1, (0.1, 0.1, 0.1, 0.1, 0.6), cycle_s=24.0, rack_sd_s=0.5, operation_sd_s=0.5)


def put(plan: Plan, folder: Path, x: Truth, y: Truth) -> None:
    """Put made-up campaigns of x and y into a run folder."""
    opened = RunFolder(folder)
    opened.claim(plan.resolved())
    opened.close()
    (folder / "pace.json").write_text('{"episode_s": 0.3}')
    append_records(folder / "episodes-x.jsonl", made_up(plan, x, 1))
    append_records(folder / "episodes-y.jsonl", made_up(plan, y, 2))


@pytest.fixture
def fill() -> Callable[[Plan, Path, Truth, Truth], None]:
    """Return `put`, for test modules."""
    return put


@pytest.fixture
def truths() -> dict[str, Truth]:
    """Return a good policy and a bad one."""
    return {"good": GOOD, "bad": BAD}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return a toy that is learnt on top of a script of the tray's."""
    write_bundle(tmp_path / "toy", toy_card(), toy_network())
    return tmp_path / "toy"


@pytest.fixture(scope="session")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, SeedRun, TrainingSpec, SeedState]:
    """Train a small run without a break; returns its file, folder, spec and state."""
    home = tmp_path_factory.mktemp("training")
    file = training_file(home)
    spec = load_spec(TrainingSpec, file)
    (run,) = prepare(spec, home / "whole")
    return file, run, spec, train_seed(run)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[FactoryPlan, Path, Factory]:
    """Return a factory question on a small line, its run folder, and what was found."""
    from tests.small_factory import fill, write_factory  # which builds on this file

    home = tmp_path_factory.mktemp("factory")
    plan = load_factory_plan(write_factory(home))
    fill(plan, home / "run")
    return plan, home / "run", answer_factory(plan, home / "run", workers=1)
