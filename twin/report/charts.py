"""The report's charts of the line, each a pure function from results to SVG text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from twin.evaluation.result import KpiRow, LineCharts, Tornado
from twin.evaluation.words import format_of, in_sentence
from twin.line.process import State
from twin.report.style import (
    GRID,
    INK,
    LINE_COLOURS,
    MUTED,
    STATE_COLOURS,
    WIDTH,
    as_svg,
    colour_legend,
    drawing,
    figure,
)


def time_by_state(lines: Sequence[LineCharts]) -> str:
    """Return stacked bars of every station's time by state, one panel a line."""
    with drawing("time-by-state"):
        stations = list(lines[0].states)
        drawn = figure(WIDTH, 0.27 * len(stations) + 1.2)
        panels = drawn.subplots(1, len(lines), sharey=True)
        rows = np.arange(len(stations))
        for panel, line in zip(panels, lines, strict=True):
            left = np.zeros(len(stations))
            for state in STATE_COLOURS:
                shares = np.array([line.states[id_][state.value] for id_ in stations])
                if shares.max() <= 0:
                    continue
                panel.barh(rows, shares, left=left, color=STATE_COLOURS[state], height=0.76)
                left += shares
            panel.set_title(line.label)
            panel.set_xlim(0, 1)
            panel.set_xticks([0, 0.25, 0.5, 0.75])  # 100 % would run into the next panel's 0 %
            panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            panel.tick_params(length=0)
            panel.spines[:].set_visible(False)
        panels[0].set_yticks(rows, stations)
        panels[0].invert_yaxis()
        used = [s for s in STATE_COLOURS if any(_share(line, s) > 0 for line in lines)]
        colour_legend(drawn, {state.value: STATE_COLOURS[state] for state in used})
        return as_svg(drawn, "Share of each station's time by state, for the three lines")


def over_time(lines: Sequence[LineCharts], warmup_days: float) -> str:
    """Return racks shipped a day and racks in the line, day by day."""
    with drawing("over-time"):
        drawn = figure(WIDTH, 5.4)
        top, bottom = drawn.subplots(2, 1, sharex=True)
        for line, colour in zip(lines, LINE_COLOURS, strict=True):
            mean = [day[0] for day in line.shipped]
            top.plot(line.day, mean, color=colour, linewidth=1.5, label=line.label)
            _band(bottom, line.day, line.wip, colour, line.label)
        for panel in (top, bottom):
            panel.axvspan(0, warmup_days, color=GRID, alpha=0.6, linewidth=0)
            panel.grid(axis="y")
            panel.set_ylim(bottom=0)
            panel.margins(x=0)
        top.set_title("Racks shipped a day")
        top.text(warmup_days / 2, 0.4, "warm-up", ha="center", color=MUTED, fontsize=8.5)
        bottom.set_title("Racks in the line (work in progress)")
        bottom.set_xlabel("days since the empty line was started")
        top.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
        return as_svg(drawn, "Racks shipped a day and racks in the line over time")


