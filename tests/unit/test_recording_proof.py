"""Proof of a recording: equal when it is what happened, named where it was altered."""

from __future__ import annotations

import io
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from configs.errors import RecordingError
from envs import reward
from envs.physics.pose import Pose
from envs.registry import stations
from policies import recording_code
from policies.executor import _release
from policies.recorder import record
from policies.recording import Recording, parse_recording
from policies.recording_code import code_digest
from policies.recording_difference import first_difference
from policies.recording_file import RecordingWriter
from policies.recording_proof import verify
from policies.rollout import Episode, environment, policy_of
from policies.scripted.registry import scripts

DAMAGED = Episode(
    "rackline/TrayInsert-v0", "scripted/straight-push", None, 30_000_006, 0, 12
)  # short: it breaks after 3.5 s


@pytest.fixture(scope="module", autouse=True)
def _free():
    yield
    _release()


@pytest.fixture(scope="module")
def data() -> bytes:
    stream = io.BytesIO()
    record(DAMAGED, environment(DAMAGED), policy_of(DAMAGED), stream)
    return stream.getvalue()


@pytest.fixture(scope="module")
def whole(data) -> Recording:
    return parse_recording(data, "whole")


def written(told: Recording) -> bytes:
    """Return the file of a recording: what a forger would do."""
    stream = io.BytesIO()
    writer = RecordingWriter(stream, asdict(told.header), told.scene)
    frames, steps, step = told.frames, told.steps, 0
    for i, time_s in enumerate(frames.time_s):
        poses = [Pose(tuple(p[:3].tolist()), tuple(p[3:].tolist())) for p in frames.poses[i]]
        said = {k: float(v[i]) for k, v in frames.signals.items() if np.isfinite(v[i])}
        writer.frame(time_s, frames.phase[i], poses, said)
        if step < len(steps.hashes) and steps.time_s[step] == time_s:
            terms = {name: float(values[step]) for name, values in steps.terms.items()}
            writer.step(time_s, steps.phase[step], steps.actions[step], steps.hashes[step],
                        float(steps.rewards[step]), terms)  # fmt: skip
            step += 1
    writer.finish(asdict(told.end))
    return stream.getvalue()


def with_action(told: Recording, step: int, value: float) -> Recording:
    actions = told.steps.actions.copy()
    actions[step, 1] = value
    return replace(told, steps=replace(told.steps, actions=actions))


def test_what_happened_is_proven(whole):
    proof = verify(whole, "whole")
    assert proof.difference is None
    assert (proof.steps, proof.frames) == (len(whole.steps.hashes), len(whole.frames.phase))
    assert proof.policy
    again = parse_recording(written(whole), "again")  # forgeries below differ in what they say only
    assert again.header == whole.header
    assert again.steps.hashes == whole.steps.hashes
    assert np.array_equal(again.steps.actions, whole.steps.actions)
    assert np.array_equal(again.frames.poses, whole.frames.poses)
    for name, values in whole.frames.signals.items():
        assert np.array_equal(again.frames.signals[name], values, equal_nan=True)


@pytest.mark.parametrize("entry", stations(), ids=lambda entry: entry.env_id)
def test_an_operation_of_every_station_is_recorded_and_proven(entry):
    """CablePlugLight's latch gives way: a joint of the fixture, whose pose no frame holds."""
    name = scripts(entry.spec)[0].name
    one = Episode(entry.env_id, name, None, 30_000_006, 0, 3)
    stream = io.BytesIO()
    record(one, environment(one), policy_of(one), stream, most_steps=20)
    proof = verify(parse_recording(stream.getvalue(), entry.env_id), entry.env_id)
    assert proof.difference is None
    assert proof.steps == 20


