"""Distributions: the stated mean and variance are those of the quantile function."""

import math

import numpy as np
import pytest
from scipy import stats

from configs.specs.line import Duration
from twin.line.distributions import Constant, Exponential, Lognormal, of_duration, poisson_count

GRID = (np.arange(200_000) + 0.5) / 200_000


@pytest.mark.parametrize(
    "distribution",
    [Constant(3.0), Exponential(2.0), Lognormal(60.0, 0.15), Lognormal(240.0, 1.0)],
    ids=["constant", "exponential", "lognormal .15", "lognormal 1"],
)
def test_mean_and_variance_are_those_of_the_quantiles(distribution):
    values = np.array([distribution.at(u) for u in GRID])
    assert values.mean() == pytest.approx(distribution.mean, rel=1e-3)
    assert values.var() == pytest.approx(distribution.variance, rel=2e-2, abs=1e-12)
    assert (np.diff(values) >= 0).all()


def test_quantiles_against_scipy():
    sigma = math.sqrt(math.log(1 + 0.3**2))
    frozen = stats.lognorm(sigma, scale=5 / math.sqrt(1 + 0.3**2))
    for u in (1e-9, 0.1, 0.5, 0.99, 1 - 1e-9):
        assert Lognormal(5.0, 0.3).at(u) == pytest.approx(float(frozen.ppf(u)), rel=1e-9)
        assert Exponential(5.0).at(u) == pytest.approx(float(stats.expon(scale=5).ppf(u)), rel=1e-6)


@pytest.mark.parametrize("mean", [0.0, 0.01, 1.3, 12.0, 99.0, 101.0, 1440.0])
def test_poisson_counts_against_scipy(mean):
    for u in (1e-6, 0.3, 0.5, 0.9, 0.999999):
        assert poisson_count(u, mean) == int(stats.poisson(mean).ppf(u))


@pytest.mark.parametrize(
    ("duration", "kind"),
    [
        ({"mean": "5 s", "family": "exponential"}, Exponential),
        ({"mean": "5 s"}, Constant),
        ({"mean": "5 s", "cv": 0.1}, Lognormal),
        ({"mean": "0 s", "cv": 0.1}, Constant),
    ],
)
def test_a_line_file_names_its_distributions(duration, kind):
    assert isinstance(of_duration(Duration.model_validate(duration)), kind)
