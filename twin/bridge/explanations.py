"""Two explanations of a bad rack, each with its parameters: one draw of them, or many at once.

Parameters have any leading shape: () for one draw, (size,) for many. Both say how probable each
class is for an operation of a rack that is given by its luck, and on average over racks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from envs.outcome import OutcomeClass
from twin.bridge.counts import NOT_OK

Floats = NDArray[np.float64]
Bounds = Iterable[tuple[OutcomeClass, float]]

_SURE_RHO: Final = 1e-9  # below it the rack's own rate is p to the last digit that matters


@dataclass(frozen=True)
class CommonCause:
    """One cause behind all misses of a rack: its rate is the rack's, what it does is chance.

    Attributes:
        p: probability that an operation is not ok, shape (...).
        rho: intra-rack correlation of "not ok", shape (...).
        split: shares of the classes of `NOT_OK` in p, shape (..., 5).
    """

    p: Floats
    rho: Floats
    split: Floats

    @property
    def rates(self) -> Floats:
        """Mean probability of each class of `NOT_OK`, shape (..., 5)."""
        return np.asarray(self.p)[..., None] * self.split

    def hold(self, bounds: Bounds) -> CommonCause:
        """Return this with the bounded classes at their bounds and the others as they are."""
        rates = _held(self.rates, bounds)
        total = rates.sum(axis=-1)
        share = np.where(total > 0, total, 1.0)[..., None]
        split = np.where(total[..., None] > 0, rates / share, self.split)
        return CommonCause(np.minimum(total, 1.0), self.rho, split)

    def edges(self, luck: Floats) -> Floats:
        """Return where the classes of `NOT_OK` begin on [0, 1] in given racks, for one draw.

        Args:
            luck: uniforms of each rack in (0, 1), shape (racks, 5); a higher one is a worse rack.

        Returns:
            Ascending edges, shape (racks, 5); "ok" begins at 0 and ends at the first.
        """
        q = _rack_rates(self.p, self.rho, luck[:, :1])
        return np.asarray(1 - q + q * np.concatenate([[0.0], np.cumsum(self.split[:-1])]))


@dataclass(frozen=True)
class OwnCauses:
    """Every class has a cause of its own, whose rate in a rack tells nothing of the others'.

    The rates are those of sticks: of the operations that no worse class took, the share that this
    class takes. The worst class (damage) breaks off its stick first.

    Attributes:
        p: mean rate of each class's stick in the order of `NOT_OK`, shape (..., 5).
        rho: its intra-rack correlation, shape (..., 5).
    """

    p: Floats
    rho: Floats

    @property
    def rates(self) -> Floats:
        """Mean probability of each class of `NOT_OK`, shape (..., 5)."""
        return self.p * _after_worse(1 - self.p)

    def hold(self, bounds: Bounds) -> OwnCauses:
        """Return this with the bounded classes at their bounds and the others as they are."""
        rates = _held(self.rates, bounds)
        worse = np.flip(np.cumsum(np.flip(rates, -1), axis=-1), -1) - rates
        left = np.maximum(1 - worse, 0.0)
        p = np.divide(rates, left, out=np.ones_like(rates), where=left > rates)
        return OwnCauses(p, self.rho)

    def edges(self, luck: Floats) -> Floats:
        """Return where the classes of `NOT_OK` begin on [0, 1]; see `CommonCause.edges`."""
        left = 1 - _rack_rates(self.p, self.rho, luck)
        return left * _after_worse(left)


Draw: TypeAlias = CommonCause | OwnCauses
"""Parameters of one of the two."""


def _held(rates: Floats, bounds: Bounds) -> Floats:
    rates = rates.copy()
    for outcome, bound in bounds:
        rates[..., NOT_OK.index(outcome)] = bound
    return rates


def _after_worse(left: Floats) -> Floats:
    """Return for each class the product of ``left`` over the classes worse than it."""
    product = np.cumprod(np.flip(left, -1), axis=-1)[..., :-1]
    first = np.ones((*product.shape[:-1], 1))
    return np.flip(np.concatenate([first, product], axis=-1), -1)


def _rack_rates(p: Floats, rho: Floats, luck: Floats) -> Floats:
    """Return racks' own rates: quantiles of the Beta with mean p and correlation rho."""
    p, rho = np.asarray(p), np.asarray(rho)
    clustered = (rho > _SURE_RHO) & (p > 0) & (p < 1)
    spread = (1 - rho) / np.where(clustered, rho, 1.0)
    a, b = np.where(clustered, p * spread, 1.0), np.where(clustered, (1 - p) * spread, 1.0)
    return np.where(clustered, betaincinv(a, b, luck), p)
