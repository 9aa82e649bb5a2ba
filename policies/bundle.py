"""Policies as data: a folder or zip with `policy.onnx` and `card.yaml`; loading runs no code.

The network takes ``obs[, mask][, state]`` and gives ``action[, state_out]``; normalisation and
scaling are within. Where a script lies under it, the card holds the script's name, version and
parameters, and `policies.composition` joins the two as in training.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from configs.errors import BundleError, ConfigError, UnknownNameError
from configs.specs.base import first_problem, load_spec, resolved_yaml, spec_hash
from configs.specs.card import Card, StationReference
from configs.specs.station import StationSpec
from envs.registry import station_of
from policies.composition import Composition
from policies.network import Network
from policies.policy import Policy
from policies.scripted import registry

CARD, NETWORK = "card.yaml", "policy.onnx"
CHOSEN = "bundle"
"""Folder of the chosen policy within a training's run folder."""
OTHERS = "seeds"
"""Folder within a chosen bundle of the best bundle of every other training seed."""
LARGEST = {CARD: 256 * 1024, NETWORK: 8 * 1024 * 1024}
"""Largest files in bytes (assumed: a 128 x 128 network has 0.1 MB)."""


class BundlePolicy:
    """A bundle at work on a station.

    Args:
        network: of the bundle.
        composition: of the bundle, with its script.
    """

    def __init__(self, network: Network, composition: Composition) -> None:
        self._network, self._composition = network, composition
        self._state = network.start

    def reset(self) -> None:
        """Forget the last operation."""
        self._composition.reset()
        self._state = self._network.start

    def act(self, observation: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the action (m,) in [-1, 1] for an observation (n,)."""
        return self._composition.act(observation, self._learnt)

    def _learnt(self, seen: NDArray[np.float32]) -> NDArray[np.float32]:
        learnt, self._state = self._network.step(seen, state=self._state)
        return learnt


def bundle_name(path: Path) -> str:
    """Return what people call a bundle: by its folder, or its training's where it is the chosen."""
    return path.resolve().parent.name if path.name == CHOSEN else path.name


def other_seeds(bundle: Path) -> list[Path]:
    """Return the bundles within a bundle: the best of every other training seed."""
    return sorted(path.parent for path in bundle.glob(f"{OTHERS}/*/{CARD}"))


def read_bundle(path: Path) -> tuple[Card, Network]:
    """Return card and network of a bundle, a folder or a zip.

    Raises:
        BundleError: damaged, too large, or more than data.
        ConfigError: the card is wrong; the message names the line.
    """
    files, card_path = _read_zip(path) if path.is_file() else _read_folder(path)
    _refuse_aliases(files[CARD], card_path)
    card = load_spec(Card, card_path)
    if hashlib.sha256(files[NETWORK]).hexdigest() != card.policy_sha256:
        raise BundleError(f"{path}: {NETWORK} is not the one its card describes; fetch both again")
    return card, Network(files[NETWORK], card.signature, f"{path}/{NETWORK}")


def load_bundle(path: Path, station: StationSpec) -> BundlePolicy:
    """Return the policy of a bundle for ``station``.

    Raises:
        BundleError: damaged, made for another station, or more than data.
    """
    card, network = read_bundle(path)
    made = card.station
    here = reference(station, made.setting if made else "")
    if made is None or card.signature.masked or card.signature.kind != "continuous":
        raise BundleError(f"{path}: was not made for a station; choose another policy")
    if (made.id, made.version) != (here.id, here.version):
        raise BundleError(
            f"{path}: was made for {made.id} version {made.version}, not for {here.id} version "
            f"{here.version}; train one for this station, or choose another policy"
        )
    place = station_of(station)
    actions = [entry.name for entry in place.actions]
    base = _base(path, card, station)
    try:
        composition = Composition(card.composition, base, place.fields, actions)
    except UnknownNameError as error:
        raise BundleError(f"{path}: its composition: {error}") from None
    expected = (len(place.fields) + composition.extra, len(actions))
    sizes = (card.signature.observation, card.signature.action)
    if made.table_hash != here.table_hash or sizes != expected:
        raise BundleError(
            f"{path}: observes another table than {here.id} version {here.version} shows; "
            f"train it again"
        )
    return BundlePolicy(network, composition)


def write_bundle(folder: Path, card: Mapping[str, Any], network: bytes) -> Card:
    """Write a bundle; ``card`` is all but format and hash. Returns the card as written.

    Raises:
        BundleError: what was written would not load.
    """
    data = {"format": 1, "policy_sha256": hashlib.sha256(network).hexdigest(), **card}
    made = Card.model_validate_json(json.dumps(data))
    Network(network, made.signature, str(folder / NETWORK))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK).write_bytes(network)
    (folder / CARD).write_text(resolved_yaml(made), encoding="utf-8")
    return made


