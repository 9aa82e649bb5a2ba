"""Training with Stable-Baselines3, which only this module and `training_mirrored` import.

A training seed is learnt in chunks. Between chunks everything that the rest depends on is written
(networks, optimisers, replay buffer, normalisation, every random state), and the next chunk starts
with a new operation, because contact cannot be saved. A killed run goes on from there and ends
exactly as one that was not.
"""

from __future__ import annotations

import importlib.util
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import BundleError, EnvironmentSetupError, RunFolderError
from configs.specs.training import TrainingSpec
from policies.export import Normaliser, export_network
from policies.training_env import TrainingEnv, training_env

PACKAGES = ("torch", "stable_baselines3", "sb3_contrib", "onnx", "onnxscript")
_UNREADABLE = (
    AssertionError,  # torch's zips lie within the model's: cut, it can be taken for one of them
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)
"""What Stable-Baselines3, torch, NumPy and pickle raise on files that were cut."""
_BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def require_packages() -> None:
    """Raise an error with the install command where the training packages are missing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise EnvironmentSetupError(
            f"training needs {', '.join(missing)}; install with: pip install 'rackline[train]' "
            f"(in a clone: pip install -c constraints.txt -e '.[train]')"
        )


class Learner:
    """One training seed: a Stable-Baselines3 model, its environment, and their whole state.

    Args:
        spec: what is trained.
        seed: training seed.
        logs: folder for TensorBoard, if that is installed; None for no logs.
    """

    def __init__(self, spec: TrainingSpec, seed: int, logs: Path | None = None) -> None:
        require_packages()
        import torch
        from stable_baselines3.common.monitor import Monitor
        from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

        torch.set_num_threads(1)
        self._spec, self._seed, self._logs = spec, seed, logs
        self._station: TrainingEnv = training_env(spec, seed)
        self._plain: Any = DummyVecEnv([lambda: Monitor(self._station)])
        self._env: Any = self._plain
        if spec.normalise:
            self._env = VecNormalize(self._plain, norm_reward=False)
        sides = self._station.sides if spec.on_policy is not None else None
        if sides is not None and spec.normalise:
            from policies.training_mirrored import MirroredMeanStd

            self._env.obs_rms = MirroredMeanStd(sides[0])
        self._model: Any = _model(spec, self._env, seed, sides)
        self._model.set_logger(_logger(logs))

    @property
    def steps(self) -> int:
        """Policy steps done."""
        return int(self._model.num_timesteps)

    def learn(
        self,
        steps: int,
        on_step: Callable[[int], None],
        on_episode: Callable[[dict[str, Any]], None],
    ) -> None:
        """Learn for ``steps`` more, starting with a new operation.

        Args:
            steps: policy steps; PPO rounds up to whole rollouts.
            on_step: called with the steps done.
            on_episode: called with the last ``info`` of each operation, Monitor's within.
        """
        self._model._last_obs = None  # `learn` then resets the environment
        callback = _callback(on_step, on_episode)
        every = 1 if self._spec.on_policy is not None else 10  # PPO counts rollouts, SAC episodes
        self._model.learn(steps, callback=callback, log_interval=every, reset_num_timesteps=False)

    def network(self) -> tuple[bytes, Any]:
        """Return the deterministic policy as ONNX and its signature; changes no random state."""
        states = _random_states()
        normaliser = None
        if self._spec.normalise:
            normaliser = Normaliser.of(self._env)
        exported = export_network(self._model.policy, normaliser)
        _set_random_states(states)
        return exported

    def save(self, folder: Path) -> None:
        """Write everything that the rest of the training depends on; all of it or nothing."""
        draft = folder.with_name(folder.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        self._model.save(draft / "model.zip")
        if self._spec.normalise:
            self._env.save(str(draft / "normalisation.pkl"))
        buffer = getattr(self._model, "replay_buffer", None)
        if buffer is not None:
            filled = buffer.size()
            arrays = {name: getattr(buffer, name)[:filled] for name in _BUFFER}
            np.savez(draft / "buffer.npz", at=[buffer.pos, int(buffer.full)], **arrays)
        states = _random_states() | {
            "stream": self._station.stream,
            "actions": self._model.action_space.np_random.bit_generator.state,
        }
        (draft / "random.pkl").write_bytes(pickle.dumps(states))
        draft.rename(folder)

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote; our own files only, they are pickles."""
        from stable_baselines3.common.vec_env import VecNormalize

        try:
            if self._spec.normalise:
                path = str(folder / "normalisation.pkl")
                self._env = VecNormalize.load(path, self._plain)
            self._model = type(self._model).load(folder / "model.zip", self._env, device="cpu")
            self._plain._reset_seeds()  # loading seeds it, and the next reset would start over
            self._model.set_logger(_logger(self._logs))
            buffer = getattr(self._model, "replay_buffer", None)
            if buffer is not None:
                # NumPy leaves a file that it opened itself open where it is cut.
                with (folder / "buffer.npz").open("rb") as file, np.load(file) as saved:
                    buffer.pos, buffer.full = int(saved["at"][0]), bool(saved["at"][1])
                    for name in _BUFFER:
                        getattr(buffer, name)[: len(saved[name])] = saved[name]
            states = pickle.loads((folder / "random.pkl").read_bytes())
        except _UNREADABLE as error:
            reason = " ".join(str(error).split())
            raise RunFolderError(
                f"{folder}: cannot be read ({reason}); delete this folder to start the seed again"
            ) from None
        self._station.stream = states.pop("stream")
        self._model.action_space.np_random.bit_generator.state = states.pop("actions")
        _set_random_states(states)

    def parameters(self) -> dict[str, Any]:
        """Return all weights and the optimisers' state, as torch tensors by name."""
        found: dict[str, Any] = self._model.get_parameters()
        return found

    def close(self) -> None:
        """Free the simulation."""
        self._env.close()


