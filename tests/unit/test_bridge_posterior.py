"""The posterior against brute-force quadrature, its draws, and its choice of explanation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from envs.outcome import OutcomeClass
from twin.bridge.beta_binomial import JEFFREYS, BetaBinomial, log_likelihood
from twin.bridge.counts import NOT_OK, RackCounts
from twin.bridge.explanations import CommonCause, OwnCauses
from twin.bridge.posterior import UNIFORMS, Posterior
from twin.bridge.synthetic import Truth


def counts_of(not_ok: list[int], parts: int) -> RackCounts:
    events = np.zeros((len(not_ok), len(NOT_OK)), dtype=np.int64)
    events[:, 0] = not_ok
    return RackCounts(np.full(len(not_ok), parts), events, void=0)


def quadrature(n, k, prior, low: float, high: float, lines: int = 700):
    """Return (spike, rho mean, p grid, cdf of p, log evidence) by a likelihood on a dense grid."""
    p = low + (np.arange(lines) + 0.5) * (high - low) / lines
    rho = ((np.arange(400) + 0.5) / 400) ** 3  # finer towards 0
    width = 3 * ((np.arange(400) + 0.5) / 400) ** 2 / 400
    prior_p = stats.beta.pdf(p, *prior) * (high - low) / lines
    prior_rho = 0.8 / np.log(1.02 / 0.02) / (rho + 0.02) * width
    grid_p, grid_rho = np.meshgrid(p, rho)
    spread = (1 - grid_rho) / grid_rho
    log_like = np.zeros_like(grid_p)
    ways = sum(np.log(special.comb(size, bad)) for size, bad in zip(n, k, strict=True))
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
    evidence = top + np.log(total) - ways
    return spike.sum() / total, rho_mean, p + (high - low) / lines / 2, cdf, evidence


@pytest.mark.parametrize(
    ("not_ok", "parts", "prior", "low", "high"),
    [
        ([0] * 24 + [1, 1, 2, 5, 0, 3], 8, JEFFREYS, 0.0, 0.35),
        ([2, 1, 3, 0, 2, 1, 4, 1] * 5, 8, JEFFREYS, 0.1, 0.4),
        ([0] * 20 + [8] * 10, 8, JEFFREYS, 0.05, 0.75),
        ([1] * 600 + [0] * 300 + [2] * 100, 29, JEFFREYS, 0.022, 0.034),
        ([0] * 24 + [1, 1, 2, 5, 0, 3], 8, (0.1, 0.9), 0.001, 0.35),
    ],
    ids=["rare", "independent", "clustered", "narrow", "stick"],
)
def test_posterior_equals_quadrature(not_ok, parts, prior, low, high):
    events, operations = np.array(not_ok), np.full(len(not_ok), parts)
    posterior = BetaBinomial(events, operations, prior)
    spike, rho_mean, p, cdf, evidence = quadrature(operations, events, prior, low, high)
    assert posterior.spike == pytest.approx(spike, abs=0.004)
    assert posterior.rho_mean == pytest.approx(rho_mean, abs=0.002)
    assert posterior.log_evidence == pytest.approx(evidence, abs=0.01)
    for level in (0.025, 0.25, 0.5, 0.75, 0.975):
        at = float(np.interp(level, cdf, p))
        assert posterior.cdf_p(at) == pytest.approx(level, abs=0.004)


def test_likelihood_is_the_beta_binomial_up_to_a_constant():
    events, operations = np.array([0, 3, 1, 8, 2]), np.full(5, 8)
    p, rho = np.array([0.05, 0.2, 0.6]), np.array([0.3, 0.1, 0.01])
    spread = (1 - rho) / rho
    reference = sum(stats.betabinom.logpmf(k, 8, p * spread, (1 - p) * spread) for k in events)
    assert np.ptp(log_likelihood(events, operations, p, rho) - reference) == pytest.approx(
        0, abs=1e-9
    )


def test_draws_follow_the_posterior():
    records = Truth(0.08, 0.2).campaign(50, 8, np.random.default_rng(5))
    counts = RackCounts.from_records(records)
    fitted = BetaBinomial(counts.not_ok, counts.operations)
    p, rho = fitted.draws(*np.random.default_rng(6).uniform(size=(2, 20_000)))
    assert (rho == 0).mean() == pytest.approx(fitted.spike, abs=0.01)
    assert rho.mean() == pytest.approx(fitted.rho_mean, abs=0.004)
    assert p.mean() == pytest.approx(fitted.p_mean, rel=0.01)
    for level in (0.05, 0.5, 0.95):
        assert fitted.cdf_p(float(np.quantile(p, level))) == pytest.approx(level, abs=0.008)
    posterior = Posterior(counts)
    common, own = posterior.sample(20_000, np.random.default_rng(6))
    assert len(own.p) / 20_000 == pytest.approx(posterior.own_causes, abs=0.01)
    expected = counts.events.sum(axis=0) + 0.5
    assert common.split.mean(axis=0) == pytest.approx(expected / expected.sum(), abs=0.005)
    assert common.split.sum(axis=1) == pytest.approx(1.0)


OWN = Truth(0.31, 0.0, split=(25 / 31, 0, 0, 0, 6 / 31), own_rho=(0, 0, 0, 0, 0.3))


@pytest.mark.parametrize(
    ("truth", "kind", "low", "high"),
    [(OWN, OwnCauses, 0.99, 1.0), (Truth(0.31, 0.3), CommonCause, 0.0, 0.01)],
    ids=["own", "common"],
)
def test_the_campaign_tells_which_explanation_holds(truth, kind, low, high):
    records = truth.campaign(200, 8, np.random.default_rng(4))
    posterior = Posterior(RackCounts.from_records(records))
    assert low <= posterior.own_causes <= high
    mean = posterior.mean
    assert isinstance(mean, kind)
    assert mean.rates == pytest.approx(truth.parameters.rates, abs=0.03)


def test_own_causes_weigh_one_event_before_any_was_seen():
    """In racks of one operation, where nothing clusters, that is the rule of three."""
    posterior = Posterior(counts_of([0] * 1000, 1))
    assert 0.01 < posterior.own_causes < 0.5  # Jeffreys' half an event expects none the more
    common, own = posterior.sample(200_000, np.random.default_rng(0))
    not_ok = np.quantile(own.rates.sum(axis=1), 0.95)
    assert not_ok == pytest.approx(3 / 1000, rel=0.05)
    jeffreys = stats.beta(0.5, 1000.5).ppf(0.95)
    assert np.quantile(common.rates.sum(axis=1), 0.95) == pytest.approx(jeffreys, rel=0.05)


def test_a_rare_class_that_comes_by_the_rack_has_an_honest_interval():
    """Damage .06 in few racks beside single retries: 50 campaigns, the 95 % interval covers."""
    covered = 0
    for seed in range(50):
        records = OWN.campaign(50, 8, np.random.default_rng([9, seed]))
        parts = Posterior(RackCounts.from_records(records)).sample(400, np.random.default_rng(seed))
        damage = np.concatenate([part.rates[:, -1] for part in parts])
        low, high = np.quantile(damage, (0.025, 0.975))
        covered += low <= 0.06 <= high
    assert covered >= 42  # under one common cause alone .70 of them would


def test_one_draw_is_the_row_of_many():
    counts = RackCounts.from_records(Truth(0.02, 0).campaign(30, 8, np.random.default_rng(0)))
    posterior = Posterior(counts)
    uniforms = np.random.default_rng(1).uniform(size=(50, UNIFORMS))
    common, own = posterior.draws(uniforms)
    rows = {CommonCause: iter(common.rates), OwnCauses: iter(own.rates)}
    for row in uniforms:
        one = posterior.draw(row)
        assert np.array_equal(one.rates, next(rows[type(one)]))
    assert min(len(common.p), len(own.p)) > 0


@pytest.mark.parametrize("not_ok", [[0] * 30, [8] * 30, [0]], ids=["none", "all", "one rack"])
def test_extreme_campaigns_have_a_posterior(not_ok):
    for part in Posterior(counts_of(not_ok, 8)).sample(500, np.random.default_rng(0)):
        assert np.all((part.rates >= 0) & (part.rates.sum(axis=1, keepdims=True) <= 1 + 1e-12))
        assert np.all((part.rho >= 0) & (part.rho < 1))


def test_void_operations_are_counted_and_left_out():
    records = Truth(0.5, 0.0).campaign(4, 5, np.random.default_rng(2))
    void = [replace(r, outcome=OutcomeClass.VOID) for r in records[:5]]
    counts = RackCounts.from_records([*void, *records[5:]])
    assert (counts.void, counts.racks, counts.total) == (5, 3, 15)
    assert counts.void_share == pytest.approx(0.25)


def test_a_campaign_of_nothing_valid_is_refused():
    with pytest.raises(ValueError, match="no valid operation"):
        RackCounts.from_records([])
    with pytest.raises(ValueError, match="11 uniforms"):
        Posterior(counts_of([0, 1], 8)).draw(np.array([0.5, 0.5]))
