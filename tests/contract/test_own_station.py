"""A station outside of the repository: the documented example, in 15 lines, keeps the contract."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gymnasium as gym
import pytest

from configs.errors import RacklineError
from envs import registry
from envs.checks import SEED, check_episode, check_levels, check_spaces, check_spec_hash
from envs.fingerprint import play, play_elsewhere, random_actions
from envs.registry import station
from policies.rollout import Episode, run_episode
from policies.scripted.registry import script

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ENV_ID = "own_station:acme/FanInsert-v0"


@pytest.fixture(scope="module", autouse=True)
def importable() -> Iterator[None]:
    """Put the example where a user's own module would be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        yield


def test_it_takes_fifteen_lines():
    assert len((EXAMPLES / "own_station.py").read_text().splitlines()) <= 15


@pytest.mark.parametrize(
    "check", [check_spaces, check_episode, check_levels, check_spec_hash], ids=lambda c: c.__name__
)
def test_contract(check):
    env = gym.make(ENV_ID)
    try:
        check(env)
    finally:
        env.close()


def test_a_script_of_its_kind_of_work_seats_its_part():
    record = run_episode(Episode(ENV_ID, "scripted/lateral-admittance", None, 3, 0, 1))
    assert (record.part, record.outcome) == ("fan_tray", "ok")


def test_another_process_finds_it():
    env = gym.make(ENV_ID)
    here = play(env, random_actions(env, SEED), SEED)
    env.close()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(play_elsewhere, ENV_ID, SEED).result() == here


@pytest.mark.parametrize(
    ("env_id", "said"),
    [
        (
            "no_such_module:acme/FanInsert-v0",
            "no module 'no_such_module' can be imported: .* on PYTHONPATH",
        ),
        ("envs:acme/FanInsert-v0", "unknown station 'envs:acme/FanInsert-v0'"),
        ("own_station:acme/FanInsert-v1", "did you mean 'own_station:acme/FanInsert-v0'"),
    ],
)
def test_what_cannot_be_found_is_named(env_id, said):
    with pytest.raises(RacklineError, match=said):
        station(env_id)


ROW = """\
from envs.registry import INSERTION, StationEntry, register
register(StationEntry("{env_id}", "{config}", "S60", "S60: mine", INSERTION))
"""


@pytest.mark.parametrize(
    ("registered", "config", "said"),
    [
        ("acme/Mine-v0", "tray_insert", "no id to register; .* 'MODULE:acme/Mine-v0'"),
        ("mine:acme/Mine", "tray_insert", "no id to register; .* 'MODULE:acme/Mine-v0'"),
        ("rackline/TrayInsert-v0", "tray_insert", "registered twice; raise its version"),
        ("other:acme/Mine-v0", "tray_insert", "registers other:acme/Mine-v0: begin its names"),
        ("mine:acme/Mine-v0", "tray_insrt", "mine:acme/Mine-v0: the config of its row: unknown"),
        ("mine:acme/Mine-v0", "tray_insert", r"tray_insert.yaml:3: id = .*; write Mine"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_module_of_ones_own_is_named(
    tmp_path, monkeypatch, registered, config, said
):
    (tmp_path / "mine.py").write_text(ROW.format(env_id=registered, config=config))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(registry, "_STATIONS", dict(registry._STATIONS))
    monkeypatch.setattr(gym.envs.registration, "registry", dict(gym.registry))
    with pytest.raises(RacklineError, match=said):
        assert station("mine:acme/Mine-v0").spec


BROKEN = {
    "mine:3: SyntaxError ('(' was never closed); correct it: python -c 'import mine'": (
        "import math\n\nprint(math.pi\n"
    ),
    "mine:1: IndentationError (unexpected indent); correct it": "  import math\n",
    "mine:2: NameError (name 'regster' is not defined); correct it": "import math\nregster()\n",
    "mine:1: imports 'no_such_pkg', which is not here; install it or put it on PYTHONPATH": (
        "import no_such_pkg\n"
    ),
    "mine:1: ImportError (cannot import name 'Kinds' from 'envs.registry'": (
        "from envs.registry import Kinds\n"
    ),
    "mine:2: TypeError (": "from envs.registry import StationEntry\nStationEntry('mine:a/B-v0')\n",
    "mine:2: ValueError (math domain error); correct it": "import math\nmath.sqrt(-1.0)\n",
    "mine:2: SystemExit (0); correct it": "import sys\nsys.exit(0)\n",
    "mine:2: AssertionError; correct it": "import math\nassert math.pi < 3\n",
    "beside:2: ZeroDivisionError (": "import beside\n",
}


@pytest.mark.parametrize(("said", "text"), BROKEN.items(), ids=[said[:18] for said in BROKEN])
def test_a_module_of_ones_own_that_cannot_be_imported_is_named(tmp_path, monkeypatch, said, text):
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "beside.py").write_text("import json\nhalf = 1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    for find, name in ((station, "mine:acme/Mine-v0"), (script, "mine:scripted/mine")):
        with pytest.raises(RacklineError) as caught:
            find(name)
        module, _, rest = said.partition(":")
        assert str(caught.value).startswith(f"{tmp_path / module}.py:{rest}")
        assert caught.value.exit_code == 2
