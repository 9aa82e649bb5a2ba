"""Why a policy got its answer, and what to do next: for somebody who runs a plant."""

from __future__ import annotations

import math
from collections.abc import Iterator

from envs.outcome import OutcomeClass
from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation, PolicyEpisodes, PolicyVerdict
from twin.evaluation.words import (
    answer_word,
    duration,
    gate_limit,
    gate_measured,
    in_sentence,
    minutes,
    number,
    percent,
    short_name,
)
from twin.kpi.gates import Answer, GateResult, judge
from twin.report.prose import OUTCOME_MEANINGS

_TIME_LOST = (OutcomeClass.DAMAGE, OutcomeClass.ASSISTED, OutcomeClass.DETECTED)
_HALF = 0.5


def whys(plan: Plan, found: Evaluation, policy: PolicyVerdict) -> list[str]:
    """Return what made a policy's gates fail or stay open; nothing where every gate holds."""
    campaign = _campaign(found, policy)
    if policy.answer is Answer.HOLDS:
        return []
    if campaign.blockers:
        return [f"No gate may be answered: {'; '.join(campaign.blockers)}."]
    if policy.answer is Answer.FAILS:
        return list(_time_lost(plan, campaign))
    return [
        *_failing_by_seldom(policy),
        *_rarely_seen(policy, campaign),
        *_open_alone(policy, campaign),
    ]


def next_steps(plan: Plan, found: Evaluation) -> list[str]:
    """Return what follows from the verdict."""
    answer = found.verdict.answer
    if answer is Answer.INCONCLUSIVE:
        return list(_evidence(plan, found))
    if answer is Answer.FAILS:
        return [
            "More episodes will not turn this: what fails lies beyond its limit with its whole "
            "interval. Change the policy, the station or the number of cells."
        ]
    steps = []
    for policy, need in zip(found.verdict.policies, found.cells, strict=True):
        if policy.answer is Answer.HOLDS and need.found and need.people is not None:
            people = number(need.people - found.people_staffed, 0, signed=True)
            steps.append(
                f"With {short_name(policy.name)}: cells {need.found.cells}, technicians "
                f"{need.found.technicians}, people {need.people} ({people} against today). Check "
                f"the assumptions that move it first: “What if”."
            )
    return steps


def _campaign(found: Evaluation, policy: PolicyVerdict) -> PolicyEpisodes:
    return next(e for e in found.episodes if e.letter == policy.letter)


def _open(policy: PolicyVerdict) -> list[GateResult]:
    return [gate for gate in policy.gates if gate.answer is Answer.INCONCLUSIVE]


def _turning(policy: PolicyVerdict) -> dict[OutcomeClass, list[tuple[GateResult, str]]]:
    """Return the outcomes that turn an open gate at their bound, with the run's name there."""
    turning: dict[OutcomeClass, list[tuple[GateResult, str]]] = {}
    for gate in _open(policy):
        recorded = judge(gate.gate, gate.measured.interval)
        for run, bound in gate.at_bounds.items():
            if judge(gate.gate, bound.interval) is not recorded:
                # The run with every seldom outcome at its lower bound is of none in particular.
                for outcome in (o for o in OutcomeClass if run.startswith(f"'{o}'")):
                    turning.setdefault(outcome, []).append((gate, run))
    return turning


def _failing_by_seldom(policy: PolicyVerdict) -> Iterator[str]:
    for gate in _open(policy):
        if _by_seldom(gate):
            for run, bound in gate.at_bounds.items():
                measured, ends = gate_measured(gate, bound.interval)
                name = in_sentence(gate.gate.kpi)
                yield (
                    f"{name[:1].upper()}{name[1:]} fails as recorded, but with {run} it is "
                    f"{measured} ({ends}): too few events were seen to call it a failure."
                )


def _rarely_seen(policy: PolicyVerdict, campaign: PolicyEpisodes) -> Iterator[str]:
    for outcome, gates in _turning(policy).items():
        seen = campaign.classes[outcome]
        bound = seen.share.high if seen.bound is None else seen.bound
        parts = []
        for gate, run in gates:
            interval = gate.at_bounds[run].interval
            measured, ends = gate_measured(gate, interval)
            word = answer_word(judge(gate.gate, interval))
            parts.append(f"{in_sentence(gate.gate.kpi)} {word} ({measured}; {ends})")
        yield (
            f"“{outcome}” ({OUTCOME_MEANINGS[outcome].partition(';')[0]}) was seen in {seen.count} "
            f"of {campaign.operations - campaign.void} operations; up to {percent(bound)} cannot "
            f"be ruled out. At that rate: {', '.join(parts)}."
        )


