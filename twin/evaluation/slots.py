"""Which slots of a rack a campaign inserts into, so that few parts stand for the whole rack."""

from __future__ import annotations

from typing import Final

_GOLDEN: Final = 0.6180339887498949  # successive multiples mod 1 fill (0, 1) evenly (Weyl, 1916)


def sampled_slots(slots: int, parts: int, rack: int) -> tuple[int, ...]:
    """Return ``parts`` of a rack's slots by systematic sampling, ascending.

    The slots are every ``slots / parts``-th from a start that moves evenly from rack to rack.
    A part that fills a run of c neighbouring slots is therefore drawn floor or ceil of
    c · parts / slots times in every rack, and every slot equally often over the campaign.

    Args:
        slots: slots of a rack.
        parts: how many to take, at most ``slots``.
        rack: number of the rack visit.
    """
    if not 1 <= parts <= slots:
        raise ValueError(f"{parts} parts do not fit {slots} slots")
    step = slots / parts
    start = (0.5 + rack * _GOLDEN) % 1.0
    return tuple(int((start + index) * step) for index in range(parts))
