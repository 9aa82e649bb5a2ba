"""The posterior against brute-force quadrature, and its draws against its own distribution."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from envs.outcome import OutcomeClass
from twin.bridge.posterior import NOT_OK, Posterior, RackCounts, log_likelihood
from twin.bridge.synthetic import Truth


def counts_of(not_ok: list[int], parts: int) -> RackCounts:
    events = np.zeros((len(not_ok), len(NOT_OK)), dtype=np.int64)
    events[:, 0] = not_ok
    return RackCounts(np.full(len(not_ok), parts), events, void=0)


def quadrature(counts: RackCounts, low: float, high: float, lines: int = 700):
    """Return (spike, rho mean, p grid, cdf of p) by an independent likelihood on a dense grid."""
    n, k = counts.operations, counts.not_ok
    p = low + (np.arange(lines) + 0.5) * (high - low) / lines
    rho = ((np.arange(400) + 0.5) / 400) ** 3  # finer towards 0
    width = 3 * ((np.arange(400) + 0.5) / 400) ** 2 / 400
    prior_p = stats.beta.pdf(p, 0.5, 0.5) * (high - low) / lines
    prior_rho = 0.8 / np.log(1.02 / 0.02) / (rho + 0.02) * width
    grid_p, grid_rho = np.meshgrid(p, rho)
    spread = (1 - grid_rho) / grid_rho
    log_like = np.zeros_like(grid_p)
    for size, bad in set(zip(n.tolist(), k.tolist(), strict=True)):
        racks = np.count_nonzero((n == size) & (k == bad))
        pmf = stats.betabinom.logpmf(bad, size, grid_p * spread, (1 - grid_p) * spread)
        log_like += racks * pmf
    flat = sum(stats.binom.logpmf(b, s, p) for s, b in zip(n, k, strict=True))
    top = max(log_like.max(), flat.max())
    slab = np.exp(log_like - top) * prior_p * prior_rho[:, None]
    spike = np.exp(flat - top) * prior_p * 0.2
    total = slab.sum() + spike.sum()
    cdf = np.cumsum(slab.sum(axis=0) + spike) / total
    rho_mean = (slab.sum(axis=1) * rho).sum() / total
    return spike.sum() / total, rho_mean, p + (high - low) / lines / 2, cdf


@pytest.mark.parametrize(
    ("not_ok", "parts", "low", "high"),
    [
        ([0] * 24 + [1, 1, 2, 5, 0, 3], 8, 0.0, 0.35),
        ([2, 1, 3, 0, 2, 1, 4, 1] * 5, 8, 0.1, 0.4),
        ([0] * 20 + [8] * 10, 8, 0.05, 0.75),
        ([1] * 600 + [0] * 300 + [2] * 100, 29, 0.022, 0.034),
    ],
    ids=["rare", "independent", "clustered", "narrow"],
)
def test_posterior_equals_quadrature(not_ok, parts, low, high):
    counts = counts_of(not_ok, parts)
    posterior = Posterior(counts)
    spike, rho_mean, p, cdf = quadrature(counts, low, high)
    assert posterior.spike == pytest.approx(spike, abs=0.004)
    assert posterior.rho_mean == pytest.approx(rho_mean, abs=0.002)
    for level in (0.025, 0.25, 0.5, 0.75, 0.975):
        at = float(np.interp(level, cdf, p))
        assert posterior.cdf_p(at) == pytest.approx(level, abs=0.004)


def test_likelihood_is_the_beta_binomial_up_to_a_constant():
    counts = counts_of([0, 3, 1, 8, 2], 8)
    p, rho = np.array([0.05, 0.2, 0.6]), np.array([0.3, 0.1, 0.01])
    spread = (1 - rho) / rho
    reference = sum(
        stats.betabinom.logpmf(k, 8, p * spread, (1 - p) * spread) for k in counts.not_ok
    )
    assert np.ptp(log_likelihood(counts, p, rho) - reference) == pytest.approx(0, abs=1e-9)


def test_draws_follow_the_posterior():
    records = Truth(0.08, 0.2).campaign(50, 8, np.random.default_rng(5))
    posterior = Posterior(RackCounts.from_records(records))
    p, rho, split = posterior.sample(20_000, np.random.default_rng(6))
    assert (rho == 0).mean() == pytest.approx(posterior.spike, abs=0.01)
    assert rho.mean() == pytest.approx(posterior.rho_mean, abs=0.004)
    for level in (0.05, 0.5, 0.95):
        assert posterior.cdf_p(float(np.quantile(p, level))) == pytest.approx(level, abs=0.008)
    counts = posterior.counts.events.sum(axis=0) + 0.5
    assert split.mean(axis=0) == pytest.approx(counts / counts.sum(), abs=0.005)
    assert split.sum(axis=1) == pytest.approx(1.0)


def test_one_draw_is_the_row_of_many():
    posterior = Posterior(counts_of([0, 1, 0, 2, 3] * 8, 8))
    uniforms = np.random.default_rng(1).uniform(size=(50, 7))
    p, rho, split = posterior.draws(uniforms)
    for row in (0, 17, 49):
        one = posterior.draw(uniforms[row])
        assert (one.p, one.rho) == (p[row], rho[row])
        assert np.array_equal(one.split, split[row])


@pytest.mark.parametrize("not_ok", [[0] * 30, [8] * 30, [0]], ids=["none", "all", "one rack"])
def test_extreme_campaigns_have_a_posterior(not_ok):
    p, rho, _ = Posterior(counts_of(not_ok, 8)).sample(500, np.random.default_rng(0))
    assert np.all((p >= 0) & (p <= 1) & (rho >= 0) & (rho < 1))


def test_void_operations_are_counted_and_left_out():
    records = Truth(0.5, 0.0).campaign(4, 5, np.random.default_rng(2))
    void = [replace(r, outcome=OutcomeClass.VOID) for r in records[:5]]
    counts = RackCounts.from_records([*void, *records[5:]])
    assert (counts.void, counts.racks, counts.total) == (5, 3, 15)
    assert counts.void_share == pytest.approx(0.25)


def test_a_campaign_of_nothing_valid_is_refused():
    with pytest.raises(ValueError, match="no valid operation"):
        RackCounts.from_records([])
    with pytest.raises(ValueError, match="7 uniforms"):
        Posterior(counts_of([0, 1], 8)).draw([0.5, 0.5])
