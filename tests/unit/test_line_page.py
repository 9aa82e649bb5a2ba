"""The page of a line run in a browser: it shows what Python says, whatever was shown before."""

import pytest

from configs.specs.line import load_line
from tests.browser import chromium, opened, until
from twin.line.model import LineModel
from twin.line.recording import record_line
from twin.replay.line_page import line_page
from twin.replay.tracks import position, tracks


@pytest.fixture(scope="module")
def run():
    return record_line(LineModel(load_line("nvl72_l11")), seed=1, days=0.25, warmup_days=3.0)


def test_the_page_moves_racks_and_positions_depend_on_time_alone(run, tmp_path):
    file = tmp_path / "line.html"
    file.write_text(line_page(run))
    assert file.stat().st_size < 1_000_000 / 4  # a quarter of a day; 24 h are below 1 MB
    with chromium() as browser, opened(browser, f"{file.as_uri()}#t=7200") as page:
        assert page.evaluate("rackline.clock.timeS") == 7200
        found = tracks(run)
        asked = [(rack, time_s) for rack in found for time_s in (7200.0, 300.0, 20000.0, 300.0)]
        shown = page.evaluate(
            "asked => asked.map(([rack, t]) => rackline.position(rack, t))", asked
        )
        for (rack, time_s), place in zip(asked, shown, strict=True):
            expected = position(found[rack], time_s, run.length_s)
            assert (place is None) == (expected is None)
            if expected is not None:
                assert (place["origin"], place["goal"]) == (expected.origin, expected.goal)
                assert place["share"] == pytest.approx(expected.share, abs=1e-12)
        racks = list(found)
        drawn = f"({racks}).map(rack => rackline.drawn(rack))"
        first = page.evaluate(f"rackline.clock.seek(300); {drawn}")
        other = page.evaluate(f"rackline.clock.seek(20000); {drawn}")
        again = page.evaluate(f"rackline.clock.seek(300); {drawn}")
        assert first == again
        assert first != other
        page.keyboard.press("Space")
        until(page, "rackline.clock.timeS > 400")
        assert page.evaluate(drawn) != first
        page.keyboard.press("Space")
        before = page.evaluate("rackline.clock.timeS")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("rackline.clock.timeS") == pytest.approx(before + 300)
        until(page, "location.hash.startsWith('#t=')")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
