"""Bundles whose networks nobody trained."""

from __future__ import annotations

import hashlib
import zipfile

import numpy as np
import yaml
from onnx import TensorProto, helper, numpy_helper

from configs.specs.base import load_spec, resolve_path
from configs.specs.insertion import InsertionSpec
from envs.registry import station, station_of
from envs.stations.insertion.station import insertion_fields
from policies.bundle import read_bundle, reference, write_bundle
from policies.scripted.registry import scripts

STATION = load_spec(InsertionSpec, resolve_path("stations", "tray_insert"))


SEEN = len(insertion_fields(STATION.parts)) + 4


OVERRIDE = {
    "kind": "override",
    "base": "scripted/lateral-admittance@1",
    "scale": 0.3,
    "feed": [0.3, 2.5],
}


def toy_network(inputs=SEEN, outputs=4, change=None, size=0.1):
    """Return tanh(obs @ w + b) as ONNX, weights of ``size``, after ``change`` had its way."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.normal(0, size, (inputs, outputs)).astype(np.float32),
        "b": rng.normal(0, size, (1, outputs)).astype(np.float32),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["obs", "w"], ["x"]),
            helper.make_node("Add", ["x", "b"], ["y"]),
            helper.make_node("Tanh", ["y"], ["action"]),
        ],
        "toy",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, [1, inputs])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, outputs])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if change is not None:
        change(model)
    return model.SerializeToString()


def toy_card():
    base = next(e for e in scripts() if e.name == "scripted/lateral-admittance")
    return _card_of(STATION, base, OVERRIDE, SEEN, 4)


def _card_of(place, base, composition, seen, acts):
    return {
        "name": "toy",
        "signature": {"observation": seen, "kind": "continuous", "action": acts},
        "station": reference(place, "hard").model_dump(),
        "composition": composition,
        "base_parameters": base.tuned.model_dump(by_alias=True, mode="json"),
    }


def changed_card(bundle, **fields):
    """Change fields of a card in place; the hash of the network is brought up to date."""
    card = yaml.safe_load((bundle / "card.yaml").read_text())
    digest = hashlib.sha256((bundle / "policy.onnx").read_bytes()).hexdigest()
    card |= {"policy_sha256": digest, **fields}
    (bundle / "card.yaml").write_text(yaml.safe_dump(card))
    return card


def swapped_network(bundle, data):
    (bundle / "policy.onnx").write_bytes(data)
    changed_card(bundle)


def zipped(bundle, path, **more):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(bundle.iterdir()):
            archive.write(file, file.name)
        for name, data in more.items():
            archive.writestr(name, data)
    return path


def silent_bundle(tmp_path, env_id):
    """Return a bundle whose network says nothing: it is the station's first script itself."""
    place = station(env_id).spec
    base, at = scripts(place)[0], station_of(place)
    acts = len(at.actions)
    seen = len(at.fields) + acts
    composition = {"kind": "residual", "base": f"{base.name}@{base.version}"}
    card = _card_of(place, base, composition, seen, acts)
    for folder in ("toy", "toy/seeds/1"):
        write_bundle(tmp_path / folder, card, toy_network(seen, acts, size=0.0))
    return tmp_path / "toy"


def change(bundle, **blocks):
    """Write the bundle's card again with other fields in its blocks."""
    card, _ = read_bundle(bundle)
    data = card.model_dump(by_alias=True, mode="json")
    for name, fields in blocks.items():
        data[name] |= fields
    write_bundle(bundle, data, (bundle / "policy.onnx").read_bytes())