def lead_times(lines: Sequence[LineCharts]) -> str:
    """Return the distribution of lead times as the share of racks shipped within so many hours."""
    with drawing("lead-times"):
        drawn = figure(WIDTH, 3.0)
        panel = drawn.subplots()
        ends = [float(np.quantile(line.lead_h, 0.995)) for line in lines if line.lead_h]
        # A line that does not settle has no end, and one that is stuck ships nothing at all.
        highest = min(max(ends), 3 * ends[0]) if ends else 1.0
        for line, colour in zip(lines, LINE_COLOURS, strict=True):
            share = (np.arange(len(line.lead_h)) + 1) / max(1, len(line.lead_h))
            label = line.label + _beyond(line, highest)
            panel.plot(line.lead_h, share, color=colour, label=label, linewidth=1.8)
        panel.axhline(0.95, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        panel.text(highest, 0.94, "95 % of racks ", color=MUTED, fontsize=8.5, ha="right", va="top")
        panel.set_xlim(0, highest)
        panel.set_ylim(0, 1.02)
        panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.set_xlabel("lead time, hours from pushed in to shipped")
        panel.set_title("Share of racks shipped within so many hours")
        panel.grid()
        panel.legend(loc="center right")
        return as_svg(drawn, "Distribution of lead times of the three lines")


def tornado_bars(tornado: Tornado) -> str:
    """Return the tornado: a KPI against staffed from the low to the high end of each input."""
    with drawing("tornado"):
        drawn = figure(WIDTH, 0.52 * len(tornado.bars) + 1.1)
        panel = drawn.subplots()
        shown, name = format_of(tornado.kpi), in_sentence(tornado.kpi).removeprefix("the ")
        scale, unit = shown.factor, shown.unit_of_difference
        base = scale * tornado.base.estimate
        for row, bar in enumerate(tornado.bars):
            ends = ((bar.at_low, bar.low, "#8fb8dc"), (bar.at_high, bar.high, "#2d6da3"))
            for end, _, colour in ends:
                panel.barh(row, scale * end.estimate - base, left=base, height=0.56, color=colour)
                reach = [scale * end.low, scale * end.high]
                panel.plot(reach, [row, row], color=INK, linewidth=0.9, alpha=0.55)
            left, right = sorted(ends, key=lambda entry: entry[0].estimate)
            least = scale * min(end.low for end, _, _ in ends)
            most = scale * max(end.high for end, _, _ in ends)
            for at, text, side, shift in (
                (least, left[1], "right", -5),
                (most, right[1], "left", 5),
            ):
                panel.annotate(
                    text,
                    (at, row),
                    (shift, 0),
                    textcoords="offset points",
                    ha=side,
                    va="center",
                    fontsize=8.5,
                    color=MUTED,
                )
        panel.axvline(base, color=INK, linewidth=1)
        panel.set_yticks(
            range(len(tornado.bars)), [f"{bar.says}\nnow {bar.now}" for bar in tornado.bars]
        )
        panel.invert_yaxis()
        panel.margins(x=0.16)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        panel.spines["left"].set_visible(False)
        panel.set_xlabel(f"{name}, with cells minus staffed ({unit}); thin lines: 95 %")
        return as_svg(drawn, f"Effect of each assumed input on {in_sentence(tornado.kpi)}")


def doubt(rows: Sequence[KpiRow], letters: Sequence[str], labels: Sequence[str]) -> str:
    """Return how much of each interval's variance comes from episodes and from the line."""
    with drawing("doubt"):
        drawn = figure(WIDTH, 0.3 * len(rows) * len(letters) + 1.1)
        panel = drawn.subplots()
        names: list[str] = []
        for row in rows:
            for letter, label in zip(letters, labels, strict=True):
                found = row.differences[letter]
                total = found.variance_episodes + found.variance_line
                share = found.variance_episodes / total if total > 0 else math.nan
                at = len(names)
                panel.barh(at, share, color="#2d6da3", height=0.62)
                panel.barh(at, 1 - share, left=share, color="#c9d3dd", height=0.62)
                names.append(f"{row.kpi.title}, {label}")
        panel.set_yticks(range(len(names)), names)
        panel.invert_yaxis()
        panel.set_xlim(0, 1)
        panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        colour_legend(
            drawn,
            {"too few episodes (physics)": "#2d6da3", "too few line replications": "#c9d3dd"},
        )
        return as_svg(drawn, "Where the doubt about each difference comes from")


def _beyond(line: LineCharts, highest: float) -> str:
    """Say of a line what its curve cannot show: lead times that mostly lie beyond the scale."""
    if not line.lead_h:
        return ": ships nothing"
    middle = float(np.median(line.lead_h))
    return f": beyond the scale, half take over {middle:,.0f} h" if middle > highest else ""


def _share(line: LineCharts, state: State) -> float:
    return max(shares[state.value] for shares in line.states.values())


def _band(
    panel: Axes,
    day: Sequence[float],
    band: Sequence[tuple[float, float, float]],
    colour: str,
    label: str,
) -> None:
    mean, low, high = np.array(band).T
    panel.fill_between(day, low, high, color=colour, alpha=0.13, linewidth=0)
    panel.plot(day, mean, color=colour, linewidth=1.7, label=label)