def test_a_cut_recording_is_proven_up_to_its_cut(data):
    part = parse_recording(data[: int(0.65 * len(data))], "cut")
    assert part.end is None
    assert 0 < len(part.steps.hashes) < 35
    proof = verify(part, "cut")
    assert proof.difference is None
    assert proof.steps == len(part.steps.hashes)
    assert proof.frames + proof.beyond == len(part.frames.phase)
    assert proof.beyond <= 3  # of the step that was cut


def test_what_cannot_be_compared_is_not_counted_as_proven(whole):
    """A forger may cut a file and go on with frames of his own, which no step leads to."""
    steps = whole.steps
    few = replace(steps, time_s=steps.time_s[:2], phase=steps.phase[:2], hashes=steps.hashes[:2],
                  actions=steps.actions[:2], rewards=steps.rewards[:2],
                  terms={k: v[:2] for k, v in steps.terms.items()})  # fmt: skip
    forged = replace(whole, steps=few, end=None)
    proof = verify(forged, "forged")
    assert proof.steps == 2
    assert proof.frames == int((whole.frames.time_s <= few.time_s[-1] + 1e-9).sum())
    assert proof.frames + proof.beyond == len(whole.frames.phase)


def made_by(told: Recording, code: str) -> Recording:
    return replace(told, header=replace(told.header, code=code))


def test_other_code_that_does_the_same_proves_as_well(whole):
    assert whole.header.code
    assert verify(made_by(whole, "0" * 16), "other").difference is None


@pytest.mark.parametrize(
    ("code", "said"), [("0" * 16, "other code (0000000000000000, here"), ("", "does not name")]
)
def test_a_reward_that_was_changed_since_is_told_from_a_forgery(whole, code, said, monkeypatch):
    monkeypatch.setattr(reward, "alignment", lambda before, after: 0.5)
    found = verify(whole, "file")  # by the same code: it is the file
    assert (found.difference.step, found.difference.quantity) == (0, "reward term alignment")
    assert found.states
    with pytest.raises(RecordingError) as error:
        verify(made_by(whole, code), "file")
    assert "cannot be proven here: step 0 (" in str(error.value)
    assert "reward term alignment is " in str(error.value)
    assert "all state hashes are the same" in str(error.value)
    assert said in str(error.value)


def test_the_code_behind_a_station_is_ours_and_its_own_module(tmp_path, monkeypatch):
    names = {name for name, _ in recording_code._OURS}
    assert names >= {"envs/reward.py", "envs/physics/world.py", "policies/recorder.py"}
    ours = code_digest("rackline/TrayInsert-v0")
    assert code_digest("envs:rackline/TrayInsert-v0") == ours
    module = tmp_path / "mine.py"
    monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(__file__=str(module)))
    found = {ours}
    for text in ("a = 1", "a = 2"):
        module.write_text(text)
        found.add(code_digest("mine:me/Mine-v0"))
    monkeypatch.setattr(recording_code, "_OURS", recording_code._OURS[1:])
    assert len(found | {code_digest("rackline/TrayInsert-v0")}) == 4


def test_an_altered_action_is_named(whole):
    forged = parse_recording(written(with_action(whole, 20, 0.25)), "forged")
    found = verify(forged, "forged").difference
    assert (found.step, found.quantity, found.recorded) == (20, "action lateral", "0.25")
    assert "step 20 (" in str(found)


def test_an_altered_action_of_a_policy_that_is_gone_shows_in_what_it_does(whole):
    header = replace(whole.header, policy="gone/policy")
    forged = replace(with_action(whole, 20, 0.25), header=header)
    proof = verify(forged, "forged")
    assert not proof.policy
    assert proof.difference.step == 20
    assert proof.difference.quantity.startswith(("pose of ", "signal ", "reward", "state hash"))


def frames_with(told: Recording, index: int, **signals: float) -> Recording:
    changed = {k: v.copy() for k, v in told.frames.signals.items()}
    for name, value in signals.items():
        changed[name][index] = value
    return replace(told, frames=replace(told.frames, signals=changed))


def first_contact(told: Recording) -> int:
    return told.frames.phase.index("approach")


