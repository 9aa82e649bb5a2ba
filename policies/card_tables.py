"""The tables of a policy's card: a row of figures a campaign, part by part, station by station."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from envs.outcome import OutcomeClass
from envs.registry import station
from policies.card_bars import difference, in_words, percentile_ratio
from policies.card_study import Found, Study, elsewhere_name
from policies.intervals import clopper_pearson_upper, paired_ratio, wilson
from policies.records import EpisodeRecord

HEAD: Final = (
    "| policy | episodes | success % [95 %] | assisted % | detected % | escaped % "
    "| damage % (at most) | void % | contact s mean / p95 | cycle s mean / p95 | lateral N p95 "
    "| axial N p95 |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def line(name: str, records: Sequence[EpisodeRecord]) -> str:
    """Return the row of a campaign, under `HEAD`."""
    n = len(records)
    success = wilson(sum(r.success for r in records), n)
    count = {o: sum(r.outcome is o for r in records) for o in OutcomeClass}
    damage = count[OutcomeClass.DAMAGE]

    def percent(outcome: OutcomeClass) -> str:
        return f"{100 * count[outcome] / n:.2f}"

    def spread(values: list[float]) -> str:
        return f"{np.mean(values):.2f} / {np.percentile(values, 95):.2f}"

    def high(values: list[float]) -> str:
        return f"{np.percentile(values, 95):.1f}"

    return (
        f"| {name} | {n:,} | {100 * success.estimate:.2f} [{100 * success.low:.2f}, "
        f"{100 * success.high:.2f}] | {percent(OutcomeClass.ASSISTED)} "
        f"| {percent(OutcomeClass.DETECTED)} | {percent(OutcomeClass.ESCAPED)} "
        f"| {100 * damage / n:.2f} ({100 * clopper_pearson_upper(damage, n):.2f}) "
        f"| {percent(OutcomeClass.VOID)} "
        f"| {spread([r.contact_time_s for r in records])} "
        f"| {spread([r.cycle_time_s for r in records])} "
        f"| {high([r.max_windowed_force_n for r in records])} "
        f"| {high([r.max_windowed_axial_n for r in records])} |"
    )


def by_part(study: Study, found: Found) -> list[str]:
    """Return policy and best script part by part, where a station has several."""
    parts = list(station(study.env_id).spec.parts)
    if len(parts) < 2:
        return []
    rows = []
    for part in parts:
        for name in ("policy", found.script):
            of = [r for r in found.records[name] if r.part == part]
            if of:
                rows.append(line(f"{part}, {name}", of))
    return ["## Part by part", "", HEAD, *rows, ""]


def tiers(study: Study, found: Found) -> list[str]:
    """Return where another station differs on the same operations.

    They are the same where seeds draw the same: of equal slots, parts and data of the setting.
    """
    here, lines = station(study.env_id).spec, []
    for env_id in study.trial.stations:
        there = station(env_id).spec
        drawn = [(at.slots, at.parts, at.settings[study.setting]) for at in (here, there)]
        if drawn[0] != drawn[1]:
            continue
        lines += [
            "",
            f"## The same operations at {env_id} and here",
            "",
            f"Seed by seed, {env_id} less {study.env_id} (95 % intervals).",
            "",
            "| policy | episodes | success differs | success | contact time, ratio "
            "| p95 lateral force, ratio | mean axial force, ratio |",
            "|---|---|---|---|---|---|---|",
            *(
                _compared(name, found.records[elsewhere_name(env_id, name)], found.records[name])
                for name in ("policy", found.script)
            ),
        ]
    return lines


def _compared(name: str, there: Sequence[EpisodeRecord], here: Sequence[EpisodeRecord]) -> str:
    """Return a row of what differs between two stations, on the operations of the first."""
    here = here[: len(there)]
    flips = sum(a.success != b.success for a, b in zip(there, here, strict=True))
    gained, _ = difference([float(r.success) for r in there], [float(r.success) for r in here])
    time = paired_ratio([r.contact_time_s for r in there], [r.contact_time_s for r in here])
    side = percentile_ratio(
        [r.max_windowed_force_n for r in there], [r.max_windowed_force_n for r in here]
    )
    axial = paired_ratio(
        [r.max_windowed_axial_n for r in there], [r.max_windowed_axial_n for r in here]
    )
    return (
        f"| {name} | {len(there):,} | {flips} | {gained} | {in_words(time)} | {in_words(side)} "
        f"| {in_words(axial)} |"
    )
