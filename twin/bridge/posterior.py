"""The posterior of one policy: how often an operation is not ok, how that clusters, and as what.

Model (architecture.md, "The bridge"): racks are exchangeable; in rack i the operations go wrong
independently with probability p_i ~ Beta(p(1 - rho)/rho, (1 - p)(1 - rho)/rho), so that p is the
mean and rho the correlation of two operations of one rack. Priors: Jeffreys on p; on rho a spike
of .2 at 0 and the rest in proportion to 1/(rho + .02). What went wrong is split into classes by a
Dirichlet (1/2 a class).

Both priors are uniform in theta and t of p = sin²(pi theta/2) and rho = .02 (51**t - 1), in which
the grid is laid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln, gammaincinv

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord

Floats = NDArray[np.float64]

NOT_OK: Final = (
    OutcomeClass.RETRIED,
    OutcomeClass.ASSISTED,
    OutcomeClass.DETECTED,
    OutcomeClass.ESCAPED,
    OutcomeClass.DAMAGE,
)
"""The classes that share the mass of "not ok", in the order of every split."""

SPIKE: Final = 0.2  # prior probability that operations of a rack are independent
HALF_RHO: Final = 0.02  # the prior density of rho falls to half of its height here
DIRICHLET: Final = 0.5  # prior count of each class in the split
_SPAN: Final = (1 + HALF_RHO) / HALF_RHO
_LOG_FLOOR: Final = 30.0  # the grid covers what is within e⁻³⁰ of the peak
_THETA_CELLS: Final = 480
_RHO_CELLS: Final = 96


@dataclass(frozen=True)
class RackCounts:
    """The records of one policy as counts a rack.

    Attributes:
        operations: valid operations of each rack (void ones left out), shape (racks,).
        events: operations of each rack by class in the order of `NOT_OK`, shape (racks, 5).
        void: void operations of the campaign; racks with nothing else are not in the arrays.
    """

    operations: NDArray[np.int64]
    events: NDArray[np.int64]
    void: int

    @classmethod
    def from_records(cls, records: Iterable[EpisodeRecord]) -> Self:
        """Return the counts of a campaign; racks in the order of their ids.

        Raises:
            ValueError: no valid operation among the records.
        """
        rows: dict[int, list[int]] = {}
        void = 0
        for record in records:
            if record.outcome is OutcomeClass.VOID:
                void += 1
                continue
            row = rows.setdefault(record.rack_id, [0] * (1 + len(NOT_OK)))
            row[0] += 1
            if record.outcome is not OutcomeClass.OK:
                row[1 + NOT_OK.index(record.outcome)] += 1
        if not rows:
            raise ValueError("no valid operation among the records")
        table = np.array([rows[rack] for rack in sorted(rows)], dtype=np.int64)
        return cls(table[:, 0], table[:, 1:], void)

    @property
    def not_ok(self) -> NDArray[np.int64]:
        """Operations of each rack that were not ok, shape (racks,)."""
        counts: NDArray[np.int64] = self.events.sum(axis=1)
        return counts

    @property
    def racks(self) -> int:
        """How many racks have a valid operation."""
        return len(self.operations)

    @property
    def total(self) -> int:
        """Valid operations of the campaign."""
        return int(self.operations.sum())

    @property
    def void_share(self) -> float:
        """Void operations over all operations."""
        return self.void / (self.void + self.total)

    def racks_with(self, outcome: OutcomeClass) -> int:
        """Return how many racks saw the class at least once."""
        return int(np.count_nonzero(self.events[:, NOT_OK.index(outcome)]))


def log_likelihood(counts: RackCounts, p: Floats, rho: Floats) -> Floats:
    """Return the beta-binomial log-likelihood, binomial coefficients left out.

    The product form needs no gamma function and holds at rho = 0 as it stands.

    Args:
        counts: the data.
        p: probability of not ok, broadcast with ``rho``.
        rho: intra-rack correlation in [0, 1).
    """
    bad, good = counts.not_ok, counts.operations - counts.not_ok
    result = np.zeros(np.broadcast_shapes(p.shape, rho.shape))
    for j in range(int(counts.operations.max())):
        step = j * rho
        more_bad, more_good = np.count_nonzero(bad > j), np.count_nonzero(good > j)
        if more_bad:
            result += more_bad * np.log(p * (1 - rho) + step)
        if more_good:
            result += more_good * np.log((1 - p) * (1 - rho) + step)
        result -= np.count_nonzero(counts.operations > j) * np.log(1 - rho + step)
    return result


@dataclass(frozen=True)
class Draw:
    """One draw of the posterior.

    Attributes:
        p: probability that an operation is not ok.
        rho: intra-rack correlation of "not ok".
        split: shares of the classes of `NOT_OK` in p, shape (5,).
    """

    p: float
    rho: float
    split: Floats


class Posterior:
    """Posterior of (p, rho, split) of one policy, sampled through uniforms that the caller keys.

    Args:
        counts: the campaign's counts.
    """

    def __init__(self, counts: RackCounts) -> None:
        self.counts = counts
        bad = int(counts.not_ok.sum())
        self._alpha, self._beta = 0.5 + bad, 0.5 + counts.total - bad
        self._split_counts: Floats = counts.events.sum(axis=0) + DIRICHLET
        theta, rho_t, log_post = self._grid()
        top = float(log_post.max())
        mass = np.exp(log_post - top)
        cell = (theta[1] - theta[0]) * (rho_t[1] - rho_t[0])
        log_spread = top + float(np.log(mass.sum() * cell))
        log_spike = float(betaln(self._alpha, self._beta) - betaln(0.5, 0.5))
        odds = (1 - SPIKE) / SPIKE * np.exp(np.clip(log_spread - log_spike, -700, 700))
        self.spike = float(1 / (1 + odds))
        """Posterior probability that operations of a rack are independent (rho = 0)."""
        self._theta_edges = _edges(theta)
        self._t_edges = _edges(rho_t)
        self._t_cdf = _cdf(mass.sum(axis=1))
        self._theta_cdf = np.stack([_cdf(row) for row in mass])
        self.rho_mean = float(
            (1 - self.spike) * np.average(_rho_of(rho_t), weights=mass.sum(axis=1))
        )
        """Posterior mean of rho."""
        self.p_mean = float(
            self.spike * self._alpha / (self._alpha + self._beta)
            + (1 - self.spike) * np.average(_p_of(theta), weights=mass.sum(axis=0))
        )
        """Posterior mean of p."""

    @property
    def mean(self) -> Draw:
        """The posterior means of p, rho and split, as if they were drawn."""
        return Draw(self.p_mean, self.rho_mean, self._split_counts / self._split_counts.sum())

    def _grid(self) -> tuple[Floats, Floats, Floats]:
        """Return cell centres of θ and t, and the log posterior on them, shape (t, θ).

        The box is zoomed to where the posterior lives: a grid laid over all p would miss a
        narrow posterior between two of its lines.
        """
        box = np.array([[0.0, 1.0], [0.0, 1.0]])  # θ, t
        for _ in range(12):
            theta, t = _centres(box[0], 40), _centres(box[1], 24)
            alive = self._log_post(theta, t) > self._log_post(theta, t).max() - _LOG_FLOOR
            smaller = np.array(
                [_shrink(box[0], alive.any(axis=0)), _shrink(box[1], alive.any(axis=1))]
            )
            done = np.all(np.diff(smaller) > 0.8 * np.diff(box))
            box = smaller
            if done:
                break
        theta, t = _centres(box[0], _THETA_CELLS), _centres(box[1], _RHO_CELLS)
        return theta, t, self._log_post(theta, t)

    def _log_post(self, theta: Floats, t: Floats) -> Floats:
        p, rho = _p_of(theta)[None, :], _rho_of(t)[:, None]
        return log_likelihood(self.counts, p, rho)

    def draw(self, uniforms: Sequence[float] | Floats) -> Draw:
        """Return the draw that belongs to 2 + 5 uniforms in (0, 1), a pure function of them."""
        p, rho, split = self.draws(np.asarray(uniforms, dtype=float)[None, :])
        return Draw(float(p[0]), float(rho[0]), split[0])

    def draws(self, uniforms: Floats) -> tuple[Floats, Floats, Floats]:
        """Return a draw for each row of uniforms in (0, 1).

        Args:
            uniforms: shape (size, 2 + 5).

        Returns:
            p (size,), rho (size,) and split (size, 5).
        """
        if uniforms.shape[1] != 2 + len(NOT_OK):
            raise ValueError(f"{2 + len(NOT_OK)} uniforms are needed, not {uniforms.shape[1]}")
        p, rho = self._p_rho(uniforms[:, 0], uniforms[:, 1])
        gammas = gammaincinv(self._split_counts, uniforms[:, 2:])
        total = gammas.sum(axis=1, keepdims=True)
        expected = self._split_counts / self._split_counts.sum()
        return p, rho, np.where(total > 0, gammas / np.where(total > 0, total, 1), expected)

    def _p_rho(self, first: Floats, second: Floats) -> tuple[Floats, Floats]:
        p, rho = betaincinv(self._alpha, self._beta, second), np.zeros_like(first)
        spread = np.flatnonzero(first >= self.spike)
        level = (first[spread] - self.spike) / (1 - self.spike)
        t = np.interp(level, self._t_cdf, self._t_edges)
        rows = np.searchsorted(self._t_edges, t, side="right") - 1
        rows = rows.clip(0, len(self._theta_cdf) - 1)
        for row in np.unique(rows):
            where = spread[rows == row]
            theta = np.interp(second[where], self._theta_cdf[row], self._theta_edges)
            p[where] = _p_of(theta)
        rho[spread] = _rho_of(t)
        return p, rho

    def sample(self, size: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return ``size`` random draws: p (size,), rho (size,) and split (size, 5)."""
        return self.draws(rng.uniform(size=(size, 2 + len(NOT_OK))))

    def cdf_p(self, p: float) -> float:
        """Return the posterior probability that the probability of "not ok" is at most ``p``."""
        theta = float(np.arcsin(np.sqrt(p)) * 2 / np.pi)
        rows = np.array([np.interp(theta, self._theta_edges, row) for row in self._theta_cdf])
        spread = float(np.diff(self._t_cdf) @ rows)
        spike = float(betainc(self._alpha, self._beta, p))
        return self.spike * spike + (1 - self.spike) * spread


def _p_of(theta: Floats) -> Floats:
    return np.asarray(np.sin(0.5 * np.pi * theta) ** 2)


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
