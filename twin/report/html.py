"""report.html (one file that opens offline) and report.md: pure functions of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policies.catalogue import policy_title
from policies.recording_campaign import ORDER
from twin.evaluation.plan import LETTERS, Plan
from twin.evaluation.preflight import ASSUMED_RHO
from twin.evaluation.result import Evaluation
from twin.evaluation.words import (
    difference,
    duration,
    need_sentence,
    number,
    percent,
    share_span,
    short_name,
)
from twin.report import charts, episode_charts, first_screen, tables
from twin.report.prose import GLOSSARY, assumptions, shipped_sentence
from twin.report.reasons import next_steps, whys
from twin.report.style import CLASS_COLOURS

if TYPE_CHECKING:  # its pages take this package's colours
    from twin.replay.highlights import Shown

_DOUBT = ("racks_per_day", "rolled_throughput_yield", "lead_time_mean_h")


def html_report(plan: Plan, found: Evaluation, command: str, shown: Sequence[Shown] = ()) -> str:
    """Return the report as HTML.

    Args:
        plan: the evaluation.
        found: what it found.
        command: the command that made it, for the reader to repeat.
        shown: recorded episodes, whose pages lie beside the report; empty without recordings.
    """
    environment = templates()
    environment.filters |= {"percent": percent, "share_span": share_span}
    css = environment.get_template("report.css").render()
    page = environment.get_template("report.html.j2")
    return page.render(
        plan=plan,
        spec=plan.spec,
        row=plan.line.station(plan.spec.station),
        found=found,
        command=command,
        shown=shown,
        order=ORDER,
        colours=CLASS_COLOURS,
        css=Markup(css),
        svg={name: Markup(text) for name, text in _charts(plan, found).items()},
        **_tables(plan, found),
        **_sentences(plan, found),
    )


def markdown_report(plan: Plan, found: Evaluation, command: str) -> str:
    """Return the summary for CI as Markdown."""
    page = templates().get_template("report.md.j2")
    return page.render(
        plan=plan,
        spec=plan.spec,
        found=found,
        command=command,
        **_tables(plan, found),
        **_sentences(plan, found),
    )


def templates() -> Environment:
    """Return the environment of the report's templates: escaping, and no silent gaps."""
    return Environment(
        loader=PackageLoader("twin.report", "templates"),
        autoescape=lambda name: name is not None and "html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _charts(plan: Plan, found: Evaluation) -> dict[str, str]:
    lines = found.charts
    short = [short_name(plan.policy(letter)) for letter in LETTERS]
    doubt = [row for row in found.kpis if row.mode == "takt" and row.kpi.key in _DOUBT]
    drawn = {
        "gates": episode_charts.gate_plot(found.verdict.policies),
        "outcomes": episode_charts.outcome_bars(found.episodes),
        "times": episode_charts.time_and_force(found.episodes, plan.station.limits),
        "states": charts.time_by_state(lines),
        "over_time": charts.over_time(lines, plan.spec.line_runs.warmup_s / 86_400.0),
        "lead": charts.lead_times(lines),
        "doubt": charts.doubt(doubt, LETTERS, short),
    }
    if found.tornado:
        drawn["tornado"] = charts.tornado_bars(found.tornado)
    return drawn


def _tables(plan: Plan, found: Evaluation) -> dict[str, Any]:
    takt_min, pushed_min = plan.line.takt_s / 60, plan.spec.line_runs.saturated_takt_s / 60
    return {
        "banner": first_screen.banner(found),
        "summary": first_screen.summary(found),
        "cards": first_screen.cards(found),
        "does": {letter: policy_title(plan.policy(letter)) for letter in LETTERS},
        "cells": tables.cells_table(found),
        "kpi_blocks": tables.kpi_blocks(found.kpis, takt_min, pushed_min),
        "station_rows": tables.station_rows(found),
        "outcomes": tables.outcome_table(found.episodes),
        "perfect_rows": tables.perfect_rows(found),
        "assumptions": list(assumptions(plan)),
        "provenance": list(tables.provenance(plan, found, metadata.version("rackline"))),
        "glossary": GLOSSARY,
        "clearance": plan.station.settings[plan.spec.setting].clearance_m,
    }


def _sentences(plan: Plan, found: Evaluation) -> dict[str, Any]:
    before, runs, attach = found.preflight, plan.spec.line_runs, plan.spec.attach
    episodes = plan.spec.campaign.racks * plan.spec.campaign.parts_per_rack
    needs = [need_sentence(need, episodes) for need in before.needs]
    missing = [
        text for text, need in zip(needs, before.needs, strict=True) if need.shown > need.bearable
    ]
    return {
        "whys": {policy.letter: whys(plan, found, policy) for policy in found.verdict.policies},
        "next_steps": next_steps(plan, found),
        "preflight_sentences": [*before.sentences, *missing, found.physics],
        "need_sentences": needs,
        "horizon": duration(runs.horizon_s),
        "warmup": duration(runs.warmup_s),
        "marks": _marks(found),
        "unsettled": [line.label for line in found.charts if not line.settles],
        "tornado_base": ""
        if found.tornado is None
        else difference("lead_time_mean_h", found.tornado.base.estimate),
        "flips": []
        if found.tornado is None
        else [f"{bar.says}: {flip}" for bar in found.tornado.bars for flip in bar.flips],
        "reductions": tables.reductions(found),
        "shipped": shipped_sentence(plan),
        "perfect_visit": duration(before.perfect_visit_s),
        "bearable": duration(before.bearable_operation_s),
        "docking": duration(plan.spec.effects.handling_s),
        "cells_hold": "One cell holds" if attach.servers == 1 else f"{attach.servers} cells hold",
        "stops": "breakdowns and minor stops" if attach.minor_stops == "kept" else "breakdowns",
        "difference": f"{number(100 * before.difference, 0)} points",
        "rho": f"{ASSUMED_RHO:g}",
        "movers": ", ".join(
            f"{id_} {difference('racks_per_day', change.estimate)} racks/day"
            for id_, change in before.movers.items()
        ),
    }


def _marks(found: Evaluation) -> list[str]:
    """Say which intervals rest on few events, one sentence a policy."""
    marks = [blocker for policy in found.episodes for blocker in policy.blockers]
    for policy in found.episodes:
        rare = [
            f"{outcome.value} ({share.racks})"
            for outcome, share in policy.classes.items()
            if share.bound is not None
        ]
        if rare:
            marks.append(f"{policy.name}: {', '.join(rare)}")
    return marks
