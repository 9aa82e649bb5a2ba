"""PPO's networks, alike on the left and the right: each step teaches both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from torch import Tensor, nn


class MirroredPolicy(ActorCriticPolicy):  # type: ignore[misc]
    """Action and value are means over what is seen and its mirror image, mirrored back.

    Args:
        seen: signs of the observation in a mirror, (n,).
        action: signs of the action in a mirror, (m,).
        args: of Stable-Baselines3's policy, as are ``others``.
    """

    mlp_extractor: Any
    action_net: Any
    value_net: Any

    def __init__(self, *args: Any, seen: list[float], action: list[float], **others: Any) -> None:
        self._seen, self._action = seen, action
        super().__init__(*args, **others)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)  # the optimiser holds the weights, which stay the same
        made: Any = self
        self.mlp_extractor = _Both(made.mlp_extractor, self._seen)
        self.action_net = _Mean(made.action_net, self._action)
        self.value_net = _Mean(made.value_net, [1.0])

    def _get_constructor_parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_constructor_parameters()
        return found | {"seen": self._seen, "action": self._action}


class MirroredMeanStd(RunningMeanStd):  # type: ignore[misc]
    """Mean and variance over observations and their mirror images: entries with a side mean 0.

    Args:
        signs: of the observation in a mirror, (n,).
    """

    def __init__(self, signs: NDArray[np.float32]) -> None:
        super().__init__(shape=signs.shape)
        self._signs = signs

    def update(self, arr: NDArray[Any]) -> None:
        """Take a batch (k, n) of observations and of their mirror images."""
        super().update(np.concatenate([arr, self._signs * arr]))


class _Both(nn.Module):  # type: ignore[misc]
    """Latent features of what is seen and of its mirror image, as a pair."""

    def __init__(self, plain: nn.Module, signs: list[float]) -> None:
        super().__init__()
        self.plain = plain
        self.register_buffer("signs", torch.tensor(signs))

    def forward(self, seen: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        return self.forward_actor(seen), self.forward_critic(seen)

    def forward_actor(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.plain.forward_actor(seen), self.plain.forward_actor(self.signs * seen)

    def forward_critic(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        return self.plain.forward_critic(seen), self.plain.forward_critic(self.signs * seen)


class _Mean(nn.Module):  # type: ignore[misc]
    """Mean over the pair, the mirror image's turned back."""

    def __init__(self, plain: nn.Module, signs: list[float]) -> None:
        super().__init__()
        self.plain = plain
        self.register_buffer("signs", torch.tensor(signs))

    def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
        seen, mirrored = pair
        return 0.5 * (self.plain(seen) + self.signs * self.plain(mirrored))
