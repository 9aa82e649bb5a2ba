"""From a trained network to ONNX: the deterministic action, with normalisation and scaling within.

Reads the parts of Stable-Baselines3's policies by their names and imports none of it: actors of SAC
and TQC, PPO, and sb3-contrib's recurrent and maskable PPO.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.specs.card import Signature

MASKED_OUT = -1e8
"""Logit of an action that the mask forbids, as in sb3-contrib."""


@dataclass(frozen=True)
class Normaliser:
    """Running statistics of observations: ``clip((obs - mean) / deviation, ±limit)``."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    limit: float

    @classmethod
    def of(cls, normalised: Any) -> Normaliser:
        """Return what a Stable-Baselines3 ``VecNormalize`` does to observations by now."""
        mean = np.array(normalised.obs_rms.mean, dtype=np.float64)
        variance = np.asarray(normalised.obs_rms.var, dtype=np.float64)
        deviation = np.sqrt(variance + normalised.epsilon)
        return cls(mean, deviation, float(normalised.clip_obs))

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return observations (k, n) normalised."""
        scaled = (observations - self.mean) / self.deviation
        return np.clip(scaled, -self.limit, self.limit).astype(np.float32)


def export_network(
    policy: Any, normaliser: Normaliser | None = None, masked: bool = False
) -> tuple[bytes, Signature]:
    """Return the ONNX file of a policy's deterministic action, and its signature.

    Args:
        policy: ``model.policy`` of a Stable-Baselines3 model with a flat box observation.
        normaliser: what observations went through in training.
        masked: the network is to take a mask of allowed actions.
    """
    import torch

    module, signature = _module(policy, normaliser, masked)
    inputs = {"obs": torch.zeros(1, signature.observation)}
    if masked:
        inputs["mask"] = torch.ones(1, signature.action, dtype=torch.bool)
    if signature.state:
        inputs["state"] = torch.zeros(*signature.state)
    outputs = ["action", "state_out"] if signature.state else ["action"]
    training = policy.training
    policy.set_training_mode(False)
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                module.eval(),
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=outputs,
                dynamo=True,
                verbose=False,
            )
    finally:
        policy.set_training_mode(training)
    return _plain(program.model_proto), signature


def _module(policy: Any, normaliser: Normaliser | None, masked: bool) -> tuple[Any, Signature]:
    """Return the torch module to export and what goes in and comes out."""
    import torch

    observations, actions = policy.observation_space, policy.action_space
    discrete = hasattr(actions, "n")
    lstm = getattr(policy, "lstm_actor", None)
    state = () if lstm is None else (2, lstm.num_layers, 1, lstm.hidden_size)
    signature = Signature.model_validate(
        {
            "observation": int(observations.shape[0]),
            "kind": "discrete" if discrete else "continuous",
            "action": int(actions.n if discrete else actions.shape[0]),
            "masked": masked,
            "state": state,
        }
    )
    tail = _tail(policy)

    class Exported(torch.nn.Module):  # type: ignore[misc]
        """Observation to deterministic action."""

        def forward(self, obs: Any, *rest: Any) -> Any:
            if normaliser is not None:
                mean, deviation = _tensors(normaliser.mean, normaliser.deviation)
                limit = normaliser.limit
                obs = torch.clamp((obs - mean) / deviation, -limit, limit)
            if lstm is None:
                return tail(obs, rest[0] if masked else None)
            out, (hidden, cell) = lstm(obs.unsqueeze(0), (rest[-1][0], rest[-1][1]))
            return tail(out[0], rest[0] if masked else None), torch.stack([hidden, cell])

    module = Exported()
    module.policy = policy  # so that its weights are the module's
    return module, signature


def _tail(policy: Any) -> Any:
    """Return the function (features, mask) -> action behind normalisation and memory."""
    import torch

    actor = getattr(policy, "actor", None)
    space = policy.action_space

    def act(features: Any, mask: Any) -> Any:
        if actor is not None:  # SAC, TQC: squashed, then scaled to the space
            low, high = _tensors(space.low, space.high)
            squashed = torch.tanh(actor.mu(actor.latent_pi(features)))
            return low + 0.5 * (squashed + 1.0) * (high - low)
        out = policy.action_net(policy.mlp_extractor.forward_actor(features))
        if hasattr(space, "n"):
            if mask is not None:
                out = torch.where(mask, out, torch.full_like(out, MASKED_OUT))
            return torch.argmax(out, dim=1)
        return torch.clamp(out, *_tensors(space.low, space.high))

    return act


def _tensors(*arrays: NDArray[Any]) -> list[Any]:
    import torch

    return [torch.as_tensor(np.asarray(array, dtype=np.float32)) for array in arrays]


def _plain(model: Any) -> bytes:
    """Return the model without the exporter's notes, which hold paths of the machine."""
    for thing in (model, model.graph, *model.graph.node, *model.graph.initializer):
        del thing.metadata_props[:]
        thing.doc_string = ""
    for port in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del port.metadata_props[:]
        port.doc_string = ""
    model.producer_name, model.producer_version = "rackline", ""
    data: bytes = model.SerializeToString()
    return data


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about its own insides; its errors still come."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
