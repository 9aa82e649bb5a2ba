"""The choice among what was trained: rounds, race, slowing, resume, curves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from configs.errors import RacklineError
from configs.specs.base import spec_hash
from configs.specs.training import SelectionSpec, SlowSpec
from policies import training_choice
from policies.bundle import read_bundle, write_bundle
from policies.catalogue import zoo_folder
from policies.training_choice import (
    bundled,
    candidates,
    choose,
    draw_curves,
    episodes_to_choose,
)
from policies.training_file import load_training
from policies.training_run import CHOICE_SEEDS, SeedState
from tests.small_training import any_record, training_file
from tests.toy_bundles import toy_card, toy_network


def test_the_cheapest_policies_of_every_seed_come_to_the_choice(tmp_path):
    costs = {"at-1": 40.0, "at-2": 35.0, "at-3": 71.0, "at-4": 36.0}
    rows = [{"bundle": name, "cost_s": cost} for name, cost in costs.items()]
    states = {n: SeedState(4, 1.0, [*rows, {"operations": 3}]) for n in (0, 1)}
    selection = {"episodes": 1, "final_episodes": 2, "finalists": 2}
    spec = load_training(str(training_file(tmp_path, selection=selection)))
    found = candidates(spec, tmp_path, states)
    assert list(found.values()) == [None, 0, 0, 1, 1]
    assert [Path(name).name for name in found][1:] == ["at-2", "at-4"] * 2
    assert next(iter(found)) == "scripted/lateral-admittance@1"


# Seconds of a policy in the first two episodes, and behind.
CONTACT = {"a": (1.0, 9.0), "b": (8.0, 8.0), "c": (2.0, 3.0), "d": (7.0, 7.0)}


SLOW = {
    feed: SlowSpec.model_validate({"field": "pose axial", "between": (0.0, 0.04), "feed": feed})
    for feed in (0.5, 0.7)
}


CONTACT |= {f"c-slow-{spec_hash(SLOW[0.7])[:8]}": (2.5, 2.5)}


CONTACT |= {f"c-slow-{spec_hash(SLOW[0.5])[:8]}": (4.0, 4.0)}


@pytest.fixture
def contest(tmp_path, monkeypatch, whole):
    """Four policies of two training seeds, and the script, with times made up.

    Returns what holds the choice: ``hold(first, race, stop)`` gives the choice, the names that were
    run and how often progress was told; behind ``stop`` episodes comes Ctrl-C.
    """
    _, run, spec, state = whole
    states, like = {}, any_record(spec)
    for seed, names in {0: "ab", 1: "cd"}.items():
        for name in names:
            shutil.copytree(Path(run.folder) / state.cheapest(1)[0]["bundle"],
                            tmp_path / f"seed-{seed}" / name)  # fmt: skip
        states[seed] = SeedState(4, 1.0, [{"bundle": name, "cost_s": 1.0} for name in names])

    def hold(first, race, stop=None, slow=()):
        ran, told = [], []

        def fake(episodes, function, workers, keep, ordered):
            for episode in episodes:
                if len(ran) == stop:
                    raise KeyboardInterrupt
                ran.append(Path(episode.policy).name)
                early, late = CONTACT.get(ran[-1], (5.0, 5.0))
                time_s = early if episode.seed - CHOICE_SEEDS[0] < 2 else late
                times = {"cycle_time_s": time_s, "contact_time_s": time_s}
                keep(episode, replace(like, seed=episode.seed, **times))

        monkeypatch.setattr(training_choice, "run", fake)
        selection = {"episodes": 1, "final_episodes": first, "finalists": 2}
        selection["race"] = {"policies": 2, "episodes": race}
        selection["slow"] = list(slow)
        asked = spec.model_copy(update={"selection": SelectionSpec.model_validate(selection)})
        takes_part = candidates(asked, tmp_path, states)
        choice = choose(asked, tmp_path, takes_part, 1, lambda: told.append(1))
        total = 5 * first + 3 * race + (first + race) * len(slow)
        assert len(told) == episodes_to_choose(asked, 5) == total
        return choice, ran

    return hold


def test_a_race_decides_among_the_cheapest(contest, tmp_path):
    """What wins 2 episodes and loses 6 is not chosen; the script works all of them too."""
    choice, ran = contest(2, 4)
    assert len(ran) == 5 * 2 + 3 * 4
    assert choice.chosen == str(tmp_path / "seed-1" / "c")
    assert {seed: Path(name).name for seed, name in choice.best.items()} == {0: "a", 1: "c"}
    assert len(choice.records["scripted/lateral-admittance@1"]) == 6
    card, _ = read_bundle(tmp_path / "bundle")
    assert card.results[-1].episodes == 6
    assert card.results[-1].seeds.startswith(f"selection {CHOICE_SEEDS[0]} to {CHOICE_SEEDS[5]}")


@pytest.mark.parametrize("feeds", [[0.5], [0.5, 0.7]])
def test_the_winner_is_slowed_where_that_is_cheaper(contest, tmp_path, feeds):
    choice, ran = contest(2, 4, slow=[SLOW[feed] for feed in feeds])
    assert len(ran) == 22 + 6 * len(feeds)
    assert ("slow" in Path(choice.chosen).name) is (0.7 in feeds)
    assert choice.best[1] == choice.chosen
    card, _ = read_bundle(tmp_path / "bundle")
    held = card.composition.slow
    assert (held.feed if held else None) == (0.7 if 0.7 in feeds else None)
    assert card.results[-1].episodes == 6


@pytest.mark.parametrize("stop", [0, 3, 13])
def test_a_killed_choice_goes_on(contest, tmp_path, stop):
    """Killed before, in the first round and in the race, within the writing of a record."""
    with pytest.raises(KeyboardInterrupt):
        contest(2, 4, stop)
    files = sorted((tmp_path / "choice").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    if files:
        files[-1].write_bytes(files[-1].read_bytes()[:-9])
    choice, ran = contest(2, 4)
    assert len(ran) == 22 - stop + bool(files)
    assert contest(2, 4) == (choice, [])
    shutil.rmtree(tmp_path / "choice")
    assert contest(2, 4)[0] == choice


def test_a_choice_with_more_seeds_runs_these_alone(contest, tmp_path, monkeypatch):
    """And one with fewer looks at no more than it is asked to; a script tuned anew starts anew."""
    contest(2, 4)
    choice, ran = contest(3, 4)
    assert sorted(ran) == ["a", "b", "c", "d", "lateral-admittance@1"]
    assert {len(records) for records in choice.records.values()} == {3, 7}
    card, _ = read_bundle(tmp_path / "bundle")
    assert card.training.selection.final_episodes == 3
    choice, ran = contest(1, 1)
    assert ran == []
    assert Path(choice.chosen).name == "a"
    content = training_choice.policy_content
    tuned = {"name": "lateral-admittance", "parameters": "others"}
    monkeypatch.setattr(
        training_choice, "policy_content", lambda n: tuned if "scripted" in n else content(n)
    )
    assert contest(1, 1)[1] == ["lateral-admittance@1"] * 2


def test_bundles_bring_the_best_of_their_other_seeds_to_a_choice(whole, tmp_path):
    _, run, spec, state = whole
    made = tmp_path / "made"
    shutil.copytree(Path(run.folder) / state.cheapest(1)[0]["bundle"], made)
    shutil.copytree(made, made / "seeds" / "7")
    found = bundled(spec, [str(made)])
    assert list(found.items()) == [
        ("scripted/lateral-admittance@1", None), (str(made), 3), (str(made / "seeds" / "7"), 3)
    ]  # fmt: skip
    assert str(zoo_folder() / "tray_insert") in bundled(spec, ["zoo/tray_insert"])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("zoo/tray", "did you mean 'zoo/tray_insert'"),
        ("zoo/cable_plug_light", "was made for CablePlug"),
        ("toy", "no training of Rackline made it"),
    ],
)
def test_what_cannot_be_chosen_is_refused(whole, tmp_path, name, says):
    if name == "toy":
        name = str(tmp_path / name)
        write_bundle(tmp_path / "toy", toy_card(), toy_network())
    with pytest.raises(RacklineError, match=says):
        bundled(whole[2], [name])


def test_the_curves_show_every_evaluation(tmp_path):
    rows = [
        {"steps": 1000 * n, "cost_s": 1.0, "contact_time_s": 20.0 - n, "success": 0.9}
        | {"damage": 0.01 * n, "lateral_force_p95_n": 40.0 + n}
        for n in (1, 2, 3)
    ]
    states = {
        4: SeedState(3500, 1.0, [*rows, {"steps": 3500, "operations": 2}]),
        7: SeedState(1000, 1.0, rows[:1]),
    }
    figure = draw_curves(tmp_path / "curve.png", states, rows[2])
    contact, _, damage, _ = figure.axes
    labels = [line.get_label() for line in contact.lines]
    assert labels == ["training seed 4", "training seed 7", "script alone"]
    assert contact.lines[0].get_xydata().tolist() == [[1, 19], [2, 18], [3, 17]]
    assert contact.lines[1].get_xydata().tolist() == [[1, 19]]
    assert list(contact.lines[2].get_ydata()) == [17, 17]
    assert damage.lines[0].get_ydata() == pytest.approx([1, 2, 3])
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_kept_records_of_a_bundle_do_not_depend_on_where_it_lies(tmp_path):
    files = set()
    for checkout in ("here", "there"):
        bundle = tmp_path / checkout / "tray_insert"
        shutil.copytree(zoo_folder() / "tray_insert", bundle)
        files.add(training_choice._records_file(tmp_path / "run", str(bundle)).name)
    assert len(files) == 1
    assert files.pop().startswith("tray-insert-")
