"""Confidence intervals that know of racks, whose parts are not independent, and of ratios.

What scipy has is scipy's; intervals of independent values are those of `policies.intervals`.
Every interval is two-sided at ``confidence`` unless its name says upper or lower.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import betaincinv

from policies.intervals import CONFIDENCE as CONFIDENCE
from policies.intervals import NOTHING_KNOWN as NOTHING_KNOWN
from policies.intervals import Interval as Interval
from policies.intervals import clopper_pearson_upper as clopper_pearson_upper
from policies.intervals import paired_ratio as paired_ratio
from policies.intervals import paired_t as paired_t
from policies.intervals import ratio_residuals as ratio_residuals
from policies.intervals import t_interval as t_interval
from policies.intervals import t_quantile as t_quantile
from policies.intervals import wilson as wilson

Floats = NDArray[np.float64]


def clopper_pearson_lower(events: float, trials: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower bound; events and trials may be effective numbers."""
    if events <= 0:
        return 0.0
    return float(betaincinv(events, trials - events + 1, 1 - confidence))


def rule_of_three(trials: float, confidence: float = CONFIDENCE) -> float:
    """Return the upper bound on a probability after no event in ``trials``, exact form of 3/n."""
    return clopper_pearson_upper(0, trials, confidence)


def intra_cluster_correlation(events: ArrayLike, trials: ArrayLike) -> float:
    """Return the ANOVA estimate of the correlation within clusters, at least 0.

    Source: Ridout, Demetrio, Firth, "Estimating intraclass correlation for binary data" (1999).

    Args:
        events: events of each cluster, shape (clusters,).
        trials: trials of each cluster, shape (clusters,).
    """
    y, n = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    total, clusters = n.sum(), len(n)
    if clusters < 2 or total <= clusters or y.sum() in (0, total):
        return 0.0
    between = ((y**2 / n).sum() - y.sum() ** 2 / total) / (clusters - 1)
    within = (y.sum() - (y**2 / n).sum()) / (total - clusters)
    size = (total - (n**2).sum() / total) / (clusters - 1)
    spread = between + (size - 1) * within
    return float(np.clip((between - within) / spread, 0.0, 1.0)) if spread > 0 else 0.0


def effective_trials(trials: ArrayLike, correlation: float) -> float:
    """Return how many independent trials clusters are worth: Σ n / (1 + (n - 1) rho)."""
    n = np.asarray(trials, dtype=float)
    return float((n / (1 + (n - 1) * correlation)).sum())


def cluster_wilson(
    successes: ArrayLike, trials: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Return Wilson's interval on the effective number of trials of racks of several parts.

    With one part a rack it is `wilson`.

    Args:
        successes: successes of each rack, shape (racks,).
        trials: trials of each rack, shape (racks,).
        confidence: two-sided confidence.
    """
    y, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    share = float(y.sum() / n.sum())
    worth = effective_trials(n, intra_cluster_correlation(y, n))
    z2 = float(stats.norm.ppf(0.5 + confidence / 2)) ** 2
    centre = (share + z2 / (2 * worth)) / (1 + z2 / worth)
    half = math.sqrt(z2 * (share * (1 - share) / worth + z2 / (4 * worth**2))) / (1 + z2 / worth)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))
