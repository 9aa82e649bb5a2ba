"""How a name becomes a policy: a script, a bundle of the zoo, or a path of a bundle."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

from configs.errors import UnknownNameError
from configs.specs.card import Card
from configs.specs.station import StationSpec
from policies.bundle import CARD, load_bundle, read_bundle
from policies.policy import Policy
from policies.scripted import registry


def load_policy(name: str, station: StationSpec) -> Policy:
    """Return the policy called ``name`` for ``station``.

    Args:
        name: ``scripted/<id>``, ``scripted/<id>@<version>``, ``zoo/<name>``, or the path of a
            bundle, a folder or a zip.
        station: the station it is to work.

    Raises:
        UnknownNameError: nothing goes by that name, or not at that version.
        RacklineError: it is a script for another kind of work.
        BundleError: the bundle is damaged, made for another station, or more than data.
    """
    version, entry = name.partition("@")[2], registry.script(name)
    if entry is not None and version in ("", str(entry.version)):
        return entry.build(station)
    path = bundle_path(name)
    if path is not None:
        return load_bundle(path, station)
    scripts = [f"{e.name}@{e.version}" if version else e.name for e in registry.scripts()]
    raise UnknownNameError("policy", name, [*scripts, *zoo()])


def bundle_path(name: str) -> Path | None:
    """Return the folder or zip that ``zoo/<name>`` or a path means, or None."""
    if name in zoo():
        return zoo_folder() / name.removeprefix("zoo/")
    path = Path(name)
    return path if path.exists() else None


def policy_content(name: str) -> dict[str, Any]:
    """Return what identifies a policy's behaviour: a script's parameters, or a bundle's content.

    Raises:
        UnknownNameError: nothing goes by that name.
        BundleError: the bundle is damaged.
    """
    entry = registry.script(name)
    if entry is not None:
        return {
            "name": entry.name,
            "version": entry.version,
            "parameters": json.loads(entry.tuned.model_dump_json(by_alias=True)),
        }
    card = _card(name)
    behaviour = {"policy_sha256", "composition", "base_parameters"}  # not what was found with it
    data = card.model_dump(mode="json", include=behaviour)
    if card.composition.within is None:  # a later field: older bundles keep the hash they had
        del data["composition"]["within"]
    text = json.dumps(data, sort_keys=True)
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def policy_title(name: str) -> str:
    """Return what a policy does, in a few words: a script's title, or a bundle's own name.

    Raises:
        UnknownNameError: nothing goes by that name.
        BundleError: the bundle is damaged.
    """
    entry = registry.script(name)
    if entry is not None:
        return entry.title
    card = _card(name)
    made_of = card.composition
    return f"{card.name}, learnt on top of {made_of.base}" if made_of.base else card.name


def zoo() -> list[str]:
    """Return the names of the shipped bundles, ``zoo/<name>``."""
    if not zoo_folder().is_dir():
        return []
    return sorted(f"zoo/{path.parent.name}" for path in zoo_folder().glob(f"*/{CARD}"))


def zoo_folder() -> Path:
    """Return the folder of the shipped bundles."""
    return Path(str(resources.files("policies"))) / "zoo"


def _card(name: str) -> Card:
    path = bundle_path(name)
    if path is None:
        raise UnknownNameError("policy", name, [*(e.name for e in registry.scripts()), *zoo()])
    card, _ = read_bundle(path)
    return card
