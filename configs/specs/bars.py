"""The typed form of `configs/bars/*.yaml`: what a policy has to reach on held-out seeds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Self

from pydantic import Field, model_validator

from configs.specs.base import Distinct, Spec, error_below
from configs.specs.quantities import Force
from configs.specs.station import Fraction

Ratio = Annotated[float, Field(gt=0.0)]
ROWS: Final = 500
"""Seeds of a row where a file does not say (assumed)."""
Seeds = Annotated[int, Field(ge=2, le=10_000)]


class BarsSpec(Spec):
    """Bars, each on the end of an interval that is worse for the policy; None is not asked.

    Attributes:
        success_at_least: on the one-sided 95 % Clopper-Pearson bound.
        success_margin: points by which success may be less than the best script's, as a share.
        damage_at_most: on the one-sided 95 % Clopper-Pearson bound.
        time_ratio: mean contact time over the best script's.
        assist_margin: points by which assists may be more than the best script's, as a share.
        lateral_p95_n: 95th percentile of the largest windowed lateral force of an operation.
        lateral_ratio: the same over the best script's.
    """

    success_at_least: Fraction | None = None
    success_margin: Fraction | None = None
    damage_at_most: Fraction | None = None
    time_ratio: Ratio | None = None
    assist_margin: Fraction | None = None
    lateral_p95_n: Force | None = None
    lateral_ratio: Ratio | None = None


class ContactFactors(Spec):
    """Factors on a station's physics, for a row of what was assumed of contact.

    Attributes:
        rate: of physics.
        stiffness: of contact, with damping by its root.
        damping: of contact, beside that.
    """

    rate: Annotated[int, Field(ge=1, le=8)] = 1
    stiffness: Ratio = 1.0
    damping: Ratio = 1.0

    @property
    def name(self) -> str:
        """What is other than at the station, in words."""
        told = (
            ("physics rate", self.rate),
            ("contact stiffness", self.stiffness),
            ("contact damping", self.damping),
        )
        return ", ".join(f"{what} x {factor:g}" for what, factor in told if factor != 1)


class TrialSpec(Spec):
    """How a policy is tried at a station: on how many seeds, beside what, and the bars.

    Attributes:
        episodes: held-out seeds that the policy works.
        scripts: the first of them, that every tuned script works too; all where left out.
        robustness: the first of those, that every row beyond the station itself works; 500 or all.
        contact: factors on what is assumed of contact, a row each.
        stations: ids of other stations that take the same policy, a row each.
        bars: what it has to reach.
    """

    folder: ClassVar[str] = "bars"

    episodes: Seeds = 5000
    scripts: Seeds | None = None
    robustness: Seeds | None = None
    contact: Annotated[list[ContactFactors], Distinct, Field(default_factory=list, max_length=8)]
    stations: Annotated[list[str], Distinct, Field(default_factory=list, max_length=8)]
    bars: BarsSpec = BarsSpec()

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.scripted > self.episodes:
            raise error_below(["scripts"], "is more than episodes; write as many at most")
        if self.rows > self.scripted:
            raise error_below(
                ["robustness"], "is more than the scripts work; write {n} at most",
                n=str(self.scripted),
            )  # fmt: skip
        if ContactFactors() in self.contact:
            raise error_below(["contact"], "has a row that changes nothing; leave it out")
        return self

    @property
    def scripted(self) -> int:
        """Seeds that every script works."""
        return self.episodes if self.scripts is None else self.scripts

    @property
    def rows(self) -> int:
        """Seeds of every row beyond the station itself."""
        return min(ROWS, self.scripted) if self.robustness is None else self.robustness
