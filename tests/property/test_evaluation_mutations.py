"""Whatever is done to an evaluation or line file: it loads, or one message says what is wrong."""

from __future__ import annotations

import re
import tempfile
from importlib import resources
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import ConfigError, RacklineError
from twin.evaluation.plan import load_plan

EVALUATION = resources.files("configs").joinpath("evaluations/tray_cell.yaml").read_text()
LINE = resources.files("configs").joinpath("lines/nvl72_l11.yaml").read_text()
JUNK = st.sampled_from(
    (
        *("", "null", "-1", "0", "1e400", ".nan", "true", "[]", "{}", "text", "-3 min", "5 parsec"),
        *(
            "5",
            "5 m",
            "1 min min",
            "!!python/object:os.system x",
            "&a [*a]",
            "'",
            '"',
            "2026-01-01",
        ),
        *("9" * 400, "\t", "min 5", "5 min # remark", "- 1", "@", "%", "\u0000", "é"),
    )
)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """Return the text with one to three lines changed, or cut anywhere."""
    rows = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        kind = draw(st.sampled_from(("value", "key", "drop", "twice", "inner", "character", "cut")))
        row = rows[at]
        if kind == "value" and ":" in row:
            rows[at] = f"{row.partition(':')[0]}: {draw(JUNK)}"
        elif kind == "key" and ":" in row:
            rows[at] = re.sub(r"(\w)(\w+):", r"\2\1:", row, count=1)
        elif kind == "drop":
            rows[at] = ""
        elif kind == "twice":
            rows.insert(at, row)
        elif kind == "inner":
            values = list(re.finditer(r"[\w.@/%-]+(?: \w+)?(?=[,}\]])", row))
            if values:
                one = draw(st.sampled_from(values))
                rows[at] = row[: one.start()] + draw(JUNK) + row[one.end() :]
        elif kind == "character" and row:
            place = draw(st.integers(0, len(row) - 1))
            rows[at] = row[:place] + draw(st.characters(codec="utf-8")) + row[place + 1 :]
        elif kind == "cut":
            rows[at] = row[: draw(st.integers(0, len(row)))]
            rows = rows[: at + 1]
    return "\n".join(rows)


@settings(max_examples=150, deadline=None)
@given(evaluation=mutated(EVALUATION))
def test_mutated_evaluations_load_or_say_why(evaluation: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), evaluation, LINE)


@settings(max_examples=50, deadline=None)
@given(line=mutated(LINE))
def test_mutated_lines_load_or_say_why(line: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder), EVALUATION, line)


def check(folder: Path, evaluation: str, line: str) -> None:
    (folder / "line.yaml").write_text(line)
    path = folder / "evaluation.yaml"
    path.write_text(evaluation.replace("line: nvl72_l11", f"line: {folder / 'line.yaml'}"))
    error = refusal(path)
    if error is None:
        return
    assert "\n" not in str(error)
    if isinstance(error, ConfigError):
        assert re.match(r"\S+:\d+$", error.where)
        assert error.remedy


def refusal(path: Path) -> RacklineError | None:
    """Return why the evaluation is refused; any other exception fails the test."""
    try:
        load_plan(path)
    except RacklineError as error:
        return error
    return None
