"""Distributions as small objects with a mean and a variance, sampled by one uniform number each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

from scipy import stats

from configs.specs.line import Duration

_STANDARD_NORMAL = NormalDist()
_MOST_COUNTED = 100.0  # beyond some 745 the first term of the sum underflows to nothing


class Distribution(Protocol):
    """A distribution of one real number."""

    @property
    def mean(self) -> float:
        """Mean."""
        ...

    @property
    def variance(self) -> float:
        """Variance."""
        ...

    def at(self, u: float) -> float:
        """Return the quantile at ``u`` in (0, 1): the draw that belongs to this uniform number."""
        ...


@dataclass(frozen=True)
class Constant:
    """Always the same value."""

    value: float

    @property
    def mean(self) -> float:
        """Mean."""
        return self.value

    @property
    def variance(self) -> float:
        """Variance."""
        return 0.0

    def at(self, u: float) -> float:
        """Return the value."""
        return self.value


@dataclass(frozen=True)
class Exponential:
    """Exponential by its mean."""

    mean: float

    @property
    def variance(self) -> float:
        """Variance."""
        return self.mean**2

    def at(self, u: float) -> float:
        """Return the quantile at ``u``."""
        return -self.mean * math.log1p(-u)


class Lognormal:
    """Lognormal by its mean and coefficient of variation."""

    def __init__(self, mean: float, cv: float) -> None:
        self.mean, self.cv = mean, cv
        self._sigma = math.sqrt(math.log1p(cv * cv))
        self._median = mean / math.sqrt(1.0 + cv * cv)

    @property
    def variance(self) -> float:
        """Variance."""
        return (self.cv * self.mean) ** 2

    def at(self, u: float) -> float:
        """Return the quantile at ``u``."""
        return self._median * math.exp(self._sigma * _STANDARD_NORMAL.inv_cdf(u))


def of_duration(duration: Duration) -> Distribution:
    """Return the distribution that a line file describes (seconds)."""
    if duration.family == "exponential":
        return Exponential(duration.mean_s)
    if duration.cv == 0.0 or duration.mean_s == 0.0:
        return Constant(duration.mean_s)
    return Lognormal(duration.mean_s, duration.cv)


def poisson_count(u: float, mean: float) -> int:
    """Return the quantile at ``u`` of a Poisson count; small means are counted up."""
    if mean > _MOST_COUNTED:
        return int(stats.poisson.ppf(u, mean))
    term = math.exp(-mean)
    cumulative, count = term, 0
    while u > cumulative and term > 0.0:
        count += 1
        term *= mean / count
        cumulative += term
    return count
