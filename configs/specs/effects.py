"""What an operation's outcome costs the line, as data: every default here is assumed."""

from __future__ import annotations

from configs.specs.base import Spec
from configs.specs.line import Duration
from configs.specs.quantities import Time


class Swap(Duration):
    """Replacement of a damaged part from stock, while the unit stays on the server.

    Attributes:
        technician: whether it takes a roaming technician (assumed: a cell without people cannot
            swap a tray by itself); ``false`` only where others are there whose time is not counted.
    """

    technician: bool = True


class Effects(Spec):
    """Effects of the outcome classes on the line (all assumed; a user overrides them in YAML).

    A retried operation costs its own recorded time. An escaped one adds a hidden defect to the
    unit, which the line's tests find; what that costs belongs to the line.

    Attributes:
        assisted: time in which a technician, once there, ends the operation; the part then
            counts as seated.
        detected: time in which a technician corrects what the cell's sensors reported, be it a
            true or a false alarm.
        damage: swap of the damaged part from stock.
        handling_s: time of the cell for every unit beside its operations: dock, locate, undock.
    """

    assisted: Duration = Duration.model_construct(mean_s=300.0, cv=0.5)
    detected: Duration = Duration.model_construct(mean_s=300.0, cv=0.5)
    damage: Swap = Swap.model_construct(mean_s=3600.0, cv=0.0, technician=True)
    handling_s: Time = 240.0
