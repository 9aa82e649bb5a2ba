"""Gates on confidence bounds, never on point values, and the exit codes of their answers.

A gate holds when the whole 95 % interval lies on the good side of its limit (the limit itself is
good), fails when the whole interval lies beyond it, and is inconclusive when the interval
straddles it: the evidence then supports neither answer. Each error has a chance of 2.5 % at most,
the usual level of a one-sided claim (ICH E9, non-inferiority). What a run at a seldom-seen class's
bound answers counts as well (the upper one for what holds, the lower one for what fails): where
the answers differ, the gate depends on a class too seldom seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from configs.specs.gates import GateSpec
from twin.kpi.intervals import CONFIDENCE, Interval, ratio_residuals
from twin.kpi.nested import NestedInterval, nested_interval


class Answer(StrEnum):
    """What a gate says."""

    HOLDS = "holds"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"


EXIT_HOLDS: Final = 0
EXIT_FAILS: Final = 1
EXIT_INCONCLUSIVE: Final = 3


@dataclass(frozen=True)
class GateResult:
    """The answer of one gate and all it rests on.

    Attributes:
        gate: the gate.
        answer: holds, fails or inconclusive.
        measured: interval of what is held against the limit, as fitted.
        at_bounds: the same with classes at their bounds, by the name of the run.
        why: one sentence for the reader.
        tested: whether an answer that hangs on classes seldom seen was run at their bounds.
    """

    gate: GateSpec
    answer: Answer
    measured: NestedInterval
    at_bounds: Mapping[str, NestedInterval]
    why: str
    tested: bool = True


def compare(
    gate: GateSpec,
    candidate: ArrayLike,
    reference: ArrayLike | None = None,
    replications: ArrayLike | None = None,
    confidence: float = CONFIDENCE,
) -> NestedInterval:
    """Return the interval of what the gate holds against its limit.

    Args:
        gate: the gate.
        candidate: the candidate line's KPI, one value a run, shape (R,).
        reference: the reference line's in the same line replications (common random numbers).
        replications: line replication of each run, see `twin.kpi.nested`.
        confidence: two-sided confidence.

    Raises:
        ValueError: the gate needs a reference and there is none, or they are not pairs.
    """
    ours = np.asarray(candidate, dtype=float)
    if not gate.paired:
        return nested_interval(ours, replications, confidence)
    if reference is None:
        raise ValueError(f"gate '{gate.describe()}' needs the reference line")
    theirs = np.asarray(reference, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(f"pairs are needed, not {ours.shape} and {theirs.shape}")
    values = ours - theirs
    if gate.against == "reference ratio":
        values = ratio_residuals(ours, theirs)
    return nested_interval(values, replications, confidence)


def judge(gate: GateSpec, interval: Interval) -> Answer:
    """Return what one interval says of a gate."""
    good = interval.low >= gate.limit, interval.high < gate.limit
    if gate.at_most is not None:
        good = interval.high <= gate.limit, interval.low > gate.limit
    if good[0]:
        return Answer.HOLDS
    return Answer.FAILS if good[1] else Answer.INCONCLUSIVE


def evaluate_gate(
    gate: GateSpec,
    measured: NestedInterval,
    at_bounds: Mapping[str, NestedInterval] | None = None,
    blockers: Sequence[str] = (),
    *,
    tested: bool = True,
) -> GateResult:
    """Return the answer of a gate.

    Args:
        gate: the gate.
        measured: interval of the run as fitted, from `compare`.
        at_bounds: intervals of the runs with seldom-seen classes at their bounds, by name: upper
            ones for what holds, lower ones for what fails.
        blockers: reasons why no answer may be given (too few racks, void operations).
        tested: ``False`` where the answer needs such runs and they were not made.
    """
    bounds = dict(at_bounds or {})
    answer = judge(gate, measured.interval)
    others = {name: judge(gate, found.interval) for name, found in bounds.items()}
    differing = [name for name, found in others.items() if found is not answer]
    why = _explain(gate, measured.interval, answer)
    if answer is not Answer.INCONCLUSIVE and differing:
        name = differing[0]
        why = (
            f"{answer} as recorded ({why}), but with {name} it {_verb(others[name])} "
            f"({_explain(gate, bounds[name].interval, others[name])}): too few events to tell"
        )
        answer = Answer.INCONCLUSIVE
    if not tested:
        why = f"{answer} as recorded ({why}), not tested at the bounds of rare outcomes"
        answer = Answer.INCONCLUSIVE
    if blockers:
        answer, why = Answer.INCONCLUSIVE, "; ".join(blockers)
    return GateResult(gate, answer, measured, bounds, why, tested or bool(blockers))


def _explain(gate: GateSpec, interval: Interval, answer: Answer) -> str:
    shown = f"95 % interval {interval.low:.4g} to {interval.high:.4g}"
    place = {
        Answer.HOLDS: "lies on the good side of",
        Answer.FAILS: "lies beyond",
        Answer.INCONCLUSIVE: "does not settle",
    }[answer]
    return f"{shown} {place} the limit {gate.limit:g}"


def _verb(answer: Answer) -> str:
    return "is inconclusive" if answer is Answer.INCONCLUSIVE else str(answer)
