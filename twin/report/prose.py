"""The report's fixed words: what outcomes mean, what is assumed, what terms stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from envs.outcome import OutcomeClass
from twin.evaluation.perfect import perfect_process
from twin.evaluation.plan import Plan
from twin.evaluation.words import duration, percent

OUTCOME_MEANINGS: Final[Mapping[OutcomeClass, str]] = {
    OutcomeClass.OK: "seated at the first attempt",
    OutcomeClass.RETRIED: "seated after backing off and trying again; costs its own time",
    OutcomeClass.ASSISTED: "stopped or out of time; the cell waits for a technician",
    OutcomeClass.DETECTED: "the cell's sensors said no; the cell waits for a technician",
    OutcomeClass.ESCAPED: "not seated and nobody noticed; found at a later test, rack repaired",
    OutcomeClass.DAMAGE: "part damaged; swapped from stock while the rack stays in the cell",
}

GLOSSARY: Final = (
    ("station, server", "a step of the line; a place there that works on one rack at a time"),
    ("staffed", "the line as it is today, with people at every station"),
    ("cell", "a server where a robot works without people; roaming technicians answer its calls"),
    ("takt", "the time between two racks pushed into the line"),
    ("saturated", "more racks are pushed in than the line can take: what ships is its capacity"),
    ("lead time", "from the moment a rack is pushed in to the moment it is shipped"),
    ("work in progress (WIP)", "racks pushed in and not yet shipped"),
    ("first pass yield", "share of racks that pass a test at the first attempt"),
    ("rolled throughput yield", "product of the first pass yields of all stations with a test"),
    ("blocked, starved", "done but no place behind to go to; ready but nothing to work on"),
    ("technician use", "share of the technicians' time spent at, or on the way to, a cell"),
    ("debug bench", "where a rack that failed a test is repaired; it keeps its server meanwhile"),
    ("part", "what the robot puts into the rack: a tray, a power shelf, a plug"),
    ("operation", "one part from cart to seated: pick, transit, align, insert, close, retract"),
    ("episode", "one operation simulated with its contact physics; no real robot was used"),
    ("contact time", "the part of it in which the policy acts: align and insert"),
    ("policy", "the program that moves the robot while the part is in contact"),
    ("perfect policy", "one that takes no time to insert and never errs: the bound of any policy"),
    ("95 % interval", "a range that would hold the true value in 95 of 100 such evaluations"),
    ("gate", "a limit that the 95 % interval, not the mean, must keep"),
    (
        "upper bound of a rare outcome",
        "what was not seen in n independent operations may still happen in 3 of n (95 %)",
    ),
    ("common random numbers", "lines compared under the same luck, so that differences are theirs"),
    ("replication", "one run of the simulated line with its own random numbers"),
    ("CV", "coefficient of variation: standard deviation over mean"),
    ("OEE", "overall equipment effectiveness: planned run time of good racks over planned time"),
)
"""Terms of the report, in the order a reader meets them."""


@dataclass(frozen=True)
class Assumption:
    """One thing the result rests on: what, how much, its tag, and where to change it."""

    what: str
    value: str
    tag: str
    where: str


def shipped_sentence(plan: Plan) -> str:
    """Say who finds every escaped defect by assumption: that none is shipped proves nothing."""
    ids = plan.line.ids
    behind = plan.line.stations[ids.index(plan.spec.station) + 1 :]
    sure = next((row.id for row in behind if row.finds_escapes >= 1), None)
    if sure is None:
        return ""
    return (
        f"That no escaped defect is shipped follows from an assumption: {sure} is assumed to find "
        f"every one that is still there."
    )


def assumptions(plan: Plan) -> Iterator[Assumption]:
    """Yield what the result rests on, effects of outcomes first."""
    spec, effects = plan.spec, plan.spec.effects
    for name, time in (("assist by", effects.assisted), ("correction by", effects.detected)):
        field = "assisted" if time is effects.assisted else "detected"
        yield Assumption(
            f"{name} a technician",
            f"{duration(time.mean_s)} on average, lognormal, CV {time.cv:g}",
            "A",
            f"effects.{field}",
        )
    who = "a roaming technician" if effects.damage.technician else "people of the line"
    yield Assumption(
        "swap of a damaged part from stock",
        f"{duration(effects.damage.mean_s)} by {who}, the rack stays in the cell",
        "A",
        "effects.damage",
    )
    yield Assumption(
        "docking, locating and undocking a rack",
        duration(effects.handling_s),
        "A",
        "effects.handling",
    )
    technicians = plan.line.technicians
    yield Assumption(
        "roaming technicians",
        f"{technicians.count}, there {duration(technicians.response_s)} after a call",
        "A",
        "line: technicians",
    )
    yield Assumption(
        "planned run time of a rack at the cell, for effectiveness and OEE",
        f"{duration(perfect_process(plan.station, effects).visit_s)}, as with the perfect policy",
        "A",
        "follows from the station and effects.handling",
    )
    if spec.verdict == "any":
        yield Assumption(
            "two policies are judged and one that holds is enough",
            "each has a chance of at most 2.5 % to pass wrongly, so that the chance of a wrong yes "
            "is up to 5 % if neither should pass; the limits are not tightened for it",
            "K",
            "verdict",
        )
    yield from _of_the_line(plan)
    kept = spec.attach.minor_stops == "kept"
    yield Assumption(
        f"minor stops of {spec.station} in the table",
        "kept beside the cell's own" if kept else "were jams of these operations: left out",
        "A",
        "attach.minor_stops",
    )
    yield Assumption(
        "the station: sizes, tolerances, errors, limits, speeds",
        f"setting “{spec.setting}” of {spec.env}",
        "A",
        "station file; sourced numbers say so there",
    )


def _of_the_line(plan: Plan) -> Iterator[Assumption]:
    station = plan.spec.station
    yield Assumption(
        f"line {plan.line.name}: times, stops, yields, crews",
        "a plausible line, not a measured one",
        "A",
        "line file; sourced numbers say so there",
    )
    for row in plan.line.stations:
        if row.finds_escapes > 0:
            yield Assumption(
                f"an escaped defect is found at {row.id}",
                f"with probability {row.finds_escapes:g}, if still there",
                "A",
                f"line: {row.id}.finds_escapes",
            )
        if station in row.yield_sources:
            yield Assumption(
                f"share of the racks failing at {row.id} because of {station}'s people",
                f"{percent(row.yield_sources[station], 0)}: the cell's own escapes replace it",
                "A",
                f"line: {row.id}.yield_sources",
            )
