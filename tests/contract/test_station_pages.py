"""Every registered station has a page in docs/stations, and the page says what the code does."""

import itertools
from pathlib import Path

import pytest

from configs.commented import entries, opening_comment
from envs.outcome import Facts, OutcomeClass, TrueState, outcome_class
from envs.registry import stations
from envs.station_page import OUTCOMES, station_page

DOCS = Path(__file__).parents[2] / "docs" / "stations"


@pytest.mark.parametrize("entry", stations(), ids=lambda entry: entry.env_id)
def test_the_committed_page_is_up_to_date(entry):
    file = DOCS / f"{entry.stem}.md"
    written = file.read_text(encoding="utf-8") if file.is_file() else ""
    assert written == station_page(entry), (
        f"{file.name} is missing or out of date: run 'make docs' and commit it"
    )


def test_outcomes_are_described_in_the_order_in_which_they_match():
    assert set(OUTCOMES) == set(OutcomeClass)
    flags = itertools.product(TrueState, (True, False), (1, 2), *[(True, False)] * 3)
    place = {outcome: i for i, outcome in enumerate(OUTCOMES)}
    for state, passed, attempts, assisted, timed_out, void in flags:
        facts = Facts(state, passed, attempts, assisted, timed_out, void)
        misplaced = state in (TrueState.SHORT, TrueState.WRONG)
        holds = {
            OutcomeClass.DAMAGE: state is TrueState.DAMAGED,
            OutcomeClass.VOID: void,
            OutcomeClass.ASSISTED: assisted or timed_out,
            OutcomeClass.ESCAPED: misplaced and passed,
            OutcomeClass.DETECTED: not passed,
            OutcomeClass.RETRIED: attempts > 1,
            OutcomeClass.OK: True,
        }
        first = min((outcome for outcome, true in holds.items() if true), key=place.__getitem__)
        assert outcome_class(facts) is first


def test_comments_are_read_beside_values_and_above_keys(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "# about the file\n# second line\nrate: 240 Hz # [A] a guess\n\nlimits: # of the cell\n"
        "  force: 70 N\n# drawn\n# per part\nparts:\n  [tray, tray,\n   switch] # bottom first\n"
        "size: {width: 1 m, height: 2 m}\n# above\nlast: x\n"
    )
    assert opening_comment(file) == ["about the file", "second line"]
    found = {".".join(entry.path): (entry.value, entry.note) for entry in entries(file)}
    assert found == {
        "rate": ("240 Hz", "[A] a guess"),
        "limits": ("", "of the cell"),
        "limits.force": ("70 N", ""),
        "parts": ("2 tray, switch", "bottom first"),
        "size": ("width 1 m, height 2 m", ""),
        "last": ("x", "above"),
    }


def test_a_note_of_a_file_that_is_extended_names_that_file(tmp_path):
    """What was measured for one station says nothing of another with other data."""
    (tmp_path / "base.yaml").write_text("rate: 240 Hz # measured\nlimits: # of the cell\n  a: 1\n")
    own = tmp_path / "own.yaml"
    own.write_text("extends: base.yaml\nlimits:\n  a: 2 # mine\n")
    found = {".".join(entry.path): (entry.value, entry.note) for entry in entries(own, "stations")}
    assert found == {
        "rate": ("240 Hz", "measured (base.yaml)"),
        "limits": ("", ""),
        "limits.a": ("2", "mine"),
    }
