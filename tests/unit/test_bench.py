"""The bench measures what it says: replays end in the recorded state, and ratios are ratios."""

import json
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import typer

import envs  # noqa: F401 - registers the stations
from configs.errors import PhysicsError
from policies.rollout import single_part_episodes
from policies.seeds import SELECTION
from twin.bench import pace, step, workers
from twin.bench.__main__ import Bench, _work, as_markdown
from twin.evaluation.runfolder import seconds_by_phase


class Ram:
    """Drives in as fast as it can, which ends soon."""

    def __init__(self, entries=4):
        self._action = np.eye(1, entries, dtype=np.float32)[0]

    def reset(self):
        pass

    def act(self, observation):
        return self._action


@pytest.fixture(scope="module")
def taped():
    """Return an environment and the recording of a short episode in it."""
    env = gym.make("rackline/TrayInsert-v0").unwrapped
    yield env, step.record(env, Ram(), SELECTION[0], 3)
    env.close()


def test_a_recording_holds_every_call_of_the_episode(taped):
    env, tape = taped
    physics = env.station.physics
    counts = {part: sum(p == part for p, _ in tape.calls) for part in (step.RAW, *step.PARTS)}
    seconds = env.operation.contact_time_s
    assert tape.ticks == counts[step.RAW] == round(seconds * physics.rate_hz)
    assert counts[step.DRIVE] == counts[step.FORCES] == tape.ticks
    assert counts[step.ROBOT] == len(tape.law) == round(seconds * physics.control_rate_hz)
    assert len(tape.advances) == len(tape.actions) > 0
    assert counts[step.LOOKUPS] >= len(tape.actions)


def test_every_replay_ends_in_the_recorded_state_and_the_parts_make_up_the_whole(taped):
    env, tape = taped
    (costs,) = step.measure(env, [tape], 1, lambda: None)
    assert set(costs) == set(step.PARTS)
    assert step.ratio(costs) == pytest.approx(sum(costs.values()) / costs[step.RAW])
    assert env.operation.state_hash() == tape.state_hash


def test_a_replay_that_leaves_the_trajectory_is_refused(taped):
    env, tape = taped
    half = [call for part, call in tape.calls if part in (step.DRIVE, step.RAW)][: tape.ticks]
    with pytest.raises(PhysicsError, match="left the recorded trajectory"):
        step._replay(env, tape, half)


def test_a_station_with_a_cable_is_taken_apart_too(tmp_path):
    """A pull acts at every tick; where it acts hangs on the pose that was looked up before."""
    file = tmp_path / "short.yaml"
    file.write_text("extends: cable_plug\nlimits: {time_limit: 1 s}\n")
    env = gym.make("rackline/CablePlugLight-v0", config=file).unwrapped
    tape = step.record(env, Ram(6), SELECTION[0], 0)
    names = {call.__name__ for _, (call, _) in tape.calls}
    assert "pull" in names
    (costs,) = step.measure(env, [tape], 1, lambda: None)
    assert costs[step.RAW] > 0.0
    env.close()


def test_workers_are_compared_on_the_same_episodes():
    episodes = list(single_part_episodes("rackline/TrayInsert-v0", "scripted/straight-push",
                                         SELECTION[:2]))  # fmt: skip
    rounds = []
    gain = workers.measure(episodes, 1, lambda: rounds.append(None))
    assert len(gain.one) == len(gain.two) == len(rounds) == 1
    assert gain.ratio == gain.two[0] / gain.one[0]


def costs(raw, rest):
    return dict.fromkeys(step.PARTS, 0.0) | {step.RAW: raw, step.REST: rest}


def worked(rounds, name="rackline/Mine-v0"):
    return step.StepCost(name, "scripted/mine", "240 Hz physics", 1000, rounds)


def test_the_page_gives_medians_and_what_is_required(tmp_path):
    (tmp_path / "timings.jsonl").write_text(
        "\n".join(
            json.dumps({"phase": phase, "seconds": seconds})
            for phase, seconds in (("episodes", 2.0), ("lines", 3.0), ("episodes", 1.5))
        )
    )
    demo = seconds_by_phase(tmp_path)
    assert demo == {"episodes": 3.5, "lines": 3.0}
    rounds = [costs(2.0, 1.0), costs(2.0, 3.0), costs(2.0, 1.4)]
    gain = workers.WorkerGain((2.0, 2.0, 2.0), (3.0, 3.4, 3.8))
    bench = Bench(0.1, [worked(rounds)], gain, (), demo)
    assert bench.holds
    page = as_markdown(bench, "python -m twin.bench")
    for expected in ("Mine-v0, worked by scripted/mine: **1.70** (single rounds: 1.50, 2.50, 1.70)",
                     "**1.70** (required: at least 1.6)",
                     "| stepSimulation alone | 2000.00 | 1.000 |", "| total | 6.5 |"):  # fmt: skip
        assert expected in page
    assert "had other work" not in page


def test_a_station_alone_needs_who_works_it():
    with pytest.raises(typer.BadParameter, match="go together"):
        _work("rackline/TrayInsert-v0", None)
    assert _work("rackline/Mine-v0", "scripted/mine") == {"rackline/Mine-v0": "scripted/mine"}
    assert {"rackline/CablePlugLight-v0", "rackline/CablePlug-v0"} < set(_work(None, None))


