"""What an operation came to: recorded facts, and the outcome class as a total function of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class TrueState(StrEnum):
    """Where the part truly is at the end, which no sensor of the cell tells."""

    SEATED = "seated"
    SHORT = "short"
    WRONG = "wrong"
    DAMAGED = "damaged"


class OutcomeClass(StrEnum):
    """The six classes in which an operation ends, and `VOID` for physics that cannot be trusted."""

    OK = "ok"
    RETRIED = "retried"
    ASSISTED = "assisted"
    DETECTED = "detected"
    ESCAPED = "escaped"
    DAMAGE = "damage"
    VOID = "void"


SUCCESSES = frozenset({OutcomeClass.OK, OutcomeClass.RETRIED})
"""The classes counted as success: seated without anybody's help."""


@dataclass(frozen=True)
class Facts:
    """Orthogonal facts of one operation; every field is recorded, none is derived from another.

    Attributes:
        true_state: where the part truly ended.
        sensor_pass: what the cell's own sensors say.
        attempts: entries into the mouth, counting re-entries after a retreat of `limits.retreat`.
        assisted: a protective stop, or an abort, handed the part to a person.
        timed_out: the time limit of align + insert ran out.
        void: penetration exceeded the station's limit, so that the physics proves nothing.
    """

    true_state: TrueState
    sensor_pass: bool
    attempts: int
    assisted: bool
    timed_out: bool
    void: bool


def outcome_class(facts: Facts) -> OutcomeClass:
    """Return the class of an operation: the first row of the table that matches."""
    misplaced = facts.true_state in (TrueState.SHORT, TrueState.WRONG)
    table = (
        (facts.true_state is TrueState.DAMAGED, OutcomeClass.DAMAGE),
        (facts.void, OutcomeClass.VOID),
        (facts.timed_out or facts.assisted, OutcomeClass.ASSISTED),
        (misplaced and facts.sensor_pass, OutcomeClass.ESCAPED),
        (not facts.sensor_pass, OutcomeClass.DETECTED),
        (facts.attempts > 1, OutcomeClass.RETRIED),
    )
    return next((outcome for matches, outcome in table if matches), OutcomeClass.OK)


def said_by_sensor(
    good: bool, miss_rate: float, false_alarm_rate: float, rng: np.random.Generator
) -> bool:
    """Return whether a sensor of the cell passes a part: it misses bad ones, and alarms on good."""
    chance = rng.uniform()
    return bool(chance >= false_alarm_rate if good else chance < miss_rate)
