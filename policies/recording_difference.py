"""Where a recording and the same operation simulated again first part, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envs.scene import SceneLink
from policies.recording import CONTACT, Floats, Recording, action_names

_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")


@dataclass(frozen=True)
class Difference:
    """The first place where file and simulation part.

    Attributes:
        step: number of the policy step, from 0; None outside of the policy's phases.
        where: the same in words, with its time.
        quantity: what differs first: an action, a pose, a signal, a reward, the state hash …
        recorded, simulated: its values.
    """

    step: int | None
    where: str
    quantity: str
    recorded: str
    simulated: str

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.quantity} is {self.recorded} in the file and {self.simulated} "
            f"when simulated again"
        )


@dataclass(frozen=True)
class _Item:
    """One value that a recording tells: during which step, where in words, what, and as text."""

    step: int | None
    where: str
    quantity: str
    text: str


def first_difference(told: Recording, again: Recording, own: Floats | None) -> Difference | None:
    """Return the first difference in the order of time, None if there is none.

    Args:
        told: the file.
        again: simulated again.
        own: what the policy itself would have done, where it was asked. # (m, a)
    """
    actions = again.steps.actions if own is None else own
    ours = _items(again, actions)
    for one in _items(told, told.steps.actions):
        other = next(ours, None)
        if other is None and told.end is None:  # cut: its frames behind its last step
            return None
        if other is None or one.quantity != other.quantity:
            return Difference(one.step, one.where, one.quantity, one.text, "missing")
        if one.text != other.text:
            return Difference(one.step, one.where, one.quantity, one.text, other.text)
    other = next(ours, None)
    if other is None or told.end is None:
        return None
    return Difference(other.step, other.where, other.quantity, "missing", other.text)


def _items(of: Recording, actions: Floats) -> Iterator[_Item]:
    """Yield all that a recording tells, in the order of time; within a step its action first."""
    steps, frame, axes = of.steps, 0, action_names(of)
    yield _Item(None, "the header", "part", of.header.part)
    for link in of.scene:
        yield from _link(link)
    while frame < len(of.frames.phase) and of.frames.phase[frame] not in CONTACT:
        yield from _frame(of, frame, None)
        frame += 1
    for step, time_s in enumerate(steps.time_s):
        where = f"step {step} ({time_s:.2f} s)"
        for axis, value in zip(axes, actions[step], strict=True):
            yield _Item(step, where, f"action {axis}", _text(value))
        while frame < len(of.frames.phase) and of.frames.time_s[frame] <= time_s:
            yield from _frame(of, frame, step)
            frame += 1
        yield _Item(step, where, "time", _text(time_s))
        yield _Item(step, where, "phase", steps.phase[step])
        for name, values in steps.terms.items():
            yield _Item(step, where, f"reward term {name}", _text(values[step]))
        yield _Item(step, where, "reward", _text(steps.rewards[step]))
        yield _Item(step, where, "state hash", steps.hashes[step])
    for rest in range(frame, len(of.frames.phase)):
        yield from _frame(of, rest, None)
    if of.end is not None:
        yield _Item(None, "the end", "outcome", of.end.outcome)
        for name, value in {**of.end.facts, **of.end.result}.items():
            yield _Item(None, "the end", name, str(value))


def _link(link: SceneLink) -> Iterator[_Item]:
    name, at = f"link '{link.name}'", "the scene"
    yield _Item(None, at, name, "moving" if link.moving else "fixed")
    yield _Item(None, at, f"pose of {name}", _texts(*link.pose.position, *link.pose.orientation))
    yield _Item(None, at, f"colour of {name}", _texts(*link.colour))
    yield _Item(None, at, f"number of boxes of {name}", str(len(link.boxes)))
    for number, box in enumerate(link.boxes):
        place = (*box.half_extents_m, *box.pose.position, *box.pose.orientation)
        yield _Item(None, at, f"box {number} of {name}", _texts(*place))


def _frame(of: Recording, index: int, step: int | None) -> Iterator[_Item]:
    frames = of.frames
    time_s, phase = frames.time_s[index], frames.phase[index]
    where = f"{phase} ({time_s:.3f} s)" if step is None else f"step {step} ({time_s:.3f} s)"
    yield _Item(step, where, "time of the frame", _text(time_s))
    yield _Item(step, where, "phase", phase)
    for link, pose in zip(of.moving, frames.poses[index], strict=True):
        for axis, value in zip(_POSE, pose, strict=True):
            yield _Item(step, where, f"pose of '{link}' ({axis})", _text(value))
    for name, values in frames.signals.items():
        yield _Item(step, where, f"signal {name}", _text(values[index]))


def _texts(*values: float) -> str:
    return " ".join(map(_text, values))


def _text(value: Any) -> str:
    return f"{value:.9g}"  # enough for a float32, and for nanoseconds of a cycle
