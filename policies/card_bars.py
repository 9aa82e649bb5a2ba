"""What a policy has to reach on held-out seeds, as intervals against the best tuned script."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import stats

from configs.specs.bars import BarsSpec
from envs.outcome import OutcomeClass
from policies.intervals import (
    CONFIDENCE,
    Interval,
    clopper_pearson_upper,
    paired_ratio,
    paired_t,
)
from policies.records import EpisodeRecord
from policies.tuning import cost_s

VOID_SHARE: Final = 0.01
"""Share of void operations (contact deeper than the model is good for) that comparisons bear."""
_RESAMPLES: Final = 1999


@dataclass(frozen=True)
class Bar:
    """One bar: what is asked, what was found, whether it holds."""

    asked: str
    found: str
    holds: bool


def bars(
    asked: BarsSpec, ours: Sequence[EpisodeRecord], script: Sequence[EpisodeRecord]
) -> tuple[Bar, ...]:
    """Return the bars that are asked, of a policy against a script on the same operations.

    None holds where more than 1 % of either's operations are void: what is compared is then not
    the station.

    Args:
        asked: what has to be reached.
        ours: the policy's records.
        script: the script's, of the same seeds or the first of them: what compares, compares these.

    Raises:
        ValueError: the operations are not the same.
    """
    if [r.seed for r in ours[: len(script)]] != [r.seed for r in script]:
        raise ValueError("pairs of the same seeds are needed")
    valid = max(void_share(ours), void_share(script)) <= VOID_SHARE
    found = []
    for name, judge in _JUDGES.items():
        bar = getattr(asked, name)
        if bar is not None:
            text, figure, holds = judge(bar, ours, script)
            found.append(Bar(text, figure, valid and holds))
    return tuple(found)


Records = Sequence[EpisodeRecord]
Judged = tuple[str, str, bool]


def _success(bar: float, ours: Records, script: Records) -> Judged:
    missed = sum(not r.success for r in ours)
    low = 1.0 - clopper_pearson_upper(missed, len(ours))
    return (
        f"success at least {100 * bar:g} % (one-sided 95 % Clopper-Pearson bound)",
        f"{len(ours) - missed:,} of {len(ours):,}: at least {100 * low:.2f} %",
        low >= bar,
    )


def _success_margin(bar: float, ours: Records, script: Records) -> Judged:
    pairs = _both(ours, script, lambda r: float(r.success))
    text, low, _ = difference(*pairs)
    return (
        f"success not inferior by {100 * bar:g} point (paired, 95 % interval)",
        text,
        low >= -bar,
    )


def _damage(bar: float, ours: Records, script: Records) -> Judged:
    damages = sum(r.outcome is OutcomeClass.DAMAGE for r in ours)
    most = clopper_pearson_upper(damages, len(ours))
    return (
        f"damage at most {100 * bar:g} % (one-sided 95 % Clopper-Pearson bound)",
        f"{damages} of {len(ours):,}: at most {100 * most:.2f} %",
        most <= bar,
    )


def _time(bar: float, ours: Records, script: Records) -> Judged:
    time = paired_ratio(*_both(ours, script, lambda r: r.contact_time_s))
    cost = paired_ratio(*_both(ours, script, lambda r: cost_s([r])))
    return (
        f"ratio of mean contact times wholly below {bar:g} (paired, 95 % interval; all "
        "operations with their re-entries, until they end or a person takes over: no "
        "technician's time)",
        f"{_plain(time)}; server seconds, people's time included: {_plain(cost)}",
        time.high < bar,
    )


def _assists(bar: float, ours: Records, script: Records) -> Judged:
    pairs = _both(ours, script, lambda r: float(r.outcome is OutcomeClass.ASSISTED))
    text, _, high = difference(*pairs)
    return (
        f"assists more by at most {100 * bar:g} point (paired, upper end)",
        text,
        high <= bar,
    )


def _lateral(bar: float, ours: Records, script: Records) -> Judged:
    found = percentile([r.max_windowed_force_n for r in ours])
    high = f"{found.high:.1f}" if math.isfinite(found.high) else f"no upper end from {len(ours)}"
    return (
        f"p95 lateral force at most {bar:g} N (95 % interval, upper end)",
        f"{found.estimate:.1f} [{found.low:.1f}, {high}] N",
        found.high <= bar,
    )


def _lateral_ratio(bar: float, ours: Records, script: Records) -> Judged:
    found = percentile_ratio(*_both(ours, script, lambda r: r.max_windowed_force_n))
    return (
        f"ratio of the p95 lateral forces at most {bar:g} (paired, upper end)",
        _plain(found),
        found.high <= bar,
    )


_JUDGES: Final[Mapping[str, Callable[[float, Records, Records], Judged]]] = {
    "success_at_least": _success,
    "success_margin": _success_margin,
    "damage_at_most": _damage,
    "time_ratio": _time,
    "assist_margin": _assists,
    "lateral_p95_n": _lateral,
    "lateral_ratio": _lateral_ratio,
}
"""What judges each field of `BarsSpec`, in the order of the card."""


def _both(
    ours: Records, script: Records, what: Callable[[EpisodeRecord], float]
) -> tuple[list[float], list[float]]:
    """Return a figure of the operations that both worked."""
    return [what(r) for r in ours[: len(script)]], [what(r) for r in script]


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


def percentile(values: Sequence[float], percent: float = 95.0) -> Interval:
    """Return a percentile of independent values with its 95 % interval (order statistics)."""
    test: Any = stats.quantile_test(values, p=percent / 100.0)
    found = test.confidence_interval(CONFIDENCE)
    return Interval(float(np.percentile(values, percent)), float(found.low), float(found.high))


def difference(ours: list[float], theirs: list[float]) -> tuple[str, float, float]:
    """Return in words, and by its ends, how much more often something happened to the first.

    Where no pair differs, Student's interval has no width; what so many pairs leave possible is
    then Clopper-Pearson's bound of none, to either side.
    """
    if ours == theirs:
        unseen = clopper_pearson_upper(0, len(ours))
        most = f"{100 * unseen:.2f} points"
        return f"no difference in {len(ours):,} pairs: at most {most}", -unseen, unseen
    found = paired_t(ours, theirs)
    return f"{_points(found)} points", found.low, found.high


def _points(found: Interval) -> str:
    return f"{100 * found.estimate:+.2f} [{100 * found.low:+.2f}, {100 * found.high:+.2f}]"


def _plain(found: Interval) -> str:
    return f"{found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
