"""Numbers and names as people read them: units, signs, intervals, percent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from envs.outcome import OutcomeClass
from twin.evaluation.before import EpisodeNeed
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer, GateResult
from twin.kpi.intervals import Interval

NONE: Final = "–"  # noqa: RUF001 - a typographic dash
MINUS: Final = "−"  # noqa: RUF001 - a typographic minus


@dataclass(frozen=True)
class Format:
    """How a KPI is shown: its value times ``factor``, so many decimals, and a unit."""

    factor: float
    decimals: int
    unit: str
    unit_of_difference: str


_PERCENT = Format(100.0, 1, "%", "points")
_FORMATS: Final = {
    "racks_per_day": Format(1.0, 2, "racks/day", "racks/day"),
    "lead_time_mean_h": Format(1.0, 1, "h", "h"),
    "lead_time_p95_h": Format(1.0, 1, "h", "h"),
    "wip_mean": Format(1.0, 1, "racks", "racks"),
    "rack_first_pass": _PERCENT,
    "rolled_throughput_yield": _PERCENT,
    "technician_use": _PERCENT,
    "bench_use": _PERCENT,
    "power_mean_kw": Format(0.001, 2, "MW", "MW"),
    "people": Format(1.0, 0, "people", "people"),
    "racks_per_person_hour": Format(1.0, 4, "", ""),
    "assists_per_1000": Format(1.0, 1, "", ""),
    "damages_per_1000": Format(1.0, 1, "", ""),
    "escapes_per_1000": Format(1.0, 2, "", ""),
    "escapes_shipped_per_rack": Format(1.0, 4, "per rack", "per rack"),
}


def short_name(name: str) -> str:
    """Return a policy's name without its kind and version, for table heads."""
    return name.rpartition("/")[2].partition("@")[0]


def format_of(kpi: str) -> Format:
    """Return how a KPI is shown; three significant digits are the default."""
    if kpi in _FORMATS:
        return _FORMATS[kpi]
    return Format(1.0, 3, LINE_KPIS[kpi].unit, LINE_KPIS[kpi].unit)


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """Return a number with grouped digits and a typographic minus; a dash for what is not known."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def given(value: float, *, signed: bool = False) -> str:
    """Return a number that somebody chose as they wrote it: all its digits, none of arithmetic's.

    A limit of 0.985 as a ratio is -1.5 %, neither -2 % nor -1.5000000000000013 %.
    """
    text = f"{value:{'+' if signed else ''},.12g}"
    return "0" if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def value(kpi: str, estimate: float) -> str:
    """Return a KPI's value without its unit."""
    shown = format_of(kpi)
    return number(shown.factor * estimate, shown.decimals)


def difference(kpi: str, estimate: float) -> str:
    """Return a difference of a KPI, signed, without its unit."""
    shown = format_of(kpi)
    return number(shown.factor * estimate, shown.decimals, signed=True)


def span(kpi: str, interval: Interval, *, signed: bool = False) -> str:
    """Return the two ends of a KPI's interval: ``"46.4 to 47.2"``."""
    shown = format_of(kpi)
    low, high = (
        number(shown.factor * end, shown.decimals, signed=signed)
        for end in (interval.low, interval.high)
    )
    return NONE if NONE in (low, high) else f"{low} to {high}"


def possible(kpi: str, interval: Interval) -> Interval:
    """Return an interval without what cannot be: symmetric ones may overshoot 0 or 100 %."""
    most = 1.0 if format_of(kpi).unit == "%" else math.inf
    return Interval(interval.estimate, max(0.0, interval.low), min(most, interval.high))


def percent(share: float, decimals: int = 1) -> str:
    """Return a share in percent; small ones keep two significant digits, and 100 % is all."""
    if not math.isfinite(share):
        return NONE
    if 0 < abs(share) < 0.001:
        return f"{100 * share:.2g} %"
    if 0.999 < share < 1:
        return f"{number(min(100 * share, 99.99), 2)} %"
    return f"{number(100 * share, decimals)} %"


