"""Policies of one's own, trained with plain Stable-Baselines3 on a station, as bundles."""

from __future__ import annotations

from pathlib import Path

from configs.errors import BundleError, UnknownNameError
from configs.specs.card import Card
from envs.registry import station, station_of
from policies.bundle import reference, write_bundle
from policies.export import export_network
from policies.training import load_foreign


def export_foreign(
    model: Path, algorithm: str, env_id: str, setting: str | None, out: Path
) -> Card:
    """Write the bundle of a Stable-Baselines3 file, which runs the code that it carries.

    Args:
        model: the file.
        algorithm: SAC, TQC or PPO.
        env_id: station it was trained on.
        setting: difficulty it was trained in; None for the station's default.
        out: folder to write.

    Raises:
        BundleError: the file does not load, or is not of this station.
    """
    entry = station(env_id)
    place = entry.spec
    chosen = setting or place.default_setting
    if chosen not in place.settings:
        raise UnknownNameError("setting", chosen, place.settings)
    policy = load_foreign(model, algorithm)
    shapes = (policy.observation_space.shape, policy.action_space.shape)
    here = station_of(place)
    if shapes != ((len(here.fields),), (len(here.actions),)):
        raise BundleError(
            f"{model}: has observation and action {shapes[0]} and {shapes[1]}, which are not "
            f"those of {entry.env_id}; name the station that it was trained on with --env"
        )
    network, signature = export_network(policy)
    card = {
        "name": f"{place.id}, {model.stem}",
        "signature": signature.model_dump(mode="json"),
        "station": reference(place, chosen).model_dump(mode="json"),
        "composition": {"kind": "pure"},
    }
    return write_bundle(out, card, network)
