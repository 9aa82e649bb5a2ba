"""Answers of gates on a policy's line, tested against classes that were seen too seldom.

An answer that rests on a class seen in fewer than 5 racks has to survive that class's bounds. What
holds as recorded is run again with each such class at its upper bound; what fails is run again
with all of them at their lower bounds (none, where the class was never seen). Where the answer
then differs, it is not decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from configs.specs.gates import GateSpec
from twin.bridge.process import StationModel
from twin.evaluation import cases
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase, Lines
from twin.evaluation.plan import Plan
from twin.kpi.gates import Answer, GateResult, compare, evaluate_gate, judge
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval

SELDOM = "every outcome seen too seldom"
"""What the run is called that has all such classes at their lower bounds."""


PlanT = TypeVar("PlanT", bound=cases.OnLine, contravariant=True)


class Askable(Protocol[PlanT]):
    """A line at takt whose gates are to be answered, as recorded and at the bounds."""

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why no gate may be answered."""
        ...

    @property
    def thin(self) -> bool:
        """Whether it rests on classes seen too seldom."""
        ...

    def line(self, plan: PlanT) -> LineCase:
        """Return the line with the classes as recorded."""
        ...

    def at_upper(self, plan: PlanT) -> dict[str, LineCase]:
        """Return the line with classes seen too seldom at upper bounds, by name of the run."""
        ...

    def at_lower(self, plan: PlanT) -> dict[str, LineCase]:
        """Return the line with classes seen too seldom at lower bounds, by name of the run."""
        ...


@dataclass(frozen=True)
class Asked:
    """A policy's line at takt whose gates are to be answered.

    Attributes:
        fitted: the policy.
        cells: number of cells; by default as the evaluation says.
        technicians: number of roaming technicians; by default as the line says.
    """

    fitted: Fitted
    cells: int | None = None
    technicians: int | None = None

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why no gate of it may be answered."""
        return self.fitted.model.blockers

    @property
    def thin(self) -> bool:
        """Whether the policy has classes seen too seldom."""
        return bool(self.fitted.model.thin_classes)

    def line(self, plan: Plan) -> LineCase:
        """Return the line with the classes as recorded."""
        return self._with(plan, self.fitted)

    def at_upper(self, plan: Plan) -> dict[str, LineCase]:
        """Return the line with each seldom-seen class at its upper bound, by name."""
        model = self.fitted.model
        return {
            f"'{outcome}' at its upper bound of {100 * model.class_bound(outcome):.2g} %": (
                self._of(plan, model.at_bound(outcome))
            )
            for outcome in model.thin_classes
        }

    def at_lower(self, plan: Plan) -> dict[str, LineCase]:
        """Return the line with all seldom-seen classes at their lower bounds, by name."""
        model = self.fitted.model
        if not model.thin_classes:
            return {}
        named = ", ".join(f"'{outcome}'" for outcome in model.thin_classes)
        bounded = model.at_bound(*model.thin_classes, upper=False)
        return {f"{SELDOM} ({named}) at its lower bound": self._of(plan, bounded)}

    def _of(self, plan: Plan, model: StationModel) -> LineCase:
        return self._with(plan, cases.with_model(self.fitted, model))

    def _with(self, plan: Plan, fitted: Fitted) -> LineCase:
        return cases.cell(plan, fitted, "takt", cells=self.cells, technicians=self.technicians)


Bounds = Mapping[str, LineCase]
Results = tuple[GateResult, ...]


def answers(
    plan: PlanT, lines: Lines, asked: Sequence[Askable[PlanT]], count: int, title: str
) -> tuple[tuple[GateResult, ...], ...]:
    """Run what it takes to answer all gates on some lines, and return the answers.

    Where a gate fails for good, upper bounds cannot save the line and are not run: the gates that
    hold as recorded are then marked as not tested.

    Args:
        plan: the evaluation.
        lines: runs the lines.
        asked: the lines.
        count: runs of each, from the first.
        title: what the runs are for.
    """
    staffed = cases.staffed(plan, "takt")
    lines.run(title, [(staffed, count), *((one.line(plan), count) for one in asked)])
    lower: list[Bounds] = [{} for _ in asked]
    upper: list[Bounds | None] = [{} for _ in asked]

    def judged() -> list[Results]:
        todo = [(case, count) for held in (*lower, *upper) for case in (held or {}).values()]
        lines.run(f"{title}, rare outcomes at their bounds", todo)
        return [
            _results(plan, lines, one, count, low, up)
            for one, low, up in zip(asked, lower, upper, strict=True)
        ]

    for at, results in enumerate(judged()):
        if _any(results, Answer.FAILS):
            lower[at] = asked[at].at_lower(plan)
    for at, results in enumerate(judged()):
        if _any(results, Answer.FAILS):
            upper[at] = None
        elif _any(results, Answer.HOLDS):
            upper[at] = asked[at].at_upper(plan)
    return tuple(judged())


def gate_interval(
    gate: GateSpec,
    lines: Lines,
    case: LineCase,
    staffed: LineCase,
    count: int,
    *,
    without: int | None = None,
) -> NestedInterval:
    """Return what a gate holds against its limit, from the first ``count`` runs of a line.

    Args:
        gate: the gate.
        lines: holds the runs of both lines.
        case: the line.
        staffed: the line it is compared with.
        count: runs.
        without: number of a line replication whose runs are left out.
    """
    numbers = [case.replication_of(run) for run in range(count)]
    kept = [run for run in range(count) if numbers[run] != without]
    replications = np.array(numbers)[kept]
    ours = lines.kpi(case, gate.kpi, count)[kept]
    theirs = lines.kpi(staffed, gate.kpi, count)[replications] if gate.paired else None
    return compare(gate, ours, theirs, replications if case.replications else None)


def points(
    plan: cases.OnLine, lines: Lines, case: LineCase, staffed: LineCase, count: int
) -> tuple[Answer, ...]:
    """Return on which side of its limit the point of each gate lies, its interval left out."""

    def answer(gate: GateSpec) -> Answer:
        point = gate_interval(gate, lines, case, staffed, count).interval.estimate
        return judge(gate, Interval(point, point, point))

    return tuple(answer(gate) for gate in plan.spec.gates)


def _any(results: Results, answer: Answer) -> bool:
    return any(result.answer is answer for result in results)


def _results(
    plan: PlanT,
    lines: Lines,
    asked: Askable[PlanT],
    count: int,
    lower: Bounds,
    upper: Bounds | None,
) -> Results:
    staffed = cases.staffed(plan, "takt")

    def answered(gate: GateSpec) -> GateResult:
        measured = gate_interval(gate, lines, asked.line(plan), staffed, count)
        recorded = judge(gate, measured.interval)
        bounds = {Answer.FAILS: lower, Answer.HOLDS: upper or {}}.get(recorded, {})
        return evaluate_gate(
            gate,
            measured,
            {
                name: gate_interval(gate, lines, case, staffed, count)
                for name, case in bounds.items()
            },
            asked.blockers,
            tested=recorded is not Answer.HOLDS or upper is not None or not asked.thin,
        )

    return tuple(answered(gate) for gate in plan.spec.gates)
