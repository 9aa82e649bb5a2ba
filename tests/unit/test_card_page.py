"""Cards as pages: histogram, parts, the same operations elsewhere, bars."""

import dataclasses
from types import SimpleNamespace

import yaml

from configs.specs.bars import BarsSpec, TrialSpec
from configs.specs.training import RangeSpec
from envs.registry import station
from policies import card_tables
from policies.bundle import read_bundle, reference, write_bundle
from policies.card_page import _what, draw_forces, save_card, write_card
from policies.card_study import Campaign, Found, Study
from policies.card_tables import tiers
from policies.card_trial import home_of, load_trial
from policies.catalogue import zoo_folder
from tests.made_up import campaign, record
from tests.toy_bundles import silent_bundle

ENV = "rackline/TrayInsert-v0"
TRAY = load_trial("tray_insert", station(ENV)).bars
FEW = TrialSpec(episodes=4, scripts=4, robustness=2, bars=TRAY)


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


def test_a_card_without_bars_says_so(tmp_path):
    bundle = silent_bundle(tmp_path, ENV)
    study = Study(
        bundle, ENV, "hard", tmp_path, 1, 1, FEW.model_copy(update={"bars": BarsSpec()}), ""
    )
    names = [*study.main, *study.others, *study.rows("scripted/straight-push")]
    records = {c.name: [record(s) for s in study.seeds[: c.episodes]] for c in names}
    assert write_card(study, Found(records, "scripted/straight-push"), "") == ()
    assert "No bars are stated for this station" in (tmp_path / "README.md").read_text()


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
