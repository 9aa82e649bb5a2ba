"""Whatever is done to an evaluation, line or station: it works, or one message says why not."""

from __future__ import annotations

import re
import tempfile
from importlib import resources
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import ConfigError, RacklineError
from configs.specs.base import load_spec
from configs.specs.insertion import InsertionSetting, InsertionSpec
from configs.specs.station import Part
from envs.physics.pose import Pose
from envs.robots.gantry_body import gantry_body, gantry_model
from envs.robots.gantry_control import ImpedanceController
from envs.stations.insertion.cycle import phases_after, phases_before
from envs.stations.insertion.draws import Visit, draw_part, draw_visit
from envs.stations.insertion.seat import close_levers, seat_of
from envs.stations.insertion.slot import slot_body
from twin.evaluation.plan import load_plan

EVALUATION = resources.files("configs").joinpath("evaluations/tray_cell.yaml").read_text()
LINE = resources.files("configs").joinpath("lines/nvl72_l11.yaml").read_text()
STATION = resources.files("configs").joinpath("stations/tray_insert.yaml").read_text()
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
        *("[0.3, 0.2]", "[-0.1, 0.2]", "[0, 0]", "[0.1]", "0 s", "0 mm", "0 N", "0 Hz", "0 deg"),
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


@settings(max_examples=150, deadline=None)
@given(station=mutated(STATION), seed=st.integers(0, 9))
def test_mutated_stations_can_be_worked_or_say_why(station: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "station.yaml"
        path.write_text(station)
        try:
            spec = load_spec(InsertionSpec, path)
        except RacklineError as error:
            explains(error)
            return
    for setting in spec.settings.values():
        work(spec, setting, np.random.default_rng(seed))


def work(spec: InsertionSpec, setting: InsertionSetting, rng: np.random.Generator) -> None:
    """Draw, build and time an operation in every slot's part, all but its physics."""
    visit = draw_visit(setting, rng)
    for part in spec.parts.values():
        draw = draw_part(part, setting, rng)
        boxes = [b for link in slot_body(part, setting, visit.dock).links for b in link.boxes]
        boxes += gantry_body(part, draw.mass_kg, draw.grasp).links[-1].boxes
        assert min(half for box in boxes for half in box.half_extents_m) > 0
        factors = draw.gain_factor, draw.damping_factor
        gantry = ImpedanceController(spec.impedance, gantry_model(part), part.length_m, *factors)
        assert min(visit.friction, *factors, draw.mass_kg, *gantry.lead) >= 0
        assert np.isfinite(closing(spec, setting, part, visit)).all()


def closing(
    spec: InsertionSpec, setting: InsertionSetting, part: Part, visit: Visit
) -> list[float]:
    """Return where the levers leave a part that touches the stop, and the times of all phases."""
    at_stop = seat_of(visit.dock, visit.dock @ Pose((part.length_m / 2, 0.0, 0.0)), part.length_m)
    short_m = close_levers(at_stop, part, setting, spec.levers)
    phases = phases_before(spec.motion, 0) + phases_after(spec.motion, 0, part, spec.levers, True)
    return [short_m, *(phase.duration_s for phase in phases)]


def check(folder: Path, evaluation: str, line: str) -> None:
    (folder / "line.yaml").write_text(line)
    path = folder / "evaluation.yaml"
    path.write_text(evaluation.replace("line: nvl72_l11", f"line: {folder / 'line.yaml'}"))
    error = refusal(path)
    if error is not None:
        explains(error)


def explains(error: RacklineError) -> None:
    """Assert that a refusal is one line with its place and a remedy."""
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