def share_span(interval: Interval) -> str:
    """Return a share's interval in percent."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def duration(seconds: float) -> str:
    """Return a duration in the unit people would choose."""
    for limit, factor, unit in ((90.0, 1.0, "s"), (5400.0, 60.0, "min"), (172_800.0, 3600.0, "h")):
        if abs(seconds) < limit:
            return f"{number(seconds / factor, 1).removesuffix('.0')} {unit}"
    return f"{number(seconds / 86_400.0, 1).removesuffix('.0')} days"


def minutes(value_min: float | None) -> str:
    """Return wall-clock minutes, in hours where they are many; a dash where not measured."""
    if value_min is None or not math.isfinite(value_min):
        return NONE
    if value_min < 1:
        return "less than a minute"
    return duration(60 * value_min)


def listed(parts: Sequence[str]) -> str:
    """Return parts of a sentence as one: ``"a, b and c"``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def answer_word(answer: Answer) -> str:
    """Return an answer as one word for people."""
    return {Answer.HOLDS: "holds", Answer.FAILS: "fails", Answer.INCONCLUSIVE: "not decided"}[
        answer
    ]


def gate_limit(result: GateResult) -> str:
    """Return a gate's limit for people: ``"at most 10 % above staffed"``."""
    gate = result.gate
    side = "at least" if gate.at_least is not None else "at most"
    if gate.against == "reference ratio":
        change = round(100 * (gate.limit - 1), 12)
        return f"{side} staffed {given(change, signed=True)} %"
    shown = format_of(gate.kpi)
    if gate.against == "reference difference":
        change = round(shown.factor * gate.limit, 12)
        unit = shown.unit_of_difference
        unit = unit.removesuffix("s") if unit == "points" and abs(change) == 1 else unit
        return f"{side} staffed {given(change, signed=True)} {unit}"
    return f"{side} {given(shown.factor * gate.limit)} {shown.unit}".strip()


def gate_measured(result: GateResult, interval: Interval) -> tuple[str, str]:
    """Return estimate and interval of what a gate holds against its limit."""
    gate = result.gate
    if gate.against == "reference ratio":
        low, mid, high = (
            number(100 * (end - 1), 1, signed=True)
            for end in (interval.low, interval.estimate, interval.high)
        )
        return f"{mid} %", NONE if NONE in (low, high) else f"{low} to {high} %"
    shown = format_of(gate.kpi)
    signed = gate.against == "reference difference"
    unit = shown.unit_of_difference if signed else shown.unit
    middle = number(shown.factor * interval.estimate, shown.decimals, signed=signed)
    ends = span(gate.kpi, interval if signed else possible(gate.kpi, interval), signed=signed)
    return f"{middle} {unit}".strip(), f"{ends} {unit}".strip()


def in_sentence(kpi: str) -> str:
    """Return a KPI's name as it stands within a sentence."""
    special = {
        "lead_time_mean_h": "the mean lead time",
        "lead_time_p95_h": "the 95th percentile of the lead time",
        "wip_mean": "the work in progress",
    }
    title = LINE_KPIS[kpi].title
    return special.get(kpi, title[0].lower() + title[1:])


def gate_sentence(result: GateResult) -> str:
    """Return what a gate measured against its limit: ``"lead time, mean +3.1 % (limit …)"``."""
    measured, interval = gate_measured(result, result.measured.interval)
    name = in_sentence(result.gate.kpi)
    return f"{name} {measured} (95 %: {interval}; must be {gate_limit(result)})"


_EVENTS: Final = {
    OutcomeClass.DAMAGE: "a damaged part",
    OutcomeClass.ESCAPED: "a part that is not seated and that nobody noticed",
}


def need_sentence(need: EpisodeNeed, episodes: int) -> str:
    """Return what a rare outcome takes, in one sentence."""
    bearable, shown = percent(need.bearable, 2), percent(need.shown, 2)
    text = (
        f"The line can bear {_EVENTS[need.outcome]} in at most about {bearable} of the operations "
        f"before {need.limit}. {episodes} operations without one would show “below {shown}”"
    )
    if need.shown <= need.bearable:
        return f"{text}: enough for that, on average."
    cost = "" if need.minutes is None else f" (about {minutes(need.minutes)} on this machine)"
    return f"{text}: not enough. It would take at least {need.episodes:,} a policy{cost}."
