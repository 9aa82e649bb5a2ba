"""The outcome table: total over all facts, each class reached, the first match wins."""

from __future__ import annotations

from itertools import product

import pytest

from envs.outcome import SUCCESSES, Facts, OutcomeClass, TrueState, outcome_class

SEATED, SHORT, WRONG, DAMAGED = TrueState
ALL = [
    Facts(state, sensor, attempts, assisted, late, void)
    for state, sensor, attempts, assisted, late, void in product(
        TrueState, (True, False), (1, 2, 5), (True, False), (True, False), (True, False)
    )
]


def facts(state=SEATED, sensor=True, attempts=1, assisted=False, timed_out=False, void=False):
    return Facts(state, sensor, attempts, assisted, timed_out, void)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (facts(), OutcomeClass.OK),
        (facts(attempts=2), OutcomeClass.RETRIED),
        (facts(attempts=9), OutcomeClass.RETRIED),
        (facts(assisted=True), OutcomeClass.ASSISTED),
        (facts(timed_out=True), OutcomeClass.ASSISTED),
        (facts(SHORT, False, timed_out=True), OutcomeClass.ASSISTED),
        (facts(SHORT), OutcomeClass.ESCAPED),
        (facts(WRONG), OutcomeClass.ESCAPED),
        (facts(SHORT, attempts=3), OutcomeClass.ESCAPED),
        (facts(SHORT, False), OutcomeClass.DETECTED),
        (facts(WRONG, False), OutcomeClass.DETECTED),
        (facts(SEATED, False), OutcomeClass.DETECTED),  # a false alarm
        (facts(SEATED, False, attempts=2), OutcomeClass.DETECTED),
        (facts(DAMAGED), OutcomeClass.DAMAGE),
        (facts(DAMAGED, False, 3, True, True, True), OutcomeClass.DAMAGE),
        (facts(void=True), OutcomeClass.VOID),
        (facts(SHORT, False, 2, True, True, True), OutcomeClass.VOID),
    ],
)
def test_classes(case, expected):
    assert outcome_class(case) is expected


def test_every_combination_of_facts_has_one_class_and_every_class_a_combination():
    found = {outcome_class(case) for case in ALL}
    assert len(ALL) == 4 * 2 * 3 * 2 * 2 * 2
    assert found == set(OutcomeClass)


def test_precedence_over_all_combinations():
    """Each rule of the table read on its own: what it claims holds wherever no earlier one does."""
    for case in ALL:
        got = outcome_class(case)
        if case.true_state is DAMAGED:
            assert got is OutcomeClass.DAMAGE
        elif case.void:
            assert got is OutcomeClass.VOID
        elif case.timed_out or case.assisted:
            assert got is OutcomeClass.ASSISTED
        elif case.true_state is not SEATED:
            assert got is (OutcomeClass.ESCAPED if case.sensor_pass else OutcomeClass.DETECTED)
        elif not case.sensor_pass:
            assert got is OutcomeClass.DETECTED
        else:
            assert got is (OutcomeClass.OK if case.attempts == 1 else OutcomeClass.RETRIED)


def test_success_means_seated_sound_unaided_and_passed():
    for case in ALL:
        if outcome_class(case) in SUCCESSES:
            assert case.true_state is SEATED
            assert case.sensor_pass
            assert not any((case.assisted, case.timed_out, case.void))
