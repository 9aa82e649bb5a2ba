"""The report's charts of the physical episodes and of the gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from configs.specs.station import Limits
from twin.evaluation.result import PolicyEpisodes, PolicyVerdict
from twin.evaluation.words import percent, possible
from twin.kpi.definitions import LINE_KPIS
from twin.kpi.gates import Answer
from twin.report.style import (
    ANSWER_COLOURS,
    CLASS_COLOURS,
    INK,
    LINE_COLOURS,
    MUTED,
    WIDTH,
    as_svg,
    colour_legend,
    drawing,
    figure,
)


def outcome_bars(policies: Sequence[PolicyEpisodes]) -> str:
    """Return one stacked bar of outcome classes a policy."""
    with drawing("outcomes"):
        drawn = figure(WIDTH, 0.62 * len(policies) + 0.9)
        panel = drawn.subplots()
        for row, policy in enumerate(policies):
            left = 0.0
            for outcome, colour in CLASS_COLOURS.items():
                share = policy.classes[outcome].share.estimate
                panel.barh(row, share, left=left, color=colour, height=0.62)
                if share >= 0.035:
                    dark = outcome.value in ("retried", "assisted")
                    panel.text(
                        left + share / 2,
                        row,
                        percent(share),
                        ha="center",
                        va="center",
                        fontsize=9,
                        color=INK if dark else "white",
                    )
                left += share
        panel.set_yticks(range(len(policies)), [policy.name for policy in policies])
        panel.invert_yaxis()
        panel.set_xlim(0, 1)
        panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        colour_legend(drawn, {c.value: colour for c, colour in CLASS_COLOURS.items()})
        return as_svg(drawn, "Share of operations by outcome class, for each policy")


def time_and_force(policies: Sequence[PolicyEpisodes], limits: Limits) -> str:
    """Return distributions of cycle time, contact time and windowed forces, with their limits."""
    with drawing("time-and-force"):
        drawn = figure(WIDTH, 5.2)
        ((cycle, contact), (lateral, axial)) = drawn.subplots(2, 2)
        for policy, colour in zip(policies, LINE_COLOURS[1:], strict=True):
            _distribution(cycle, policy.cycle_s, colour, policy.name)
            _distribution(contact, policy.contact_s, colour, policy.name)
            _distribution(lateral, policy.lateral_n, colour, policy.name)
            _distribution(axial, policy.axial_n, colour, policy.name)
        _finish(cycle, "Robot cycle, pick to retract", "seconds", None)
        _finish(contact, "Align and insert", "seconds", limits.time_limit_s)
        _finish(lateral, "Largest side force of an operation", "newtons", limits.lateral_damage_n)
        _finish(axial, "Largest axial force before the levers", "newtons", limits.axial_damage_n)
        cycle.legend(loc="upper left")
        return as_svg(drawn, "Distributions of times and forces, for each policy")


def gate_plot(policies: Sequence[PolicyVerdict]) -> str:
    """Return every gate's intervals against its limit; each gate has its own scale."""
    with drawing("gates"):
        gates = [result.gate for result in policies[0].gates]
        drawn = figure(WIDTH, 1.12 * len(gates) + 0.3)
        panels = drawn.subplots(len(gates), 1, squeeze=False)[:, 0]
        for index, (panel, gate) in enumerate(zip(panels, gates, strict=True)):
            factor, unit = _scale(gate.kpi, gate.against)
            offset = 1.0 if gate.against == "reference ratio" else 0.0
            limit = factor * (gate.limit - offset)
            ends = [limit]
            for row, policy in enumerate(policies):
                result = policy.gates[index]
                interval = result.measured.interval
                if gate.against == "value":
                    interval = possible(gate.kpi, interval)
                colour = ANSWER_COLOURS[result.answer]
                low, mid, high = (
                    factor * (value - offset)
                    for value in (interval.low, interval.estimate, interval.high)
                )
                finite = np.isfinite([low, mid, high]).all()
                if finite:
                    panel.plot([low, high], [row, row], color=colour, linewidth=3, alpha=0.85)
                    panel.plot(mid, row, "o", color=colour, markersize=6)
                    ends += [low, high]
                for bound in result.at_bounds.values():
                    edge = bound.interval.low if gate.at_least is not None else bound.interval.high
                    worst = factor * (edge - offset)
                    if np.isfinite(worst):
                        panel.plot(worst, row, "|", color=colour, markersize=11, alpha=0.8)
                        ends.append(worst)
            low, high = min(ends), max(ends)
            pad = 0.08 * (high - low or abs(high) or 1.0)
            good = (limit, high + pad) if gate.at_least is not None else (low - pad, limit)
            panel.axvspan(*good, color=ANSWER_COLOURS[Answer.HOLDS], alpha=0.07)
            panel.axvline(limit, color=INK, linewidth=1.2)
            panel.set_xlim(low - pad, high + pad)
            panel.set_ylim(len(policies) - 0.4, -0.6)
            panel.set_yticks(range(len(policies)), [policy.name for policy in policies])
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
            panel.set_title(f"{LINE_KPIS[gate.kpi].title}{unit}")
        return as_svg(drawn, "Each gate's 95 % interval against its limit")


def _scale(kpi: str, against: str) -> tuple[float, str]:
    """Return factor and the words behind the title that say what the axis shows."""
    unit = LINE_KPIS[kpi].unit
    if against == "reference ratio":
        return 100.0, ": change against staffed, %"
    if against == "reference difference":
        return (
            (1.0, f": difference to staffed, {unit}")
            if unit
            else (100.0, ": difference to staffed, points")
        )
    return (1.0, f", {unit}") if unit else (100.0, ", %")


def _distribution(panel: Axes, values: Sequence[float], colour: str, label: str) -> None:
    share = (np.arange(len(values)) + 1) / max(1, len(values))
    panel.step(values, share, where="post", color=colour, linewidth=1.7, label=label)


def _finish(panel: Axes, title: str, unit: str, limit: float | None) -> None:
    panel.set_title(title)
    panel.set_xlabel(unit)
    panel.set_ylim(0, 1.02)
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid()
    if limit is not None:
        panel.axvline(limit, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        panel.text(limit, 0.03, " limit", color=MUTED, fontsize=8.5)
    panel.set_xlim(left=0)
