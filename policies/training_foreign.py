"""Policies of one's own, trained with plain Stable-Baselines3 on a station, as bundles."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import BundleError, UnknownNameError
from configs.specs.card import Card, Signature
from envs.registry import station, station_of
from policies.bundle import reference, write_bundle
from policies.export import Normaliser, export_network
from policies.network import Network
from policies.training import load_foreign, require_packages

PROOFS = 64
"""Observations on which an export is compared with its model (assumed)."""
APART = 1e-4
"""Most that their actions may differ, of a range of 2: single precision takes 1e-6 (assumed)."""


def export_foreign(
    model: Path,
    algorithm: str,
    env_id: str,
    setting: str | None,
    out: Path,
    normalisation: Path | None = None,
) -> Card:
    """Write the bundle of a Stable-Baselines3 file, which runs the code that it carries.

    Args:
        model: the file.
        algorithm: SAC, TQC or PPO.
        env_id: station it was trained on.
        setting: difficulty it was trained in; None for the station's default.
        out: folder to write.
        normalisation: what `VecNormalize.save` wrote, which runs the code that it carries, too;
            None where observations were not normalised in training.

    Raises:
        BundleError: a file does not load, is not of this station, or has parts that an export
            does not know.
    """
    entry = station(env_id)
    place = entry.spec
    chosen = setting or place.default_setting
    if chosen not in place.settings:
        raise UnknownNameError("setting", chosen, place.settings)
    here = station_of(place)
    _refuse_missing(model, "model.save")
    normaliser = None
    if normalisation is not None:
        normaliser = load_normaliser(normalisation, len(here.fields))
    policy = load_foreign(model, algorithm)
    shapes = (policy.observation_space.shape, policy.action_space.shape)
    if shapes != ((len(here.fields),), (len(here.actions),)):
        raise BundleError(
            f"{model}: has observation and action {shapes[0]} and {shapes[1]}, which are not "
            f"those of {entry.env_id}; name the station that it was trained on with --env"
        )
    network, signature = _export(model, policy, normaliser)
    card = {
        "name": f"{place.id}, {model.stem}",
        "signature": signature.model_dump(mode="json"),
        "station": reference(place, chosen).model_dump(mode="json"),
        "composition": {"kind": "pure"},
    }
    return write_bundle(out, card, network)


def load_normaliser(path: Path, entries: int) -> Normaliser | None:
    """Return what somebody's VecNormalize does to observations; runs what code its file carries.

    Args:
        path: the file that its ``save`` wrote.
        entries: of an observation.

    Returns:
        None where it leaves observations as they are.

    Raises:
        BundleError: no such file, of another kind, or of other observations.
    """
    require_packages()
    _refuse_missing(path, "VecNormalize.save")
    try:
        found = pickle.loads(path.read_bytes())
        if not found.norm_obs:
            return None
        normaliser = Normaliser.of(found)
    except Exception as error:  # whatever the file makes of it
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise BundleError(
            f"{path}: is not read as VecNormalize's ({reason}); give the file that its save wrote"
        ) from None
    if normaliser.mean.shape != (entries,):
        raise BundleError(
            f"{path}: normalises observations {normaliser.mean.shape}, and the station's are "
            f"({entries},); give the file that was saved with this model, and its station "
            f"with --env"
        )
    return normaliser


def _refuse_missing(path: Path, writer: str) -> None:
    if path.is_file():
        return
    whole = Path(f"{path}.zip")  # Stable-Baselines3 adds it where it is left out
    remedy = f"did you mean {whole}?" if whole.is_file() else f"give the file that {writer} wrote"
    raise BundleError(f"{path}: no such file; {remedy}")


def _export(model: Path, policy: Any, normaliser: Normaliser | None) -> tuple[bytes, Signature]:
    """Return network and signature of a policy, which may have parts that an export leaves out."""
    remedy = "; train it with a plain MlpPolicy, without squashing or features extractor of its own"
    try:
        data, signature = export_network(policy, normaliser)
    except RuntimeError as error:  # torch's, where the parts do not fit together
        reason = " ".join(str(error).split())[:160]
        raise BundleError(f"{model}: is not exported ({reason}){remedy}") from None
    network = Network(data, signature, str(model))
    # Observations are scaled to about 1.
    seen = np.random.default_rng(0).normal(size=(PROOFS, signature.observation)).astype(np.float32)
    wanted, _ = policy.predict(seen if normaliser is None else normaliser(seen), deterministic=True)
    apart = float(np.abs(np.stack([network.step(row)[0] for row in seen]) - wanted).max())
    if not apart <= APART:
        raise BundleError(
            f"{model}: has parts that an export does not know: actions would differ by up to "
            f"{apart:.2g}{remedy}"
        )
    return data, signature
