"""The posterior of one policy: how often an operation is not ok, how that clusters, and as what.

Racks are exchangeable. Why some are bad has two explanations, and the posterior is their average,
each weighted by what the campaign says for it (Bayesian model averaging, 1/2 each before; docs/
decisions: either alone is far off where the other holds):

- one cause for all classes (architecture.md, "The bridge"): "not ok" is beta-binomial over racks
  with Jeffreys' prior, and chance splits it into classes: a Dirichlet of 1/2 a class;
- each class its own cause: from the worst class to the mildest, each is beta-binomial over the
  operations that the worse ones left. The prior rates are those of a Dirichlet of 1/5 a class and
  1/2 for ok: "not ok" as a whole weighs one event, that of the rule of three.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, gammaln

from envs.outcome import OutcomeClass
from twin.bridge.beta_binomial import JEFFREYS, BetaBinomial
from twin.bridge.counts import NOT_OK, RackCounts
from twin.bridge.explanations import CommonCause, Draw, OwnCauses

Floats = NDArray[np.float64]

DIRICHLET: Final = 0.5  # prior count of each class in the split of one common cause
OWN_COUNT: Final = 1 / len(NOT_OK)  # prior count of each class with its own cause
UNIFORMS: Final = 1 + 2 * len(NOT_OK)
"""Uniforms of one draw: which explanation, then its parameters."""


class Posterior:
    """Posterior of one policy, sampled through uniforms that the caller keys.

    Args:
        counts: the campaign's counts.
    """

    def __init__(self, counts: RackCounts) -> None:
        self.counts = counts
        self._common = BetaBinomial(counts.not_ok, counts.operations)
        totals = counts.events.sum(axis=0)
        self._split_counts: Floats = totals + DIRICHLET
        worse = np.flip(np.cumsum(np.flip(counts.events, 1), axis=1), 1) - counts.events
        self._own = tuple(
            BetaBinomial(
                counts.events[:, c],
                counts.operations - worse[:, c],
                (OWN_COUNT, JEFFREYS[1] + c * OWN_COUNT),  # the milder classes and ok
            )
            for c in range(len(NOT_OK))
        )
        split = _log_beta(self._split_counts) - _log_beta(np.full(len(NOT_OK), DIRICHLET))
        against = self._common.log_evidence + split - sum(c.log_evidence for c in self._own)
        self.own_causes = float(1 / (1 + np.exp(np.clip(against, -700, 700))))
        """Posterior probability that each class has its own cause."""

    @property
    def rho_mean(self) -> float:
        """Posterior mean of the correlation of "not ok", of whatever class, within a rack."""
        return self._common.rho_mean

    def rho_of(self, outcome: OutcomeClass) -> float:
        """Return the posterior mean of the correlation that a class's clustering has."""
        own = self._own[NOT_OK.index(outcome)].rho_mean
        return self.own_causes * own + (1 - self.own_causes) * self.rho_mean

    @property
    def mean(self) -> Draw:
        """The more probable explanation with its parameters at their posterior means."""
        if self.own_causes > 0.5:
            p, rho = ([getattr(c, name) for c in self._own] for name in ("p_mean", "rho_mean"))
            return OwnCauses(np.array(p), np.array(rho))
        split = self._split_counts / self._split_counts.sum()
        return CommonCause(np.array(self._common.p_mean), np.array(self._common.rho_mean), split)

    def draw(self, uniforms: Floats) -> Draw:
        """Return the draw that belongs to `UNIFORMS` uniforms in (0, 1), a pure function of them.

        Args:
            uniforms: shape (UNIFORMS,).
        """
        common, own = self.draws(uniforms[None, :])
        if len(common.p):
            return CommonCause(common.p[0], common.rho[0], common.split[0])
        return OwnCauses(own.p[0], own.rho[0])

    def draws(self, uniforms: Floats) -> tuple[CommonCause, OwnCauses]:
        """Return a draw for each row of uniforms in (0, 1), those of each explanation together.

        Args:
            uniforms: shape (size, UNIFORMS).
        """
        if uniforms.shape[1] != UNIFORMS:
            raise ValueError(f"{UNIFORMS} uniforms are needed, not {uniforms.shape[1]}")
        own = uniforms[:, 0] < self.own_causes
        return self._common_draws(uniforms[~own, 1:]), self._own_draws(uniforms[own, 1:])

    def _common_draws(self, uniforms: Floats) -> CommonCause:
        p, rho = self._common.draws(uniforms[:, 0], uniforms[:, 1])
        gammas = gammaincinv(self._split_counts, uniforms[:, 2 : 2 + len(NOT_OK)])
        total = gammas.sum(axis=1, keepdims=True)
        expected = self._split_counts / self._split_counts.sum()
        split = np.where(total > 0, gammas / np.where(total > 0, total, 1), expected)
        return CommonCause(p, rho, split)

    def _own_draws(self, uniforms: Floats) -> OwnCauses:
        drawn = [
            stick.draws(uniforms[:, 2 * c], uniforms[:, 2 * c + 1])
            for c, stick in enumerate(self._own)
        ]
        p, rho = (np.stack(values, axis=1) for values in zip(*drawn, strict=True))
        return OwnCauses(p, rho)

    def sample(self, size: int, rng: np.random.Generator) -> tuple[CommonCause, OwnCauses]:
        """Return ``size`` random draws, those of each explanation together."""
        return self.draws(rng.uniform(size=(size, UNIFORMS)))


def _log_beta(counts: Floats) -> float:
    """Return the logarithm of the multivariate beta function."""
    return float(gammaln(counts).sum() - gammaln(counts.sum()))
