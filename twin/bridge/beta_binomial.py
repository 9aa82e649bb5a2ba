"""Posterior of one event's probability and of how it clusters by rack, on a grid.

Racks are exchangeable; in rack i the event happens in each operation with probability
q_i ~ Beta(p(1 - rho)/rho, (1 - p)(1 - rho)/rho), so that p is its mean and rho the correlation of
two operations of one rack. Priors: a Beta on p; on rho a spike of .2 at 0 and the rest in
proportion to 1/(rho + .02) (architecture.md, "The bridge").

Both priors are uniform in theta and t of p = F⁻¹(theta), F the prior's distribution function, and
rho = .02 (51**t - 1), in which the grid is laid.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPIKE: Final = 0.2  # prior probability that operations of a rack are independent
HALF_RHO: Final = 0.02  # the prior density of rho falls to half of its height here
JEFFREYS: Final = (0.5, 0.5)
"""Jeffreys' prior of a probability, as the two counts of a Beta."""
_SPAN: Final = (1 + HALF_RHO) / HALF_RHO
_LOG_FLOOR: Final = 25.0  # the grid covers what is within e⁻²⁵ of the peak
_CELLS: Final = (160, 64)  # of theta and t; some ten of theta to a standard deviation
_ZOOM_CELLS: Final = (40, 24)


def log_likelihood(events: Ints, operations: Ints, p: Floats, rho: Floats) -> Floats:
    """Return the beta-binomial log-likelihood of a sequence, without binomial coefficients.

    The product form needs no gamma function and holds at rho = 0 as it stands.

    Args:
        events: operations of each rack in which the event happened, shape (racks,).
        operations: operations of each rack, shape (racks,).
        p: probability of the event, broadcast with ``rho``.
        rho: intra-rack correlation in [0, 1).
    """
    others = operations - events
    result = np.zeros(np.broadcast_shapes(p.shape, rho.shape))
    for j in range(int(operations.max())):
        step = j * rho
        more, fewer = np.count_nonzero(events > j), np.count_nonzero(others > j)
        if more:
            result += more * np.log(p * (1 - rho) + step)
        if fewer:
            result += fewer * np.log((1 - p) * (1 - rho) + step)
        result -= np.count_nonzero(operations > j) * np.log(1 - rho + step)
    return result


