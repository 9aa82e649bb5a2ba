"""Everything wrong with a bundle is a single clear error, and none of it runs."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from configs.errors import BundleError, ConfigError, RacklineError, UnknownNameError
from policies.bundle import load_bundle, write_bundle
from policies.catalogue import load_policy
from tests.toy_bundles import (
    OVERRIDE,
    SEEN,
    STATION,
    changed_card,
    swapped_network,
    toy_card,
    toy_network,
    zipped,
)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("id", "CableInsert", "was made for CableInsert version 1, not for TrayInsert"),
        ("version", 2, "was made for TrayInsert version 2"),
        ("table_hash", "0" * 16, "observes another table"),
    ],
)
def test_another_station_is_refused(bundle, field, value, says):
    card = yaml.safe_load((bundle / "card.yaml").read_text())
    changed_card(bundle, station=card["station"] | {field: value})
    with pytest.raises(BundleError, match=says):
        load_bundle(bundle, STATION)


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"composition": OVERRIDE | {"base": "scripted/spin@1"}}, BundleError, "is not here"),
        (
            {"composition": OVERRIDE | {"zones": [{"field": "mood", "at": [0, 1]}]}},
            BundleError,
            "its composition: unknown observation 'mood'",
        ),
        ({"base_parameters": {"entry": "1 mm/s"}}, BundleError, "base_parameters"),
        ({"base_parameters": None}, ConfigError, "base_parameters = 'null': does not fit"),
        ({"station": None}, BundleError, "was not made for a station"),
        ({"format": 2}, ConfigError, "format"),
        ({"pickled": "gASV"}, ConfigError, "is not a known field"),
        (
            {
                "composition": OVERRIDE | {"mirror": True},
                "signature": {"observation": SEEN, "kind": "continuous", "action": 4}
                | {"state": [1, 4]},
            },
            ConfigError,
            "composition.mirror = 'true': needs a network without memory",
        ),
        (
            {"signature": {"observation": SEEN, "kind": "continuous", "action": 4, "masked": True}},
            ConfigError,
            "signature.masked = 'true': needs discrete actions",
        ),
        ({"signature": {"observation": 9, "kind": "continuous", "action": 4}}, BundleError, "obs"),
    ],
)
def test_a_wrong_card_is_refused(bundle, fields, error, says):
    changed_card(bundle, **fields)
    with pytest.raises(error, match=says):
        load_bundle(bundle, STATION)


def external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "secret.bin"


def custom(model):
    model.graph.node[2].domain = "evil"
    model.opset_import.append(helper.make_opsetid("evil", 1))


def function(model):
    made = helper.make_function(
        "local", "F", ["a"], ["c"], [helper.make_node("Tanh", ["a"], ["c"])], []
    )
    model.functions.append(made)


def loop(model):
    body = helper.make_graph([], "body", [], [])
    model.graph.node[2].op_type = "Loop"
    model.graph.node[2].attribute.append(helper.make_attribute("body", body))


def nested(model):
    model.graph.node[2].attribute.append(
        helper.make_attribute("body", helper.make_graph([], "body", [], []))
    )


def sized_by_data(model):
    model.graph.node[2].op_type = "ConstantOfShape"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (external, "another file"),
        (custom, "operators of 'evil'"),
        (function, "functions"),
        (loop, "operator 'Loop'"),
        (nested, "graph within a graph"),
        (sized_by_data, "operator 'ConstantOfShape'"),
    ],
)
def test_a_network_that_is_more_than_data_is_refused(bundle, change, says, monkeypatch):
    """Refused before onnxruntime, native code, sees any of it."""
    import onnxruntime

    swapped_network(bundle, toy_network(change=change))
    monkeypatch.setattr(onnxruntime, "InferenceSession", None)
    with pytest.raises(BundleError, match=says):
        load_bundle(bundle, STATION)


class Sentinel:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (exec, (f"open({str(self.path)!r}, 'w').close()",))


def test_loading_runs_no_code(bundle, tmp_path):
    """Code wherever a bundle has room for it: as card, as tag, as network, as Stable-Baselines3."""
    ran = tmp_path / "ran"
    attack = pickle.dumps(Sentinel(ran))
    pickle.loads(attack)
    assert ran.exists()  # the attack works where it is let
    ran.unlink()
    tag = f"!!python/object/apply:builtins.exec [\"open('{ran}', 'w')\"]"
    cases = {
        "card": (bundle / "card.yaml", attack),
        "tag": (bundle / "card.yaml", f"name: {tag}".encode()),
        "network": (bundle / "policy.onnx", attack),
    }
    for file, content in cases.values():
        kept = file.read_bytes()
        file.write_bytes(content)
        if file.name == "policy.onnx":
            changed_card(bundle)
        with pytest.raises(RacklineError):
            load_policy(str(bundle), STATION)
        file.write_bytes(kept)
        changed_card(bundle)
    sb3 = tmp_path / "model.zip"
    with zipfile.ZipFile(sb3, "w") as archive:
        archive.writestr("data", attack)
        archive.writestr("policy.pth", attack)
    with pytest.raises(BundleError, match="--trust-pickle"):
        load_policy(str(sb3), STATION)
    load_policy(str(bundle), STATION)
    assert not ran.exists()


def test_yaml_aliases_are_refused(bundle):
    with (bundle / "card.yaml").open("a") as file:
        file.write("a: &a [x, x]\nb: [*a, *a]\n")
    with pytest.raises(ConfigError, match="alias"):
        load_bundle(bundle, STATION)


def test_damaged_files_are_one_error(bundle, tmp_path):
    """Every cut, and flipped bits but for those of dates and the like, which change nothing."""
    rng = np.random.default_rng(2)
    good = zipped(bundle, tmp_path / "good.zip").read_bytes()
    bad = tmp_path / "bad.zip"

    def refused(data):
        bad.write_bytes(data)
        try:
            load_bundle(bad, STATION)
        except RacklineError as error:
            assert str(bad) in str(error)  # noqa: PT017 - either is right
            assert "\n" not in str(error)  # noqa: PT017
            return True
        return False

    for length in (0, len(good) - 1, *rng.integers(len(good), size=40)):
        assert refused(good[:length]), length
    flipped = 0
    for _ in range(110):
        data = bytearray(good)
        for at in rng.integers(len(data), size=3):
            data[at] ^= 1 << rng.integers(8)
        flipped += refused(bytes(data))
    assert flipped > 90


def test_a_damaged_network_is_one_error_even_where_its_hash_fits(bundle):
    """An attacker writes the hash anew: the walk of the file and onnxruntime say no, or it runs."""
    rng = np.random.default_rng(3)
    good = (bundle / "policy.onnx").read_bytes()
    refused = 0
    for _ in range(120):
        data = bytearray(good)
        if rng.random() < 0.3:
            data = data[: rng.integers(len(data))]
        else:
            data[rng.integers(200)] ^= 1 << rng.integers(8)
        swapped_network(bundle, bytes(data))
        try:
            load_bundle(bundle, STATION)
        except RacklineError as error:
            refused += 1
            assert str(bundle) in str(error)  # noqa: PT017 - either is right
    assert refused > 60


def test_too_large_files_are_refused(bundle, tmp_path):
    padded = io.BytesIO()
    with zipfile.ZipFile(padded, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("card.yaml", (bundle / "card.yaml").read_bytes())
        archive.writestr("policy.onnx", bytes(100 * 1024 * 1024))
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(padded.getvalue())
    assert len(padded.getvalue()) < 1024 * 1024
    with pytest.raises(BundleError, match="larger than"):
        load_bundle(bomb, STATION)
    (bundle / "policy.onnx").write_bytes(bytes(9 * 1024 * 1024))
    with pytest.raises(BundleError, match="larger than"):
        load_bundle(bundle, STATION)


def test_what_is_no_bundle_is_refused(bundle, tmp_path):
    stray = zipped(bundle, tmp_path / "stray.zip", **{"../run.py": "print(1)"})
    with pytest.raises(BundleError, match="is no bundle"):
        load_bundle(stray, STATION)
    (bundle / "policy.onnx").unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(bundle, STATION)
    with pytest.raises(UnknownNameError, match="known"):
        load_policy("zoo/nothing", STATION)


def test_writing_refuses_what_would_not_load(tmp_path):
    with pytest.raises(BundleError):
        write_bundle(tmp_path / "no", toy_card(), toy_network(inputs=3))
    assert not (tmp_path / "no").exists()


def test_exporter_notes_do_not_matter_to_the_walk():
    """The walk reads what the onnx package writes: the same operators come out."""
    from policies.onnx_check import OPERATORS, check_onnx

    data = toy_network()
    check_onnx(data, "toy")
    assert {node.op_type for node in onnx.load_from_string(data).graph.node} <= OPERATORS
