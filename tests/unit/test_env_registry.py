"""What joins a spec to its kind of work, and a script to the stations that it can work."""

from __future__ import annotations

import pytest

from configs.errors import UnknownNameError
from configs.specs.base import resolve_path
from configs.specs.insertion import InsertionSpec
from configs.specs.station import StationSpec
from envs.registry import station, station_of, stations
from envs.station_env import StationEnv
from policies.catalogue import load_policy


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


def test_a_spec_of_no_kind_is_named():
    with pytest.raises(UnknownNameError, match="unknown type of station 'OtherSpec'"):
        station_of(other())


def test_stations_of_one_spec_type_observe_alike_but_for_their_parts():
    tables = [[field.name for field in station_of(e.spec).fields] for e in stations()]
    common = [[name for name in table if not name.startswith("part ")] for table in tables]
    assert common[0] == common[1]


def test_a_script_is_refused_where_it_cannot_work():
    shipped = station("rackline/TrayInsert-v0").spec
    bare = StationSpec.model_construct(**{k: getattr(shipped, k) for k in StationSpec.model_fields})
    with pytest.raises(UnknownNameError, match="unknown script for TrayInsert"):
        load_policy("scripted/straight-push", bare)


def test_an_own_yaml_takes_the_place_of_the_station_s(tmp_path):
    text = resolve_path("stations", "tray_insert").read_text()
    file = tmp_path / "own.yaml"
    file.write_text(text.replace("time_limit: 30 s", "time_limit: 5 s"))
    env = StationEnv("rackline/TrayInsert-v0", config=file)
    try:
        assert env.operation.station.spec.limits.time_limit_s == 5.0
    finally:
        env.close()
