"""From line runs to the answer: gates of each policy, their combination, and the sentence."""

from __future__ import annotations

from collections.abc import Sequence

from twin.evaluation.cases import Fitted
from twin.evaluation.plan import Plan
from twin.evaluation.result import PolicyVerdict, Verdict
from twin.evaluation.words import gate_sentence
from twin.kpi.gates import (
    EXIT_FAILS,
    EXIT_HOLDS,
    EXIT_INCONCLUSIVE,
    Answer,
    GateResult,
    judge,
)

EXIT_CODES = {
    Answer.HOLDS: EXIT_HOLDS,
    Answer.FAILS: EXIT_FAILS,
    Answer.INCONCLUSIVE: EXIT_INCONCLUSIVE,
}


def combined(answers: Sequence[Answer], rule: str) -> Answer:
    """Return the answer over policies: the best of them (``any``) or the worst (``all``)."""
    order = (Answer.FAILS, Answer.INCONCLUSIVE, Answer.HOLDS)
    ranks = [order.index(answer) for answer in answers]
    return order[max(ranks) if rule == "any" else min(ranks)]


def policy_verdict(fitted: Fitted, gates: tuple[GateResult, ...]) -> PolicyVerdict:
    """Return a policy's verdict: all gates must hold."""
    answer = combined([gate.answer for gate in gates], "all")
    return PolicyVerdict(fitted.letter, fitted.model.label, answer, gates, fitted.model.blockers)


def chosen(policies: Sequence[PolicyVerdict]) -> PolicyVerdict:
    """Return the policy that the decision rests on: best answer, then most gates held, then x.

    Gates count as held as recorded: those of a policy that fails are not tested at bounds.
    """
    order = (Answer.HOLDS, Answer.INCONCLUSIVE, Answer.FAILS)
    return min(
        policies,
        key=lambda p: (
            order.index(p.answer),
            -sum(judge(g.gate, g.measured.interval) is Answer.HOLDS for g in p.gates),
        ),
    )


def verdict(plan: Plan, policies: Sequence[PolicyVerdict]) -> Verdict:
    """Return the answer to the evaluation's question, with its reasons.

    Where one policy may not be judged (too few racks, physics that cannot be trusted), nothing is
    decided: that throws doubt on the evaluation, not on the policy alone.
    """
    blocked = any(policy.blockers for policy in policies)
    answer = combined([policy.answer for policy in policies], plan.spec.verdict)
    if blocked:
        answer = Answer.INCONCLUSIVE
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
    blockers = [blocker for policy in policies for blocker in policy.blockers]
    if answer is Answer.HOLDS:
        return f"Yes: {cells} can {does} {takt}, with {' and with '.join(held)}."
    if answer is Answer.FAILS:
        failed = [policy.name for policy in policies if policy.answer is Answer.FAILS]
        neither = "neither with" if len(failed) > 1 else "not with"
        return f"No: {cells} cannot {does} {takt}, {neither} {' nor with '.join(failed)}."
    if blockers:
        why = "; ".join(blockers)
        return f"Not decided: whether {cells} can {does} {takt} may not be said: {why}."
    return (
        f"Not decided: this evidence does not settle whether {cells} can {does} {takt}, "
        f"with {' or with '.join(open_)}."
    )


def _reason(policy: PolicyVerdict) -> str:
    """Return one sentence on why a policy got its answer."""
    if policy.blockers:
        return f"{policy.name} may not be judged: {'; '.join(policy.blockers)}."
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
