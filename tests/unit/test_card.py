"""Cards: held-out blocks and looks, resume, the page."""

import dataclasses
import json
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

import twin.cli.card  # noqa: F401 - registers the command
from configs.errors import BundleError, RacklineError, RunFolderError
from configs.specs.bars import BarsSpec, TrialSpec
from configs.specs.plug import ArmPlugSpec
from configs.specs.training import RangeSpec
from envs.registry import station, station_of
from policies import card_study, card_tables
from policies.bundle import read_bundle, reference, write_bundle
from policies.card_looks import BLOCK, EVALUATIONS, read_looks, take_look
from policies.card_page import _what, draw_forces, save_card, write_card
from policies.card_study import Campaign, Found, Study, open_study, run_study
from policies.card_tables import tiers
from policies.card_trial import home_of, load_trial
from policies.catalogue import policy_content, zoo_folder
from policies.records import read_records
from policies.scripted import registry
from policies.scripted.registry import scripts
from policies.seeds import HELD_OUT
from tests.made_up import campaign, record
from twin.cli.app import app
from twin.evaluation.runfolder import RunFolder

ENV = "rackline/TrayInsert-v0"
TRAY = load_trial("tray_insert", station(ENV)).bars
FEW = TrialSpec(episodes=4, scripts=4, robustness=2, bars=TRAY)


def test_a_new_policy_gets_a_new_block_and_every_study_is_a_look(tmp_path):
    """Block 0 is the evaluations', in a ledger that only begins too."""
    ledger = tmp_path / "held_out.json"
    assert [take_look(ledger, policy, "p") for policy in ("a", "b", "a", "c")] == [1, 2, 1, 3]
    assert [row.looks for row in read_looks(ledger)] == [0, 2, 1, 1]
    assert read_looks(ledger)[0] == EVALUATIONS


def test_the_shipped_ledger_keeps_block_0_for_the_evaluations():
    assert read_looks(zoo_folder() / "held_out.json")[0] == EVALUATIONS


@pytest.mark.parametrize(
    "text", ["[", "[]", '[{"policy": "-"}]', '[{"policy": "a", "name": "a", "looks": 1}]']
)
def test_a_ledger_that_is_none_is_one_error(tmp_path, text):
    ledger = tmp_path / "held_out.json"
    ledger.write_text(text)
    with pytest.raises(RunFolderError, match="bring it back"):
        take_look(ledger, "a", "a")
    assert ledger.read_text() == text


@pytest.fixture
def bundle(tmp_path):
    return toy(tmp_path, ENV)


