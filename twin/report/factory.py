"""report.html and report.md of a factory question: pure functions of what was found."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from markupsafe import Markup

from configs.specs.base import spec_hash
from twin.evaluation.words import answer_word, duration
from twin.factory.plan import FactoryPlan
from twin.factory.result import Factory
from twin.report import charts, episode_charts
from twin.report import factory_tables as tables
from twin.report import factory_words as words
from twin.report.factory_assumptions import rests_on, tornado_base
from twin.report.factory_phrases import cells_text, size_text, technicians_text
from twin.report.html import templates
from twin.report.style import CLASS_COLOURS
from twin.report.tables import outcome_table


def write_factory_reports(plan: FactoryPlan, found: Factory, out: Path, command: str) -> Path:
    """Write report.html and report.md into ``out``; return the HTML's path.

    Args:
        plan: the question.
        found: what was found.
        out: the run folder.
        command: the command that made it.
    """
    environment, content = templates(), _content(plan, found, command)
    css = environment.get_template("report.css").render()
    named = [replace(campaign, name=campaign.letter) for campaign in found.episodes]
    drawn = {"outcomes": episode_charts.outcome_bars(named)}
    if found.tornado:
        drawn["tornado"] = charts.tornado_bars(found.tornado)
    page = out / "report.html"
    html = environment.get_template("factory.html.j2").render(
        css=Markup(css), svg={name: Markup(text) for name, text in drawn.items()}, **content
    )
    page.write_text(html, encoding="utf-8")
    text = environment.get_template("factory.md.j2").render(**content)
    (out / "report.md").write_text(text, encoding="utf-8")
    return page


def _content(plan: FactoryPlan, found: Factory, command: str) -> dict[str, Any]:
    runs, tornado = plan.spec.line_runs, found.tornado
    return {
        "plan": plan,
        "spec": plan.spec,
        "found": found,
        "command": command,
        "banner": words.banner(plan, found),
        "sentences": words.sentences(plan, found),
        "table": tables.table(plan, found),
        "quick": words.quick_look(plan),
        "needs": [
            {
                "title": row.title,
                "tried": [
                    f"{size_text(one.size)}, {technicians_text(one.size)}: "
                    f"{answer_word(one.answer)} ({one.why})"
                    for one in row.need.tried
                ],
            }
            for row in found.rows
            if row.need
        ],
        "buys_heads": tables.buys_heads(found),
        "buys_rows": tables.buys_rows(found),
        "buys_size": cells_text(found.buys.size),
        "seconds": tables.seconds_rows(found),
        "outcomes": outcome_table(found.episodes),
        "colours": CLASS_COLOURS,
        "flips": []
        if tornado is None
        else [f"{bar.says}: {flip}" for bar in tornado.bars for flip in bar.flips],
        "tornado_base": tornado_base(found),
        "physics": rests_on(plan, found),
        "assumptions": list(tables.assumptions(plan)),
        "horizon": duration(runs.horizon_s),
        "warmup": duration(runs.warmup_s),
        "version": metadata.version("rackline"),
        "hash": spec_hash(plan.spec),
    }
