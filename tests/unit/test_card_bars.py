"""Bars on records made up for them, and the intervals that they are held on."""

import json
from pathlib import Path

import numpy as np
import pytest

import configs
from configs.errors import ConfigError
from configs.specs.bars import BarsSpec
from envs.outcome import OutcomeClass
from envs.registry import station, stations
from policies.card_bars import bars, difference, in_words, percentile, percentile_ratio
from policies.card_trial import load_trial
from policies.intervals import Interval, paired_ratio
from tests.made_up import campaign, record

ENV = "rackline/TrayInsert-v0"
TRAY = load_trial("tray_insert", station(ENV)).bars


@pytest.mark.parametrize(
    ("ours", "held"),
    [
        (campaign(0.8), [True] * 5),
        (campaign(0.8, retried=500), [True] * 5),  # retried is success
        (campaign(0.8, detected=45), [False, True, True, True, True]),  # .9 point less, ± .26
        (campaign(0.8, detected=30), [True] * 5),
        (campaign(0.8, damage=8), [True] * 5),  # Clopper-Pearson: 8 of 5,000 is at most .289 %
        (campaign(0.8, damage=9), [True, False, True, True, True]),  # and 9 at most .314 %
        (campaign(0.851), [True, True, False, True, True]),
        (campaign(0.8, assisted=30), [True, True, True, False, True]),
        (campaign(0.8, assisted=10), [True] * 5),
        (campaign(0.8, force=1.06), [True, True, True, True, False]),
    ],
)
def test_every_bar_can_fail_alone(ours, held):
    assert [bar.holds for bar in bars(TRAY, ours, campaign())] == held


@pytest.mark.parametrize(("void", "held"), [(50, True), (51, False)])
def test_no_bar_holds_on_physics_that_is_void(void, held):
    """Of 5,000: 1 % is borne, more is not, whoever's they are."""
    ours, script = campaign(0.8, retried=100), campaign()
    void_ones = campaign(void=void)
    assert any(bar.holds for bar in bars(TRAY, ours, void_ones)) is held
    assert any(bar.holds for bar in bars(TRAY, campaign(0.8, void=void), script)) is held


def test_server_seconds_stand_beside_the_time_that_counts_no_person():
    """32 s a cycle; 50 of 5,000 wait 480 s for a technician: 36.8 s."""
    found = bars(TRAY, [record(s) for s in range(4950)] + [
        record(s, OutcomeClass.ASSISTED) for s in range(4950, 5000)
    ], [record(s) for s in range(5000)])[2].found  # fmt: skip
    assert found.startswith("1.000 to its last digit; server seconds")  # the same in every pair
    assert f"{36.8 / 32:.3f} [" in found


@pytest.mark.parametrize(
    ("asked", "ours", "holds"),
    [
        # One-sided 95 % Clopper-Pearson of 10,000: 83 missed leave at least 99.005 %, 84 98.995 %;
        # 4 damaged at most .092 %, 5 at most .105 %.
        ({"success_at_least": 0.99}, campaign(n=10_000, assisted=83), True),
        ({"success_at_least": 0.99}, campaign(n=10_000, assisted=84), False),
        ({"damage_at_most": 0.001}, campaign(n=10_000, damage=4), True),
        ({"damage_at_most": 0.001}, campaign(n=10_000, damage=5), False),
        ({"time_ratio": 0.5}, campaign(0.499, n=10_000), True),
        ({"time_ratio": 0.5}, campaign(0.501, n=10_000), False),
        ({"lateral_p95": "49 N"}, campaign(n=10_000), True),  # normal, 40 and 5 N: 48.2 N
        ({"lateral_p95": "48.2 N"}, campaign(n=10_000), False),  # within its interval
    ],
)
def test_bars_of_its_own_stand_beside_those_against_a_script(asked, ours, holds):
    """The script worked the first 2,000 of the same seeds."""
    found = bars(BarsSpec.model_validate_json(json.dumps(asked)), ours, campaign(n=10_000)[:2000])
    assert [bar.holds for bar in found] == [holds]


def test_bars_that_nobody_asks_are_none():
    assert bars(BarsSpec(), campaign(n=30), campaign(n=30)) == ()


