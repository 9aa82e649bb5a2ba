"""Cards: the bars on records made up for them, held-out blocks and looks, resume, the page."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from configs.errors import BundleError, RunFolderError
from envs.outcome import OutcomeClass
from envs.registry import station
from envs.stations.insertion.station import insertion_fields
from policies import card_study
from policies.bundle import read_bundle, reference, write_bundle
from policies.card_bars import bars, percentile_ratio
from policies.card_page import write_card
from policies.card_study import BLOCK, open_study, read_looks, run_study, take_look
from policies.records import EpisodeRecord, read_records
from policies.scripted.registry import scripts
from policies.seeds import HELD_OUT

ENV = "rackline/TrayInsert-v0"


def record(seed, outcome=OutcomeClass.OK, contact_s=20.0, force_n=40.0):
    return EpisodeRecord(
        seed=seed, rack_id=0, slot=seed % 29, part="compute", outcome=outcome,
        true_state="seated", sensor_pass=True, attempts=1, assisted=False, timed_out=False,
        void=False, cycle_time_s=contact_s + 12.0, contact_time_s=contact_s,
        max_windowed_force_n=force_n, max_windowed_axial_n=2 * force_n, penetration_m=0.0,
        short_m=0.0, state_hash="",
    )  # fmt: skip


def campaign(factor=1.0, force=1.0, n=5000, **outcomes):
    """Return records whose times and forces vary with the seed; the last ones go wrong."""
    rng = np.random.default_rng(0)
    times, forces = rng.normal(20.0, 2.0, n), rng.normal(40.0, 5.0, n)
    kinds = [OutcomeClass(name) for name, count in outcomes.items() for _ in range(count)]
    classes = [OutcomeClass.OK] * (n - len(kinds)) + kinds
    return [
        record(s, classes[s], factor * float(times[s]), force * float(forces[s])) for s in range(n)
    ]


@pytest.mark.parametrize(
    ("ours", "held"),
    [
        (campaign(0.8), [True] * 5),
        (campaign(0.8, retried=500), [True] * 5),  # retried is success
        (campaign(0.8, detected=45), [False, True, True, True, True]),  # .9 point less, ± .26
        (campaign(0.8, detected=30), [True] * 5),
        (campaign(0.8, damage=8), [True] * 5),  # Clopper-Pearson: 8 of 5,000 is at most .289 %
        (campaign(0.8, damage=9), [True, False, True, True, True]),  # and 9 at most .314 %
        (campaign(0.851), [True, True, False, True, True]),
        (campaign(0.8, assisted=30), [True, True, True, False, True]),
        (campaign(0.8, assisted=10), [True] * 5),
        (campaign(0.8, force=1.06), [True, True, True, True, False]),
    ],
)
def test_every_bar_can_fail_alone(ours, held):
    assert [bar.holds for bar in bars(ours, campaign())] == held


def test_bars_are_of_the_same_seeds():
    with pytest.raises(ValueError, match="same seeds"):
        bars(campaign(n=30), campaign(n=31))


def test_the_interval_of_a_ratio_of_percentiles_covers_it():
    """Forces of a common cause, ours 1.1 times theirs but for noise of its own."""
    rng, covered = np.random.default_rng(1), 0
    for repeat in range(60):
        common = rng.lognormal(3.5, 0.4, 300)
        ours = 1.1 * common * rng.lognormal(0, 0.1, 300)
        theirs = common * rng.lognormal(0, 0.1, 300)
        covered += percentile_ratio(ours, theirs, seed=repeat).contains(1.1)
    assert covered >= 52  # of 60; 57 expected, 52 or more in 99 % of such tests


def test_a_new_policy_gets_a_new_block_and_every_study_is_a_look(tmp_path):
    ledger = tmp_path / "held_out.json"
    assert [take_look(ledger, policy, "p") for policy in ("a", "b", "a", "c")] == [0, 1, 0, 2]
    assert [row["looks"] for row in read_looks(ledger)] == [2, 1, 1]


@pytest.fixture
def bundle(tmp_path):
    """Return a bundle whose network says nothing: it is straight push itself."""
    place, base = station(ENV).spec, scripts()[0]
    parameters = base.tuned
    seen = len(insertion_fields(place.parts)) + 4
    card = {
        "name": "toy",
        "signature": {"observation": seen, "kind": "continuous", "action": 4},
        "station": reference(place, "hard").model_dump(),
        "composition": {"kind": "residual", "base": f"{base.name}@{base.version}"},
        "base_parameters": parameters.model_dump(by_alias=True, mode="json"),
    }
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["obs", "w"], ["action"])],
        "toy",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, [1, seen])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(np.zeros((seen, 4), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for folder in ("toy", "toy/seeds/1"):
        write_bundle(tmp_path / folder, card, model.SerializeToString())
    return tmp_path / "toy"


def test_a_study_goes_on_where_it_was_cut_and_fills_the_card(bundle, tmp_path, monkeypatch):
    """22 episodes are few for a policy and enough to go the whole way."""
    monkeypatch.setattr(card_study, "ROBUSTNESS", dict([*card_study.ROBUSTNESS.items()][2:3]))
    folder, ledger = tmp_path / "run", tmp_path / "held_out.json"
    (tmp_path / "held_out.json").write_text(
        json.dumps([{"policy": "other", "name": "other", "looks": 4}])
    )
    study = open_study(bundle, ENV, folder, ledger, episodes=4, robustness=2)
    assert study.seeds == HELD_OUT[BLOCK : BLOCK + 4]
    counted = []
    found = run_study(study, 1, lambda: counted.append(1))
    assert len(counted) == study.total
    file = folder / "policy.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2]) + lines[2][:40])  # killed within the third record
    again = open_study(bundle, ENV, folder, ledger, episodes=4, robustness=2)
    assert run_study(again, 1, lambda: None) == found
    assert read_looks(ledger)[1]["looks"] == 1
    assert [r.seed for r in read_records(file)] == list(study.seeds)

    judged = write_card(study, found, 1, "The physics is converged.")
    # The network says nothing, so the policy does what its script does.
    assert [r.state_hash for r in found.records["policy"]] == [
        r.state_hash for r in found.records["scripted/straight-push"]
    ]
    page = (bundle / "README.md").read_text()
    assert f"{sum(bar.holds for bar in judged)} of 5 hold" in page
    assert "training seed 1" in page
    assert "friction x 0.5, policy" in page
    assert (bundle / "forces.png").stat().st_size > 1000
    card, _ = read_bundle(bundle)
    assert card.results[-1].episodes == 4
    assert card.results[-1].seeds == f"held-out {study.seeds[0]} to {study.seeds[-1]}"
    with pytest.raises(RunFolderError, match="another episodes"):
        open_study(bundle, ENV, folder, ledger, episodes=5, robustness=2)


def test_records_of_other_seeds_are_refused(bundle, tmp_path):
    study = open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", 4, 2)
    (study.folder / "policy.jsonl").write_text(record(7).to_json() + "\n")
    with pytest.raises(RunFolderError, match="holds other seeds"):
        run_study(study, 1, lambda: None)


def test_a_folder_without_a_bundle_is_said(tmp_path):
    with pytest.raises(BundleError, match="no bundle in this folder"):
        open_study(tmp_path, ENV, tmp_path / "run", tmp_path / "l.json", 4, 2)
