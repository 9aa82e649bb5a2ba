"""Bundles: they work a station as their script and network say."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import policies.catalogue
import twin.cli.catalogue  # noqa: F401 - registers the command
from configs.errors import UnknownNameError
from envs.registry import station_of, stations
from policies.bundle import OTHERS, load_bundle, read_bundle
from policies.catalogue import load_policy, zoo, zoo_folder
from tests.toy_bundles import (
    SEEN,
    STATION,
    changed_card,
    zipped,
)
from twin.cli.app import app


def test_a_bundle_acts_as_script_and_network_say(bundle):
    """Run by hand: the script's action, the network's, and the formula of the override."""
    policy = load_policy(str(bundle), STATION)
    script = load_policy("scripted/lateral-admittance", STATION)
    _, network = read_bundle(bundle)
    rng = np.random.default_rng(1)
    for _ in range(20):
        observation = rng.uniform(-1, 1, SEEN - 4).astype(np.float32)
        scripted = script.act(observation)
        learnt, _ = network.step(np.concatenate([observation, scripted]))
        expected = scripted + 0.3 * learnt
        expected[0] = scripted[0] * (2.5 ** learnt[0] if learnt[0] >= 0 else 0.3 ** -learnt[0])
        assert policy.act(observation) == pytest.approx(np.clip(expected, -1, 1), abs=1e-6)


def test_the_script_keeps_the_parameters_it_was_trained_with(bundle):
    before = load_policy(str(bundle), STATION)
    card = yaml.safe_load((bundle / "card.yaml").read_text())
    changed_card(bundle, base_parameters=card["base_parameters"] | {"entry": "1 mm/s"})
    after = load_policy(str(bundle), STATION)
    observation = np.zeros(SEEN - 4, dtype=np.float32)
    observation[-3] = 1.0  # holds the first part, its front edge in the mouth
    assert before.act(observation)[0] > 3 * after.act(observation)[0] > 0


def test_a_zip_is_as_good_as_a_folder(bundle, tmp_path):
    both = [load_policy(str(p), STATION) for p in (bundle, zipped(bundle, tmp_path / "t.zip"))]
    observation = np.full(SEEN - 4, 0.1, dtype=np.float32)
    first, second = (policy.act(observation) for policy in both)
    assert first.tobytes() == second.tobytes()


def test_a_changed_station_file_is_no_obstacle(bundle):
    card = yaml.safe_load((bundle / "card.yaml").read_text())
    changed_card(bundle, station=card["station"] | {"spec_hash": "0" * 16})
    load_bundle(bundle, STATION)


def test_the_zoo_is_listed_and_its_names_work(bundle, tmp_path, monkeypatch):
    (tmp_path / "zoo").mkdir()
    bundle.rename(tmp_path / "zoo" / "toy")
    monkeypatch.setattr(policies.catalogue, "zoo_folder", lambda: tmp_path / "zoo")
    assert load_policy("zoo/toy", STATION).act(np.zeros(SEEN - 4, dtype=np.float32)).shape == (4,)
    shown = CliRunner().invoke(app, ["policies"], env={"COLUMNS": "120"}).output
    assert "zoo/toy" in shown
    assert "learnt on top of scripted/lateral-admittance@1" in shown
    with pytest.raises(UnknownNameError, match="did you mean 'zoo/toy'"):
        load_policy("zoo/toi", STATION)


def test_what_is_shipped_is_small_and_loads_with_every_training_seed():
    assert zoo()
    for name in zoo():
        folder = zoo_folder() / name.removeprefix("zoo/")
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) < 2_000_000
        card, _ = read_bundle(folder)
        others = {int(path.name): path for path in folder.glob(f"{OTHERS}/*")}
        assert others.keys() | {card.training_seed} == set(card.training.seeds)
        place = next(entry.spec for entry in stations() if entry.spec.id == card.station.id)
        n, m = len(station_of(place).fields), card.signature.action
        for path in (folder, *others.values()):
            assert load_bundle(path, place).act(np.zeros(n, dtype=np.float32)).shape == (m,)
