"""From line runs to the answer: gates of each policy, their combination, and the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from configs.specs.gates import GateSpec
from twin.bridge.process import StationModel
from twin.evaluation import cases
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase, Lines
from twin.evaluation.plan import Plan
from twin.evaluation.result import PolicyVerdict, Verdict
from twin.evaluation.words import gate_sentence
from twin.kpi.gates import (
    EXIT_FAILS,
    EXIT_HOLDS,
    EXIT_INCONCLUSIVE,
    Answer,
    GateResult,
    compare,
    evaluate_gate,
)
from twin.kpi.nested import NestedInterval

EXIT_CODES = {
    Answer.HOLDS: EXIT_HOLDS,
    Answer.FAILS: EXIT_FAILS,
    Answer.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}


def gate_results(
    gates: Sequence[GateSpec],
    lines: Lines,
    case: LineCase,
    staffed: LineCase,
    count: int,
    *,
    bounds: Mapping[str, LineCase] | None = None,
    blockers: Sequence[str] = (),
) -> tuple[GateResult, ...]:
    """Return the answers of all gates on one line, from its first ``count`` replications.

    Args:
        gates: the gates.
        lines: where the replications are.
        case: the line with the cell, at takt.
        staffed: the staffed line, at takt.
        count: replications.
        bounds: the same line with one rare class at its upper bound, by what the run is called.
        blockers: reasons why no gate may be answered.
    """

    def measured(gate: GateSpec, of: LineCase) -> NestedInterval:
        replications = np.array([of.replication_of(run) for run in range(count)])
        ours = lines.kpi(of, gate.kpi, count)
        theirs = lines.kpi(staffed, gate.kpi, count)[replications] if gate.paired else None
        return compare(gate, ours, theirs, replications if of.replications else None)

    return tuple(
        evaluate_gate(
            gate,
            measured(gate, case),
            {name: measured(gate, bound) for name, bound in (bounds or {}).items()},
            blockers,
        )
        for gate in gates
    )


def bound_cases(plan: Plan, fitted: Fitted) -> dict[str, LineCase]:
    """Return the line with each seldom-seen class of a policy at its upper bound, by name."""
    found = {}
    for outcome in fitted.model.thin_classes:
        model: StationModel = fitted.model.at_bound(outcome)
        digest = cases.digest_of(fitted.digest.partition("+")[0], model)
        name = f"'{outcome}' at its upper bound of {100 * fitted.model.class_bound(outcome):.2g} %"
        found[name] = cases.cell(plan, Fitted(fitted.letter, model, digest), "takt")
    return found


def combined(answers: Sequence[Answer], rule: str) -> Answer:
    """Return the answer over policies: the best of them (``any``) or the worst (``all``)."""
    order = (Answer.FAILS, Answer.INCONCLUSIVE, Answer.HOLDS)
    ranks = [order.index(answer) for answer in answers]
    return order[max(ranks) if rule == "any" else min(ranks)]


def policy_verdict(fitted: Fitted, gates: tuple[GateResult, ...]) -> PolicyVerdict:
    """Return a policy's verdict: all gates must hold."""
    answer = combined([gate.answer for gate in gates], "all")
    return PolicyVerdict(fitted.letter, fitted.model.label, answer, gates)


def chosen(policies: Sequence[PolicyVerdict]) -> PolicyVerdict:
    """Return the policy that the decision rests on: best answer, then most gates held, then x."""
    order = (Answer.HOLDS, Answer.INCONCLUSIVE, Answer.FAILS)
    return min(
        policies,
        key=lambda p: (
            order.index(p.answer),
            -sum(gate.answer is Answer.HOLDS for gate in p.gates),
        ),
    )


def verdict(plan: Plan, policies: Sequence[PolicyVerdict]) -> Verdict:
    """Return the answer to the evaluation's question, with its reasons."""
    answer = combined([policy.answer for policy in policies], plan.spec.verdict)
    return Verdict(
        answer=answer,
        exit_code=EXIT_CODES[answer],
        headline=_headline(plan, answer, policies),
        reasons=tuple(_reason(policy) for policy in policies),
        policies=tuple(policies),
    )


def _headline(plan: Plan, answer: Answer, policies: Sequence[PolicyVerdict]) -> str:
    attach, row = plan.spec.attach, plan.line.station(plan.spec.station)
    cells = f"{_number(attach.servers)} {'un' if not attach.crew else ''}manned {row.id} cell"
    cells += "s" if attach.servers > 1 else ""
    does = f"replace the {_number(row.servers)} staffed server{'s' if row.servers > 1 else ''}"
    takt = f"at a takt of {plan.line.takt_s / 60:g} min"
    held = [policy.name for policy in policies if policy.answer is Answer.HOLDS]
    open_ = [policy.name for policy in policies if policy.answer is Answer.INCONCLUSIVE]
    if answer is Answer.HOLDS:
        return f"Yes: {cells} can {does} {takt}, with {' and with '.join(held)}."
    if answer is Answer.FAILS:
        failed = [policy.name for policy in policies if policy.answer is Answer.FAILS]
        neither = "neither with" if len(failed) > 1 else "not with"
        return f"No: {cells} cannot {does} {takt}, {neither} {' nor with '.join(failed)}."
    return (
        f"Not decided: this evidence does not settle whether {cells} can {does} {takt}, "
        f"with {' or with '.join(open_)}."
    )


def _reason(policy: PolicyVerdict) -> str:
    """Return one sentence on why a policy got its answer."""
    parts = [gate_sentence(gate) for gate in policy.gates if gate.answer is policy.answer]
    verb = {
        Answer.HOLDS: "holds every gate",
        Answer.FAILS: "fails",
        Answer.INCONCLUSIVE: "is not decided",
    }[policy.answer]
    return f"{policy.name} {verb}: {'; '.join(parts)}."


def _number(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six")
    return words[count] if count < len(words) else str(count)
