"""The line commands: they answer, agree with each other, and refuse with one line."""

import json

import pytest
from typer.testing import CliRunner

import twin.cli.line  # noqa: F401 - registers the commands
from configs.errors import RacklineError
from twin.cli.app import app
from twin.line.validation import FIGURES, Figure, Row, as_markdown, compare, write_section


def rackline(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_simulate_prints_tables_and_writes_json(tmp_path):
    file = tmp_path / "out.json"
    run = ("--replications", 2, "--days", 3, "--warmup-days", 1, "--seed", 5, "--workers", 1)
    result = rackline("line", "simulate", "nvl72_l11", *run, "--json", file)
    assert result.exit_code == 0, result.output
    for expected in ("Racks per day", "Lead time, p95", "S110", "bottleneck"):
        assert expected in result.output
    data = json.loads(file.read_text())
    assert data["seed"] == 5
    assert len(data["replications"]) == 2
    each = [row["racks_per_day"] for row in data["replications"]]
    assert data["summary"]["racks_per_day"]["mean"] == pytest.approx(sum(each) / 2)
    assert data["replications"][0]["assists_per_1000"] is None


def test_results_do_not_depend_on_the_number_of_workers(tmp_path):
    files = [tmp_path / f"{workers}.json" for workers in (1, 2)]
    for workers, file in zip((1, 2), files, strict=True):
        run = ("--replications", 3, "--days", 2, "--warmup-days", 0, "--workers", workers)
        assert rackline("line", "simulate", "nvl72_l11", *run, "--json", file).exit_code == 0
    assert files[0].read_text() == files[1].read_text()


def test_lines_lists_the_reference_line():
    assert "nvl72_l11" in rackline("lines").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nvl72_l1",), "did you mean 'nvl72_l11'"),
        (("nvl72_l11", "--takt", "5"), "no unit"),
        (("nvl72_l11", "--takt", "5 kg"), "wrong kind of unit"),
        (("nvl72_l11", "--takt", "0 min"), "not above zero"),
        (("nvl72_l11", "--json", "no/such/folder/out.json"), "no folder"),
    ],
)
def test_a_mistake_is_refused(arguments, message):
    result = rackline("line", "simulate", *arguments)
    assert isinstance(result.exception, RacklineError)
    assert message in str(result.exception)


def test_validation_wants_enough_replications():
    with pytest.raises(RacklineError, match="at least 50"):
        compare(seed=0, replications=10)


def test_a_row_agrees_up_to_three_standard_errors_of_both():
    figure = Figure("takt", "racks_per_day", "racks/day", 20.0, 2.26 * 0.3)
    assert Row(figure, 21.4, 0.4, 50).z == pytest.approx(2.8)
    assert Row(figure, 21.4, 0.4, 50).agrees
    assert not Row(figure, 21.6, 0.4, 50).agrees
    assert Row(Figure("takt", "x", "x", 20.0, None), 99.0, 0.1, 50).agrees


def test_the_published_section_says_when_a_row_disagrees():
    rows = [Row(figure, figure.value, 0.1, 50) for figure in FIGURES]
    assert "judged rows agree" in as_markdown(rows, seed=1)
    rows[1] = Row(FIGURES[1], FIGURES[1].value + 9, 0.1, 50)
    assert "do not all agree" in as_markdown(rows, seed=1)


def test_a_section_is_replaced_between_its_markers_and_the_rest_stays(tmp_path):
    file = tmp_path / "docs" / "validation.md"
    write_section(file, "line", "first\n")
    write_section(file, "intervals", "theirs\n")
    write_section(file, "line", r"second \1 with a backslash")
    text = file.read_text()
    assert "first" not in text
    assert text.count("<!-- line: begin -->") == 1
    assert "theirs" in text
    assert r"second \1 with a backslash" in text
