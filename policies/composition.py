"""How a learnt action and a script become one action: the same code in training and at run time.

The learner sees the observation and, where there is a script, the action that the script would
take: `Composition.see` asks the script, `Composition.join` combines. The script gets observations
and nothing else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from configs.specs.training import CompositionSpec
from policies.policy import Policy


class Composition:
    """A script and how a learnt action changes what it does.

    A learnt action of zero is the script itself, for every kind but ``pure``.

    Args:
        spec: kind, scale and feed range.
        base: the script; ``None`` exactly where the kind is ``pure``.
        actions: entries of the station's action; the first is the feed.
    """

    def __init__(self, spec: CompositionSpec, base: Policy | None, actions: int) -> None:
        if (spec.kind == "pure") != (base is None):
            raise ValueError(f"a {spec.kind} composition and base {base!r} do not fit")
        self._kind, self._scale, self._base = spec.kind, spec.scale, base
        self._feed = spec.feed or (1.0, 1.0)
        self._scripted = np.zeros(actions, dtype=np.float32)

    @property
    def extra(self) -> int:
        """Entries that the learner sees behind the observation."""
        return 0 if self._base is None else len(self._scripted)

    def reset(self) -> None:
        """Forget the last operation."""
        if self._base is not None:
            self._base.reset()

    def see(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the learner sees, (n + extra,), and remember the script's action.

        To be called exactly once a step: scripts may have a memory.
        """
        if self._base is None:
            return observation
        self._scripted = self._base.act(observation)
        return np.concatenate([observation, self._scripted])

    def join(self, learnt: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (m,) in [-1, 1] for the last observation seen and a learnt action."""
        learnt = np.clip(learnt, -1.0, 1.0)
        if self._kind == "pure":
            return learnt.astype(np.float32)
        action = self._scripted + self._scale * learnt
        if self._kind == "override":
            action[0] = self._scripted[0] * self.feed_factor(float(learnt[0]))
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    def feed_factor(self, learnt: float) -> float:
        """Return the factor on the script's feed: 1 at 0, geometric to its ends at -1 and +1."""
        low, high = self._feed
        return float(high**learnt if learnt >= 0.0 else low**-learnt)
