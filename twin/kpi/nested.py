"""The interval of a line KPI under two sources of doubt: few episodes, and a random line.

A policy's line is run several times under the same random numbers of the line, each time with
another draw of the policy's posterior: run r is draw r in line replication r // 2. The spread
within a replication is then what the episodes leave open, the spread between replications is the
line's, and both are measured without subtracting one noisy variance from another (docs/decisions:
the other way round, one draw in several replications, covered .81 to .99 at 95 %).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.kpi.intervals import CONFIDENCE, NOTHING_KNOWN, Interval, t_quantile

Floats = NDArray[np.float64]

DRAWS_A_REPLICATION = 2
"""Posterior draws that share the random numbers of one line replication."""
_SKEWEST = 1.0
"""Up to here the first term of the expansion rises with t as far as t = 3, as a quantile must."""


def replication_of(run: int) -> int:
    """Return the line replication in which run ``run`` of a policy's line happens."""
    return run // DRAWS_A_REPLICATION


@dataclass(frozen=True)
class NestedInterval:
    """A KPI's interval and where its doubt comes from.

    Attributes:
        interval: for the KPI that the true policy would have in the long run.
        variance_episodes: of the KPI over the posterior at fixed random numbers of the line; only
            more episodes shrink it.
        variance_line: of the mean over line replications; only more of them shrink it.
        runs: number of values.
    """

    interval: Interval
    variance_episodes: float
    variance_line: float
    runs: int

    def half_width_at(self, runs: int) -> float:
        """Return the half-width to expect of ``runs`` runs, as many draws in each replication.

        For a policy's line, whose runs come in pairs (`DRAWS_A_REPLICATION`).
        """
        size = DRAWS_A_REPLICATION
        count = runs // size
        line = self.variance_line * (self.runs // size) / count
        between = line + self.variance_episodes / (count * size)
        t = _t(self.variance_episodes, between, count, size, CONFIDENCE)
        return t * math.sqrt(self.variance_episodes + between)


def nested_interval(
    values: ArrayLike, replications: ArrayLike | None = None, confidence: float = CONFIDENCE
) -> NestedInterval:
    """Return the interval of a KPI, or of a paired difference of two, over runs.

    With G replications of m draws each, W the variance within replications and S² the variance of
    their means: the long-run KPI of the true policy has the variance W over the posterior (and a
    little more than that, where a draw meets the line's luck), and the mean of all values is off
    by S²/G. The interval is the mean ± t sqrt(W + S²/G), with Satterthwaite's degrees of freedom,
    moved towards the side on which the doubt reaches further: few events leave a skew posterior,
    and bounds of 95 % held 92.5 % without it.

    Args:
        values: one value a run, shape (R,).
        replications: number of the line replication of each run, shape (R,); None: nothing was
            drawn (a line without a policy) and every run is a replication of its own.
        confidence: two-sided confidence.

    Raises:
        ValueError: fewer than two replications, or not the same number (2 or more) of draws in
            each.
    """
    x = np.asarray(values, dtype=float)
    numbers = np.arange(len(x)) if replications is None else np.asarray(replications)
    names, sizes = np.unique(numbers, return_counts=True)
    if len(names) < 2 or sizes.min() != sizes.max():
        raise ValueError("at least two replications are needed, each with as many draws")
    if replications is not None and sizes.min() < 2:
        raise ValueError("each replication needs two draws or more")
    if not np.isfinite(x).all():
        return NestedInterval(NOTHING_KNOWN, math.nan, math.nan, len(x))
    groups = np.stack([x[numbers == name] for name in names])  # (G, m)
    count, size = groups.shape
    within = float(groups.var(axis=1, ddof=1).mean()) if size > 1 else 0.0
    between = float(groups.mean(axis=1).var(ddof=1)) / count
    mean = float(x.mean())
    # What within holds of the episodes is also in the means: the line's own share is the rest.
    line = max(0.0, between - within / (count * size))
    error = math.sqrt(within + between)
    t = _t(within, between, count, size, confidence)
    aside = error * _skewness(x, within, error) * (t**2 - 1) / 6  # Cornish and Fisher, 1938
    interval = Interval(mean, mean - t * error + aside, mean + t * error + aside)
    return NestedInterval(interval, within, line, len(x))


def _t(within: float, between: float, count: int, size: int, confidence: float) -> float:
    """Return t with Satterthwaite's degrees of freedom of W + S²/G, S²/G being ``between``."""
    if within + between == 0:
        return 0.0
    shares = between**2 / (count - 1)
    if size > 1:
        shares += within**2 / (count * (size - 1))
    return t_quantile((within + between) ** 2 / shares, confidence)


def _skewness(x: Floats, within: float, error: float) -> float:
    """Return the skewness of the KPI's doubt, that of the values for the episodes' part of it.

    Some 30 values do not tell the episodes' skewness from the line's; of the line's the mean of all
    values keeps next to nothing.

    Args:
        x: values, shape (R,).
        within: variance of the episodes' part.
        error: standard deviation of the doubt.
    """
    n, spread = len(x), float(x.std(ddof=1))
    if error == 0 or within == 0:
        return 0.0
    third = float(((x - x.mean()) ** 3).sum()) * n / ((n - 1) * (n - 2))
    skewness = third / spread**3 * (math.sqrt(within) / error) ** 3
    return min(_SKEWEST, max(-_SKEWEST, skewness))
