"""Why a policy got its answer, and what to do next: for somebody who runs a plant."""

from __future__ import annotations

import math
from collections.abc import Iterator

from envs.outcome import OutcomeClass
from twin.bridge.process import MIN_RACKS
from twin.evaluation.causes import OF_DEFECTS, OF_TIME, lost_s
from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation, PolicyEpisodes, PolicyVerdict
from twin.evaluation.words import (
    duration,
    gate_limit,
    gate_measured,
    in_sentence,
    listed,
    minutes,
    number,
    percent,
    short_name,
)
from twin.kpi.gates import Answer, GateResult, judge
from twin.report.lone_words import lone_sentences
from twin.report.prose import OUTCOME_MEANINGS

_HALF = 0.5


def whys(plan: Plan, found: Evaluation, policy: PolicyVerdict) -> list[str]:
    """Return what made a policy's gates fail or stay open; nothing where every gate holds."""
    campaign = _campaign(found, policy)
    if policy.answer is Answer.HOLDS:
        return []
    if campaign.blockers:
        return [f"No gate may be answered: {'; '.join(campaign.blockers)}."]
    if policy.answer is Answer.FAILS:
        return [*_causes(plan, policy, campaign), *_not_tested(policy)]
    return [
        *_failing_by_seldom(policy),
        *_rarely_seen(policy, campaign),
        *_open_alone(policy, campaign),
        *lone_sentences(found, policy, campaign),
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


def _causes(plan: Plan, policy: PolicyVerdict, campaign: PolicyEpisodes) -> Iterator[str]:
    """Yield what makes gates fail for good: lost time, unnoticed misses, or the figure itself."""
    failing = [gate for gate in policy.gates if gate.answer is Answer.FAILS]
    if any(gate.gate.kpi in OF_TIME for gate in failing):
        yield from _time_lost(plan, campaign)
    if any(gate.gate.kpi in OF_DEFECTS for gate in failing):
        yield from _escapes(plan, campaign)
    for gate in failing:
        if gate.gate.kpi not in OF_TIME | OF_DEFECTS:
            measured, ends = gate_measured(gate, gate.measured.interval)
            of = "" if gate.measured.interval.half_width == 0 else f" ({ends})"
            yield f"{_title(gate)}: {measured}{of}; it must be {gate_limit(gate)}."


def _not_tested(policy: PolicyVerdict) -> Iterator[str]:
    names = [in_sentence(gate.gate.kpi) for gate in policy.gates if not gate.tested]
    if names:
        yield (
            f"Marked “?”: {listed(names)}. As recorded {'these hold' if names[1:] else 'it holds'}"
            f", but whether also with the outcomes seen too seldom at their worst was not run: the "
            f"policy fails anyway."
        )


def _failing_by_seldom(policy: PolicyVerdict) -> Iterator[str]:
    for gate in _open(policy):
        if not _by_seldom(gate):
            continue
        for bound in gate.at_bounds.values():  # one run: all such outcomes at their lower bounds
            answer = judge(gate.gate, bound.interval)
            if answer is not Answer.FAILS:
                measured, ends = gate_measured(gate, bound.interval)
                yield (
                    f"{_title(gate)} fails as recorded. Were the outcomes seen too seldom as rare "
                    f"as the evidence allows, it {_would(answer)} ({measured}; {ends}): too few "
                    f"events were seen to call it a failure."
                )


def _rarely_seen(policy: PolicyVerdict, campaign: PolicyEpisodes) -> Iterator[str]:
    for outcome, gates in _turning(policy).items():
        seen = campaign.classes[outcome]
        bound = seen.share.high if seen.bound is None else seen.bound
        parts = []
        for gate, run in gates:
            interval = gate.at_bounds[run].interval
            measured, ends = gate_measured(gate, interval)
            word = _would(judge(gate.gate, interval))
            parts.append(f"{in_sentence(gate.gate.kpi)} {word} ({measured}; {ends})")
        yield (
            f"“{outcome}” ({OUTCOME_MEANINGS[outcome].partition(';')[0]}) was seen in {seen.count} "
            f"of {_valid(campaign)} operations; up to {percent(bound)} cannot be ruled out. At "
            f"that rate {listed(parts)}."
        )


def _open_alone(policy: PolicyVerdict, campaign: PolicyEpisodes) -> Iterator[str]:
    for gate in _open(policy):
        if not _alone(gate):
            continue
        _, ends = gate_measured(gate, gate.measured.interval)
        source = (
            f"too few operations ({_valid(campaign)}) to know how often each outcome happens"
            if _episodes_decide(gate)
            else f"the luck of the line in only {gate.measured.runs} runs"
        )
        yield (
            f"{_title(gate)}: {ends} lies on both sides of the limit "
            f"({gate_limit(gate)}), mostly from {source}."
        )


def _time_lost(plan: Plan, campaign: PolicyEpisodes) -> Iterator[str]:
    """Yield the motion where it alone takes longer than takt, and the outcome that costs most."""
    effects, per_rack = plan.spec.effects, plan.spec.operations.per_rack
    servers = plan.spec.attach.servers
    takt = f"takt leaves {duration(plan.line.takt_s * servers)}"
    takt += f" with {servers} cells" if servers > 1 else ""
    cycle_s = sum(campaign.cycle_s) / len(campaign.cycle_s)
    rack_s = effects.handling_s + per_rack * cycle_s
    if rack_s > plan.line.takt_s * servers:
        yield (
            f"The robot alone takes {duration(cycle_s)} an operation on average, and "
            f"{duration(rack_s)} a rack of {per_rack} with its docking; {takt}."
        )
    mean_s = lost_s(effects)
    rack_lost_s = {o: campaign.classes[o].share.estimate * per_rack * s for o, s in mean_s.items()}
    worst = max(rack_lost_s, key=lambda outcome: rack_lost_s[outcome])
    if campaign.classes[worst].count:
        yield (
            f"{_seen(plan, campaign, worst)} At {duration(mean_s[worst])} each that takes "
            f"{duration(rack_lost_s[worst])} of the cell's time a rack; {takt}."
        )


def _escapes(plan: Plan, campaign: PolicyEpisodes) -> Iterator[str]:
    if campaign.classes[OutcomeClass.ESCAPED].count:
        yield (
            f"{_seen(plan, campaign, OutcomeClass.ESCAPED)} A rack with one fails a later test and "
            f"is repaired there."
        )


def _seen(plan: Plan, campaign: PolicyEpisodes, outcome: OutcomeClass) -> str:
    seen, per_rack = campaign.classes[outcome], plan.spec.operations.per_rack
    return (
        f"{seen.count} of {_valid(campaign)} operations end in “{outcome}”: about "
        f"{number(seen.share.estimate * per_rack, 1)} a rack of {per_rack}."
    )


def _evidence(plan: Plan, found: Evaluation) -> Iterator[str]:
    """Yield what would settle an undecided verdict."""
    open_ = [p for p in found.verdict.policies if p.answer is Answer.INCONCLUSIVE]
    blocked = [e for p in open_ if (e := _campaign(found, p)).blockers]
    if blocked:
        yield from _unblocking(plan, blocked)
        return
    gates = [gate for policy in open_ for gate in _open(policy)]
    turning = {outcome for policy in open_ for outcome in _turning(policy)}
    priced = turning.union(*(_in_doubt(policy, _campaign(found, policy)) for policy in open_))
    needs = [
        need
        for need in found.preflight.needs
        if need.outcome in priced and need.shown > need.bearable
    ]
    now = plan.spec.campaign.racks
    if needs:
        need = max(needs, key=lambda n: n.episodes)
        racks = math.ceil(need.episodes / plan.spec.campaign.parts_per_rack)
        time = (
            ""
            if need.minutes is None
            else f" (about {minutes(need.minutes)} for both on this machine)"
        )
        yield (
            f"Run at least {need.episodes:,} operations a policy{time}: --racks {racks}, now "
            f"{now}. If none of them ends in “{need.outcome}”, its rate is then known to be below "
            f"{percent(need.bearable, 2)}, about where {need.limit}; a clear answer may take more."
        )
    elif turning or any(_by_seldom(gate) or _episodes_decide(gate) for gate in gates):
        yield f"Run more operations: raise --racks, now {now}."
    lone = any(one.letter == policy.letter for policy in open_ for one in found.lone)
    if lone or any(_alone(gate) and not _episodes_decide(gate) for gate in gates):
        runs = plan.spec.line_runs.replications.verdict
        yield f"Run the line more often: line_runs.replications.verdict, now {runs}."


def _in_doubt(policy: PolicyVerdict, campaign: PolicyEpisodes) -> set[OutcomeClass]:
    """Return outcomes never seen whose rate must be known before a gate left open can hold."""
    kpis = {g.gate.kpi for g in _open(policy) if _alone(g) and _episodes_decide(g)}
    spoils = {OutcomeClass.DAMAGE: OF_TIME, OutcomeClass.ESCAPED: OF_DEFECTS}
    return {o for o, some in spoils.items() if kpis & some and not campaign.classes[o].count}


def _unblocking(plan: Plan, blocked: list[PolicyEpisodes]) -> Iterator[str]:
    """Yield what lets gates be answered at all."""
    racks = plan.spec.campaign.racks
    if racks < MIN_RACKS:
        yield (
            f"Record at least {MIN_RACKS} racks a policy: --racks {MIN_RACKS} or more, now {racks}."
        )
    elif any(campaign.void for campaign in blocked):
        yield (
            "Void operations prove nothing, and more of them do not help: the station's physics "
            "needs a finer rate or stiffer contact first (rackline converge)."
        )


def _title(gate: GateResult) -> str:
    name = in_sentence(gate.gate.kpi)
    return f"{name[:1].upper()}{name[1:]}"


def _would(answer: Answer) -> str:
    return {
        Answer.HOLDS: "would hold",
        Answer.FAILS: "would fail",
        Answer.INCONCLUSIVE: "would not be decided",
    }[answer]


def _valid(campaign: PolicyEpisodes) -> int:
    return campaign.operations - campaign.void


def _by_seldom(gate: GateResult) -> bool:
    return judge(gate.gate, gate.measured.interval) is Answer.FAILS


def _alone(gate: GateResult) -> bool:
    return judge(gate.gate, gate.measured.interval) is Answer.INCONCLUSIVE


def _episodes_decide(gate: GateResult) -> bool:
    whole = gate.measured.variance_episodes + gate.measured.variance_line
    return whole > 0 and gate.measured.variance_episodes / whole > _HALF
