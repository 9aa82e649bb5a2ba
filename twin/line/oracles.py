"""Lines whose answers are known in closed form, and what the engine says about them.

Sources: M/M/1, M/G/1 (Pollaczek-Khinchine) and M/M/c (Erlang C) in any text on queues, e.g. Gross
and Harris, "Fundamentals of Queueing Theory"; Jackson (1957) for the tandem and the feedback;
exact Markov chains for the saturated exponential lines (N machines, b places between, blocking
after service); the machine-repairman model (birth-death chain, Palm 1947). Times are in seconds and
services around 1 s, so a "day" of a line here is 86,400 services.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from configs.specs.line import parse_line
from twin.line.distributions import Exponential
from twin.line.draws import Draws, key_of
from twin.line.ledger import STATES, Ledger
from twin.line.model import LineModel
from twin.line.process import ProcessModel, State, Step, VisitPlan
from twin.line.reference import DAY_S, simulate

Z_LIMIT = 3.0


@dataclass(frozen=True)
class Known:
    """One known answer.

    Attributes:
        name: what is asked.
        exact: the answer.
        measure: the answer in one ledger.
    """

    name: str
    exact: float
    measure: Callable[[Ledger], float]


@dataclass(frozen=True)
class Oracle:
    """A line and what is known of it.

    Attributes:
        name: what kind of line it is.
        line: the line.
        known: its known answers.
        length_s: measured time of a replication at scale 1; a fifth of it is warm-up.
        processes: makes attached models for (seed, replication), by station id.
    """

    name: str
    line: LineModel
    known: tuple[Known, ...]
    length_s: float
    processes: Callable[[int, int], dict[str, ProcessModel]] = lambda seed, replication: {}


@dataclass(frozen=True)
class Answer:
    """What the engine says: mean over replications, its standard error, and how many there are."""

    known: Known
    mean: float
    standard_error: float
    replications: int

    @property
    def z(self) -> float:
        """Distance from the known answer in standard errors."""
        return (self.mean - self.known.exact) / self.standard_error

    @property
    def relative_error(self) -> float:
        """Standard error over the known answer."""
        return self.standard_error / self.known.exact


def ask(
    oracle: Oracle,
    *,
    seed: int,
    replications: int,
    scale: float = 1.0,
    error: float = math.inf,
) -> list[Answer]:
    """Simulate an oracle's line and return the engine's answer to everything known of it.

    Args:
        oracle: the line and its known answers.
        seed: campaign seed.
        replications: independent replications, at least 2; with ``error`` the first so many, and
            so many more until it is reached.
        scale: factor on the length of each.
        error: largest standard error of an answer, as a share of it. Stopping by what was seen
            makes it about 1 % too small with blocks of 50 (tried on made-up replications).
    """
    seed = key_of(seed, oracle.name)  # its own numbers: one odd stream must not tint every answer
    rows: list[list[float]] = []
    while True:
        block = range(len(rows), len(rows) + replications)
        rows += [_measured(oracle, seed, number, oracle.length_s * scale) for number in block]
        values = np.array(rows)
        errors = values.std(axis=0, ddof=1) / math.sqrt(len(rows))
        answers = [
            Answer(known, float(mean), float(spread), len(rows))
            for known, mean, spread in zip(oracle.known, values.mean(axis=0), errors, strict=True)
        ]
        if all(answer.relative_error <= error for answer in answers):
            return answers


def _measured(oracle: Oracle, seed: int, number: int, length_s: float) -> list[float]:
    ledger = simulate(
        oracle.line,
        seed=seed,
        replication=number,
        days=length_s / DAY_S,
        warmup_days=0.2 * length_s / DAY_S,
        processes=oracle.processes(seed, number),
    )
    return [known.measure(ledger) for known in oracle.known]


def answers_as_markdown(answers: Mapping[str, Sequence[Answer]], command: str) -> str:
    """Return the oracles' part of docs/validation.md.

    Args:
        answers: by name of the line.
        command: the command that wrote it.
    """
    every = [answer for some in answers.values() for answer in some]
    agree = sum(abs(answer.z) <= Z_LIMIT for answer in every)
    lines = [
        "## The line engine against known answers",
        "",
        f"Purpose: queues, blocking, rework and shared repairmen. Written by `{command}`.",
        f"{agree} of {len(every)} answers lie within {Z_LIMIT:g} standard errors (SE); the largest "
        f"is {100 * max(answer.relative_error for answer in every):.2f} % of its value.",
        "",
        "| line | answer | exact | simulated | SE, % | z | replications |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, some in answers.items():
        lines += [
            f"| {name} | {a.known.name} | {a.known.exact:.5f} | {a.mean:.5f} "
            f"| {100 * a.relative_error:.2f} | {a.z:+.2f} | {a.replications} |"
            for a in some
        ]
    return "\n".join(lines) + "\n"


def _line(
    services: Sequence[dict[str, Any]], *, gap_s: float | None = None, buffer: int | None = None
) -> LineModel:
    """Return stations in series: Poisson arrivals every ``gap_s``, or saturated without one."""
    stations = [
        {"id": f"M{i + 1}", "buffer": buffer, **service} for i, service in enumerate(services)
    ]
    takt = {"takt": f"{gap_s or 1.0!r} s", "arrivals": "poisson" if gap_s else "saturated"}
    return LineModel(parse_line({"name": "oracle", **takt, "stations": stations}))


def _exponential(mean_s: float, **more: Any) -> dict[str, Any]:
    return {"cycle_time": {"mean": f"{mean_s!r} s", "family": "exponential"}, **more}


def _sojourn_s(ledger: Ledger) -> float:
    """Return the mean time in the line of units that left in the window."""
    units = ledger.units[ledger.in_window(ledger.units["shipped_s"])]
    return float((units["shipped_s"] - units["entered_s"]).mean())


def _waits_s(ledger: Ledger) -> Any:
    visits = ledger.visits[ledger.in_window(ledger.visits["left_s"])]
    return visits["started_s"] - visits["arrived_s"]


def _mean_wait_s(ledger: Ledger) -> float:
    return float(_waits_s(ledger).mean())


def _waiting_share(ledger: Ledger) -> float:
    return float((_waits_s(ledger) > 0).mean())


def _throughput_per_s(ledger: Ledger) -> float:
    return float(ledger.in_window(ledger.units["shipped_s"]).sum()) / ledger.length_s


def _content(station: int) -> Callable[[Ledger], float]:
    """Return the measure of the mean number of units at a station."""

    def measure(ledger: Ledger) -> float:
        visits = ledger.visits[ledger.visits["station"] == station]
        start, end = ledger.window_s
        inside = np.fmin(visits["left_s"], end) - np.maximum(visits["arrived_s"], start)
        return float(np.maximum(inside, 0.0).sum()) / ledger.length_s

    return measure


def _working_share(ledger: Ledger) -> float:
    working_s = ledger.server_time_s[:, STATES.index(State.WORKING)]
    return float(working_s.mean()) / ledger.length_s


class _Machine:
    """Runs for an exponential time, then needs a repairman for an exponential time."""

    def __init__(self, mtbf_s: float, mttr_s: float, seed: int, replication: int) -> None:
        self._run, self._repair = Exponential(mtbf_s), Exponential(mttr_s)
        self._draws = Draws(seed, replication, "M1", "machine")

    def plan(self, unit: int, visit: int) -> VisitPlan:
        run_s = self._run.at(self._draws.uniform(unit, visit, 0))
        repair_s = self._repair.at(self._draws.uniform(unit, visit, 1))
        repair = Step(State.DOWN, repair_s, technician=True)
        return VisitPlan((Step(State.WORKING, run_s), repair))


def _repairmen(count: int) -> LineModel:
    line = _line([_exponential(1.0)])
    technicians = line.spec.technicians.model_copy(update={"response_s": 0.0, "count": count})
    spec = line.spec.model_copy(update={"technicians": technicians})
    return LineModel(spec).attach("M1", servers=8)


def _machines(seed: int, replication: int) -> dict[str, ProcessModel]:
    return {"M1": _Machine(3600.0, 300.0, seed, replication)}


def _balanced(machines: int, places: int, rate_per_s: float) -> Oracle:
    line = _line([_exponential(1.0)] * machines, buffer=places)
    known = Known("rate", rate_per_s, _throughput_per_s)
    return Oracle(f"exponential line ({machines},{places})", line, (known,), 10_000.0)


def _machine_repair(repairmen: int, availability: float) -> Oracle:
    known = Known("availability", availability, _working_share)
    name = f"8 machines, {repairmen} repairmen"
    return Oracle(name, _repairmen(repairmen), (known,), 2e6, _machines)


ORACLES: tuple[Oracle, ...] = (
    Oracle(
        "M/M/1 at .8",
        _line([_exponential(1.0)], gap_s=1.25),
        (Known("time in system", 5.0, _sojourn_s), Known("content", 4.0, _content(0))),
        30_000.0,
    ),
    Oracle(
        "M/G/1 at .8, c2 .04",
        _line([{"cycle_time": {"mean": "1 s", "cv": 0.2}}], gap_s=1.25),
        (Known("wait", 2.08, _mean_wait_s),),
        30_000.0,
    ),
    Oracle(
        "M/M/3, a = 2",
        _line([_exponential(1.0, servers=3)], gap_s=0.5),
        (Known("wait", 4 / 9, _mean_wait_s), Known("P(wait)", 4 / 9, _waiting_share)),
        10_000.0,
    ),
    Oracle(
        "Jackson tandem",
        _line([_exponential(1 / mu) for mu in (1.0, 1.25, 0.9)], gap_s=1 / 0.7),
        (
            Known("time in system", 10.15152, _sojourn_s),
            Known("content of station 1", 7 / 3, _content(0)),
            Known("content of station 2", 1.27273, _content(1)),
            Known("content of station 3", 3.5, _content(2)),
        ),
        20_000.0,
    ),
    Oracle(
        "rework feedback .1",
        _line([_exponential(1.0, first_pass_yield=0.9, on_fail="requeue")], gap_s=1 / 0.6),
        (Known("time in system", 10 / 3, _sojourn_s), Known("content", 2.0, _content(0))),
        30_000.0,
    ),
    _balanced(2, 0, 2 / 3),
    _balanced(3, 0, 22 / 39),
    _balanced(3, 1, 0.67047),
    _machine_repair(1, 0.866017),
    _machine_repair(8, 0.923077),
)
"""Lines with known answers, in the order of the validation table."""
