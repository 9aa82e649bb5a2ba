"""How a learnt action and a script become one action: the same code in training and at run time.

The learner sees the observation, its zones and, where there is a script, the action that the
script would take: `Composition.see` asks the script, `Composition.join` combines. The script gets
observations and nothing else. `Composition.act` is all of it, for a network that has learnt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from configs.errors import UnknownNameError
from configs.specs.training import BeginSpec, CompositionSpec, RangeSpec, ZonesSpec
from envs.observation import Field, index_of, mirror
from policies.policy import Policy

Array = NDArray[np.float32]


class Composition:
    """A script and how a learnt action changes what it does.

    A learnt action of zero is the script itself, for every kind but ``pure``.

    Args:
        spec: kind, scale, feed range, zones, and whether what was learnt is mirrored.
        base: the script; ``None`` exactly where the kind is ``pure``.
        fields: the station's observation.
        actions: names of the entries of the station's action; the first is the feed.

    Raises:
        UnknownNameError: zones, or where it counts, by what is not observed.
    """

    def __init__(
        self,
        spec: CompositionSpec,
        base: Policy | None,
        fields: tuple[Field, ...],
        actions: Sequence[str],
    ) -> None:
        if (spec.kind == "pure") != (base is None):
            raise ValueError(f"a {spec.kind} composition and base {base!r} do not fit")
        self._kind, self._scale, self._base = spec.kind, spec.scale, base
        self._feed = spec.feed or (1.0, 1.0)
        self._scripted = np.zeros(len(actions), dtype=np.float32)
        self._zones = [_zones(zones, fields) for zones in spec.zones]
        self._slow, self._slowed = None, np.ones(len(actions), dtype=np.float32)
        if spec.slow is not None:
            self._slow, self._slowed[0] = _range(spec.slow, fields), spec.slow.feed
        self._begin, self._within = _begin(spec.begin, fields), _range(spec.within, fields)
        self._begun = True
        self._mirrored = spec.mirror
        self._swaps, self._turns = mirror([field.name for field in fields]), mirror(actions)

    @property
    def extra(self) -> int:
        """Entries that the learner sees behind the observation."""
        zones = sum(len(starts) for _, starts, _ in self._zones)
        return zones + (0 if self._base is None else len(self._scripted))

    @property
    def begun(self) -> bool:
        """Whether a learnt action counts, by the last observation seen."""
        return self._begun

    @property
    def sides(self) -> tuple[Array, Array] | None:
        """Signs of what the learner sees (n + extra,) and of its action (m,) in a mirror.

        None where nothing is mirrored. Zones count as alike on both sides.
        """
        if not self._mirrored:
            return None
        zones = np.ones(self.extra, dtype=np.float32)
        if self._base is not None:
            zones[-len(self._turns) :] = self._turns
        return np.concatenate([self._swaps, zones]), self._turns

    def reset(self) -> None:
        """Forget the last operation."""
        if self._base is not None:
            self._base.reset()

    def act(self, observation: Array, learnt: Callable[[Array], Array]) -> Array:
        """Return the action (m,) in [-1, 1] of a network for an observation (n,).

        The network is asked only where what it learnt counts: what it remembers begins there, as
        in training.

        Args:
            observation: of the station.
            learnt: the network: what the learner sees to its action.
        """
        seen = self.see(observation)
        if not self._begun:
            return self.join(np.zeros_like(self._scripted))
        action = learnt(seen)
        if self._mirrored:
            seen = self._seen(self._swaps * observation, self._turns * self._scripted)
            action = np.float32(0.5) * (action + self._turns * learnt(seen))
        return self.join(action)

    def see(self, observation: Array) -> Array:
        """Return what the learner sees, (n + extra,), and remember the script's action.

        To be called exactly once a step: scripts may have a memory.
        """
        if self._base is not None:
            self._scripted = self._base.act(observation)
            if self._slow is not None:
                index, low, high = self._slow
                if low <= observation[index] < high:
                    self._scripted = self._slowed * self._scripted
        index, above = self._begin
        within, low, high = self._within
        self._begun = bool(observation[index] > above and low <= observation[within] < high)
        return self._seen(observation, self._scripted)

    def join(self, learnt: Array) -> Array:
        """Return the action (m,) in [-1, 1] for the last observation seen and a learnt action."""
        learnt = np.clip(learnt, -1.0, 1.0)
        if self._kind == "pure":
            return learnt.astype(np.float32)
        if not self._begun:
            return self._scripted.clip(-1.0, 1.0)
        action = self._scripted + self._scale * learnt
        if self._kind == "override":
            action[0] = self._scripted[0] * self.feed_factor(float(learnt[0]))
        return np.clip(action, -1.0, 1.0).astype(np.float32)

    def _seen(self, observation: Array, scripted: Array) -> Array:
        seen = [observation]
        for index, starts, widths in self._zones:
            seen.append(np.clip((observation[index] - starts) / widths, 0.0, 1.0))
        if self._base is not None:
            seen.append(scripted)
        return np.concatenate(seen)

    def feed_factor(self, learnt: float) -> float:
        """Return the factor on the script's feed: 1 at 0, geometric to its ends at -1 and +1."""
        low, high = self._feed
        return float(high**learnt if learnt >= 0.0 else low**-learnt)


def _zones(spec: ZonesSpec, fields: tuple[Field, ...]) -> tuple[int, Array, Array]:
    """Return the entry's index, and starts and widths of its zones as shares of its scale."""
    index = _observed(spec.field, fields)
    ends = np.array(spec.at, dtype=np.float32) / np.float32(fields[index].scale)
    return index, ends[:-1], np.diff(ends)


def _begin(spec: BeginSpec | None, fields: tuple[Field, ...]) -> tuple[int, float]:
    """Return the entry's index, and the share of its scale above which what was learnt counts."""
    if spec is None:
        return 0, -math.inf
    index = _observed(spec.field, fields)
    return index, spec.above / fields[index].scale


def _range(spec: RangeSpec | None, fields: tuple[Field, ...]) -> tuple[int, float, float]:
    """Return the entry's index, and the ends as shares of its scale; all of it for None."""
    if spec is None:
        return 0, -math.inf, math.inf
    index = _observed(spec.field, fields)
    low, high = (end / fields[index].scale for end in spec.between)
    return index, low, high


def _observed(name: str, fields: tuple[Field, ...]) -> int:
    names = [field.name for field in fields]
    if name not in names:
        raise UnknownNameError("observation", name, names)
    return index_of(fields, name)
