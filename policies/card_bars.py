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
    text, found = difference(*pairs)
    return (
        f"success not inferior by {100 * bar:g} point (paired, 95 % interval)",
        text,
        found.low >= -bar,
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
        f"{in_words(time)}; server seconds, people's time included: {in_words(cost)}",
        time.high < bar,
    )


def _assists(bar: float, ours: Records, script: Records) -> Judged:
    pairs = _both(ours, script, lambda r: float(r.outcome is OutcomeClass.ASSISTED))
    text, found = difference(*pairs)
    return (
        f"assists more by at most {100 * bar:g} point (paired, upper end)",
        text,
        found.high <= bar,
    )


def _lateral(bar: float, ours: Records, script: Records) -> Judged:
    found = percentile([r.max_windowed_force_n for r in ours])
    some = f"{found.estimate:.1f} N, and {len(ours)} operations are too few for an upper end"
    return (
        f"p95 lateral force at most {bar:g} N (95 % interval, upper end)",
        f"{in_words(found, '.1f')} N" if math.isfinite(found.high) else some,
        found.high <= bar,
    )


def _lateral_ratio(bar: float, ours: Records, script: Records) -> Judged:
    found = percentile_ratio(*_both(ours, script, lambda r: r.max_windowed_force_n))
    return (
        f"ratio of the p95 lateral forces at most {bar:g} (paired, upper end)",
        in_words(found),
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
    with np.errstate(divide="ignore", invalid="ignore"):  # over 0: no figure
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


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[str, Interval]:
    """Return in words, and as an interval, how much more often something happened to the first.

    Where every pair says the same, Student's interval has no width; what so many pairs leave
    possible is then Clopper-Pearson's bound of none that says otherwise.

    Args:
        ours: 1.0 where it happened, else 0.0.
        theirs: the same of the same operations.
    """
    found, pairs = paired_t(ours, theirs), f"{len(ours):,} pairs"
    if found.low < found.high:
        return f"{in_words(found, '+.2f', 100.0)} points", found
    same = found.estimate
    unseen = (1.0 + abs(same)) * clopper_pearson_upper(0, len(ours))
    bound = Interval(same, max(-1.0, same - unseen), min(1.0, same + unseen))
    if same == 0.0:
        return f"no difference in {pairs}: at most {100 * unseen:.2f} points", bound
    return f"{100 * same:+.0f} points in each of {pairs}", bound


def in_words(found: Interval, form: str = ".3f", unit: float = 1.0) -> str:
    """Return an interval as cards write it; what has no width, or is no number, in words.

    Args:
        found: the interval.
        form: how its numbers are written.
        unit: what they are multiplied by.
    """
    if not math.isfinite(found.low + found.high):
        return "no figure: it would be over 0"
    estimate, low, high = (
        format(unit * value, form) for value in (found.estimate, found.low, found.high)
    )
    return f"{estimate} to its last digit" if low == high else f"{estimate} [{low}, {high}]"
