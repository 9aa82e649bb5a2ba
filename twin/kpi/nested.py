"""The interval of a line KPI under two sources of doubt: few episodes, and a random line.

Replications share posterior draws in groups (twin replications of one draw). The spread between
groups holds both sources, the spread within a group only the line's: a one-way random-effects
analysis of variance takes them apart without a further run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from twin.kpi.intervals import CONFIDENCE, NOTHING_KNOWN, Interval, t_quantile

REPLICATIONS_A_DRAW = 2
"""Line replications that share one posterior draw: replication r uses draw r // 2."""


def draw_of(replication: int) -> int:
    """Return the number of the posterior draw that a replication uses."""
    return replication // REPLICATIONS_A_DRAW


@dataclass(frozen=True)
class NestedInterval:
    """A KPI's interval and where its doubt comes from.

    Attributes:
        interval: for the KPI that the true policy would have in the long run.
        variance_episodes: of the KPI's long-run value over the posterior (too few episodes).
        variance_line: of the mean over replications (too few of them); more replications
            shrink this one only.
        replications: number of values.
    """

    interval: Interval
    variance_episodes: float
    variance_line: float
    replications: int


def nested_interval(
    values: ArrayLike, draws: ArrayLike | None = None, confidence: float = CONFIDENCE
) -> NestedInterval:
    """Return the interval of a KPI, or of a paired difference of two, over replications.

    With G groups of equal size m, S² the variance of the group means and W the variance within:
    the long-run KPI has the variance V = S² - W/m over the posterior, and its distance from the
    mean of all values has the variance V (1 + 1/G) + W/(G m), at least S²/G. Student's t with
    G - 1 degrees.

    Args:
        values: one value a replication, shape (R,).
        draws: number of the posterior draw of each, shape (R,); None: nothing was drawn (a line
            without a policy), so all of the spread is the line's.
        confidence: two-sided confidence.

    Raises:
        ValueError: fewer than two groups, or groups of unequal size or of one only.
    """
    x = np.asarray(values, dtype=float)
    if draws is None:
        return _line_only(x, confidence)
    numbers = np.asarray(draws)
    names, sizes = np.unique(numbers, return_counts=True)
    if len(names) < 2 or sizes.min() < 2 or sizes.min() != sizes.max():
        raise ValueError("at least two draws are needed, each with the same number (2+) of values")
    if not np.isfinite(x).all():
        return NestedInterval(NOTHING_KNOWN, math.nan, math.nan, len(x))
    groups = np.stack([x[numbers == name] for name in names])
    count, size = groups.shape
    between = float(groups.mean(axis=1).var(ddof=1))
    within = float(groups.var(axis=1, ddof=1).mean())
    episodes = max(0.0, between - within / size)
    line = within / (count * size)
    spread = max(episodes * (1 + 1 / count) + line, between / count)
    half = t_quantile(count - 1, confidence) * math.sqrt(spread)
    mean = float(x.mean())
    return NestedInterval(Interval(mean, mean - half, mean + half), episodes, line, len(x))


def _line_only(
    x: np.ndarray[tuple[int], np.dtype[np.float64]], confidence: float
) -> NestedInterval:
    if len(x) < 2:
        raise ValueError("an interval needs at least two values")
    if not np.isfinite(x).all():
        return NestedInterval(NOTHING_KNOWN, math.nan, math.nan, len(x))
    line = float(x.var(ddof=1)) / len(x)
    half = t_quantile(len(x) - 1, confidence) * math.sqrt(line)
    mean = float(x.mean())
    return NestedInterval(Interval(mean, mean - half, mean + half), 0.0, line, len(x))
