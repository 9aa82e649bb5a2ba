"""The one environment class: any registered station behind Gymnasium's interface."""

from __future__ import annotations

import math
import operator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from configs.errors import ContractError, RacklineError, UnknownNameError
from configs.specs.base import load_spec, resolve_path, spec_hash
from envs import registry, reward
from envs.observation import scaled
from envs.operation import Operation
from envs.outcome import SUCCESSES, TrueState, outcome_class
from envs.perturbation import Perturbation, perturbed

Observation = NDArray[np.float32]
Action = NDArray[np.float32]


class StationEnv(gym.Env[Observation, Action]):
    """A station: the policy acts in its contact skill, the rest is scripted motion.

    ``reset(seed=s, options={"rack": r, "slot": k})`` starts the operation of one part; without
    options r and k are drawn from s. ``info`` carries the facts, which no policy receives.

    Args:
        station: id of a registered station, e.g. ``"rackline/TrayInsert-v0"``.
        setting: difficulty; None takes the station's default.
        perturbation: factors on physics and errors, for convergence and robustness studies.
        damage_ends: end the episode at damage (False: charge it and go on, for training only).
        render_mode: ``"rgb_array"`` or None.
        config: name or path of a YAML of the same form, in place of the station's own.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 - Gymnasium's form

    def __init__(
        self,
        station: str,
        setting: str | None = None,
        perturbation: Perturbation | None = None,
        damage_ends: bool = True,
        render_mode: str | None = None,
        config: str | Path | None = None,
    ) -> None:
        entry, factors = registry.station(station), perturbation or Perturbation()
        self.station = (
            load_spec(entry.spec_type, resolve_path("stations", config)) if config else entry.spec
        )
        self.render_mode = render_mode
        self.spec_hash = spec_hash(self.station)
        self._damage_ends = damage_ends
        varied = perturbed(self.station, setting or self.station.default_setting, factors)
        made = entry.factory(self.station, varied)
        self.operation = Operation(made, factors, visible=render_mode is not None)
        self.fields, self.actions = made.fields, made.actions
        self._scales = np.array([field.scale for field in self.fields])
        self._limits = np.array([field.limit for field in self.fields])
        most = self._limits.astype(np.float32)
        self.observation_space = gym.spaces.Box(-most, most)
        self.action_space = gym.spaces.Box(-1.0, 1.0, (len(self.actions),), np.float32)
        self._snapshot: reward.Snapshot | None = None

    @property
    def snapshot(self) -> reward.Snapshot:
        """True state after the last step, for rewards.

        Raises:
            gymnasium.error.ResetNeeded: before the first `reset`.
        """
        if self._snapshot is None:
            raise gym.error.ResetNeeded("no operation is under way: call reset() before step()")
        return self._snapshot

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start the operation of one part; see the class for ``options``."""
        super().reset(seed=seed)
        if seed is None:
            seed = int(self.np_random.integers(2**31))
        self.operation.start(seed, *self._rack_and_slot(seed, options or {}))
        self._snapshot = self.operation.snapshot()
        return self._observe(), self._info() | {"draws": self.operation.task.draws()}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance by one policy step; ``action`` (n,) in [-1, 1] is clipped.

        Raises:
            RacklineError: an action of another length.
            gymnasium.error.ResetNeeded: no operation is under way.
        """
        if len(action) != len(self.actions):
            names = ", ".join(entry.name for entry in self.actions)
            raise RacklineError(
                f"an action of {len(action)} entries, where {self.station.id} takes "
                f"{len(self.actions)}: {names}; correct the policy"
            )
        a = tuple(min(1.0, max(-1.0, float(v))) if math.isfinite(v) else 0.0 for v in action)
        operation = self.operation
        before = self.snapshot
        if operation.judge.ended:
            raise gym.error.ResetNeeded("no operation is under way: call reset() before step()")
        was_damaged = operation.judge.damaged
        operation.advance(a, self._damage_ends)
        after = self._snapshot = operation.snapshot()
        judge, result = operation.judge, operation.result
        seated = result is not None and result.facts.true_state is TrueState.SEATED
        terms = {
            "progress": reward.progress(before, after),
            "alignment": reward.alignment(before, after),
            "step": -1.0,
            "effort": reward.effort(a),
            "force": reward.force(after),
            "damage": -1.0 if judge.damaged and not was_damaged else 0.0,
            "seated": 1.0 if seated else 0.0,
        }
        info = self._info() | {"reward_terms": terms}
        return (
            self._observe(),
            reward.total(terms, self.station.reward),
            judge.ended and not judge.timed_out,
            judge.timed_out,
            info,
        )

    def render(self) -> Any:
        """Return a picture of the cell, (480, 640, 3) uint8, or None without a render mode."""
        return self.operation.render(640, 480) if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the simulation."""
        self.operation.close()

    def _rack_and_slot(self, seed: int, options: dict[str, Any]) -> tuple[int, int]:
        """Return rack visit and slot: from the options, or else drawn from the seed."""
        slots = len(self.station.slots)
        draw = np.random.default_rng([seed, 0])
        chosen = {"rack": int(draw.integers(2**31)), "slot": int(draw.integers(slots))}
        for name, value in options.items():
            if name not in chosen:
                raise UnknownNameError("reset option", name, chosen)
            try:
                chosen[name] = operator.index(value)
            except TypeError:
                raise RacklineError(
                    f"reset option {name} = {value!r}: is not a whole number; write e.g. 3"
                ) from None
        if chosen["rack"] < 0:
            raise UnknownNameError("rack", str(chosen["rack"]), ("0 and up",))
        if not 0 <= chosen["slot"] < slots:
            raise UnknownNameError("slot", str(chosen["slot"]), (f"0 to {slots - 1}",))
        return chosen["rack"], chosen["slot"]

    def _observe(self) -> Observation:
        seen = self.operation.observation()
        if len(seen) != len(self.fields):
            raise ContractError(
                f"{self.station.id}: its task observes {len(seen)} entries, where its table names "
                f"{len(self.fields)}; correct `observe` or `fields`"
            )
        return scaled(seen, self._scales, self._limits)

    def _info(self) -> dict[str, Any]:
        operation = self.operation
        info: dict[str, Any] = {
            "state_hash": operation.state_hash(),
            "seed": operation.seed,
            "rack": operation.rack,
            "slot": operation.slot,
            "part": operation.task.part_name,
        }
        if operation.result is not None:
            outcome = outcome_class(operation.result.facts)
            info |= {
                "facts": asdict(operation.result.facts),
                "outcome": outcome.value,
                "is_success": outcome in SUCCESSES,
                "result": asdict(operation.result),
            }
        return info
