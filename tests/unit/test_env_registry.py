"""What joins a spec to its kind of work, and a script to the stations that it can work."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import replace

import pytest

from configs.errors import ConfigError, RacklineError, UnknownNameError
from configs.specs.base import resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.station import StationSpec
from envs.registry import StationEntry, register, station, station_of, stations
from envs.station_env import StationEnv
from policies.catalogue import load_policy, policy_content
from policies.executor import WorkItemError, run
from policies.rollout import run_episode, single_part_episodes
from policies.scripted import registry


class OtherSpec(InsertionSpec):
    """Another kind of work, which nobody registered."""


def other() -> OtherSpec:
    shipped = station("rackline/TrayInsert-v0").spec
    return OtherSpec.model_construct(**{name: value for name, value in shipped})


def test_a_spec_leads_to_its_kind_of_work():
    for entry in stations():
        made = station_of(entry.spec)
        assert made.spec == entry.spec
        assert made.setting == entry.spec.settings[entry.spec.default_setting]


def test_a_row_whose_file_says_no_id_of_its_own_is_told_where_to_write_it(tmp_path):
    """And not to change the file that it extends."""
    mine = tmp_path / "heavy.yaml"
    mine.write_text("extends: tray_insert\nversion: 2\n")
    shipped = station("rackline/TrayInsert-v0")
    row = replace(shipped, env_id="own:acme/HeavyTray-v0", config=str(mine))
    with pytest.raises(ConfigError) as caught:
        _ = row.spec
    said = str(caught.value)
    assert said.startswith(f"{mine}:1: id: is missing: the file it extends has 'TrayInsert'")
    assert said.endswith("add 'id: HeavyTray'")
    mine.write_text("extends: tray_insert\nid: Other\n")
    with pytest.raises(ConfigError, match=r"heavy\.yaml:2: id = 'Other': is not that of"):
        _ = row.spec


def test_a_spec_of_no_kind_is_named():
    with pytest.raises(UnknownNameError, match="unknown type of station 'OtherSpec'"):
        station_of(other())


def test_stations_of_one_spec_type_act_alike_and_observe_alike_but_for_their_parts():
    """And a part that both of them have is observed alike: scripts go by names."""
    of_type = defaultdict(list)
    for entry in stations():
        of_type[entry.spec_type].append(station_of(entry.spec))
    for made in of_type.values():
        assert len({one.actions for one in made}) == 1
        tables = [[f for f in one.fields if f.name[5:] not in one.spec.parts] for one in made]
        assert all(table == tables[0] for table in tables)
    kinds = station_of(station("rackline/TrayInsert-v0").spec).fields[-3:]
    assert [f.name for f in kinds] == ["part compute", "part switch", "part top_of_rack"]


def test_a_script_is_refused_where_it_cannot_work():
    shipped = station("rackline/TrayInsert-v0").spec
    bare = StationSpec.model_construct(**{k: getattr(shipped, k) for k in StationSpec.model_fields})
    with pytest.raises(RacklineError, match=r"straight-push cannot work TrayInsert, .*: none"):
        load_policy("scripted/straight-push", bare)
    able = "scripts that can: scripted/straight-push, "
    with pytest.raises(RacklineError, match=f"plug-straight cannot work TrayInsert, .*{able}"):
        load_policy("scripted/plug-straight", shipped)


SCRIPT = """\
from pathlib import Path
from configs.specs.base import Spec
from configs.specs.insertion import InsertionSpec
from policies.scripted.registry import ScriptEntry, register_script

class Parameters(Spec):
    feed: float

class Push:
    def __init__(self, parameters, station):
        self.parameters, self.station = parameters, station

here = Path(__file__).with_suffix(".yaml")
register_script(ScriptEntry("{name}", 1, "pushes", Parameters, InsertionSpec, Push, {{}}, here))
"""


@pytest.mark.parametrize(
    ("asked", "name", "said"),
    [
        ("mine:scripted/push@1", "mine:scripted/push", ""),
        ("mine:scripted/push@2", "mine:scripted/push", "unknown policy 'mine:scripted/push@2'"),
        ("mine:scripted/push", "other:scripted/push", "registers other:scripted/push: begin its"),
        ("mine:scripted/push", "scripted/straight-push", "registered twice"),
        ("mine:scripted/push", "mine:push", "no name to register; write 'MODULE:scripted/"),
        ("none:scripted/push", "mine:scripted/push", "no module 'none' can be imported"),
    ],
)
def test_a_script_of_ones_own_is_found_by_its_module(tmp_path, monkeypatch, asked, name, said):
    (tmp_path / "mine.py").write_text(SCRIPT.format(name=name))
    (tmp_path / "mine.yaml").write_text("feed: 0.25\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(registry, "_SCRIPTS", dict(registry._SCRIPTS))
    shipped = station("rackline/TrayInsert-v0").spec
    if said:
        with pytest.raises(RacklineError, match=said):
            load_policy(asked, shipped)
        return
    assert load_policy(asked, shipped).parameters.feed == 0.25
    assert policy_content(asked)["parameters"] == {"feed": 0.25}
    with pytest.raises(RacklineError, match="cannot work CablePlug"):
        load_policy(asked, station("rackline/CablePlugLight-v0").spec)


WRONG_ACTS = {
    "mine.py:16: ZeroDivisionError (division by zero); correct it": "1 / 0",
    "mine.py:16: AttributeError ('list' object has no": "observation + [1.0].sum()",
    "an action of 3 entries, where TrayInsert takes 4: axial, lateral,": "[0.0] * 3",
}


@pytest.mark.parametrize(("said", "act"), WRONG_ACTS.items(), ids=["number", "attribute", "shape"])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_goes_wrong_in_a_script_of_ones_own_is_not_laid_on_us(
    tmp_path, monkeypatch, said, act, workers
):
    text = SCRIPT.format(name="mine:scripted/push").replace(
        "\nhere",
        f"""
    def reset(self):
        pass
    def act(self, observation):
        return {act}
here""",
    )
    (tmp_path / "mine.py").write_text(text)
    (tmp_path / "mine.yaml").write_text("feed: 0.25\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(registry, "_SCRIPTS", dict(registry._SCRIPTS))
    episodes = single_part_episodes("rackline/TrayInsert-v0", "mine:scripted/push", [1], "hard")
    with pytest.raises(WorkItemError, match=re.escape(said)):
        run(episodes, run_episode, workers, lambda *_: None)


def test_a_kind_that_is_none_is_refused():
    row = StationEntry("mine:acme/Mine-v0", "tray_insert", "S60", "S60: mine", "INSERTION")  # type: ignore[arg-type]
    with pytest.raises(RacklineError, match="kind = 'INSERTION' is no kind of work; give"):
        register(row)


def test_an_own_yaml_takes_the_place_of_the_station_s(tmp_path):
    text = resolve_path("stations", "tray_insert").read_text()
    file = tmp_path / "own.yaml"
    file.write_text(text.replace("time_limit: 30 s", "time_limit: 5 s"))
    env = StationEnv("rackline/TrayInsert-v0", config=file)
    try:
        assert env.operation.station.spec.limits.time_limit_s == 5.0
    finally:
        env.close()
