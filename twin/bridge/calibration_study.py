"""The interval calibration: the real bridge, statistics and gates on campaigns of known truth.

One data set is a pair of campaigns X and Y of the same truth, generated apart. Both go through the
bridge to a line of three stations over five days, with the line's random numbers in common. What
comes out is held against the truth: intervals should cover it, and X should not differ from Y.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from configs.specs.effects import Effects
from configs.specs.gates import GateSpec
from configs.specs.line import parse_line
from twin.bridge.first_pass import first_pass_draws, rack_first_pass
from twin.bridge.process import EpisodeProcessModel, StationModel, fit_station
from twin.bridge.synthetic import Truth, true_station
from twin.kpi.gates import compare, evaluate_gate
from twin.kpi.line_kpis import line_kpis
from twin.kpi.nested import DRAWS_A_REPLICATION, nested_interval, replication_of
from twin.line.model import LineModel
from twin.line.reference import simulate

Floats = NDArray[np.float64]

SEED: Final = 20_260  # any other would do; written down so that the table can be made again
PARTS: Final = 8
OPERATIONS: Final = 29
RUNS: Final = 30
TRUE_REPLICATIONS: Final = 2000
_RESAMPLED: Final = 4000
DAYS: Final = 5.0
FIRST_PASS: Final = "rack_first_pass"
KPIS: Final = ("lead_time_mean_h", "rolled_throughput_yield", "technician_use")
HIGH_IS_BAD: Final = frozenset({"lead_time_mean_h", "technician_use"})
QUANTITIES: Final = (FIRST_PASS, *KPIS)

EFFECTS: Final = Effects()

GATES: Final = (
    GateSpec.model_construct(kpi="racks_per_day", at_least=0.98, against="reference ratio"),
    GateSpec.model_construct(kpi="lead_time_mean_h", at_most=1.10, against="reference ratio"),
    GateSpec.model_construct(
        kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference"
    ),
    GateSpec.model_construct(kpi="technician_use", at_most=0.80, against="value"),
)
"""Issue 2's gates, Y in the place of the staffed line."""


@dataclass(frozen=True)
class Cell:
    """One cell of the study: a truth and a size of campaign.

    Attributes:
        p: probability that an operation is not ok.
        rho: intra-rack correlation: of all misses, which have one cause, or with ``own`` of
            damage, whose cause is its own.
        racks: racks of the campaign.
        own: damage comes by the rack and everything else, retries only, comes singly.
    """

    p: float
    rho: float
    racks: int
    own: bool = False

    @property
    def key(self) -> str:
        """Name of the cell in the results file."""
        cause = "damage " if self.own else ""
        return f"p={self.p:g} {cause}rho={self.rho:g} racks={self.racks}"

    @property
    def truth(self) -> Truth:
        """What the policy of this cell does."""
        if self.own:
            return Truth(self.p, 0.0, split=DAMAGE_SPLIT, own_rho=(0.0, 0.0, 0.0, 0.0, self.rho))
        return Truth(self.p, self.rho)

    @property
    def expected_events(self) -> float:
        """Operations not ok to be expected on the effective number of operations, by cause."""
        truth = self.truth
        if truth.own_rho is None:
            causes = [(self.p, self.rho)]
        else:
            causes = [(self.p * s, r) for s, r in zip(truth.split, truth.own_rho, strict=True)]
        return sum(p * self.racks * PARTS / (1 + (PARTS - 1) * rho) for p, rho in causes)


DAMAGE_SPLIT: Final = (0.8, 0.0, 0.0, 0.0, 0.2)
"""Shares of the classes where damage has its own cause: retries and damage, four to one."""

CELLS: Final = tuple(
    Cell(p, rho, racks) for racks in (30, 100) for p in (0.002, 0.02, 0.2) for rho in (0.0, 0.1)
) + tuple(Cell(p, 0.3, racks, own=True) for racks in (30, 100) for p in (0.02, 0.2))


@dataclass(frozen=True)
class Item:
    """One piece of work: a data set of a cell, or (``number`` None) the cell's truth.

    Attributes:
        cell: the cell.
        number: number of the data set.
        runs: runs of the line a policy, two posterior draws in each line replication.
    """

    cell: Cell
    number: int | None
    runs: int = RUNS


@functools.cache
def line_of_three() -> LineModel:
    """Return the line of the study, the policy's cell in its middle (all of it made up).

    It is loaded enough for misses to show in its lead time: at p = .2 the cell is busy for some
    110 of 180 minutes, and what escapes comes back as repairs of the last station.
    """
    line = parse_line(
        {
            "name": "calibration",
            "takt": "180 min",
            "debug_benches": 2,
            "technicians": {"count": 1, "response": "3 min"},
            "stations": [
                {"id": "FEED", "cycle_time": {"mean": "100 min", "cv": 0.15}, "buffer": 2},
                {"id": "CELL", "cycle_time": {"mean": "60 min"}, "buffer": 2},
                {
                    "id": "TEST",
                    "cycle_time": {"mean": "90 min", "cv": 0.1},
                    "first_pass_yield": 0.95,
                    "repair": {"mean": "60 min", "cv": 0.5},
                    "finds_escapes": 1.0,
                },
            ],
        }
    )
    return LineModel(line).attach("CELL")


