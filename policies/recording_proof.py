"""Proof of a recording: simulated again from its seed and actions, and compared in all it says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BundleError, RecordingError, UnknownNameError
from configs.specs.base import spec_hash
from envs.perturbation import Perturbation
from envs.registry import station
from policies.catalogue import load_policy
from policies.policy import Policy
from policies.recorder import policy_digest, record, versions
from policies.recording import CONTACT, Floats, Recording, action_names, parse_recording
from policies.rollout import Episode, environment

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
class Proof:
    """What simulating again found.

    Attributes:
        difference: the first one; None where all is equal.
        steps, frames: how many were compared.
        policy: the policy that is here under the recorded name was asked too, and does the same;
            False where none, or another, is here: then only the recorded actions were used.
    """

    difference: Difference | None
    steps: int
    frames: int
    policy: bool


def verify(recording: Recording, where: str) -> Proof:
    """Simulate a recording again and compare every hash, action, reward, pose and signal.

    What was cut off is not simulated either.

    Args:
        recording: as read.
        where: name of its file, for errors.

    Raises:
        RecordingError: made by another station, version or format than what is here.
    """
    check_same_house(recording, where)
    episode, policy = episode_of(recording, where), _policy(recording)
    steps = len(recording.steps.hashes)
    tape, stream = _Replay(recording.steps.actions, policy), io.BytesIO()
    record(episode, environment(episode), tape, stream, most_steps=steps)
    again = parse_recording(stream.getvalue(), f"{where}, simulated again")
    found = first_difference(recording, again, np.array(tape.own) if policy is not None else None)
    return Proof(found, steps, len(recording.frames.phase), policy is not None)


def episode_of(recording: Recording, where: str) -> Episode:
    """Return the episode that a recording is of; ``where`` is named in errors."""
    header = recording.header
    factors: dict[str, Any] = dict(header.perturbation)
    try:
        perturbation = Perturbation(**factors | {"rate": int(factors["rate"])})
    except (KeyError, TypeError):
        raise RecordingError(
            f"{where}: was made with factors {factors}, which mean nothing here; record it again"
        ) from None
    return Episode(
        header.env_id,
        header.policy,
        header.setting,
        header.seed,
        header.rack,
        header.slot,
        perturbation,
    )


def check_same_house(recording: Recording, where: str) -> None:
    """Refuse a recording that what is here cannot be expected to reproduce.

    Raises:
        RecordingError: says what differs.
    """
    header, here = recording.header, versions()
    try:
        spec = station(header.env_id).spec
    except UnknownNameError as error:
        raise RecordingError(f"{where}: was made at a station that is not here: {error}") from None
    compared = [
        ("station", f"{header.station} version {header.station_version}",
         f"{spec.id} version {spec.version}"),
        ("spec hash", header.spec_hash, spec_hash(spec)),
        *((name, header.versions.get(name, "unknown"), here[name]) for name in here),
    ]  # fmt: skip
    for what, theirs, ours in compared:
        if theirs != ours:
            raise RecordingError(
                f"{where}: was made with {what} {theirs}, here it is {ours}, so equal bits cannot "
                f"be expected; verify it with what made it, or record it again"
            )


class _Replay:
    """Plays recorded actions; asks the policy itself what it would have done.

    Args:
        actions: recorded. # (m, 4)
        policy: the policy that made them; None if it is not here any more.
    """

    def __init__(self, actions: NDArray[np.float32], policy: Policy | None) -> None:
        self._actions, self._policy = actions, policy
        self.own: list[NDArray[np.float32]] = []
        self._next = 0

    def reset(self) -> None:
        """Begin again."""
        self._next = 0
        if self._policy is not None:
            self._policy.reset()

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next recorded action (4,)."""
        if self._policy is not None:
            self.own.append(np.clip(self._policy.act(observation), -1.0, 1.0))
        action: NDArray[np.float32] = self._actions[self._next]
        self._next += 1
        return action


def _policy(recording: Recording) -> Policy | None:
    """Return the policy that a recording names, if it is still the same."""
    name = recording.header.policy
    try:
        policy = load_policy(name, station(recording.header.env_id).spec)
    except (UnknownNameError, BundleError):
        return None
    return policy if policy_digest(name) == recording.header.policy_digest else None


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
        own: what the policy itself would have done, where it was asked. # (m, 4)
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
        yield _Item(None, "the scene", f"link '{link.name}'", repr(link))
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
        yield _Item(step, where, "reward", _text(steps.rewards[step]))
        for name, values in steps.terms.items():
            yield _Item(step, where, f"reward term {name}", _text(values[step]))
        yield _Item(step, where, "state hash", steps.hashes[step])
    for rest in range(frame, len(of.frames.phase)):
        yield from _frame(of, rest, None)
    if of.end is not None:
        yield _Item(None, "the end", "outcome", of.end.outcome)
        for name, value in {**of.end.facts, **of.end.result}.items():
            yield _Item(None, "the end", name, str(value))


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


def _text(value: Any) -> str:
    return f"{value:.9g}"  # enough for a float32, and for nanoseconds of a cycle
