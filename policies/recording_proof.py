"""Proof of a recording: simulated again from its seed and actions, and compared in all it says."""

from __future__ import annotations

import io
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
from policies.recording import Header, Recording, parse_recording
from policies.recording_code import code_digest
from policies.recording_difference import Difference, first_difference
from policies.rollout import Episode, environment


@dataclass(frozen=True)
class Proof:
    """What simulating again found.

    Attributes:
        difference: the first one; None where all is equal.
        steps, frames: how many were compared.
        beyond: frames of a cut file behind its last whole step, which nothing can be compared with.
        states: all state hashes are the same, whatever else differs.
        policy: the policy that is here under the recorded name was asked too, and does the same;
            False where none, or another, is here: then only the recorded actions were used.
    """

    difference: Difference | None
    steps: int
    frames: int
    beyond: int
    states: bool
    policy: bool


def verify(recording: Recording, where: str) -> Proof:
    """Simulate a recording again and compare every hash, action, reward, pose and signal.

    What was cut off is not simulated either.

    Args:
        recording: as read.
        where: name of its file, for errors.

    Raises:
        RecordingError: made by another station, version or format than what is here, or it differs
            and was made by other code, so that nobody can tell which of both it is.
    """
    check_same_house(recording, where)
    episode, policy = episode_of(recording, where), _policy(recording)
    steps = len(recording.steps.hashes)
    tape, stream = _Replay(recording.steps.actions, policy), io.BytesIO()
    record(episode, environment(episode), tape, stream, most_steps=steps)
    again = parse_recording(stream.getvalue(), f"{where}, simulated again")
    found = first_difference(recording, again, np.array(tape.own) if policy is not None else None)
    states = recording.steps.hashes == again.steps.hashes
    other = other_code(recording.header)
    if found is not None and other:
        same = ", though all state hashes are the same" if states and steps else ""
        raise RecordingError(f"{where}: cannot be proven here: {found}{same}; {other}")
    told = len(recording.frames.phase)
    beyond = max(0, told - len(again.frames.phase))
    return Proof(found, steps, told - beyond, beyond, states, policy is not None)


def other_code(header: Header) -> str:
    """Return why a difference need not be the file's: other code made it. Empty if this code did.

    Code may differ where versions do not, in a comment or in a reward; only a difference tells.
    """
    ours = code_digest(header.env_id)
    if header.code == ours:
        return ""
    made = f"other code ({header.code}, here it is {ours})"
    if not header.code:
        made = "code that it does not name, being older"
    return (
        f"it was made by {made}, whose difference this may be; verify it with the commit that made "
        f"it, or record it again"
    )


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
        actions: recorded. # (m, a)
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
        """Return the next recorded action (a,)."""
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
