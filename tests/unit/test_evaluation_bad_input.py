"""What is wrong in an evaluation ends in one message: file:line, field, value, remedy; exit 2."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.cli import main

CASES = {
    # what: (text to replace, by what, field, words of problem or remedy)
    "misspelt field": ("gates:", "gate:", "gate", "is not a known field; did you mean 'gates'?"),
    "field of no use": ("name: small", "name: small\ncolour: red", "colour", "not a known field"),
    "missing field": ("setting: hard\n", "", "setting", "is missing; add it"),
    "no unit": ("horizon: 4 d", "horizon: 4", "line_runs.horizon", "has no unit"),
    "wrong unit": ("horizon: 4 d", "horizon: 4 m", "line_runs.horizon", "wrong kind of unit"),
    "negative time": ("warmup: 1 d", "warmup: -1 d", "line_runs.warmup", "is negative"),
    "no time": ("horizon: 4 d", "horizon: 0 d", "line_runs.horizon", "is not above 0"),
    "text for a number": ("racks: 40", "racks: many", "campaign.racks", "= 'many'"),
    "fraction for a count": ("racks: 40", "racks: 40.5", "campaign.racks", "= '40.5'"),
    "odd runs": ("verdict: 8", "verdict: 7", "line_runs.replications.verdict", "multiple of 2"),
    "unknown line": ("{line}", "nvl27_l11", "line", "did you mean 'nvl72_l11'?"),
    "missing line file": ("{line}", "lines/none.yaml", "line", "= 'lines/none.yaml'"),
    "unknown station": ("station: S60", "station: S61", "station", "did you mean 'S60'?"),
    "another station's env": (
        "station: S60",
        "station: A",
        "station",
        "TrayInsert-v0 works; write",
    ),
    "unknown env": ("TrayInsert-v0", "TrayInsrt-v0", "env", "did you mean 'rackline/TrayInsert"),
    "unknown setting": ("setting: hard", "setting: harsh", "setting", "did you mean 'hard'?"),
    "unknown policy": (
        "scripted/straight-push",
        "scripted/straight-pull",
        "policies.x",
        "did you mean 'scripted/straight-push'?",
    ),
    "unknown version": (
        "scripted/straight-push",
        "scripted/straight-push@99",
        "policies.x",
        "did you mean 'scripted/straight-push@",
    ),
    "one policy twice": (
        "y: scripted/lateral-admittance",
        "y: scripted/straight-push",
        "policies.y",
        "is policy x again",
    ),
    "one policy twice by two names": (
        "y: scripted/lateral-admittance",
        "y: scripted/straight-push@1",
        "policies.y",
        "is policy x again",
    ),
    "undeclared overlap of stops": (
        "attach:\n  minor_stops: replaced\n",
        "",
        "attach",
        'declare them "replaced"',
    ),
    "unknown kpi": ("kpi: racks_per_day", "kpi: rack_per_day", "gates[0].kpi", "racks_per_day"),
    "a kpi that the staffed line lacks": (
        "technician_use, at_most: 0.8",
        "damages_per_1000, at_most: 1.1, against: reference ratio",
        "gates[1].against",
        "a staffed line, which has no damages_per_1000; write against: value",
    ),
    "two limits": ("at_least: 0.75", "at_least: 0.75, at_most: 2", "gates[0]", "exactly one"),
    "composition": ("compute: 18", "compute: 19", "operations.per_rack", "sum of the composition"),
    "other composition": (
        "compute: 18, switch: 9",
        "compute: 17, switch: 10",
        "operations.composition",
        "write {compute: 18, switch: 9",
    ),
    "too many parts": (
        "parts_per_rack: 4",
        "parts_per_rack: 30",
        "campaign.parts_per_rack",
        "write 29 or less",
    ),
    "more runs than the verdict's": (
        "preflight: 4",
        "preflight: 9",
        "line_runs.replications.preflight",
        "more than the verdict's own; write 8 or less",
    ),
    "tuning seed": ("seed: 30000001", "seed: 20000001", "campaign.seed", "held-out"),
    "unknown input": (
        "input: effects.damage.mean",
        "input: effects.damage.men",
        "tornado[0].input",
        "did you mean 'mean'?",
    ),
    "input's value": ("low: 30 min", "low: 30 m", "tornado[0].low", "wrong kind of unit"),
    "one input twice": (
        "input: line.technicians.response",
        "input: effects.damage.mean",
        "tornado[1].input",
        "is named twice",
    ),
    "given twice": ("name: small", "name: small\nname: large", "name", "is given twice"),
    "cut file": ("search: {most_cells: 2, ", "search: {most_cells: 2", "file", "not valid YAML"),
}


Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Return a call that must be refused: exit 2, one line, no traceback; it returns the line."""

    def call(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["rackline", "evaluate", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert caught.value.code == 2
        assert captured.err.count("\n") == 1
        assert "Traceback" not in captured.err
        return captured.err.strip()

    return call


@pytest.mark.parametrize("case", CASES)
def test_one_message_with_place_and_remedy(case: str, small_file: Path, refused: Refused) -> None:
    old, new, field, words = CASES[case]
    text = small_file.read_text()
    old = old.replace("{line}", str(small_file.with_name("line.yaml")))
    assert old in text
    small_file.write_text(text.replace(old, new, 1))
    message = refused(str(small_file))
    assert re.match(rf"error: {re.escape(str(small_file))}:\d+: ", message), message
    assert f": {field}" in message
    assert words in message


def test_the_line_named_is_the_offending_one(small_file: Path, refused: Refused) -> None:
    text = small_file.read_text().replace("warmup: 1 d", "warmup: 1 kg")
    small_file.write_text(text)
    number = next(n for n, row in enumerate(text.splitlines(), 1) if "kg" in row)
    message = refused(str(small_file))
    assert message.startswith(f"error: {small_file}:{number}: line_runs.warmup = '1 kg'")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tray_sell"], "unknown evaluation 'tray_sell'; did you mean 'tray_cell'?"),
        (["none/such.yaml"], "unknown evaluation file 'none/such.yaml'"),
        (["tray_cell", "--junit", "none/such.xml"], "no folder none"),
    ],
)
def test_wrong_arguments(arguments: list[str], words: str, refused: Refused) -> None:
    assert words in refused(*arguments)
