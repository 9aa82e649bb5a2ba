"""Rack first pass of one policy: how often a whole visit needs nobody and leaves no defect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK
from twin.bridge.explanations import CommonCause, Draw, OwnCauses
from twin.bridge.process import StationModel
from twin.kpi.intervals import CONFIDENCE, Interval
from twin.line.draws import key_of

Floats = NDArray[np.float64]
_SAMPLES = 4000  # leaves the 2.5 % quantile within ± .25 % of the probability it stands for
_RETRIED = NOT_OK.index(OutcomeClass.RETRIED)


def rack_first_pass(draw: Draw, operations: int) -> Floats:
    """Return the probability that no operation of a visit needs a person or leaves a defect.

    Args:
        draw: parameters of the outcomes, of leading shape () or (size,).
        operations: operations of a visit.

    Returns:
        Probabilities, shape (size,), (1,) for a single draw.
    """
    if isinstance(draw, CommonCause):
        return _common_cause(draw, operations)
    return _own_causes(draw, operations)


def _own_causes(draw: OwnCauses, operations: int) -> Floats:
    """Product over the classes worse than a retry of E[(1 - q)**n], q the rate of the stick."""
    worse = [c for c in range(len(NOT_OK)) if c != _RETRIED]
    p, rho = np.atleast_2d(draw.p)[:, worse], np.atleast_2d(draw.rho)[:, worse]
    result = np.ones(len(p))
    for j in range(operations):
        step = j * rho
        result *= (((1 - p) * (1 - rho) + step) / (1 - rho + step)).prod(axis=1)
    return result


def _common_cause(draw: CommonCause, operations: int) -> Floats:
    """E[(1 - bad q)**n] over the rack's q, bad the share of "not ok" that is more than a retry.

    That is the sum over k operations that are not ok (beta-binomial) of the chance that all k were
    merely retried.
    """
    p, rho = np.atleast_1d(draw.p), np.atleast_1d(draw.rho)
    retried = np.atleast_2d(draw.split)[:, _RETRIED]
    j = np.arange(operations)[:, None]
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer where p or the share is 0
        wrong = _cumulative(np.log(p * (1 - rho) + j * rho))
        right = _cumulative(np.log((1 - p) * (1 - rho) + j * rho))
        retry = np.log(retried)
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
    return np.concatenate(
        [
            rack_first_pass(drawn.hold(model.bounded), model.operations)
            for drawn in model.posterior.sample(size, rng)
        ]
    )


def first_pass_interval(
    model: StationModel, seed: int, confidence: float = CONFIDENCE, size: int = _SAMPLES
) -> Interval:
    """Return the posterior median of the rack first pass and its central interval."""
    tail = (1 - confidence) / 2
    low, middle, high = np.quantile(first_pass_draws(model, seed, size), [tail, 0.5, 1 - tail])
    return Interval(float(middle), float(low), float(high))


def _cumulative(logs: Floats) -> Floats:
    return np.concatenate([np.zeros((1, logs.shape[1])), np.cumsum(logs, axis=0)])
