"""The judge of an operation: windowed forces, damage, protective stop, attempts, the result.

Damage is judged by the fixture's own load cells, which no robot can talk round; the protective
stop and the handover to the cell's own last step go by the wrist sensor, as in a cell. What a side
force is and how the last step ends is the rule of a kind of work (`envs.station.Rule`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.outcome import Facts, TrueState
from envs.station import Rule, Seat

CONTACT_N = 1.0
"""Windowed force above which penetration is looked up."""


@dataclass(frozen=True)
class OperationResult:
    """What one operation came to.

    Attributes:
        facts: recorded facts, see `envs.outcome`.
        cycle_time_s: the whole robot cycle, pick to retract, without people.
        contact_time_s: time of the contact skill, align + insert.
        max_windowed_force_n: largest windowed side force on the fixture.
        max_windowed_axial_n: largest windowed axial force before the cell's last step.
        mean_windowed_force_n: mean windowed side force over the windows with contact.
        penetration_m: deepest penetration.
        short_m: distance short of full mate.
    """

    facts: Facts
    cycle_time_s: float
    contact_time_s: float
    max_windowed_force_n: float
    max_windowed_axial_n: float
    mean_windowed_force_n: float
    penetration_m: float
    short_m: float


@dataclass
class Judge:
    """Watches one operation window by window and fixes its result.

    Attributes:
        rule: of the task.
        penetration_limit_m: penetration beyond it voids the operation.
        damage_ends: damage ends the operation (False only in training).
        step_side_n, step_axial_n: largest windowed forces of the policy step, for rewards.
    """

    rule: Rule
    penetration_limit_m: float
    damage_ends: bool = True
    ended: bool = False
    timed_out: bool = False
    damaged: bool = False
    stopped: bool = False
    handed_over: bool = False
    step_side_n: float = 0.0
    step_axial_n: float = 0.0
    max_side_n: float = 0.0
    max_axial_n: float = 0.0
    penetration_m: float = 0.0
    wrist_side_n: float = 0.0
    wrist_axial_n: float = 0.0
    _stop_at_s: float = math.inf
    _side_sum_n: float = 0.0
    _windows: int = 0
    attempts: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = Attempts(self.rule.limits.retreat_m)

    def window(
        self,
        fixture: Sequence[float],
        wrist: Sequence[float],
        time_s: float,
        believed_depth_m: float,
        penetration_m: Callable[[], float],
    ) -> None:
        """Judge one window of 1/60 s.

        Args:
            fixture: contact force on each sensed piece of the fixture, (x, y, z) each.
            wrist: wrench on the part as the wrist measures it, tared. # (6,)
            time_s: time in align + insert at the window's end.
            believed_depth_m: front edge behind the observed mouth plane.
            penetration_m: looks the deepest penetration up.
        """
        limits = self.rule.limits
        side, axial = self.rule.fixture_forces(fixture)
        self.step_side_n = max(self.step_side_n, side)
        self.step_axial_n = max(self.step_axial_n, axial)
        self.max_side_n = max(self.max_side_n, side)
        self.max_axial_n = max(self.max_axial_n, axial)
        if max(side, axial) > CONTACT_N:
            self.penetration_m = max(self.penetration_m, penetration_m())
            self._side_sum_n += side
            self._windows += 1
        if side > limits.lateral_damage_n or axial > limits.axial_damage_n:
            self.damaged = True
            self.ended = self.ended or self.damage_ends
        self._watch_wrist(wrist, time_s, believed_depth_m)

    def _watch_wrist(self, wrist: Sequence[float], time_s: float, believed_depth_m: float) -> None:
        limits = self.rule.limits
        side, axial = self.rule.wrist_forces(wrist)
        self.wrist_side_n = max(self.wrist_side_n, side)
        self.wrist_axial_n = max(self.wrist_axial_n, axial)
        share = max(side / limits.lateral_damage_n, axial / limits.axial_damage_n)
        if share > limits.stop_fraction:
            self._stop_at_s = min(self._stop_at_s, time_s + limits.stop_reaction_s)
        if time_s >= self._stop_at_s - 1e-9:
            self.stopped = self.ended = True
        elif self.ended or self._stop_at_s < math.inf:  # a cell that stops goes on with nothing
            return
        elif self.rule.hands_over(wrist, believed_depth_m):
            self.handed_over = self.ended = True

    def begin_step(self) -> None:
        """Forget the largest forces of the last policy step."""
        self.step_side_n = self.step_axial_n = 0.0

    def step(self, depth_m: float, time_s: float) -> None:
        """Close a policy step: count attempts by the true depth, and keep the time limit."""
        self.attempts.track(depth_m)
        if not self.ended and time_s >= self.rule.limits.time_limit_s - 1e-9:
            self.timed_out = self.ended = True

    def result(
        self, seat: Seat, contact_time_s: float, rng: np.random.Generator
    ) -> OperationResult:
        """Let the cell do its last step where it would, ask its sensors, and return the result.

        Args:
            seat: true seat at the end of the contact skill.
            contact_time_s: time of the contact skill.
            rng: stream of the cell's sensors.
        """
        rule = self.rule
        finish = rule.finish(seat, self.handed_over, rng)
        facts = Facts(
            true_state=TrueState.DAMAGED if self.damaged else finish.state,
            sensor_pass=finish.passed,
            attempts=self.attempts.count,
            assisted=self.stopped,
            timed_out=self.timed_out,
            void=self.penetration_m > self.penetration_limit_m,
        )
        scripted = rule.before() + rule.after(self.handed_over)
        return OperationResult(
            facts,
            sum(phase.duration_s for phase in scripted) + contact_time_s,
            contact_time_s,
            self.max_side_n,
            self.max_axial_n,
            self._side_sum_n / max(1, self._windows),
            self.penetration_m,
            finish.short_m,
        )


class Attempts:
    """Counts entries: coming on again after a retreat of at least ``retreat_m`` is another one.

    Args:
        retreat_m: distance that makes a retreat, and the coming on after it.
    """

    def __init__(self, retreat_m: float) -> None:
        self.count = 1
        self._retreat = retreat_m
        self._deepest = 0.0  # retreats before the mouth was ever reached are no attempts
        self._back_to: float | None = None

    def track(self, depth_m: float) -> None:
        """Take in the true depth of the front edge after one policy step."""
        if self._back_to is not None:
            self._back_to = min(self._back_to, depth_m)
            if depth_m > self._back_to + self._retreat:
                self.count += 1
                self._back_to, self._deepest = None, depth_m
        elif self._deepest > 0.0 and depth_m < self._deepest - self._retreat:
            self._back_to = depth_m
        self._deepest = max(self._deepest, depth_m)
