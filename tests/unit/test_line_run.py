"""A recorded line run: the ledger's own history, on file, and where every rack is at any time."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import twin.cli.line_replay  # noqa: F401 - registers the commands
from configs.errors import RacklineError
from configs.specs.line import load_line, parse_line
from twin.cli.app import app
from twin.line.model import LineModel
from twin.line.recording import record_line
from twin.line.reference import simulate
from twin.line.run_file import read_line_run, write_line_run
from twin.replay.line_page import in_line, line_page, shipped
from twin.replay.tracks import Position, position, tracks

WINDOW = {"seed": 1, "days": 1.0, "warmup_days": 3.0}


@pytest.fixture(scope="module")
def model():
    return LineModel(load_line("nvl72_l11"))


@pytest.fixture(scope="module")
def run(model):
    return record_line(model, **WINDOW)


@pytest.fixture(scope="module")
def ledger(model):
    return simulate(model, **WINDOW)


def test_stretches_add_up_to_the_ledger(run, ledger):
    found = np.zeros_like(ledger.server_time_s)
    for server, stretches in enumerate(run.stretches):
        ends = [0.0, *(end for end, _ in stretches)]
        assert ends[-1] == run.length_s
        for start, (end, state) in zip(ends, stretches, strict=False):
            assert end > start
            found[server, state] += end - start
    np.testing.assert_allclose(found, ledger.server_time_s, atol=0.5)  # ends are rounded to 0.01 s


def test_racks_in_line_and_shipped_are_the_ledgers(run, ledger):
    units = ledger.units
    for time_s in np.linspace(0.0, run.length_s, 25):
        at = ledger.window_s[0] + time_s
        gone = np.nan_to_num(units["shipped_s"], nan=np.inf) <= at
        inside = (units["entered_s"] <= at) & ~gone
        times, counts = in_line(run)
        assert counts[np.searchsorted(times, time_s, side="right") - 1] == inside.sum()
        times, counts = shipped(run)
        done = gone & (units["shipped_s"] > ledger.window_s[0])
        assert counts[np.searchsorted(times, time_s, side="right") - 1] == done.sum()


def test_every_rack_in_line_is_somewhere_and_no_two_on_one_server(run):
    found = tracks(run)
    times, counts = in_line(run)
    for time_s in np.linspace(0.0, run.length_s - 1.0, 49):
        shown = [position(segments, time_s, run.length_s) for segments in found.values()]
        at = [place for place in shown if place is not None]
        assert len(at) == counts[np.searchsorted(times, time_s, side="right") - 1]
        on_servers = [p.origin for p in at if p.origin == p.goal and p.origin.startswith("s")]
        assert len(on_servers) == len(set(on_servers))


def test_racks_queue_first_come_first_served_and_move_between():
    fixed = {"cv": 0.0}
    stations = [
        {"id": "A", "cycle_time": {"mean": "10 min", **fixed}},
        {"id": "B", "cycle_time": {"mean": "25 min", **fixed}},
    ]
    line = {"name": "two", "takt": "10 min", "transport": {"move": {"mean": "1 min", **fixed}}}
    run = record_line(LineModel(parse_line({**line, "stations": stations})), seed=0, days=1 / 24)
    found = tracks(run)

    def at(rack, minutes):
        return position(found[rack], 60.0 * minutes, run.length_s)

    assert at(0, 5) == Position("s0", "s0", 0.0)
    assert at(0, 10.5) == Position("s0", "s1", 0.5)
    assert at(1, 5) is None  # not in yet
    assert at(1, 22) == Position("q1.0", "q1.0", 0.0)
    assert at(2, 32) == Position("q1.1", "q1.1", 0.0)
    assert at(2, 40) == Position("q1.0", "q1.0", 0.0)  # rack 1 is served since 36 min
    assert at(0, 36) is None  # shipped


def test_a_file_gives_the_run_back_and_its_page_is_small(run, tmp_path):
    file = tmp_path / "run.json"
    write_line_run(file, run)
    assert read_line_run(file) == run
    assert len(line_page(run).encode()) < 1_000_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "record it again"),
        (lambda text: text.replace('"version":1', '"version":2', 1), "version = 2"),
        (lambda text: json.dumps({"some": "thing"}), "not a line run"),
        (lambda text: text.replace('"seed":1', '"seed":"one"', 1), "seed"),
    ],
)
def test_a_file_that_is_no_line_run_is_refused(run, tmp_path, change, message):
    file = tmp_path / "run.json"
    write_line_run(file, run)
    file.write_text(change(file.read_text()))
    with pytest.raises(RacklineError, match=message):
        read_line_run(file)


def test_commands_record_and_show(tmp_path):
    file, web = tmp_path / "run.json", tmp_path / "run.html"
    call = CliRunner().invoke
    few = ["--hours", "1", "--warmup-days", "0", "--seed", "3"]
    result = call(app, ["line", "record", "nvl72_l11", "--out", str(file), *few])
    assert result.exit_code == 0, result.output
    result = call(app, ["line", "replay", str(file), "--web", str(web)])
    assert result.exit_code == 0, result.output
    assert "nvl72_l11" in web.read_text()
    result = call(app, ["line", "replay", str(file)])
    assert "--web" in str(result.exception)