def toy(tmp_path, env_id):
    """Return a bundle whose network says nothing: it is the station's first script itself."""
    place = station(env_id).spec
    base, at = scripts(place)[0], station_of(place)
    parameters, acts = base.tuned, len(at.actions)
    seen = len(at.fields) + acts
    card = {
        "name": "toy",
        "signature": {"observation": seen, "kind": "continuous", "action": acts},
        "station": reference(place, "hard").model_dump(),
        "composition": {"kind": "residual", "base": f"{base.name}@{base.version}"},
        "base_parameters": parameters.model_dump(by_alias=True, mode="json"),
    }
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["obs", "w"], ["action"])],
        "toy",
        [helper.make_tensor_value_info("obs", TensorProto.FLOAT, [1, seen])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, [1, acts])],
        [numpy_helper.from_array(np.zeros((seen, acts), np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for folder in ("toy", "toy/seeds/1"):
        write_bundle(tmp_path / folder, card, model.SerializeToString())
    return tmp_path / "toy"


def change(bundle, **blocks):
    """Write the bundle's card again with other fields in its blocks."""
    card, _ = read_bundle(bundle)
    data = card.model_dump(by_alias=True, mode="json")
    for name, fields in blocks.items():
        data[name] |= fields
    write_bundle(bundle, data, (bundle / "policy.onnx").read_bytes())


def test_a_study_goes_on_where_it_was_cut_and_fills_the_card(bundle, tmp_path, monkeypatch):
    """22 episodes are few for a policy and enough to go the whole way."""
    monkeypatch.setattr(card_study, "ROBUSTNESS", dict([*card_study.ROBUSTNESS.items()][2:3]))
    folder, ledger = tmp_path / "run", tmp_path / "held_out.json"
    study = open_study(bundle, ENV, folder, ledger, FEW)
    assert study.seeds == HELD_OUT[BLOCK : BLOCK + 4]
    counted = []
    found = run_study(study, 1, lambda: counted.append(1))
    assert len(counted) == study.total
    file = folder / "policy.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2]) + lines[2][:40])  # killed within the third record
    again = open_study(bundle, ENV, folder, ledger, FEW)
    assert run_study(again, 1, lambda: None) == found
    assert again == study
    assert read_looks(ledger)[1].looks == study.looks == 1
    assert [r.seed for r in read_records(file)] == list(study.seeds)

    judged = write_card(study, found, "The physics is converged.")
    # The network says nothing, so the policy does what its script does.
    assert [r.state_hash for r in found.records["policy"]] == [
        r.state_hash for r in found.records["scripted/straight-push"]
    ]
    page = (folder / "README.md").read_text()
    assert f"{sum(bar.holds for bar in judged)} of 5 hold" in page
    assert "training seed 1" in page
    assert "friction x 0.5, policy" in page
    assert "in its setting `hard`" in page
    assert "curve.png" not in page  # there is none
    assert not (bundle / "README.md").exists()
    assert not read_bundle(bundle)[0].results
    (bundle / "curve.png").write_bytes(b"a picture")
    write_card(study, found, "The physics is converged.")
    save_card(study, found)
    assert "(curve.png)" in (bundle / "README.md").read_text()
    assert (bundle / "README.md").read_text() == (folder / "README.md").read_text()
    for name in ("forces.png", "curve.png"):
        assert (bundle / name).read_bytes() == (folder / name).read_bytes()
    card, _ = read_bundle(bundle)
    assert card.results[-1].episodes == 4
    assert card.results[-1].seeds == f"held-out {study.seeds[0]} to {study.seeds[-1]}"
    # What was found is no other policy.
    assert open_study(bundle, ENV, folder, ledger, FEW) == study
    with pytest.raises(RunFolderError, match="differs in episodes;"):
        open_study(bundle, ENV, folder, ledger, FEW.model_copy(update={"episodes": 5}))


def test_the_histogram_shows_every_operation_of_both_and_the_limit():
    ours, theirs = campaign(force=0.9, n=40), campaign(n=50)
    axes = draw_forces("toy", ours, "scripted/other", theirs, 80.0).axes[0]
    counts = [sum(bar.get_height() for bar in bars) for bars in axes.containers]
    assert counts == [50, 40]
    assert axes.lines[0].get_xdata()[0] == 80.0
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    assert labels == {"scripted/other", "toy", "damage limit"}


def trained_at(env_id, composition):
    """Return a card that says where its policy was trained."""
    data = yaml.safe_load((zoo_folder() / "tray_insert" / "card.yaml").read_text())
    place = station(env_id).spec
    data["training"] |= {"env": env_id, "composition": composition}
    data |= {"composition": composition, "station": reference(place, "hard").model_dump()}
    data["training"]["selection"].pop("slow", None)
    return data


def plugged(name, seeds, factor=1.0):
    """Return records of cables: parts by slot, times by seed."""
    spec = station("rackline/CablePlugLight-v0").spec
    return [
        dataclasses.replace(
            record(s, contact_s=factor * (3.0 + s % 5)), slot=s % 180, part=spec.part_name(s % 180)
        )
        for s in seeds
    ]


def test_a_card_shows_parts_other_stations_and_its_bars(tmp_path):
    """Records are made up. Pages and rows of both stations stand beside each other."""
    base = {"kind": "residual", "base": "scripted/plug-search@1"}
    bundle = tmp_path / "plug"
    network = (zoo_folder() / "tray_insert" / "policy.onnx").read_bytes()
    data = trained_at("rackline/CablePlugLight-v0", base)
    write_bundle(bundle, data, network)
    light, arm = station("rackline/CablePlugLight-v0"), station("rackline/CablePlug-v0")
    assert home_of(read_bundle(bundle)[0]) is light
    for entry, other in ((light, arm), (arm, light)):
        trial = load_trial(entry.stem, entry).model_copy(
            update={"episodes": 60, "scripts": 40, "robustness": 20, "stations": [other.env_id]}
        )
        study = Study(bundle, entry.env_id, "hard", tmp_path, 1, 1, trial, "easy.yaml")
        seeds, script = study.seeds, "scripted/plug-search"
        names: list[Campaign] = [*study.main, *study.others, *study.rows(script)]
        records = {c.name: plugged(c.name, seeds[: c.episodes]) for c in names}
        records["policy"] = plugged("policy", seeds, 0.4)
        assert sum(len(found) for found in records.values()) == study.total
        write_card(study, Found(records, script), "Converged.")
        save_card(study, Found(records, script))
        page = "README.md" if entry is light else "cable_plug.md"
        text = (bundle / page).read_text()
        assert "--bars easy.yaml" in text
        assert "As asked by easy.yaml (" in text
        assert f"## The same operations at {other.env_id} and here" in text
        assert f"| {script} | 20 | 0 | no difference in 20 pairs: at most 13.91 points |" in text
        assert "nan" not in text
        assert "| qsfp_dd, policy | " in text
        assert f"| physics rate x 4, contact damping x 0.1, {script} | 20 | " in text
        assert "scripts the first 40" in text
        assert ("0.400 to its last digit" in text) == (
            entry is light
        )  # the arm asks nothing of time
    rows = [result.seeds for result in read_bundle(bundle)[0].results]
    assert [row.partition(" at ")[2] for row in rows][-2:] == ["", "rackline/CablePlug-v0"]
    assert {"README.md", "cable_plug.md", "forces.png", "cable_plug_forces.png"} <= {
        file.name for file in bundle.iterdir()
    }


def test_the_same_operations_are_those_that_seeds_draw_the_same(tmp_path, monkeypatch):
    """Slots and parts alone do not make them: here the other one's cable drags more."""
    light, arm = station("rackline/CablePlugLight-v0"), station("rackline/CablePlug-v0")
    trial = TrialSpec(episodes=20, scripts=20, robustness=20, stations=[arm.env_id])
    study = Study(tmp_path, light.env_id, "hard", tmp_path, 1, 1, trial, "")
    names = ["policy", "scripted/plug-search"]
    found = Found({n: plugged(n, study.seeds) for n in names}, names[1])
    found = Found(
        found.records | {f"at {arm.env_id}, {n}": found.records[n] for n in names}, names[1]
    )
    assert tiers(study, found)
    spec = arm.spec
    worse = spec.settings["hard"].model_copy(update={"drag_n": 9.0})
    spec = spec.model_copy(update={"settings": {**spec.settings, "hard": worse}})
    monkeypatch.setattr(
        card_tables,
        "station",
        lambda name: light if name == light.env_id else SimpleNamespace(spec=spec),
    )
    assert not tiers(study, found)


def test_a_card_without_bars_says_so(bundle, tmp_path):
    study = Study(
        bundle, ENV, "hard", tmp_path, 1, 1, FEW.model_copy(update={"bars": BarsSpec()}), ""
    )
    names = [*study.main, *study.others, *study.rows("scripted/straight-push")]
    records = {c.name: [record(s) for s in study.seeds[: c.episodes]] for c in names}
    assert write_card(study, Found(records, "scripted/straight-push"), "") == ()
    assert "No bars are stated for this station" in (tmp_path / "README.md").read_text()


def test_a_policy_that_was_exported_is_at_home_where_its_station_is_the_same(bundle):
    assert read_bundle(bundle)[0].training is None
    assert home_of(read_bundle(bundle)[0]) is station(ENV)
    change(bundle, station={"spec_hash": "0" * 16})
    assert home_of(read_bundle(bundle)[0]) is station(ENV)  # by its id and table
    change(bundle, station={"table_hash": "0" * 16})
    assert home_of(read_bundle(bundle)[0]) is None
    change(bundle, station={"id": "Elsewhere"})
    assert home_of(read_bundle(bundle)[0]) is None


@pytest.mark.parametrize("env_id", ["rackline/CablePlugLight-v0", "rackline/CablePlug-v0"])
def test_stations_that_share_an_id_are_told_apart_by_their_data(tmp_path, env_id):
    assert home_of(read_bundle(toy(tmp_path, env_id))[0]) is station(env_id)


def test_the_hash_of_a_bundle_from_before_stays(bundle):
    """Its block of held-out seeds is known by it; a later field counts where it says something."""
    shipped = str(policy_content("zoo/tray_insert")["sha256"])[:16]
    assert shipped in {row.policy for row in read_looks(zoo_folder() / "held_out.json")}
    before = policy_content(str(bundle))
    change(bundle, composition={"within": {"field": "pose axial", "between": (0.0, 0.1)}})
    assert policy_content(str(bundle))["sha256"] != before["sha256"]


ARM, LIGHT = "rackline/CablePlug-v0", "rackline/CablePlugLight-v0"


def test_another_station_takes_the_setting_and_every_script(tmp_path, monkeypatch):
    """Or it is said before the look."""
    bundle, ledger = toy(tmp_path, ARM), tmp_path / "l.json"
    trial = FEW.model_copy(update={"stations": [LIGHT]})
    first = scripts(station(ARM).spec)[0]
    of_arms = dataclasses.replace(first, name="scripted/of-arms", station=ArmPlugSpec)
    calm = station(LIGHT).spec
    easy = {name: s for name, s in calm.settings.items() if name != "hard"}
    calm = calm.model_copy(update={"settings": easy, "default_setting": "nominal"})

    def refused(said):
        with pytest.raises(RacklineError, match=said):
            open_study(bundle, ARM, tmp_path / "run", ledger, trial)
        assert not ledger.exists()

    with monkeypatch.context() as patch:
        patch.setitem(registry._SCRIPTS, of_arms.name, of_arms)
        refused(f"{LIGHT}: scripted/of-arms cannot work it")
    with monkeypatch.context() as patch:
        patch.setattr(
            card_study, "station",
            lambda name: SimpleNamespace(spec=calm) if name == LIGHT else station(name),
        )  # fmt: skip
        refused(f"'hard': is none of {LIGHT}")
    with monkeypatch.context() as patch:
        patch.setattr(card_study, "scripts", lambda spec: ())
        refused(f"{ARM}: no script works it")
    assert open_study(bundle, ARM, tmp_path / "run", ledger, trial).block == 1


def test_studies_from_before_go_on(bundle, tmp_path):
    """They did not say how many seeds scripts work, nor where else."""
    study = open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", FEW)
    file = tmp_path / "run" / "study.json"
    held = json.loads(file.read_text())
    del held["episodes of scripts"], held["other stations"]
    file.write_text(json.dumps(held))
    assert open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", FEW) == study


@pytest.mark.parametrize(
    ("fields", "differs"),
    [
        ({"composition": {"scale": 0.1}}, "policy"),
        ({"base_parameters": {"insert": "0.01 m/s"}}, "policy"),
        ({"station": {"setting": "nominal"}}, "setting"),
    ],
)
def test_another_policy_on_the_same_network_is_another_study(bundle, tmp_path, fields, differs):
    folder, ledger = tmp_path / "run", tmp_path / "l.json"
    assert open_study(bundle, ENV, folder, ledger, FEW).block == 1
    change(bundle, **fields)
    with pytest.raises(RunFolderError, match=f"differs in {differs};"):
        open_study(bundle, ENV, folder, ledger, FEW)
    other = open_study(bundle, ENV, tmp_path / "other", ledger, FEW)
    assert other.block == (2 if differs == "policy" else 1)


def test_other_training_seeds_are_another_look_at_the_same_block(bundle, tmp_path):
    folder, ledger = tmp_path / "run", tmp_path / "l.json"
    open_study(bundle, ENV, folder, ledger, FEW)
    change(bundle / "seeds" / "1", composition={"scale": 0.1})
    with pytest.raises(RunFolderError, match="differs in training seeds;"):
        open_study(bundle, ENV, folder, ledger, FEW)
    other = open_study(bundle, ENV, tmp_path / "other", ledger, FEW)
    assert (other.block, other.looks) == (1, 2)


def test_a_policy_is_judged_in_the_setting_it_was_made_in(bundle, tmp_path, monkeypatch):
    change(bundle, station={"setting": "nominal"})
    study = open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", FEW)
    seen = []

    def run(episodes, *_, **__):
        seen.extend(episode.setting for episode in episodes)

    monkeypatch.setattr(card_study, "run", run)
    monkeypatch.setattr(card_study, "cost_s", lambda _: 0.0)
    run_study(study, 1, lambda: None)
    assert len(seen) == study.total
    assert set(seen) == {"nominal"}


def test_records_of_other_seeds_are_refused(bundle, tmp_path):
    study = open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", FEW)
    (study.folder / "policy.jsonl").write_text(record(7).to_json() + "\n")
    with pytest.raises(RunFolderError, match="holds other seeds"):
        run_study(study, 1, lambda: None)


def test_a_folder_without_a_bundle_is_said(tmp_path):
    with pytest.raises(BundleError, match="a bundle is card"):
        open_study(tmp_path, ENV, tmp_path / "run", tmp_path / "l.json", FEW)


def test_a_resumed_study_wants_the_ledger_that_counted_it(bundle, tmp_path):
    open_study(bundle, ENV, tmp_path / "run", tmp_path / "l.json", FEW)
    with pytest.raises(RunFolderError, match="name the --ledger"):
        open_study(bundle, ENV, tmp_path / "run", tmp_path / "other.json", FEW)
    assert not (tmp_path / "other.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--env", "rackline/ShelfInsert-v0"], "was made for TrayInsert"),
        (["--out", "{tmp}/file"], "cannot be written"),
        (["--out", "{tmp}/cut"], "is damaged; delete the folder"),
        (["--ledger", "{tmp}/no/such/l.json"], "make it first"),
        (["--episodes", "20", "--robustness", "500"], "write 20 or fewer"),
        (["--setting-gone"], "is none of"),
        (["--save"], "is a folder"),
        (["--station-gone"], "name it: --env"),
    ],
)
def test_a_mistake_is_one_message_and_costs_no_look(bundle, tmp_path, arguments, said):
    ledger = tmp_path / "l.json"
    take_look(ledger, "somebody", "somebody")
    before = ledger.read_text()
    (tmp_path / "file").touch()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "study.json").write_text('{"policy"')
    (bundle / "forces.png").mkdir()  # cannot be written over; only --save would
    if arguments == ["--setting-gone"]:
        change(bundle, station={"setting": "brutal"})
        arguments = []
    if arguments == ["--station-gone"]:
        change(bundle, station={"id": "Elsewhere"})
        arguments = []
    given = ["card", str(bundle), "--ledger", str(ledger), "--out", str(tmp_path / "run")]
    given += [text.format(tmp=tmp_path) for text in arguments]
    found = CliRunner().invoke(app, given)
    assert isinstance(found.exception, RacklineError)
    assert said in str(found.exception)
    assert ledger.read_text() == before


