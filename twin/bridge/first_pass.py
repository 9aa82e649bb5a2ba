"""Rack first pass of one policy: how often a whole visit needs nobody and leaves no defect."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from envs.outcome import OutcomeClass
from twin.bridge.posterior import NOT_OK
from twin.bridge.process import StationModel
from twin.kpi.intervals import CONFIDENCE, Interval
from twin.line.draws import key_of

Floats = NDArray[np.float64]
_SAMPLES = 4000  # leaves the 2.5 % quantile within ± .25 % of the probability it stands for


def rack_first_pass(p: ArrayLike, rho: ArrayLike, bad: ArrayLike, operations: int) -> Floats:
    """Return the probability that no operation of a visit needs a person or leaves a defect.

    E[(1 - bad q)**n] over q ~ Beta with mean p and correlation rho: the sum over k operations
    that are not ok (beta-binomial) of the chance that all k were merely retried.

    Args:
        p: probability that an operation is not ok, shape (size,) or a number.
        rho: intra-rack correlation in [0, 1).
        bad: share of "not ok" that is more than a retry.
        operations: operations of a visit.

    Returns:
        Probabilities, shape (size,).
    """
    p, rho, bad = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (p, rho, bad)))
    j = np.arange(operations)[:, None]
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where p or 1 - bad is 0
        wrong = _cumulative(np.log(p * (1 - rho) + j * rho))
        right = _cumulative(np.log((1 - p) * (1 - rho) + j * rho))
        retry = np.log(1 - bad)
    either = np.log(1 - rho + j * rho).sum(axis=0)
    total = np.zeros(p.shape)
    for k in range(operations + 1):
        ways = gammaln(operations + 1) - gammaln(k + 1) - gammaln(operations - k + 1)
        # k = 0 apart: 0 · log(0) is nan, while the empty product is 1.
        total += np.exp(
            ways + wrong[k] + right[operations - k] - either + (k * retry if k else 0.0)
        )
    return total


def first_pass_draws(model: StationModel, seed: int, size: int = _SAMPLES) -> Floats:
    """Return posterior draws of the rack first pass, classes at their bounds included."""
    rng = np.random.default_rng(key_of(seed, "first pass", model.label))
    p, rho, split = model.posterior.sample(size, rng)
    rates = p[:, None] * split
    for outcome, bound in model.bounded:
        rates[:, NOT_OK.index(outcome)] = bound
    total = rates.sum(axis=1)
    retried = rates[:, NOT_OK.index(OutcomeClass.RETRIED)]
    bad = np.divide(total - retried, total, out=np.zeros_like(total), where=total > 0)
    return rack_first_pass(np.minimum(total, 1.0), rho, bad, model.operations)


def first_pass_interval(
    model: StationModel, seed: int, confidence: float = CONFIDENCE, size: int = _SAMPLES
) -> Interval:
    """Return the posterior median of the rack first pass and its central interval."""
    tail = (1 - confidence) / 2
    low, middle, high = np.quantile(first_pass_draws(model, seed, size), [tail, 0.5, 1 - tail])
    return Interval(float(middle), float(low), float(high))


def _cumulative(logs: Floats) -> Floats:
    return np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(logs, axis=0)])
