"""Whatever is wrong with a question to the factory is one clear error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.small_factory import write_factory
from twin.cli import main


@pytest.mark.parametrize(
    ("old", "new", "field", "said"),
    [
        ("stations:\n", "station: S60\nstations:\n", "station", "run: rackline evaluate"),
        ("station: S70", "station: S60", "stations[1].station", "is named twice"),
        ("station: S70", "station: S71", "stations[1].station", "did you mean"),
        (
            "scripted/plug-search",
            "scripted/plug-serch",
            "stations[1].policies.scripted",
            "plug-search",
        ),
        ("zoo/none", "none.zip", "stations[1].policies.trained", "unknown policy"),
        (
            "straight-push",
            "lateral-admittance@1",
            "stations[0].policies.trained",
            "is the script again",
        ),
        ("{T: 0.01}", "{A: 0.01}", "stations[1].yield_sources.A", "is not behind S70"),
        ("{T: 0.01}", "{X: 0.01}", "stations[1].yield_sources.X", "is not on line"),
        ("kpi: technician_use", "kpi: people", "gates[1].kpi", "leave it out"),
        ("most_technicians: 2", "buys: people_mean", "buys", "is not a KPI"),
        ("S70.effects.damage.mean", "S7.effects.damage.mean", "tornado[0].input", "has no 'S7'"),
        ("high: 0.02", "high: 0.5", "tornado[1].high", "whole yield loss"),
        ("most_cells: 2", "most_cells: 0", "stations[0].most_cells", "is below 1; write 1 or more"),
        (
            "minor_stops: replaced}",
            "minor_stops: replaced, servers: 3}",
            "stations[0].most_cells",
            "is fewer than the 3 of attach.servers; raise it",
        ),
    ],
)
def test_mistakes_name_file_line_field_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    old: str, new: str, field: str, said: str,
) -> None:  # fmt: skip
    path = write_factory(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    monkeypatch.setattr(
        "sys.argv", ["rackline", "factory", str(path), "--out", str(tmp_path / "run")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    message = capsys.readouterr().err
    assert ended.value.code == 2
    assert re.search(rf"small.yaml:\d+: {re.escape(field)}\b", message), message
    assert said in message
    assert "Traceback" not in message


def test_evaluate_sends_a_question_of_several_stations_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["rackline", "evaluate", "factory"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "run: rackline factory factory" in capsys.readouterr().err
