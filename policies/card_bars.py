"""What a policy has to reach on held-out seeds, as intervals against the best tuned script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from envs.outcome import OutcomeClass
from policies.intervals import Interval, clopper_pearson_upper, paired_ratio, paired_t
from policies.records import EpisodeRecord
from policies.tuning import cost_s

SUCCESS_MARGIN: Final = 0.01
DAMAGE_BOUND: Final = 0.003
TIME_RATIO: Final = 0.85
ASSIST_MARGIN: Final = 0.005
FORCE_RATIO: Final = 1.05
"""The bars of issue 3."""
VOID_SHARE: Final = 0.01
"""Share of void operations (contact deeper than the model is good for) that comparisons bear."""
_RESAMPLES: Final = 1999


@dataclass(frozen=True)
class Bar:
    """One bar: what is asked, what was found, whether it holds."""

    asked: str
    found: str
    holds: bool


def bars(ours: Sequence[EpisodeRecord], script: Sequence[EpisodeRecord]) -> tuple[Bar, ...]:
    """Return the bars of a policy against a script on the same operations.

    None holds where more than 1 % of either's operations are void: what is compared is then not
    the station.

    Args:
        ours: the policy's records.
        script: the script's, in the same order of seeds.

    Raises:
        ValueError: the operations are not the same.
    """
    if [r.seed for r in ours] != [r.seed for r in script]:
        raise ValueError("pairs of the same seeds are needed")

    def of(what: Callable[[EpisodeRecord], float]) -> tuple[list[float], list[float]]:
        return [what(r) for r in ours], [what(r) for r in script]

    success = paired_t(*of(lambda r: float(r.success)))
    damages = sum(r.outcome is OutcomeClass.DAMAGE for r in ours)
    damage = clopper_pearson_upper(damages, len(ours))
    time = paired_ratio(*of(lambda r: r.contact_time_s))
    cost = paired_ratio(*of(lambda r: cost_s([r])))
    assists = paired_t(*of(lambda r: float(r.outcome is OutcomeClass.ASSISTED)))
    force = percentile_ratio(*of(lambda r: r.max_windowed_force_n))
    valid = max(void_share(ours), void_share(script)) <= VOID_SHARE
    return (
        Bar(
            f"success not inferior by {100 * SUCCESS_MARGIN:g} point (paired, 95 % interval)",
            f"{_points(success)} points",
            valid and success.low >= -SUCCESS_MARGIN,
        ),
        Bar(
            f"damage at most {100 * DAMAGE_BOUND:g} % (one-sided 95 % Clopper-Pearson bound)",
            f"{damages} of {len(ours):,}: at most {100 * damage:.2f} %",
            valid and damage <= DAMAGE_BOUND,
        ),
        Bar(
            f"ratio of mean contact times wholly below {TIME_RATIO:g} (paired, 95 % interval; all "
            "operations with their re-entries, until they end or a person takes over: no "
            "technician's time)",
            f"{_plain(time)}; server seconds, people's time included: {_plain(cost)}",
            valid and time.high < TIME_RATIO,
        ),
        Bar(
            f"assists more by at most {100 * ASSIST_MARGIN:g} point (paired, upper end)",
            f"{_points(assists)} points",
            valid and assists.high <= ASSIST_MARGIN,
        ),
        Bar(
            f"ratio of the p95 lateral forces at most {FORCE_RATIO:g} (paired, upper end)",
            _plain(force),
            valid and force.high <= FORCE_RATIO,
        ),
    )


def void_share(records: Sequence[EpisodeRecord]) -> float:
    """Return the share of operations whose contact went deeper than the model is good for."""
    return float(np.mean([r.outcome is OutcomeClass.VOID for r in records]))


def percentile_ratio(
    ours: Sequence[float], theirs: Sequence[float], percent: float = 95.0, seed: int = 0
) -> Interval:
    """Return the ratio of percentiles of paired values with its 95 % bootstrap interval.

    Pairs are resampled together (percentile bootstrap, 1,999 resamples).
    """

    def ratio(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
        above = np.percentile(x, percent, axis=axis)
        return np.asarray(above / np.percentile(y, percent, axis=axis))

    x, y = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    found = stats.bootstrap(
        (x, y), ratio, paired=True, vectorized=True, n_resamples=_RESAMPLES, batch=100,
        method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Interval(float(ratio(x, y)), float(found.low), float(found.high))


def _points(found: Interval) -> str:
    return f"{100 * found.estimate:+.2f} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"


def _plain(found: Interval) -> str:
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