def test_every_shipped_trial_asks_something_of_a_station_there_is():
    files = sorted((Path(configs.__file__).parent / "bars").glob("*.yaml"))
    of = {entry.stem: entry for entry in stations()}
    assert len(files) >= 3
    for file in files:
        assert load_trial(file, of[file.stem]).bars != BarsSpec()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("episodes: 100\nscripts: 200\n", r"own.yaml:2: scripts = '200': is more than episodes"),
        ("episodes: 100\nscripts: 50\nrobustness: 60\n", r"own.yaml:3: robustness.*write 50 at"),
        ("stations: [rackline/Nope-v0]\n", r"own.yaml:1: stations\[0\].*is an unknown station"),
        ("stations: [rackline/TrayInsert-v0]\n", r"own.yaml:1: .*does other work than"),
        ("stations: [rackline/CablePlugLight-v0]\n", r"own.yaml:1: .*is the station itself"),
        (
            "stations: [rackline/CablePlug-v0, rackline/CablePlug-v0]\n",
            "holds an entry twice; name each once",
        ),
        ("contact: [{rate: 4}, {rate: 4}]\n", "contact.*holds an entry twice; name each once"),
        ("contact: [{damping: 1}]\n", "contact.*changes nothing; leave it out"),
        ("contact: [{stiffness: 0}]\n", r"own.yaml:1: contact\[0\].stiffness"),
    ],
)
def test_a_trial_that_cannot_be_held_is_refused_with_its_line(tmp_path, text, said):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_trial(file, station("rackline/CablePlugLight-v0"))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("bars: {damage_at_most: 0.01}\n", (5000, 5000, 500)),
        ("episodes: 100\n", (100, 100, 100)),
        ("episodes: 900\nscripts: 300\n", (900, 300, 300)),
    ],
)
def test_what_a_trial_leaves_out_follows_from_what_it_says(tmp_path, text, seeds):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    trial = load_trial(file, station(ENV))
    assert (trial.episodes, trial.scripted, trial.rows) == seeds


def test_no_difference_in_few_pairs_proves_nothing():
    """The margin is a point: 298 pairs without one leave 1.00 %, 20 leave 14 %."""
    asked = BarsSpec(success_margin=0.01)
    (few,) = bars(asked, campaign(n=20), campaign(n=20))
    assert few.found == "no difference in 20 pairs: at most 13.91 points"
    assert not few.holds
    (many,) = bars(asked, campaign(n=300), campaign(n=300))
    assert many.holds
    lost, bound = difference([0.0] * 20, [1.0] * 20)
    assert lost == "-100 points in each of 20 pairs"
    assert (bound.low, bound.high) == (-1.0, pytest.approx(-1.0 + 2 * 0.1391, abs=1e-4))


def test_no_figure_of_a_card_is_none():
    """Twelve newtons against none."""
    for ratio in (paired_ratio, percentile_ratio):
        assert in_words(ratio([12.0] * 30, [0.0] * 30)) == "no figure: it would be over 0"
        assert in_words(ratio([12.0] * 30, [10.0] * 30)) == "1.200 to its last digit"
    assert in_words(Interval(0.1, 0.05, 0.15), "+.1f", 100.0) == "+10.0 [+5.0, +15.0]"


def test_a_percentile_of_few_has_no_upper_end():
    asked = BarsSpec.model_validate_json('{"lateral_p95": "500 N"}')
    (bar,) = bars(asked, campaign(n=20), campaign(n=20))
    assert "20 operations are too few for an upper end" in bar.found
    assert "nan" not in bar.found
    assert not bar.holds


def test_bars_are_of_the_same_seeds():
    with pytest.raises(ValueError, match="same seeds"):
        bars(TRAY, campaign(n=30), campaign(n=31))


def test_the_interval_of_a_ratio_of_percentiles_covers_it_and_is_no_wider_than_it_spreads():
    """Forces of a common cause, ours 1.1 times theirs but for noise of its own."""
    rng, found = np.random.default_rng(1), []
    for repeat in range(60):
        common = rng.lognormal(3.5, 0.4, 300)
        ours = 1.1 * common * rng.lognormal(0, 0.1, 300)
        theirs = common * rng.lognormal(0, 0.1, 300)
        found.append(percentile_ratio(ours, theirs, seed=repeat))
    # Of 60; 57 expected, 52 or more in 99 % of such tests.
    assert sum(each.contains(1.1) for each in found) >= 52
    spread = np.std([each.estimate for each in found], ddof=1)
    assert 0.7 < np.mean([each.half_width for each in found]) / (1.96 * spread) < 1.4


def test_the_interval_of_a_percentile_covers_it():
    """Of an exponential of mean 1 the 95th percentile is ln 20."""
    rng = np.random.default_rng(2)
    found = [percentile(rng.exponential(size=400)) for _ in range(60)]
    assert sum(each.contains(np.log(20.0)) for each in found) >= 52