def test_what_falls_short_is_not_called_holding():
    fast, slow = [costs(2.0, 1.9)], [costs(2.0, 2.1)]
    good, bad = workers.WorkerGain((2.0,), (3.3,)), workers.WorkerGain((2.0,), (3.1,))
    for last in (fast, slow):
        for gain in (good, bad, None):
            steps = [worked(fast), worked(last, "rackline/Last-v0")]
            assert Bench(3.0, steps, gain, (), {}).holds == (last is fast and gain is not bad)
    page = as_markdown(Bench(3.0, [worked(slow)], bad, (), {}), "x")
    assert "had other work (load average 3.0)" in page
    assert "No run of `make demo`" in page


class PeerEnv(gym.Env):
    """Built like panda-gym's, on a clock of its own: a step takes 10 ms, a reset 1 s."""

    action_space = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)

    def __init__(self, seconds):
        self.sim = SimpleNamespace(timestep=1 / 500, n_substeps=20)
        self.seconds, self.resets, self.actions, self.closed = seconds, [], [], False

    def reset(self, *, seed=None, options=None):
        self.seconds[0] += 1.0
        self.resets.append(seed)
        return {}, {}

    def step(self, action):
        self.seconds[0] += 0.01
        self.actions.append(action)
        return {}, 0.0, len(self.actions) % 4 == 0, False, {}

    def close(self):
        self.closed = True


@pytest.fixture
def peers(monkeypatch):
    """Put made-up environments in the place of all that are compared; return them."""
    seconds, made = [0.0], []

    def make(name, **_):
        made.append(PeerEnv(seconds))
        return made[-1]

    monkeypatch.setattr(pace, "thread_time", lambda: seconds[0])
    monkeypatch.setattr(pace.gym, "make", make)
    return made


def test_a_pace_counts_steps_alone_and_every_round_does_the_same(peers):
    ticks = []
    paces = pace.measure(2, 8, lambda: ticks.append(None))
    assert [p.name for p in paces] == [*pace.STATIONS, "PandaPickAndPlace-v3"]
    assert len(ticks) == 2
    for found, env in zip(paces, peers, strict=True):
        assert found.rounds == pytest.approx((100.0, 100.0))  # the seconds of resets are not in it
        assert found.simulated == pytest.approx((4.0, 4.0))
        assert env.resets == [0, 4, 0, 4]
        np.testing.assert_array_equal(env.actions[:8], env.actions[8:])
        assert len(np.unique(env.actions[:8], axis=0)) == 8
        assert env.closed


def test_what_a_step_is_comes_from_the_environment_itself(taped):
    env, _ = taped
    physics = env.station.physics
    ours = pace._rates(env)
    assert ours == pace.Rates(physics.rate_hz, physics.control_rate_hz, physics.policy_rate_hz)
    assert ours.substeps == env.operation._substeps * env.operation._controls
    theirs = pace._rates(PeerEnv([0.0]))
    assert (theirs.physics_hz, theirs.control_hz, theirs.step_hz) == pytest.approx((500, 25, 25))
    assert theirs.substeps == pytest.approx(20)


def test_the_tables_give_medians_ranges_and_ratios_within_a_round(monkeypatch):
    monkeypatch.setattr("twin.bench.__main__.version", lambda package: "3.0.7")
    ours = pace.Pace("rackline/Mine-v0", pace.Rates(240.0, 120.0, 10.0), (300.0, 500.0, 100.0))
    peer = pace.Pace("Peer-v3", pace.Rates(500.0, 25.0, 25.0), (1000.0, 2000.0, 200.0))
    page = as_markdown(Bench(0.1, [worked([costs(0.04, 0.03)])], None, (ours, peer), {}), "x")
    for expected in (
        "| rackline/Mine-v0 | 240 | 120 | 10 | 24 |",
        "| Peer-v3 | 500 | 25 | 25 | 20 |",
        "| rackline/Mine-v0 | 300 (100 to 500) | 0.30 (0.25 to 0.50) | 30.0 (10.0 to 50.0) "
        "| 0.75 (0.62 to 1.25) | 138.9 (83.3 to 416.7) |",
        "| Peer-v3 | 1000 (200 to 2000) | 1.00 (1.00 to 1.00) | 40.0 (8.0 to 80.0) "
        "| 1.00 (1.00 to 1.00) | 50.0 (25.0 to 250.0) |",
        "a physics step took 70.0 us (rackline/Mine-v0)",
    ):
        assert expected in page


def test_without_panda_gym_the_page_says_how_to_install_it(monkeypatch):
    looked = []
    monkeypatch.setattr(pace.importlib.util, "find_spec", looked.append)
    assert not pace.peer_is_here()
    assert looked == ["panda_gym"]
    page = as_markdown(Bench(0.1, [worked([costs(2.0, 1.0)])], None, (), {}), "x")
    (line,) = [line for line in page.splitlines() if "panda-gym is missing" in line]
    assert "pip install 'rackline[bench]'" in line
