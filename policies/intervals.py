"""Confidence intervals of independent episodes: proportions, means, paired comparisons.

What knows of racks, whose parts are not independent, is in `twin.kpi.intervals`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betaincinv

CONFIDENCE = 0.95
"""Confidence of every interval that a gate is judged on (issue 2: 95 % bounds)."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its two-sided confidence interval, in the unit of the estimate."""

    estimate: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def contains(self, value: float) -> bool:
        """Return whether ``value`` lies within the interval, its ends included."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


NOTHING_KNOWN = Interval(math.nan, -math.inf, math.inf)
"""The interval of a KPI that some replication could not compute."""


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a proportion of independent trials."""
    found = stats.binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return Interval(successes / trials, float(found.low), float(found.high))


def clopper_pearson_upper(events: float, trials: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound; events and trials may be effective numbers."""
    if events >= trials:
        return 1.0
    return float(betaincinv(events + 1, trials - events, confidence))


def t_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Return Student's interval of the mean of independent values, shape (n,), n ≥ 2."""
    x = np.asarray(values, dtype=float)
    if len(x) < 2:
        raise ValueError("an interval needs at least two values")
    if not np.isfinite(x).all():
        return NOTHING_KNOWN
    half = t_quantile(len(x) - 1, confidence) * float(x.std(ddof=1)) / math.sqrt(len(x))
    return Interval(float(x.mean()), float(x.mean()) - half, float(x.mean()) + half)


def t_quantile(degrees: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t."""
    return float(stats.t.ppf(0.5 + confidence / 2, degrees))


def paired_t(ours: ArrayLike, theirs: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the mean difference ours - theirs of paired values, shape (n,)."""
    x, y = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if x.shape != y.shape:
        raise ValueError(f"pairs are needed, not {x.shape} and {y.shape}")
    return t_interval(x - y, confidence)


def ratio_residuals(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """Return values whose mean is the ratio of means and whose spread is that ratio's.

    The ratio R = mean(ours)/mean(theirs) linearised: R + (ours - R theirs)/mean(theirs).
    """
    x, y = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if x.shape != y.shape:
        raise ValueError(f"pairs are needed, not {x.shape} and {y.shape}")
    base = y.mean()
    if not np.isfinite(base) or base == 0:
        return np.full(x.shape, math.nan)
    ratio = x.mean() / base
    return np.asarray(ratio + (x - ratio * y) / base, dtype=np.float64)


def paired_ratio(ours: ArrayLike, theirs: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the ratio of means of paired values (linearised, t)."""
    return t_interval(ratio_residuals(ours, theirs), confidence)
