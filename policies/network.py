"""A policy's network in onnxruntime: the only module that runs ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import BundleError
from configs.specs.card import Signature
from policies.onnx_check import check_onnx

Array = NDArray[Any]
Ports = dict[str, tuple[str, tuple[Any, ...]]]


class Network:
    """The network of a bundle in onnxruntime, on one thread.

    Args:
        data: the ONNX file.
        signature: what goes in and comes out; checked against the file.
        where: what to call it in messages.

    Raises:
        BundleError: not a small network, or not of this signature.
    """

    def __init__(self, data: bytes, signature: Signature, where: str) -> None:
        check_onnx(data, where)
        import onnxruntime  # here: scripts need not wait for it

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised; nothing else to say
        self.signature = signature
        try:
            self._session = onnxruntime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
            self._check_ports()
            action, state = self.step(*self._zeros())
            shapes = (action.shape, () if state is None else state.shape)
            if shapes != ((signature.action,) if self._continuous else (), signature.state):
                raise ValueError(f"gives shapes {shapes}")
            if not np.isfinite(action).all():
                raise ValueError("gives actions that are not finite")
        except BundleError:
            raise
        except Exception as error:  # onnxruntime raises classes of its own, without a common base
            reason = " ".join(str(error).split())[:160]
            raise BundleError(f"{where}: cannot be run ({reason}); export it again") from None

    @property
    def start(self) -> Array | None:
        """State at the start of an operation, or None."""
        state = self.signature.state
        return np.zeros(state, dtype=np.float32) if state else None

    def step(
        self, observation: Array, mask: Array | None = None, state: Array | None = None
    ) -> tuple[Array, Array | None]:
        """Return action and next state.

        Args:
            observation: float32 (n,).
            mask: bool (actions,), True where allowed; exactly where the signature is masked.
            state: of the signature's shape; exactly where it has one.
        """
        feed: dict[str, Array] = {"obs": observation[None]}
        if mask is not None:
            feed["mask"] = mask[None]
        if state is not None:
            feed["state"] = state
        action, *rest = self._session.run(None, feed)
        return action[0], rest[0] if rest else None

    @property
    def _continuous(self) -> bool:
        return self.signature.kind == "continuous"

    def _zeros(self) -> tuple[Array, Array | None, Array | None]:
        signature = self.signature
        mask = np.ones(signature.action, dtype=np.bool_) if signature.masked else None
        return np.zeros(signature.observation, dtype=np.float32), mask, self.start

    def _check_ports(self) -> None:
        def seen(ports: Any) -> Ports:
            return {port.name: (port.type, tuple(port.shape)) for port in ports}

        s = self.signature
        inputs: Ports = {"obs": ("tensor(float)", (1, s.observation))}
        outputs: Ports = {
            "action": ("tensor(float)", (1, s.action))
            if self._continuous
            else ("tensor(int64)", (1,))
        }
        if s.masked:
            inputs["mask"] = ("tensor(bool)", (1, s.action))
        if s.state:
            inputs["state"] = ("tensor(float)", s.state)
            outputs["state_out"] = ("tensor(float)", s.state)
        for wanted, given in (
            (inputs, seen(self._session.get_inputs())),
            (outputs, seen(self._session.get_outputs())),
        ):
            if wanted != given:
                raise ValueError(f"has {given}, but the card says {wanted}")
