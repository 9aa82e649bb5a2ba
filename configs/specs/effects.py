"""What an operation's outcome costs the line, as data: every default here is assumed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from configs.specs.base import Spec, Time


class Intervention(Spec):
    """Time of one intervention of people at the station, lognormal by mean and CV.

    Attributes:
        mean_s: mean time; the technician's response time is the line's and not in it.
        cv: coefficient of variation (0 = always the mean).
    """

    mean_s: Time
    cv: Annotated[float, Field(ge=0, le=5)] = 0.5


class Swap(Intervention):
    """Replacement of a damaged part from stock, while the unit stays on the server.

    Attributes:
        technician: whether a roaming technician does it (else people of the line do).
    """

    cv: Annotated[float, Field(ge=0, le=5)] = 0.0
    technician: bool = False


class Effects(Spec):
    """Effects of the outcome classes on the line (all assumed; a user overrides them in YAML).

    A retried operation costs its own recorded time. An escaped one adds a hidden defect to the
    unit, which the line's tests find; what that costs belongs to the line.

    Attributes:
        assisted: a technician ends the operation; the part then counts as seated.
        detected: a technician corrects what the cell's sensors reported, true or false alarm.
        damage: swap of the damaged part from stock.
        handling_s: time of the cell for every unit beside its operations: dock, locate, undock.
    """

    assisted: Intervention = Intervention.model_construct(mean_s=300.0, cv=0.5)
    detected: Intervention = Intervention.model_construct(mean_s=300.0, cv=0.5)
    damage: Swap = Swap.model_construct(mean_s=3600.0, cv=0.0, technician=False)
    handling_s: Time = 240.0