def poses_with(told: Recording, index: int) -> Recording:
    poses = told.frames.poses.copy()
    poses[index, -1, 1] += 1e-6
    return replace(told, frames=replace(told.frames, poses=poses))


def steps_with(told: Recording, **values: object) -> Recording:
    return replace(told, steps=replace(told.steps, **values))


def hashes_with(told: Recording, step: int) -> Recording:
    hashes = list(told.steps.hashes)
    hashes[step] = "0" * 16
    return steps_with(told, hashes=tuple(hashes))


@pytest.mark.parametrize(
    ("forge", "step", "quantity", "where"),
    [
        (lambda t: hashes_with(t, 7), 7, "state hash", "step 7"),
        (lambda t: poses_with(t, first_contact(t) + 3), 1, "pose of 'part' (y)", "step 1"),
        (lambda t: poses_with(t, 3), None, "pose of 'part' (y)", "pick (0.120 s)"),
        (lambda t: poses_with(t, -1), None, "pose of 'part' (y)", "retract"),
        (lambda t: frames_with(t, first_contact(t), side_force_n=9.0), 0, "signal side_force_n",
         "step 0"),
        (lambda t: steps_with(t, rewards=t.steps.rewards + np.float32(1)), 0, "reward", "step 0"),
        (lambda t: replace(t, end=replace(t.end, outcome="ok")), None, "outcome", "the end"),
        (lambda t: replace(t, scene=t.scene[1:]), None, "link 'gantry/y'", "the scene"),
        (lambda t: replace(t, scene=(replace(t.scene[0], colour=(0, 0, 0, 1)), *t.scene[1:])), None,
         "colour of link 'gantry/x'", "the scene"),
        (lambda t: replace(t, scene=(replace(t.scene[0], boxes=()), *t.scene[1:])), None,
         "number of boxes of link 'gantry/x'", "the scene"),
        (lambda t: steps_with(t, terms=t.steps.terms | {"effort": t.steps.terms["effort"] + 1}), 0,
         "reward term effort", "step 0"),
        (lambda t: replace(t, header=replace(t.header, part="compute")), None, "part",
         "the header"),
    ],
)  # fmt: skip
def test_what_was_altered_is_named_at_its_first_place(whole, forge, step, quantity, where):
    forged = forge(whole)
    found = first_difference(forged, whole, None)
    assert (found.step, found.quantity) == (step, quantity)
    assert found.where.startswith(where)
    assert found.recorded != found.simulated
    assert len(str(found)) < 200
    assert first_difference(whole, whole, None) is None


def test_a_file_that_leaves_something_out_is_named(whole):
    shorter = replace(whole, steps=replace(whole.steps, hashes=whole.steps.hashes[:-1],
                                           time_s=whole.steps.time_s[:-1]))  # fmt: skip
    found = first_difference(shorter, whole, None)
    assert (found.step, found.quantity, found.simulated) == (None, "time of the frame", "missing")
    found = first_difference(whole, replace(whole, end=None), None)
    assert (found.quantity, found.simulated) == ("outcome", "missing")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spec_hash": "0" * 16}, "was made with spec hash 0000000000000000, here it is"),
        ({"station_version": 9}, "was made with station TrayInsert version 9, here it is"),
        ({"env_id": "rackline/Other-v0"}, "made at a station that is not here"),
        ({"perturbation": {"speed": 2.0}}, "which mean nothing here"),
    ],
)
def test_a_recording_of_another_house_is_refused(whole, changes, message):
    with pytest.raises(RecordingError, match=message):
        verify(replace(whole, header=replace(whole.header, **changes)), "other")


def test_a_recording_of_another_version_is_refused(whole):
    for name in whole.header.versions:
        versions = whole.header.versions | {name: "0.0.1"}
        with pytest.raises(RecordingError, match=f"was made with {name} 0.0.1, here it is"):
            verify(replace(whole, header=replace(whole.header, versions=versions)), "old")