def reference(station: StationSpec, setting: str) -> StationReference:
    """Return what identifies a station to a bundle."""
    table = [(f.name, f.unit, f.scale) for f in station_of(station).fields]
    digest = hashlib.sha256(json.dumps(table).encode()).hexdigest()[:16]
    return StationReference.model_validate(
        {
            "id": station.id,
            "version": station.version,
            "setting": setting,
            "spec_hash": spec_hash(station),
            "table_hash": digest,
        }
    )


def _base(path: Path, card: Card, station: StationSpec) -> Policy | None:
    """Return the script of a card with the card's parameters."""
    if card.composition.base is None:
        return None
    entry = registry.script(card.composition.base)
    if entry is not None and f"{entry.name}@{entry.version}" == card.composition.base:
        try:
            text = json.dumps(card.base_parameters)
            return entry.make_with(entry.parameters.model_validate_json(text), station)
        except ValidationError as error:
            raise BundleError(
                f"{path}/{CARD}: base_parameters.{first_problem(error)}; export it again"
            ) from None
    known = ", ".join(f"{entry.name}@{entry.version}" for entry in registry.scripts())
    raise BundleError(
        f"{path}: stands on {card.composition.base}, which is not here (known: {known}); use the "
        f"release of Rackline that it was made with, or train it again"
    )


def _read_folder(path: Path) -> tuple[dict[str, bytes], Path]:
    files = {}
    for name, largest in LARGEST.items():
        file = path / name
        try:
            with file.open("rb") as stream:
                files[name] = stream.read(largest + 1)
        except OSError as error:
            raise BundleError(
                f"{file}: cannot be read ({error.strerror}); a bundle is {CARD} and {NETWORK}"
            ) from None
    _check_sizes(path, files)
    return files, path / CARD


def _read_zip(path: Path) -> tuple[dict[str, bytes], Path]:
    try:
        if path.stat().st_size > sum(LARGEST.values()):
            raise BundleError(f"{path}: is larger than a bundle may be; a policy is smaller")
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            names = archive.namelist()
            if any(name.endswith((".pth", ".pkl")) for name in names):
                raise BundleError(
                    f"{path}: is a Stable-Baselines3 file, and loading it would run code that it "
                    f"carries; if you trust it: rackline export {path} --trust-pickle --out FOLDER"
                )
            if sorted(names) != sorted(LARGEST):
                raise BundleError(f"{path}: is no bundle; a bundle is {CARD} and {NETWORK}")
            files = {}
            for name, largest in LARGEST.items():
                with archive.open(name) as stream:
                    files[name] = stream.read(largest + 1)
            _check_sizes(path, files)
        card = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        card.filename = str(path)  # errors then name the line within the zip
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError):
        raise BundleError(f"{path}: is damaged or no bundle; fetch or export it again") from None
    return files, cast(Path, zipfile.Path(card, CARD))


def _check_sizes(path: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        if len(data) > LARGEST[name]:
            raise BundleError(
                f"{path}/{name}: is larger than {LARGEST[name] // 1024} KiB; a policy is smaller"
            )


def _refuse_aliases(text: bytes, where: Path) -> None:
    """Refuse YAML aliases: a few lines of them unfold to gigabytes."""
    try:
        aliases = [e for e in yaml.parse(text, yaml.SafeLoader) if isinstance(e, yaml.AliasEvent)]
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # load_spec says what is wrong, and where
    for alias in aliases:
        line = alias.start_mark.line + 1 if alias.start_mark else 1
        raise ConfigError(f"{where}:{line}", "file", None, "uses an alias", "write the value out")
