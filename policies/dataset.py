"""Recordings as data to learn from: what the policy saw, did and earned, step by step.

A recording holds actions, rewards and the hash of every state, but not what the policy saw. So the
policy's part of the operation is simulated again from its seed and actions, and every hash, reward
and the outcome are compared on the way: what an export holds is what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import RecordingError
from configs.specs.base import spec_hash
from envs.observation import Field
from envs.registry import station, station_of
from policies.recording import Floats, Header, Recording, read_recording
from policies.recording_film_steps import StepFilm, step_film
from policies.recording_proof import check_same_house, episode_of, other_code
from policies.rollout import environment

_REWARD_TOLERANCE = 1e-6
"""A recording keeps rewards to seven digits behind the point, as float32."""


@dataclass(frozen=True)
class About:
    """What all episodes of a dataset share.

    Attributes:
        env_id: station, e.g. ``"rackline/TrayInsert-v0"``.
        station: id of the station's data, with its ``station_version`` and ``spec_hash``.
        fields: the observation's entries, in order.
        actions: what the entries of an action move, in order.
        rate_hz: policy steps a second.
    """

    env_id: str
    station: str
    station_version: int
    spec_hash: str
    fields: tuple[Field, ...]
    actions: tuple[str, ...]
    rate_hz: float

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, to lie beside a dataset."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Transitions:
    """One episode, from the first observation to the one behind the last action.

    Attributes:
        recording: name of the file it comes from.
        header: what was run.
        task: what was to be done, in words.
        observations: as the policy received them: scaled, see `About.fields`. # (m + 1, n)
        actions: as applied. # (m, a)
        rewards: as recorded. # (m,)
        terminated, truncated: how the last step ended it; a time limit truncates.
        outcome: class of the operation, see `envs.outcome`.
        success: seated without anybody's help.
        cycle_time_s: of the whole operation, scripted phases included.
        film: what the camera saw before each action, where it was asked for.
    """

    recording: str
    header: Header
    task: str
    observations: Floats
    actions: Floats
    rewards: Floats
    terminated: bool
    truncated: bool
    outcome: str
    success: bool
    cycle_time_s: float
    film: StepFilm | None = None

    def __len__(self) -> int:
        return len(self.rewards)

    def facts(self) -> dict[str, Any]:
        """Return what is to be said of the episode as a whole, as plain data."""
        header = self.header
        return {
            "outcome": self.outcome,
            "success": self.success,
            "cycle_time_s": self.cycle_time_s,
            "setting": header.setting,
            "policy": header.policy,
            "part": header.part,
            "seed": header.seed,
            "rack": header.rack,
            "slot": header.slot,
            "recording": self.recording,
        }


def about(header: Header) -> About:
    """Return what the episodes of a recording's station share."""
    spec = station(header.env_id).spec
    place = station_of(spec)
    actions = tuple(entry.name for entry in place.actions)
    rate_hz = spec.physics.policy_rate_hz
    return About(
        header.env_id, spec.id, spec.version, spec_hash(spec), place.fields, actions, rate_hz
    )  # fmt: skip


def check_one_dataset(headers: Sequence[tuple[Path, Header]]) -> None:
    """Refuse recordings that are of several stations, or of one operation twice.

    Raises:
        RecordingError: names the two files and what they differ in, or share.
    """
    first, like = headers[0]
    seen: dict[tuple[object, ...], Path] = {}
    for file, header in headers:
        for what in ("env_id", "station", "station_version", "spec_hash"):
            here, there = getattr(header, what), getattr(like, what)
            if here != there:
                raise RecordingError(
                    f"{file}: was recorded at a station with {what} {here}, {first} with {there}; "
                    f"a dataset is of one station: export each into a folder of its own"
                )
        operation = (
            header.policy_digest, header.policy, header.setting, header.seed, header.rack,
            header.slot, tuple(sorted(header.perturbation.items())),
        )  # fmt: skip
        if operation in seen:
            raise RecordingError(
                f"{file}: is the same operation as {seen[operation]} ({header.policy}, seed "
                f"{header.seed}, rack {header.rack}, slot {header.slot}); leave one of them out"
            )
        seen[operation] = file


def whole_header(file: Path) -> Header:
    """Return the header of a recording that can become an episode.

    Raises:
        RecordingError: no recording, cut before its end, or of another station or version.
    """
    recording = read_recording(file)
    if recording.end is None or not len(recording.steps.hashes):
        raise RecordingError(
            f"{file}: {recording.cut or 'has no policy step'}, and an episode of a dataset needs "
            f"its end; record it again, or leave it out"
        )
    check_same_house(recording, str(file))
    return recording.header


def transitions(file: Path, film: bool = False) -> Transitions:
    """Read a recording and simulate the policy's part of it again, for what the policy saw.

    Args:
        file: a recording for which `whole_header` held.
        film: also draw what the camera saw before each action.

    Raises:
        RecordingError: what is simulated is not what was recorded; names the first step.
    """
    recording = read_recording(file)
    observations, info, terminated = _played_again(recording, str(file))
    header, end = recording.header, recording.end
    if end is None or info["outcome"] != end.outcome:
        told = end and end.outcome
        raise _differs(header, str(file), "the end", "outcome", told, info["outcome"])
    spec = station(header.env_id).spec
    return Transitions(
        file.name,
        header,
        f"{spec.title}: {header.part}",
        observations,
        recording.steps.actions,
        recording.steps.rewards,
        terminated,
        not terminated,
        end.outcome,
        bool(info["is_success"]),
        float(info["result"]["cycle_time_s"]),
        step_film(recording, round(spec.physics.policy_rate_hz)) if film else None,
    )


def _played_again(recording: Recording, where: str) -> tuple[Floats, dict[str, Any], bool]:
    """Return observations (m + 1, n), the last ``info``, and whether the end was no time limit."""
    header, steps = recording.header, recording.steps
    env = environment(episode_of(recording, where))
    options = {"rack": header.rack, "slot": header.slot}
    observation, info = env.reset(seed=header.seed, options=options)
    seen: list[NDArray[np.float32]] = [observation]
    terminated = truncated = False
    for step, action in enumerate(steps.actions):
        at = f"step {step}"
        if terminated or truncated:
            raise _differs(header, where, at, "the operation", "going on", "over")
        observation, reward, terminated, truncated, info = env.step(action)
        if info["state_hash"] != steps.hashes[step]:
            theirs, ours = steps.hashes[step], info["state_hash"]
            raise _differs(header, where, at, "state hash", theirs, ours)
        if abs(reward - float(steps.rewards[step])) > _REWARD_TOLERANCE * max(1.0, abs(reward)):
            raise _differs(header, where, at, "reward", steps.rewards[step], reward)
        seen.append(observation)
    if not (terminated or truncated):
        raise _differs(header, where, "the end", "the operation", "over", "going on")
    return np.stack(seen), info, terminated


def _differs(
    header: Header, where: str, at: str, quantity: str, recorded: object, simulated: object
) -> RecordingError:
    remedy = other_code(header) or f"rackline replay {where} --verify says more"
    return RecordingError(
        f"{where}: {at}: {quantity} is {recorded} in the file and {simulated} when simulated "
        f"again, so it is not exported; {remedy}"
    )
