"""What the report says of the one run of the line that an interval rests on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from twin.evaluation.lone import LoneRun
from twin.evaluation.result import Evaluation, PolicyEpisodes, PolicyVerdict
from twin.evaluation.words import format_of, in_sentence, number, percent, value

_TOGETHER = 2.0  # in a rack that has any: from here on they come together, not singly


def lone_sentences(
    found: Evaluation, policy: PolicyVerdict, campaign: PolicyEpisodes
) -> Iterator[str]:
    """Yield one sentence for each run that intervals of a policy's gates rest on."""
    mine = sorted((one for one in found.lone if one.letter == policy.letter), key=lambda o: o.run)
    for _, group in groupby(mine, key=lambda one: (one.run, one.outcome)):
        yield _sentence(list(group), campaign)


def _sentence(same: list[LoneRun], campaign: PolicyEpisodes) -> str:
    first, operations = same[0], campaign.operations - campaign.void
    seen = campaign.classes[first.outcome]
    bound = seen.share.high if seen.bound is None else seen.bound
    together = first.in_a_rack >= _TOGETHER
    rate = f"{percent(first.rate)} of the operations end in “{first.outcome}”"
    rate += f", about {number(first.in_a_rack, 0)} in a rack that has any" if together else ""
    most = f"up to {percent(bound)} is compatible with that"
    most += ", and whether they come singly or a rack at a time is open" if together else ""
    return (
        f"One of the {first.runs} runs of the line makes {'these' if same[1:] else 'this'} "
        f"interval{'s' if same[1:] else ''} more than twice as wide: "
        f"{'; '.join(_values(one) for one in same)}. In that run {rate}. "
        f"{seen.count or 'None'} was seen in {operations:,} operations; {most}."
    )


def _values(one: LoneRun) -> str:
    unit = format_of(one.kpi).unit
    unit = f" {unit}" if unit in ("h", "%") else ""
    low, high = (value(one.kpi, end) for end in one.others)
    return (
        f"{in_sentence(one.kpi)} {value(one.kpi, one.value)}{unit} in it, {low} to {high}{unit} "
        f"in the others"
    )
