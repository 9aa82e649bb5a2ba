"""The reports of an evaluation: HTML for people, Markdown and JUnit XML for CI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin.evaluation.plan import Plan
from twin.evaluation.result import Evaluation
from twin.report.html import html_report, markdown_report
from twin.report.junit import junit_xml

if TYPE_CHECKING:  # its pages take this package's colours
    from twin.replay.highlights import Shown


def write_reports(
    plan: Plan,
    found: Evaluation,
    out: Path,
    command: str,
    *,
    allow_inconclusive: bool = False,
    shown: Sequence[Shown] = (),
) -> Path:
    """Write report.html, report.md and junit.xml into ``out``; return the HTML's path.

    Args:
        plan: the evaluation.
        found: what it found.
        out: the run folder.
        command: the command that made it.
        allow_inconclusive: a gate that is not decided is no failure in junit.xml.
        shown: recorded episodes, for the HTML; empty without recordings.
    """
    page = out / "report.html"
    page.write_text(html_report(plan, found, command, shown), encoding="utf-8")
    (out / "report.md").write_text(markdown_report(plan, found, command), encoding="utf-8")
    xml = junit_xml(plan, found, allow_inconclusive)
    (out / "junit.xml").write_text(xml, encoding="utf-8")
    return page
