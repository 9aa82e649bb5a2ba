"""Recording an operation: played as any other, looked at from outside, scripted phases simulated.

The policy's part is the environment's own; poses come from joint positions that it reads anyway,
so that a recorded operation is bit for bit the unrecorded one.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import numpy as np

from configs.errors import ContractError, RecordingError, UnknownNameError
from envs.operation import Operation
from envs.phases import RATE_HZ, Moment, Phase, displaced, simulate_phases
from envs.physics.pose import Pose
from envs.physics.sensors import ForceWindow
from envs.scene import robot_poses, scene_of, wrist_link
from envs.station_env import StationEnv
from policies.catalogue import policy_content
from policies.policy import Policy
from policies.recording import Header
from policies.recording_code import code_digest
from policies.recording_file import RecordingWriter
from policies.records import EpisodeRecord
from policies.rollout import Episode, environment, policy_of, record_of

SUFFIX = ".mcap"
SCRIPTED_TICKS = 40
"""Ticks a frame of scripted phases: 25 Hz."""
CONTACT_WINDOWS = 2
"""Windows of 1/60 s a frame of the policy's phases: 30 Hz."""


def make_folder(folder: Path, option: str = "") -> None:
    """Make the folder that recordings go to, if it is missing.

    Args:
        folder: its path.
        option: of the command line, if it was named there.

    Raises:
        RecordingError: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(
            f"{option} {folder}: cannot be made ({error.strerror}); choose another folder".lstrip()
        ) from None


def record_file(episode: Episode, file: Path) -> EpisodeRecord:
    """Run one episode, record it to ``file`` and return its record.

    Raises:
        RecordingError: the file cannot be written.
    """
    try:
        with file.open("wb") as stream:
            info = record(episode, environment(episode), policy_of(episode), stream)
    except OSError as error:
        raise RecordingError(
            f"{file}: cannot be written ({error.strerror}); choose another folder"
        ) from None
    return record_of(info)


def record_in(folder: Path, episode: Episode) -> EpisodeRecord:
    """Record one episode into ``folder`` under its own name, and return its record."""
    return record_file(episode, folder / file_name(episode))


def file_name(episode: Episode) -> str:
    """Return a file name that tells the episodes of a campaign apart."""
    words = "".join(c if c.isalnum() or c in "-_@" else "-" for c in episode.policy).strip("-")
    return f"{words}_{episode.seed}_rack{episode.rack}_slot{episode.slot}{SUFFIX}"


def record(
    episode: Episode,
    env: StationEnv,
    policy: Policy,
    stream: IO[bytes],
    most_steps: int | None = None,
) -> dict[str, Any]:
    """Run one episode to its end, write its recording, and return the last step's ``info``.

    Args:
        episode: what to run.
        env: its environment.
        policy: its policy.
        stream: where the recording goes, opened for writing in binary.
        most_steps: stop there and leave the recording cut, as the one was that is run again.
    """
    options = {"rack": episode.rack, "slot": episode.slot}
    observation, info = env.reset(seed=episode.seed, options=options)
    policy.reset()
    tape = _Tape(env.operation, header_of(episode, env, info), stream)
    tape.before()
    env.operation.on_window = tape.window
    try:
        ended, steps = False, 0
        while not ended and steps != most_steps:
            observation, reward, terminated, truncated, info = env.step(policy.act(observation))
            tape.step(float(reward), info)
            ended, steps = terminated or truncated, steps + 1
    finally:
        env.operation.on_window = None
        tape.flush()
    if ended:
        tape.after(info)
    return info


def header_of(episode: Episode, env: StationEnv, info: dict[str, Any]) -> Header:
    """Return the header of an episode that was reset."""
    return Header(
        env_id=episode.env_id,
        setting=episode.setting or env.station.default_setting,
        station=env.station.id,
        station_version=env.station.version,
        spec_hash=env.spec_hash,
        policy=episode.policy,
        policy_digest=policy_digest(episode.policy),
        seed=episode.seed,
        rack=episode.rack,
        slot=episode.slot,
        part=info["part"],
        perturbation={k: float(v) for k, v in asdict(episode.perturbation).items()},
        versions=versions(),
        wrist=wrist_link(env.operation.task.robot),
        code=code_digest(episode.env_id),
    )


def policy_digest(name: str) -> str:
    """Return 16 hex digits of what decides how a policy behaves; empty where it is not here."""
    try:
        text = json.dumps(policy_content(name), sort_keys=True)
    except UnknownNameError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions of what decides the bits of a simulation."""
    packages = {name: metadata.version(name) for name in ("rackline", "pybullet", "numpy")}
    return {"python": platform.python_version(), **packages}


@dataclass
class _Peaks:
    """Largest judged forces since the last frame."""

    side_n: float = 0.0
    axial_n: float = 0.0