def load_foreign(path: Path, algorithm: str) -> Any:
    """Return the policy of somebody's Stable-Baselines3 zip; runs whatever code it carries.

    Raises:
        BundleError: no such file, or not of this algorithm.
    """
    require_packages()
    try:
        return _algorithm(algorithm).load(path, device="cpu").policy
    except Exception as error:  # whatever the file makes of it
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise BundleError(
            f"{path}: is not loaded as {algorithm} ({reason}); check --algorithm and the file"
        ) from None


def _algorithm(name: str) -> Any:
    import sb3_contrib
    import stable_baselines3

    return sb3_contrib.TQC if name == "TQC" else getattr(stable_baselines3, name)


def _model(spec: TrainingSpec, env: Any, seed: int, sides: tuple[Any, Any] | None) -> Any:
    common: dict[str, Any] = {
        "learning_rate": spec.learning_rate,
        "batch_size": spec.batch,
        "gamma": spec.gamma,
        "device": "cpu",
        "seed": seed,
    }
    policy: dict[str, Any] = {"net_arch": list(spec.network)}
    off, on = spec.off_policy, spec.on_policy
    if off is not None:
        every, updates = off.pattern
        common |= {
            "buffer_size": off.buffer,
            "learning_starts": off.learning_starts,
            "tau": off.tau,
            "train_freq": every,
            "gradient_steps": updates,
            "ent_coef": f"auto_{off.entropy_start:g}",
        }
    if on is not None:
        policy["log_std_init"] = on.log_std_start
        common |= {
            "n_steps": on.steps,
            "n_epochs": on.epochs,
            "gae_lambda": on.gae,
            "clip_range": on.clip,
            "ent_coef": on.entropy,
        }
    actor_critic: Any = "MlpPolicy"
    if sides is not None:
        from policies.training_mirrored import MirroredPolicy

        actor_critic = MirroredPolicy
        policy["seen"], policy["action"] = (signs.tolist() for signs in sides)
    return _algorithm(spec.algorithm)(actor_critic, env, policy_kwargs=policy, **common)


def _logger(folder: Path | None) -> Any:
    from stable_baselines3.common.logger import Logger, configure

    if folder is None or importlib.util.find_spec("tensorboard") is None:
        return Logger(folder=None, output_formats=[])
    return configure(str(folder), ["tensorboard"])


def _callback(on_step: Callable[[int], None], on_episode: Callable[[dict[str, Any]], None]) -> Any:
    from stable_baselines3.common.callbacks import BaseCallback

    class Report(BaseCallback):  # type: ignore[misc]
        """Hands steps and ended operations on."""

        def _on_step(self) -> bool:
            on_step(int(self.num_timesteps))
            for info in self.locals["infos"]:
                if "episode" in info:
                    on_episode(info)
            return True

    return Report()


def _random_states() -> dict[str, Any]:
    import torch

    # Stable-Baselines3 draws from the global generators.
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state().numpy(),
    }


def _set_random_states(states: dict[str, Any]) -> None:
    import torch

    random.setstate(states["python"])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    torch.set_rng_state(torch.as_tensor(states["torch"]))