def test_a_page_says_where_a_policy_acts_and_where_its_script_is_slower():
    card, _ = read_bundle(zoo_folder() / "tray_insert")
    said = _what(card, {"pose axial": "m"})
    assert "where pose axial is above 0.07 m, and nowhere else" in said
    assert (
        "Where pose axial is within -0.002 and 0.045 m, the script goes at 0.7 of its feed." in said
    )
    within = RangeSpec(field="pose yaw", between=(-0.1, 0.1))
    composition = card.composition.model_copy(update={"within": within, "begin": None})
    units = {"pose axial": "m", "pose yaw": "rad"}
    said = _what(card.model_copy(update={"composition": composition}), units)
    assert "where pose yaw is within -0.1 and 0.1 rad, and nowhere else;" in said


def test_a_second_process_in_the_folder_is_refused(bundle, tmp_path):
    with closing(RunFolder(tmp_path / "run")):
        given = ["card", str(bundle), "--ledger", str(tmp_path / "l.json")]
        found = CliRunner().invoke(app, [*given, "--out", str(tmp_path / "run")])
    assert "another process is working in this folder" in str(found.exception)
    assert not (tmp_path / "l.json").exists()  # and costs no look


def test_rows_are_no_longer_than_the_episodes_by_default(bundle, tmp_path, monkeypatch):
    """``--episodes 200`` alone: its bar ends, and the page says how many there were."""
    opened = []

    def stop(study, *_):
        opened.append(study)
        raise KeyboardInterrupt

    monkeypatch.setattr(card_study, "run_study", stop)
    given = ["card", str(bundle), "--ledger", str(tmp_path / "l.json"), "--episodes", "200"]
    assert CliRunner().invoke(app, [*given, "--out", str(tmp_path / "run")]).exit_code == 130
    assert (opened[0].trial.episodes, opened[0].trial.robustness) == (200, 200)