def work(item: Item) -> dict[str, object]:
    """Return the result of one piece of work as plain data, a pure function of the item."""
    if item.number is None:
        found: dict[str, object] = dict(true_values(item.cell.truth))
    else:
        found = _data_set(item)
    return {"cell": item.cell.key, "number": item.number, **found}


def _run(process: EpisodeProcessModel, seed: int, replication: int) -> dict[str, float]:
    ledger = simulate(
        line_of_three(),
        seed=seed,
        replication=replication,
        days=DAYS,
        processes={"CELL": process},
    )
    return line_kpis(ledger)


@functools.cache  # campaigns of several sizes share a truth
def true_values(truth: Truth) -> dict[str, dict[str, Any]]:
    """Return "truth", in closed form and from a long run with the true parameters, and "known".

    "known" is the coverage, two-sided and one-sided, that the line's runs alone would give if the
    policy's rates were known: few replications of a skewed KPI cover less than they should,
    whatever the bridge does.
    """
    station = true_station(truth, "CELL", EFFECTS, OPERATIONS, np.random.default_rng(SEED))
    runs = [
        _run(truth.process(station, SEED, replication), SEED, replication)
        for replication in range(TRUE_REPLICATIONS)
    ]
    values = {kpi: np.array([run[kpi] for run in runs]) for kpi in KPIS}
    first_pass = float(rack_first_pass(truth.parameters, OPERATIONS)[0])
    return {
        "truth": {FIRST_PASS: first_pass} | {kpi: float(x.mean()) for kpi, x in values.items()},
        "known": {kpi: _coverage_if_known(x, kpi in HIGH_IS_BAD) for kpi, x in values.items()},
    }


def _coverage_if_known(values: Floats, high_is_bad: bool) -> list[float]:
    """Return two-sided and one-sided coverage of 95 % intervals over resampled replications."""
    count = RUNS // DRAWS_A_REPLICATION
    truth = float(values.mean())
    two = one = 0
    for chosen in np.random.default_rng(SEED).choice(values, size=(_RESAMPLED, count)):
        bound = nested_interval(chosen, confidence=0.90).interval
        two += nested_interval(chosen).interval.contains(truth)
        one += truth <= bound.high if high_is_bad else truth >= bound.low
    return [two / _RESAMPLED, one / _RESAMPLED]


def _data_set(item: Item) -> dict[str, object]:
    """Return intervals of both policies and the answers about X against Y."""
    assert item.number is not None
    cell = item.cell
    where = [SEED, CELLS.index(cell), item.number] if cell in CELLS else [SEED, item.number]
    rng = np.random.default_rng(where)
    seed = int(rng.integers(2**62))
    models = {label: _fit(cell.truth, cell.racks, label, rng) for label in ("X", "Y")}
    replications = [replication_of(run) for run in range(item.runs)]
    runs = {
        label: [
            _run(model.replicate(seed, r, draw=run), seed, r) for run, r in enumerate(replications)
        ]
        for label, model in models.items()
    }
    values = {
        label: {kpi: np.array([run[kpi] for run in runs[label]]) for kpi in runs[label][0]}
        for label in runs
    }
    return {
        "intervals": {
            label: {
                FIRST_PASS: _first_pass(model, seed),
                **{kpi: _line_interval(values[label][kpi], replications) for kpi in KPIS},
            }
            for label, model in models.items()
        },
        "differs": {
            kpi: not nested_interval(
                values["X"][kpi] - values["Y"][kpi], replications
            ).interval.contains(0.0)
            for kpi in KPIS
        },
        "gates": {
            gate.describe(): evaluate_gate(
                gate, compare(gate, values["X"][gate.kpi], values["Y"][gate.kpi], replications)
            ).answer
            for gate in GATES
        },
    }


def _fit(truth: Truth, racks: int, label: str, rng: np.random.Generator) -> StationModel:
    records = truth.campaign(racks, PARTS, rng)
    return fit_station(records, station="CELL", label=label, effects=EFFECTS, operations=OPERATIONS)


def _first_pass(model: StationModel, seed: int) -> list[float]:
    """Return low and high of the two-sided 95 % interval, then both one-sided 95 % bounds."""
    draws = first_pass_draws(model, seed, 2000)
    return [float(q) for q in np.quantile(draws, [0.025, 0.975, 0.05, 0.95])]


def _line_interval(values: np.ndarray, replications: list[int]) -> list[float]:
    """Return low and high of the two-sided 95 % interval, then both one-sided 95 % bounds."""
    two = nested_interval(values, replications).interval
    one = nested_interval(values, replications, confidence=0.90).interval
    return [two.low, two.high, one.low, one.high]
