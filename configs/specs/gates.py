"""A gate: the bound that a KPI of the candidate line must keep, alone or against the reference."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from configs.specs.base import Spec

Against = Literal["value", "reference ratio", "reference difference"]


class GateSpec(Spec):
    """One gate of an evaluation.

    For example *racks a day at least 98 % of the reference line's*::

        - {kpi: throughput_rate, at_least: 0.98, against: reference ratio}

    Attributes:
        kpi: name of the KPI, as the report prints it.
        at_least: the lower limit; exactly one of the two limits is given.
        at_most: the upper limit.
        against: what is held against the limit: the KPI itself, its ratio to the reference
            line's, or its difference from it (candidate minus reference).
    """

    kpi: str
    at_least: float | None = None
    at_most: float | None = None
    against: Against = "value"

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give exactly one of at_least and at_most")
        return self

    @property
    def limit(self) -> float:
        """The limit, whichever side it bounds."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]

    @property
    def paired(self) -> bool:
        """Whether the gate compares with the reference line."""
        return self.against != "value"

    def describe(self) -> str:
        """Return the gate in words: ``"lead time at most 1.1 x reference"``."""
        side = "at least" if self.at_least is not None else "at most"
        shown = {
            "value": f"{self.limit:g}",
            "reference ratio": f"{self.limit:g} x reference",
            "reference difference": f"reference {self.limit:+g}",
        }[self.against]
        return f"{self.kpi} {side} {shown}"
