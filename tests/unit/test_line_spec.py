"""A wrong line file: one message with file:line, field, value and remedy."""

import pytest

from configs.errors import ConfigError, UnknownNameError
from configs.specs.base import load_spec, resolve_path, resolved_yaml
from configs.specs.line import LineSpec, load_line, shipped_lines

GOOD = """\
name: mine
takt: 10 min
stations:
  - id: A
    cycle_time: {mean: 5 min, cv: 0.2}
    buffer: 2
    minor_stops: {mtbf: 4 h, mttr: 5 min}
  - id: B
    cycle_time: {mean: 5 min}
    first_pass_yield: 0.95
    repair: {mean: 25 min, cv: 0.5}
    yield_sources: {A: 0.01}
"""


def written(tmp_path, text):
    path = tmp_path / "line.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_reference_line_says_what_it_should():
    spec = load_line("nvl72_l11")
    assert shipped_lines() == ("nvl72_l11",)
    assert len(spec.stations) == 14
    assert sum(station.crew for station in spec.stations) == 29
    yields = [s.first_pass_yield for s in spec.stations if s.first_pass_yield]
    assert yields == [0.985, 0.95, 0.97, 0.95, 0.87, 0.99]
    assert [s.buffer for s in spec.stations] == [2] * 8 + [3, 4, 6, 2, 2, None]


def test_a_resolved_line_loads_to_the_same_line(tmp_path):
    for spec in (load_line("nvl72_l11"), load_line(written(tmp_path, GOOD))):
        again = load_spec(LineSpec, written(tmp_path, resolved_yaml(spec)))
        assert again == spec


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("takt: 10 min", "takt: 10", r"line\.yaml:2: takt = .*10.*no unit.*10 min"),
        ("takt: 10 min", "takt: 10 mm", r"line\.yaml:2: takt = .*wrong kind of unit"),
        ("takt: 10 min", "takt: 0 min", r"line\.yaml:2: takt"),
        ("takt: 10 min", "tact: 10 min", r"line\.yaml:\d: "),
        ("mean: 5 min, cv", "mean: -5 min, cv", r"line\.yaml:5: .*mean.*negative"),
        ("    buffer: 2", "    bufer: 2", r"line\.yaml:6: .*bufer.*did you mean 'buffer'"),
        ("    buffer: 2", "    buffer: -1", r"line\.yaml:6: .*buffer"),
        ("    buffer: 2", "    buffer: many", r"line\.yaml:6: .*buffer"),
        ("mtbf: 4 h", "mtbf: 0 h", r"line\.yaml:7: .*mtbf"),
        ("    repair: {mean: 25 min, cv: 0.5}\n", "", r"line\.yaml:10: .*first_pass_yield.*repair"),
        ("  - id: B", "  - id: A", r"line\.yaml:8: .*id = 'A': is given to two stations"),
        ("{A: 0.01}", "{C: 0.01}", r"line\.yaml:12: .*yield_sources.*not a station before.*A"),
        ("{A: 0.01}", "{B: 0.01}", r"line\.yaml:12: .*yield_sources.*not a station before.*A"),
        ("{A: 0.01}", "{A: 0.06}", r"line\.yaml:12: .*more than the station's whole yield loss"),
        ("    first_pass_yield: 0.95\n", "", r"line\.yaml:\d+: .*yield_sources.*first_pass_yield"),
        ("first_pass_yield: 0.95", "first_pass_yield: 95", r"line\.yaml:10: .*first_pass_yield"),
        ("    cycle_time: {mean: 5 min}\n", "", r"line\.yaml:8: .*cycle_time: is missing"),
    ],
)
def test_a_mistake_names_its_line_and_remedy(tmp_path, old, new, message):
    assert old in GOOD
    with pytest.raises(ConfigError, match=message):
        load_line(written(tmp_path, GOOD.replace(old, new, 1)))


def test_a_line_that_is_not_there_names_those_that_are():
    with pytest.raises(UnknownNameError, match="did you mean 'nvl72_l11'"):
        load_line("nvl72_l12")
    assert resolve_path("lines", "nvl72_l11").is_file()
