"""The station as a learner sees it: training seeds, composition with a script, training rewards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from configs.errors import RacklineError
from configs.specs.station import RewardWeights
from configs.specs.training import TrainingSpec
from envs import reward
from envs.observation import LIMIT
from envs.perturbation import Perturbation
from envs.registry import station
from envs.station_env import StationEnv
from policies.catalogue import load_policy
from policies.composition import Composition
from policies.seeds import TRAINING

Array = NDArray[np.float32]
DEPTH = ((0.0, 0.0), (1.0, 1.0))
"""The pace that counts depth itself."""
PASSED_OVER = 100
"""Operations in a row that may end before anything learnt counts (assumed)."""


class TrainingEnv(gym.Wrapper[Array, Array, Array, Array]):
    """Draws each operation from the training seeds, and lets a learnt action change a script's.

    Args:
        env: the station.
        composition: script, and how actions combine.
        weights: of the reward terms.
        force_cap: most that the raw force term takes in one operation.
        force_from: share of a damage limit from which the force term counts.
        pace: shares of depth and of time, rising; progress counts time, see `TrainingSpec`.
        seed: of the stream of operations; `stream` is its state.
    """

    def __init__(
        self,
        env: StationEnv,
        composition: Composition,
        weights: RewardWeights,
        force_cap: float,
        force_from: float,
        pace: Sequence[tuple[float, float]],
        seed: int,
    ) -> None:
        super().__init__(env)
        self._at = env
        extra = np.full(composition.extra, LIMIT)
        most = np.concatenate(([field.limit for field in env.fields], extra)).astype(np.float32)
        self.observation_space = gym.spaces.Box(-most, most)
        self._composition, self._weights = composition, weights
        self._nothing = np.zeros(len(env.actions), dtype=np.float32)
        self._force_cap, self._force_from = force_cap, force_from
        self._depths, self._times = zip(*pace, strict=True)
        self._depth = 0.0
        self._charged = self._side = self._axial = 0.0
        self._stream = np.random.default_rng([seed, 5])

    @property
    def sides(self) -> tuple[Array, Array] | None:
        """Signs of observation and action in a mirror, see `Composition.sides`."""
        return self._composition.sides

    @property
    def stream(self) -> dict[str, Any]:
        """State of the stream of operations, to go on from."""
        return dict(self._stream.bit_generator.state)

    @stream.setter
    def stream(self, state: dict[str, Any]) -> None:
        self._stream.bit_generator.state = state

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start the next operation of the stream, where what is learnt begins to count.

        The script works up to there; operations that end before are passed over. ``seed`` starts
        the stream anew.

        Raises:
            RacklineError: nothing learnt would ever count.
        """
        if seed is not None:
            self._stream = np.random.default_rng([seed, 5])
        for _ in range(PASSED_OVER):
            operation = TRAINING[int(self._stream.integers(len(TRAINING)))]
            observation, info = self.env.reset(seed=operation, options=options)
            self._composition.reset()
            self._depth = 0.0
            self._charged = self._side = self._axial = 0.0
            seen, ended = self._composition.see(observation), False
            while not self._composition.begun and not ended:
                seen, _, terminated, truncated, _ = self.step(self._nothing)
                ended = terminated or truncated
            if not ended:
                return seen, info
        raise RacklineError(
            f"composition: none of {PASSED_OVER} operations comes to where what is learnt counts; "
            f"lower begin.above or widen within.between"
        )

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Let the composed action work one step; ``action`` (m,) is the learnt one."""
        joined = self._composition.join(action)
        observation, _, terminated, truncated, info = self.env.step(joined)
        terms = info["reward_terms"]
        changed = {
            "force": self._force_raised(),
            "progress": self._time_won(terms["progress"]),
        }
        weighted = reward.total(terms | changed, self._weights)
        return self._composition.see(observation), weighted, terminated, truncated, info

    def _force_raised(self) -> float:
        """Return minus what the step added to the cost of the operation's largest forces.

        Charged step by step, a steady push would weigh many times as much as one hard knock, which
        is what damages.
        """
        now = self._at.snapshot
        self._side = max(self._side, now.side_force_share)
        self._axial = max(self._axial, now.axial_force_share)
        largest = replace(now, side_force_share=self._side, axial_force_share=self._axial)
        before = self._charged
        self._charged = min(-reward.force(largest, self._force_from), self._force_cap)
        return before - self._charged

    def _time_won(self, progress: float) -> float:
        """Return how much of an operation's time lies in the depth that a step gained."""
        before, self._depth = self._depth, self._depth + progress
        after, first = np.interp([self._depth, before], self._depths, self._times)
        return float(after - first)


def training_env(spec: TrainingSpec, seed: int) -> TrainingEnv:
    """Return the environment of one training seed."""
    made = gym.make(
        station(spec.env).env_id,
        setting=spec.setting,
        damage_ends=spec.damage_ends,
        perturbation=Perturbation(pose_error=spec.pose_error),
    ).unwrapped
    if not isinstance(made, StationEnv):
        raise TypeError(f"{spec.env} is no station of ours")
    base = None
    if spec.composition.base is not None:
        base = load_policy(spec.composition.base, made.station)
    weights = spec.reward or made.station.reward
    actions = [entry.name for entry in made.actions]
    composition = Composition(spec.composition, base, made.fields, actions)
    return TrainingEnv(
        made, composition, weights, spec.force_cap, spec.force_from, spec.pace or DEPTH, seed
    )
