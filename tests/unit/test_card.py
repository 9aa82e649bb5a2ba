"""Cards: held-out blocks and looks, resume, mistakes."""

import dataclasses
import json
from contextlib import closing
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import twin.cli.card  # noqa: F401 - registers the command
from configs.errors import BundleError, RacklineError, RunFolderError
from configs.specs.bars import TrialSpec
from configs.specs.plug import ArmPlugSpec
from envs.registry import station
from policies import card_study
from policies.bundle import read_bundle
from policies.card_looks import BLOCK, EVALUATIONS, read_looks, take_look
from policies.card_page import save_card, write_card
from policies.card_study import open_study, run_study
from policies.card_trial import home_of, load_trial
from policies.catalogue import policy_content, zoo_folder
from policies.records import read_records
from policies.scripted import registry
from policies.scripted.registry import scripts
from policies.seeds import HELD_OUT
from tests.made_up import record
from tests.toy_bundles import change, silent_bundle
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
    return silent_bundle(tmp_path, ENV)


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
    assert home_of(read_bundle(silent_bundle(tmp_path, env_id))[0]) is station(env_id)


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
    bundle, ledger = silent_bundle(tmp_path, ARM), tmp_path / "l.json"
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
    for save in ([], ["--save"]):
        found = CliRunner().invoke(app, [*given, *save, "--out", str(tmp_path / "run")])
        assert found.exit_code == 130
        assert (opened[-1].trial.episodes, opened[-1].trial.robustness) == (200, 200)
        assert opened[-1].bars == "tray_insert"
