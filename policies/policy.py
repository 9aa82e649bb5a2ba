"""What a policy is: something with `reset()` and `act(obs)`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Policy(Protocol):
    """Works a station from observations alone."""

    def reset(self) -> None:
        """Forget the last operation."""
        ...

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (a,) in [-1, 1] for an observation (n,)."""
        ...
