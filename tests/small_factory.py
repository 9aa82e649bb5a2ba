"""A small question to the factory: two stations, made-up campaigns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from policies.records import append_records
from tests.unit.conftest import GOOD, LINE, made_up
from twin.bridge.synthetic import Truth
from twin.evaluation.runfolder import RunFolder
from twin.factory.plan import FactoryPlan

S70 = """\
  - id: S70
    cycle_time: {mean: 100 min, cv: 0.15}
    servers: 2
    crew: 5
    buffer: 2
"""
CELL = """\
  - station: {id}
    env: rackline/{env}-v0
    setting: hard
    policies: {{scripted: {script}{trained}}}
    campaign: {{racks: 40, parts_per_rack: 4, seed: 30000001}}
    operations: {{per_rack: {count}, composition: {parts}}}
    attach: {{minor_stops: replaced}}
    most_cells: 2
"""
FACTORY = """\
name: small
question: How many cells and people?
line: {line}
stations:
{cells}    episodes_needed: 1000
    yield_sources: {{T: 0.01}}
    effects: {{damage: {{mean: 10 min}}}}
line_runs:
  horizon: 3 d
  warmup: 1 d
  saturated_takt: 50 min
  seed: 5
  replications: {{verdict: 4, preflight: 2, search: 4, tornado: 4}}
most_technicians: 2
gates:
  - {{kpi: racks_per_day, at_least: 0.6, against: reference ratio}}
  - {{kpi: technician_use, at_most: 0.9}}
tornado:
  - {{input: stations.S70.effects.damage.mean, low: 5 min, high: 60 min, says: swap}}
  - {{input: stations.S70.yield_sources.T, low: 0.0, high: 0.02, says: share}}
"""
TRAYS = "{compute: 18, switch: 9, top_of_rack: 2}"
CABLES = "{qsfp_dd: 72, qsfp28: 36, sfp_plus: 36, power: 36}"
TRUTHS = {
    "S60-scripted": GOOD,
    "S60-trained": Truth(0.0, 0.0, cycle_s=18.0),
    "S70-scripted": replace(GOOD, p=0.02, cycle_s=10.0),
}


def write_factory(folder: Path, trained: str = ", trained: scripted/straight-push") -> Path:
    """Write a question of two stations, only the first of which has another policy."""
    head, mark, rest = LINE.partition("  - id: T\n")
    (folder / "line.yaml").write_text(head + S70 + mark + rest)
    rows = (
        ("S60", "TrayInsert", "scripted/lateral-admittance", trained, 29, TRAYS),
        ("S70", "CablePlugLight", "scripted/plug-search", ", trained: zoo/none", 180, CABLES),
    )
    names = ("id", "env", "script", "trained", "count", "parts")
    cells = "".join(CELL.format(**dict(zip(names, row, strict=True))) for row in rows)
    path = folder / "small.yaml"
    path.write_text(FACTORY.format(line=folder / "line.yaml", cells=cells))
    return path


def fill(plan: FactoryPlan, folder: Path) -> None:
    """Put made-up campaigns into a run folder."""
    opened = RunFolder(folder)
    opened.claim(plan.resolved())
    opened.close()
    for number, trial in enumerate(plan.trials):
        records = made_up(trial.cell, TRUTHS[trial.key], number)  # type: ignore[arg-type]
        append_records(folder / f"episodes-{trial.key}.jsonl", records)
