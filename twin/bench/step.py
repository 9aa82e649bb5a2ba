"""What ``env.step`` costs over the bare simulation: the same ticks once more, part by part.

A scripted episode is recorded: its actions, the arguments of every call to the physics world
and to the control law. The same scene is then built again and taken through the same states,
proved by the state hash at the end, with only some of the calls made. First the drive commands
and the steps alone, which is as bare as it gets: a step without its joint forces would be another
trajectory. The drive commands are timed without stepping too and subtracted, so that the raw
figure is `stepSimulation` alone. Then one kind of call more at a time, and at last `env.step`
itself; what a part costs is the difference. Nothing is timed from within, so no timer is in any
figure. Replayed calls carry about 0.1 us of Python each, in the raw figure as in the others.

Time is the CPU time of the thread: on a shared machine, waiting for a core is no cost of ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import MethodType
from typing import Any
from unittest.mock import patch

from configs.errors import PhysicsError
from envs.operation import Operation
from envs.physics.world import World
from envs.station import Task
from envs.station_env import StationEnv
from policies.policy import Policy

RAW = "stepSimulation alone"
DRIVE, FORCES = "drive commands", "force reads of the fixture at every tick"
_ACTS = {"step": RAW, "drive": DRIVE, "pull": DRIVE, "lock": DRIVE}
"""Calls that decide the trajectory: every replay makes them."""
ROBOT, LOOKUPS = "robot state reads", "penetration and pose look-ups"
LAW = "control law"
JUDGE = "targets, windows, judge"
REST = "observation, reward, info"
PARTS = (RAW, DRIVE, FORCES, ROBOT, LOOKUPS, LAW, JUDGE, REST)
_LADDER = (DRIVE, RAW, FORCES, ROBOT, LOOKUPS)

Call = tuple[Callable[..., Any], tuple[Any, ...]]


@dataclass
class Recording:
    """One episode as it can be taken apart.

    Attributes:
        seed: campaign seed; the rack visit is 0.
        slot: slot of the part.
        actions: the policy's actions.
        advances: calls of `Operation.advance`.
        calls: calls of the world within these, each with the part of the cost it belongs to.
        law: calls of the control law.
        ticks: physics steps.
        state_hash: hash of the last state.
    """

    seed: int
    slot: int
    actions: list[Any] = field(default_factory=list)
    advances: list[Call] = field(default_factory=list)
    calls: list[tuple[str, Call]] = field(default_factory=list)
    law: list[Call] = field(default_factory=list)
    ticks: int = 0
    state_hash: str = ""


@dataclass(frozen=True)
class StepCost:
    """What `env.step` of one station costs.

    Attributes:
        env_id: the station.
        policy: that worked it.
        rates: rates of physics, control and policy, in words.
        ticks: physics steps of the recorded episodes.
        rounds: CPU seconds by part of each round, summed over the recordings.
    """

    env_id: str
    policy: str
    rates: str
    ticks: int
    rounds: Sequence[Mapping[str, float]]

    @property
    def ratio(self) -> float:
        """Median over rounds of the cost of `env.step` over that of `stepSimulation` alone."""
        return statistics.median(ratio(costs) for costs in self.rounds)

    @property
    def tick_us(self) -> float:
        """Median over rounds of a physics step's cost with all that belongs to it."""
        return statistics.median(1e6 * sum(costs.values()) / self.ticks for costs in self.rounds)


def record(env: StationEnv, policy: Policy, seed: int, slot: int) -> Recording:
    """Play one episode and keep every call that it makes between observation and physics."""
    tape = Recording(seed, slot)
    observation, info = env.reset(seed=seed, options={"rack": 0, "slot": slot})
    policy.reset()
    with ExitStack() as stack:
        _listen(stack, tape, env.operation.task)
        ended = False
        while not ended:
            action = policy.act(observation)
            tape.actions.append(action)
            observation, _, terminated, truncated, info = env.step(action)
            ended = terminated or truncated
    tape.ticks = sum(part == RAW for part, _ in tape.calls)
    tape.state_hash = info["state_hash"]
    return tape


def measure(
    env: StationEnv, tapes: Sequence[Recording], rounds: int, on_round: Callable[[], None]
) -> list[dict[str, float]]:
    """Return CPU seconds by part of each round, summed over the recordings."""
    found = []
    for _ in range(rounds):
        costs = [_costs(env, tape) for tape in tapes]
        found.append({part: sum(cost[part] for cost in costs) for part in PARTS})
        on_round()
    return found


def ratio(costs: Mapping[str, float]) -> float:
    """Return the cost of `env.step` over that of `stepSimulation` alone."""
    return sum(costs.values()) / costs[RAW]


def _costs(env: StationEnv, tape: Recording) -> dict[str, float]:
    """Return CPU seconds by part of one recording."""
    rungs = [
        _replay(env, tape, [call for part, call in tape.calls if part in _LADDER[: n + 1]])
        for n in range(len(_LADDER))
    ]
    costs = {_LADDER[0]: rungs[0]}
    costs |= {_LADDER[n]: rungs[n] - rungs[n - 1] for n in range(1, len(rungs))}
    costs[LAW] = _replay(env, tape, tape.law)
    advance = _replay(env, tape, tape.advances)
    costs[JUDGE] = advance - rungs[-1] - costs[LAW]
    costs[REST] = _replay(env, tape, [(env.step, (action,)) for action in tape.actions]) - advance
    return costs


def _replay(env: StationEnv, tape: Recording, program: Sequence[Call]) -> float:
    """Make the calls on a newly built scene; return CPU seconds.

    Raises:
        PhysicsError: calls that step did not end in the recorded state.
    """
    env.reset(seed=tape.seed, options={"rack": 0, "slot": tape.slot})
    start = time.thread_time()
    for call, arguments in program:
        call(*arguments)
    seconds = time.thread_time() - start
    if _steps(program) and env.operation.state_hash() != tape.state_hash:
        raise PhysicsError("a replay left the recorded trajectory; is a reset still reproducible?")
    return seconds


def _steps(program: Sequence[Call]) -> bool:
    functions = {getattr(call, "__func__", None) for call, _ in program}
    return not functions.isdisjoint({World.step, Operation.advance, StationEnv.step})


def _listen(stack: ExitStack, tape: Recording, task: Task) -> None:
    """Keep the calls of world, the robot's control law and operation until ``stack`` closes."""
    within, driven = [False], [-1]

    def world_called(name: str, call: Call) -> None:
        arguments = call[1]
        if name == "drive":
            driven[0] = arguments[0]
        if within[0]:
            part = _ACTS.get(name, LOOKUPS)
            if name == "joints":
                part = ROBOT if arguments[0] == driven[0] else FORCES
            tape.calls.append((part, call))

    for name in (*_ACTS, "joints", "wrench", "link_pose", "penetration_m"):
        _patch(stack, World, name, world_called)
    _patch(stack, type(task.robot), "forces", lambda _, call: tape.law.append(call))
    original = Operation.advance

    def advance(operation: Operation, *arguments: Any) -> None:
        tape.advances.append((MethodType(original, operation), arguments))
        within[0] = True
        original(operation, *arguments)
        within[0] = False

    stack.enter_context(patch.object(Operation, "advance", advance))


def _patch(stack: ExitStack, owner: type, name: str, called: Callable[[str, Call], None]) -> None:
    """Tell ``called`` of every call of a method, then make it."""
    original = getattr(owner, name)

    def listening(self: Any, *arguments: Any) -> Any:
        called(name, (MethodType(original, self), arguments))
        return original(self, *arguments)

    stack.enter_context(patch.object(owner, name, listening))
