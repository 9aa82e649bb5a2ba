"""Situations and the sentences that somebody who runs a plant reads about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from configs.specs.gates import GateSpec
from envs.outcome import OutcomeClass
from twin.bridge.process import fit_station
from twin.evaluation.answers import SELDOM
from twin.evaluation.assumed import assumed_records
from twin.evaluation.before import Assumed, EpisodeNeed, Preflight
from twin.evaluation.episodes import summarise
from twin.evaluation.lone import LoneRun
from twin.evaluation.plan import Plan
from twin.evaluation.result import CellsForTakt, Evaluation, PolicyEpisodes, PolicyVerdict, Try
from twin.evaluation.verdict import combined, verdict
from twin.evaluation.words import MINUS as M
from twin.kpi.gates import Answer, GateResult, evaluate_gate
from twin.kpi.intervals import Interval
from twin.kpi.nested import NestedInterval
from twin.report.reasons import next_steps, whys

ESCAPED, DAMAGE, ASSISTED = OutcomeClass.ESCAPED, OutcomeClass.DAMAGE, OutcomeClass.ASSISTED
RACKS = GateSpec(kpi="racks_per_day", at_least=0.98, against="reference ratio")
YIELD = GateSpec(kpi="rolled_throughput_yield", at_least=-0.01, against="reference difference")
USE = GateSpec(kpi="technician_use", at_most=0.8)
PEOPLE = GateSpec(kpi="people", at_most=28)
LOWER = f"{SELDOM} ('damage') at its lower bound"
BOUND = 0.036
UPPER = "'damage' at its upper bound of 3.6 %"
TAKT = "takt leaves 60 min"


def interval(low: float, high: float, episodes: float = 0.9) -> NestedInterval:
    """Return an interval; ``episodes`` is their share of its variance."""
    return NestedInterval(Interval((low + high) / 2, low, high), episodes, 1 - episodes, 30)


def gate(
    spec: GateSpec,
    ends: tuple[float, float],
    bounds: Mapping[str, tuple[float, float]] | None = None,
    *,
    episodes: float = 0.9,
    **more: Any,
) -> GateResult:
    held = {name: interval(*found) for name, found in (bounds or {}).items()}
    return evaluate_gate(spec, interval(*ends, episodes), held, **more)


def campaign(
    plan: Plan, counts: Mapping[OutcomeClass, int], *, racks: int = 40, cycle_s: float = 60.0
) -> PolicyEpisodes:
    """Return a campaign of ``racks`` x 4 operations, of which so many end so, spread."""
    spec = plan.spec.campaign.model_copy(update={"racks": racks})
    plan = replace(plan, spec=plan.spec.model_copy(update={"campaign": spec}))
    ends = [outcome for outcome, count in counts.items() for _ in range(count)]
    at = {4 * racks * k // len(ends): outcome for k, outcome in enumerate(ends)}
    records = [
        replace(record, outcome=at.get(k, OutcomeClass.OK), cycle_time_s=cycle_s)
        for k, record in enumerate(assumed_records(plan))
    ]
    model = fit_station(records, station="S60", label="push", effects=plan.spec.effects)
    found = summarise("x", model, records)
    bounded = {c: replace(s, bound=s.bound and BOUND) for c, s in found.classes.items()}
    return replace(found, classes=bounded)


def evaluation(
    plan: Plan,
    gates: tuple[GateResult, ...],
    episodes: PolicyEpisodes,
    needs: tuple[EpisodeNeed, ...] = (),
    found: Try | None = None,
) -> Evaluation:
    answer = combined([result.answer for result in gates], "all")
    policies = (PolicyVerdict("x", "scripted/push@1", answer, gates),)
    before = Preflight(600.0, 120.0, (), {}, (), needs, Assumed(160, 3, 4), 0.1, None, None, ())
    need = CellsForTakt("x", "push", found, 26 if found else None, answer, (), 8)
    judged = verdict(plan, policies)
    return Evaluation(judged, before, (episodes,), (), (), (), (need,), None, "", 29, 26, {})


SLOW = (gate(RACKS, (0.7, 0.8)),)
SITUATIONS: dict[str, tuple[tuple[GateResult, ...], dict[str, Any], list[str]]] = {
    "every gate holds": ((gate(RACKS, (0.99, 1.0)),), {"counts": {}}, []),
    "too few racks": (
        (gate(RACKS, (0.99, 1.0), blockers=["push: 10 racks recorded, 30 are needed"]),),
        {"counts": {}, "racks": 10},
        ["No gate may be answered: push: 10 racks recorded, 30 are needed."],
    ),
    "damage takes the time": (
        SLOW,
        {"counts": {DAMAGE: 40, ASSISTED: 8}},
        [
            "40 of 160 operations end in “damage”: about 7.2 a rack of 29. At 30 min each that "
            f"takes 3.6 h of the cell's time a rack; {TAKT}."
        ],
    ),
    "the motion takes the time": (
        SLOW,
        {"counts": {}, "cycle_s": 130.0},
        [
            "The robot alone takes 2.2 min an operation on average, and 66.8 min a rack of 29 with "
            f"its docking; {TAKT}."
        ],
    ),
    "escapes spoil the yield": (
        (gate(YIELD, (-0.4, -0.2)),),
        {"counts": {ESCAPED: 20, DAMAGE: 2}},
        [
            "20 of 160 operations end in “escaped”: about 3.6 a rack of 29. A rack with one fails "
            "a later test and is repaired there."
        ],
    ),
    "a figure that has no cause in the episodes": (
        (gate(PEOPLE, (30.0, 30.0)),),
        {"counts": {DAMAGE: 2}},
        ["People present: 30 people; it must be at most 28 people."],
    ),
    "gates beside a sure failure": (
        (
            *SLOW,
            gate(YIELD, (0.0, 0.01), tested=False),
            gate(USE, (0.1, 0.2), tested=False),
        ),
        {"counts": {DAMAGE: 40}},
        [
            "40 of 160 operations end in “damage”: about 7.2 a rack of 29. At 30 min each that "
            f"takes 3.6 h of the cell's time a rack; {TAKT}.",
            "Marked “?”: rolled throughput yield and technician use. As recorded these hold, but "
            "whether also with the outcomes seen too seldom at their worst was not run: the policy "
            "fails anyway.",
        ],
    ),
    "one gate beside a sure failure": (
        (*SLOW, gate(USE, (0.1, 0.2), tested=False)),
        {"counts": {}},
        [
            "Marked “?”: technician use. As recorded it holds, but whether also with the outcomes "
            "seen too seldom at their worst was not run: the policy fails anyway."
        ],
    ),
    "a rare outcome could spoil it": (
        (
            gate(RACKS, (0.99, 1.0), {UPPER: (0.9, 0.95)}),
            gate(USE, (0.1, 0.2), {UPPER: (0.7, 0.9)}),
        ),
        {"counts": {}},
        [
            "“damage” (part damaged) was seen in 0 of 160 operations; up to 3.6 % cannot be ruled "
            f"out. At that rate racks per day would fail ({M}7.5 %; {M}10.0 to {M}5.0 %) and "
            "technician use would not be decided (80.0 %; 70.0 to 90.0 %)."
        ],
    ),
    "a bound that changes nothing": (
        (gate(RACKS, (0.97, 1.0)), gate(USE, (0.1, 0.2), {UPPER: (0.3, 0.4)})),
        {"counts": {}},
        [
            f"Racks per day: {M}3.0 to 0.0 % lies on both sides of the limit (at least staffed "
            f"{M}2 %), mostly from too few operations (160) to know how often each outcome happens."
        ],
    ),
    "a failure that rests on few events": (
        (gate(USE, (0.85, 0.9), {LOWER: (0.3, 0.4)}),),
        {"counts": {DAMAGE: 1}},
        [
            "Technician use fails as recorded. Were the outcomes seen too seldom as rare as the "
            "evidence allows, it would hold (35.0 %; 30.0 to 40.0 %): too few events were seen to "
            "call it a failure."
        ],
    ),
    "too few runs of the line": (
        (gate(RACKS, (0.97, 1.0), episodes=0.1),),
        {"counts": {}},
        [
            f"Racks per day: {M}3.0 to 0.0 % lies on both sides of the limit (at least staffed "
            f"{M}2 %), mostly from the luck of the line in only 30 runs."
        ],
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_why_a_policy_got_its_answer(situation: str, small_plan: Plan) -> None:
    gates, made, sentences = SITUATIONS[situation]
    found = evaluation(small_plan, gates, campaign(small_plan, **made))
    assert whys(small_plan, found, found.verdict.policies[0]) == sentences


def test_the_run_that_widens_intervals_is_told_once_and_of_its_own_policy(
    small_plan: Plan,
) -> None:
    lead = LoneRun("x", "lead_time_mean_h", 19, 30, 88.9, (44.4, 47.2), DAMAGE, 0.0116, 7.3)
    racks = replace(lead, kpi="racks_per_day", value=18.8, others=(19.85, 20.05))
    found = evaluation(small_plan, (gate(RACKS, (0.97, 1.0)),), campaign(small_plan, {}))
    policy = found.verdict.policies[0]

    def said(*lone: LoneRun) -> list[str]:
        return whys(small_plan, replace(found, lone=lone), policy)[1:]

    assert said() == said(replace(lead, letter="y")) == []
    assert said(lead, racks) == [
        "One of the 30 runs of the line makes these intervals more than twice as wide: the mean "
        "lead time 88.9 h in it, 44.4 to 47.2 h in the others; racks per day 18.80 in it, 19.85 "
        "to 20.05 in the others. In that run 1.2 % of the operations end in “damage”, about 7 in "
        "a rack that has any. None was seen in 160 operations; up to 3.6 % is compatible with "
        "that, and whether they come singly or a rack at a time is open."
    ]
    (singly,) = said(replace(lead, in_a_rack=1.2))
    assert singly.startswith("One of the 30 runs of the line makes this interval more")
    assert singly.endswith("None was seen in 160 operations; up to 3.6 % is compatible with that.")
    steps = next_steps(small_plan, replace(found, lone=(lead,)))
    assert steps[-1].startswith("Run the line more often")


NEED = EpisodeNeed(DAMAGE, 0.004, "the cell has no time left at takt", 0.03, 1201, 90.0)
OPEN = gate(RACKS, (0.99, 1.0), {UPPER: (0.9, 0.95)})
VOID = "push: 5.0% of the operations are void, 1% is the most allowed"
MORE_RACKS = "Run more operations: raise --racks, now 40."
STEPS: dict[str, tuple[tuple[GateResult, ...], dict[str, Any], dict[str, Any], list[str]]] = {
    "it holds": (
        (gate(RACKS, (0.99, 1.0)),),
        {"counts": {}},
        {"found": Try(1, 2, Answer.HOLDS, "")},
        [
            f"With push: cells 1, technicians 2, people 26 ({M}3 against today). Check the "
            "assumptions that move it first: “What if”."
        ],
    ),
    "it fails": (
        SLOW,
        {"counts": {}},
        {},
        [
            "More episodes will not turn this: what fails lies beyond its limit with its whole "
            "interval. Change the policy, the station or the number of cells."
        ],
    ),
    "a rare outcome has a price": (
        (OPEN,),
        {"counts": {}},
        {"needs": (NEED, replace(NEED, outcome=ESCAPED, episodes=9999))},
        [
            "Run at least 1,201 operations a policy (about 1.5 h for both on this machine): "
            "--racks 301, now 40. If none of them ends in “damage”, its rate is then known to be "
            "below 0.40 %, about where the cell has no time left at takt; a clear answer may take "
            "more."
        ],
    ),
    "what a yield left open hangs on has a price": (
        (gate(YIELD, (-0.04, 0.04)),),
        {"counts": {DAMAGE: 3}},
        {"needs": (NEED, replace(NEED, outcome=ESCAPED, episodes=1604, minutes=None))},
        [
            "Run at least 1,604 operations a policy: --racks 401, now 40. If none of them ends in "
            "“escaped”, its rate is then known to be below 0.40 %, about where the cell has no "
            "time left at takt; a clear answer may take more."
        ],
    ),
    "what was seen has no such price": (
        (gate(RACKS, (0.97, 1.0)),),
        {"counts": {DAMAGE: 3}},
        {"needs": (NEED,)},
        [MORE_RACKS],
    ),
    "a rare outcome without one": ((OPEN,), {"counts": {}}, {}, [MORE_RACKS]),
    "few events": (
        (gate(USE, (0.85, 0.9), {LOWER: (0.3, 0.4)}),),
        {"counts": {DAMAGE: 1}},
        {},
        [MORE_RACKS],
    ),
    "few runs": (
        (gate(RACKS, (0.97, 1.0), episodes=0.1),),
        {"counts": {}},
        {},
        ["Run the line more often: line_runs.replications.verdict, now 8."],
    ),
    "few episodes and few runs": (
        (gate(RACKS, (0.97, 1.0), episodes=0.1), gate(USE, (0.7, 0.9))),
        {"counts": {}},
        {},
        [MORE_RACKS, "Run the line more often: line_runs.replications.verdict, now 8."],
    ),
    "void operations": (
        (gate(RACKS, (0.97, 1.0), blockers=[VOID]),),
        {"counts": {OutcomeClass.VOID: 8}},
        {},
        [
            "Void operations prove nothing, and more of them do not help: the station's physics "
            "needs a finer rate or stiffer contact first (rackline converge)."
        ],
    ),
}


@pytest.mark.parametrize("situation", STEPS)
def test_what_to_do_next(situation: str, small_plan: Plan) -> None:
    gates, made, more, sentences = STEPS[situation]
    found = evaluation(small_plan, gates, campaign(small_plan, **made), **more)
    assert next_steps(small_plan, found) == sentences


def test_a_campaign_of_too_few_racks_is_told_how_many(small_plan: Plan) -> None:
    spec = small_plan.spec.campaign.model_copy(update={"racks": 10})
    plan = replace(small_plan, spec=small_plan.spec.model_copy(update={"campaign": spec}))
    result = gate(RACKS, (0.97, 1.0), blockers=["push: 10 racks recorded, 30 are needed"])
    found = evaluation(plan, (result,), campaign(plan, {}, racks=10))
    assert next_steps(plan, found) == [
        "Record at least 30 racks a policy: --racks 30 or more, now 10."
    ]