class _Tape:
    """One operation on its way to a file.

    Args:
        operation: started.
        header: of the recording.
        stream: where it goes.
    """

    def __init__(self, operation: Operation, header: Header, stream: IO[bytes]) -> None:
        self._operation, self._task = operation, operation.task
        self._travel, self._phases = self._task.robot.travel(loaded=True), self._task.before()
        axes = self._travel.axes
        self._cart = displaced(self._task.approach, axes, self._phases, -1.0)
        self._part = self._travel.part(displaced(self._cart, axes, self._phases[:1]))
        self._scene = scene_of(operation, self._part)
        self._writer = RecordingWriter(stream, asdict(header), self._scene)
        self._began_s = 0.0  # of the policy's part, in the cycle
        self._phase = ""
        self._peaks, self._windows = _Peaks(), 0

    def before(self) -> None:
        """Simulate and write the scripted phases that lead to the mouth."""
        standing = self._part
        self._frame(0.0, self._phases[0].name, self._cart, standing)
        self._began_s = self._script(
            self._phases, self._cart, 0.0, lambda moment: moment.part or standing
        )

    def window(self, window: ForceWindow) -> None:
        """Take in what the judge saw; every second one becomes a frame."""
        side, axial = self._task.fixture_forces(window.fixture)
        self._peaks.side_n = max(self._peaks.side_n, side)
        self._peaks.axial_n = max(self._peaks.axial_n, axial)
        self._windows += 1
        if self._windows == CONTACT_WINDOWS or self._operation.judge.ended:
            self._contact_frame(window)

    def step(self, reward: float, info: dict[str, Any]) -> None:
        """Write a policy step; its last window was a frame."""
        operation = self._operation
        action = np.array(operation.last_action)
        if not np.array_equal(action, action.astype(np.float32)):
            raise ContractError(
                f"action {operation.last_action} is no float32, which policies return and "
                f"recordings keep; return np.float32"
            )
        self._writer.step(
            self._began_s + operation.contact_time_s,
            self._phase,
            operation.last_action,
            info["state_hash"],
            reward,
            info["reward_terms"],
        )

    def flush(self) -> None:
        """Write what is in work: what comes next may be the end."""
        self._writer.flush()

    def after(self, info: dict[str, Any]) -> None:
        """Simulate and write the cell's last step and the way back, and finish the file.

        The last step may move the part home, and the hand, which still holds it, along.
        """
        operation, task, left = self._operation, self._task, self._part
        home_m = task.full_depth_m - task.seat(left).depth_m - info["result"]["short_m"]
        phases = task.after(operation.judge.handed_over, home_m)
        start = operation.joints[: len(self._travel.axes)]
        part = left

        def follow(moment: Moment) -> Pose:
            nonlocal part
            if moment.loaded:
                part = task.carried(left, start, moment.joints)
            return part

        ended_s = self._began_s + operation.contact_time_s
        self._script(phases, start, ended_s, follow)
        result = {k: v for k, v in info["result"].items() if k != "facts"}
        facts = {k: v if isinstance(v, bool | int) else str(v) for k, v in info["facts"].items()}
        self._writer.finish({"outcome": info["outcome"], "facts": facts, "result": result})

    def _contact_frame(self, window: ForceWindow) -> None:
        poses = robot_poses(self._scene, self._task.robot, window.joints)
        self._part = poses[-1]  # the part is the robot's last link
        seat = self._task.seat(self._part)
        self._phase = "insert" if seat.depth_m > 0.0 else "approach"
        names = ("wrist_fx_n", "wrist_fy_n", "wrist_fz_n", "wrist_mx_nm", "wrist_my_nm",
                 "wrist_mz_nm")  # fmt: skip
        signals = dict(zip(names, window.wrist, strict=True)) | {
            "side_force_n": self._peaks.side_n,
            "axial_force_n": self._peaks.axial_n,
            "depth_m": seat.depth_m,
            "lateral_m": seat.lateral_m,
            "yaw_rad": seat.yaw_rad,
        }
        self._writer.frame(self._began_s + window.time_s, self._phase, poses, signals)
        self._peaks, self._windows = _Peaks(), 0

    def _script(
        self,
        phases: Sequence[Phase],
        start: Sequence[float],
        began_s: float,
        part_of: Callable[[Moment], Pose],
    ) -> float:
        """Write frames of scripted phases that begin at ``began_s``; return when they end."""
        total = sum(round(phase.duration_s * RATE_HZ) for phase in phases)
        moments = simulate_phases(self._task.robot, phases, start)
        for tick, moment in enumerate(moments, start=1):
            part = part_of(moment)
            if tick % SCRIPTED_TICKS == 0 or tick == total:
                name = phases[moment.phase].name
                self._frame(began_s + tick / RATE_HZ, name, moment.joints, part)
        return began_s + total / RATE_HZ

    def _frame(self, time_s: float, phase: str, joints: Sequence[float], part: Pose) -> None:
        every = self._travel.all_joints(joints)
        poses = robot_poses(self._scene, self._task.robot, every, part)
        self._writer.frame(time_s, phase, poses, {})