def _open_alone(policy: PolicyVerdict, campaign: PolicyEpisodes) -> Iterator[str]:
    for gate in _open(policy):
        if not _alone(gate):
            continue
        _, ends = gate_measured(gate, gate.measured.interval)
        source = (
            f"too few operations ({campaign.operations - campaign.void}) to know how often each "
            f"outcome happens"
            if _episodes_decide(gate)
            else f"the luck of the line in only {gate.measured.runs} runs"
        )
        name = in_sentence(gate.gate.kpi)
        yield (
            f"{name[:1].upper()}{name[1:]}: {ends} lies on both sides of the limit "
            f"({gate_limit(gate)}), mostly from {source}."
        )


def _time_lost(plan: Plan, campaign: PolicyEpisodes) -> Iterator[str]:
    """Yield the outcome that costs the cell most time, against takt."""
    effects = plan.spec.effects
    mean_s = {
        OutcomeClass.DAMAGE: effects.damage.mean_s,
        OutcomeClass.ASSISTED: effects.assisted.mean_s,
        OutcomeClass.DETECTED: effects.detected.mean_s,
    }
    per_rack = plan.spec.operations.per_rack
    lost_s = {o: campaign.classes[o].share.estimate * per_rack * mean_s[o] for o in _TIME_LOST}
    worst = max(_TIME_LOST, key=lambda outcome: lost_s[outcome])
    seen = campaign.classes[worst]
    if seen.count:
        yield (
            f"{seen.count} of {campaign.operations - campaign.void} operations end in “{worst}”: "
            f"about {number(seen.share.estimate * per_rack, 1)} a rack of {per_rack}. At "
            f"{duration(mean_s[worst])} each that takes {duration(lost_s[worst])} of the cell's "
            f"time a rack; takt is {duration(plan.line.takt_s)}."
        )


def _evidence(plan: Plan, found: Evaluation) -> Iterator[str]:
    """Yield what would settle an undecided verdict."""
    open_ = [p for p in found.verdict.policies if p.answer is Answer.INCONCLUSIVE]
    turning = {outcome for policy in open_ for outcome in _turning(policy)}
    needs = [
        need
        for need in found.preflight.needs
        if need.outcome in turning and need.shown > need.bearable
    ]
    if needs:
        need = max(needs, key=lambda n: n.episodes)
        racks = math.ceil(need.episodes / plan.spec.campaign.parts_per_rack)
        time = (
            ""
            if need.minutes is None
            else f" (about {minutes(need.minutes)} for both on this machine)"
        )
        yield (
            f"Run at least {need.episodes:,} operations a policy{time}: campaign.racks: {racks} in "
            f"a copy of the evaluation, now {plan.spec.campaign.racks}. If none ends in "
            f"“{need.outcome}”, its rate is then known to be below {percent(need.bearable, 2)}, "
            f"where on average {need.limit}; clear of the limit takes more."
        )
    elif (
        turning
        or any(_by_seldom(gate) for p in open_ for gate in _open(p))
        or any(_episodes_decide(gate) for p in open_ for gate in _open(p))
    ):
        yield (
            f"Run more operations: raise campaign.racks, now {plan.spec.campaign.racks}, in a copy "
            f"of the evaluation."
        )
    if any(not _episodes_decide(gate) for p in open_ for gate in _open(p) if _alone(gate)):
        runs = plan.spec.line_runs.replications.verdict
        yield f"Run the line more often: line_runs.replications.verdict, now {runs}."


def _by_seldom(gate: GateResult) -> bool:
    return judge(gate.gate, gate.measured.interval) is Answer.FAILS


def _alone(gate: GateResult) -> bool:
    return judge(gate.gate, gate.measured.interval) is Answer.INCONCLUSIVE


def _episodes_decide(gate: GateResult) -> bool:
    whole = gate.measured.variance_episodes + gate.measured.variance_line
    return whole > 0 and gate.measured.variance_episodes / whole > _HALF