class BetaBinomial:
    """Posterior of (p, rho) of one event, sampled through uniforms that the caller keys.

    Args:
        events: operations of each rack in which the event happened, shape (racks,).
        operations: operations of each rack in which it could happen, shape (racks,).
        prior: the two counts of the Beta prior of p.
    """

    def __init__(
        self, events: Ints, operations: Ints, prior: tuple[float, float] = JEFFREYS
    ) -> None:
        self._events, self._operations, self._prior = events, operations, prior
        count = int(events.sum())
        self._alpha = prior[0] + count
        self._beta = prior[1] + int(operations.sum()) - count
        theta, t, log_post = self._grid()
        top = float(log_post.max())
        mass = np.exp(log_post - top)
        cell = (theta[1] - theta[0]) * (t[1] - t[0])
        log_spread = top + float(np.log(mass.sum() * cell))
        log_spike = float(betaln(self._alpha, self._beta) - betaln(*prior))
        odds = (1 - SPIKE) / SPIKE * np.exp(np.clip(log_spread - log_spike, -700, 700))
        self.spike = float(1 / (1 + odds))
        """Posterior probability that operations of a rack are independent (rho = 0)."""
        self.log_evidence = log_spike + float(np.log(SPIKE * (1 + odds)))
        """Log probability of the campaign's sequence under the prior."""
        self._theta_edges, self._t_edges = _edges(theta), _edges(t)
        self._t_cdf = _cdf(mass.sum(axis=1))
        self._theta_cdf = np.stack([_cdf(row) for row in mass])
        spread = 1 - self.spike
        self.rho_mean = float(spread * np.average(_rho_of(t), weights=mass.sum(axis=1)))
        """Posterior mean of rho."""
        self.p_mean = float(
            self.spike * self._alpha / (self._alpha + self._beta)
            + spread * np.average(self._p_of(theta), weights=mass.sum(axis=0))
        )
        """Posterior mean of p."""

    def _p_of(self, theta: Floats) -> Floats:
        if self._prior == JEFFREYS:
            return np.asarray(np.sin(0.5 * np.pi * theta) ** 2)
        return np.asarray(betaincinv(*self._prior, theta))

    def _grid(self) -> tuple[Floats, Floats, Floats]:
        """Return cell centres of θ and t, and the log posterior on them, shape (t, θ).

        The box is zoomed to where the posterior lives: a grid laid over all p would miss a
        narrow posterior between two of its lines.
        """
        box = np.array([[0.0, 1.0], [0.0, 1.0]])  # θ, t
        for _ in range(12):
            theta, t = _centres(box[0], _ZOOM_CELLS[0]), _centres(box[1], _ZOOM_CELLS[1])
            log_post = self._log_post(theta, t)
            alive = log_post > log_post.max() - _LOG_FLOOR
            smaller = np.array(
                [_shrink(box[0], alive.any(axis=0)), _shrink(box[1], alive.any(axis=1))]
            )
            done = np.all(np.diff(smaller) > 0.8 * np.diff(box))
            box = smaller
            if done:
                break
        theta, t = _centres(box[0], _CELLS[0]), _centres(box[1], _CELLS[1])
        return theta, t, self._log_post(theta, t)

    def _log_post(self, theta: Floats, t: Floats) -> Floats:
        p, rho = self._p_of(theta)[None, :], _rho_of(t)[:, None]
        return log_likelihood(self._events, self._operations, p, rho)

    def draws(self, first: Floats, second: Floats) -> tuple[Floats, Floats]:
        """Return p and rho for uniforms in (0, 1): ``first`` chooses rho, ``second`` p; (size,)."""
        p, rho = betaincinv(self._alpha, self._beta, second), np.zeros_like(first)
        spread = np.flatnonzero(first >= self.spike)
        level = (first[spread] - self.spike) / (1 - self.spike)
        t = np.interp(level, self._t_cdf, self._t_edges)
        rows = np.searchsorted(self._t_edges, t, side="right") - 1
        rows = rows.clip(0, len(self._theta_cdf) - 1)
        for row in np.unique(rows):
            where = spread[rows == row]
            theta = np.interp(second[where], self._theta_cdf[row], self._theta_edges)
            p[where] = self._p_of(theta)
        rho[spread] = _rho_of(t)
        return p, rho

    def cdf_p(self, p: float) -> float:
        """Return the posterior probability that the event's probability is at most ``p``."""
        theta = float(betainc(*self._prior, p))
        rows = np.array([np.interp(theta, self._theta_edges, row) for row in self._theta_cdf])
        spread = float(np.diff(self._t_cdf) @ rows)
        spike = float(betainc(self._alpha, self._beta, p))
        return self.spike * spike + (1 - self.spike) * spread


def _rho_of(t: Floats) -> Floats:
    return np.asarray(HALF_RHO * (_SPAN**t - 1))


def _centres(box: Floats, cells: int) -> Floats:
    return np.asarray(box[0] + (np.arange(cells) + 0.5) * (box[1] - box[0]) / cells)


def _edges(centres: Floats) -> Floats:
    half = 0.5 * (centres[1] - centres[0])
    return np.append(centres - half, centres[-1] + half)


def _cdf(mass: Floats) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(mass)])
    # A row far from the posterior may underflow to nothing; it is never drawn from.
    return total / total[-1] if total[-1] > 0 else np.linspace(0.0, 1.0, len(total))


def _shrink(box: Floats, alive: NDArray[np.bool_]) -> Floats:
    """Return the part of the box whose cells are alive, with one cell more on either side."""
    edges = np.linspace(box[0], box[1], len(alive) + 1)
    where = np.flatnonzero(alive)
    return np.array([edges[max(where[0] - 1, 0)], edges[min(where[-1] + 2, len(alive))]])
