"""The judge of an operation: windowed forces, damage, protective stop, attempts, the result.

Damage is judged by the fixture's own load cells, which no robot can talk round; the protective
stop and the handover to the levers go by the wrist sensor, as in a cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from configs.specs.station import Part, Setting, StationSpec
from envs.cycle import phases_after, phases_before
from envs.outcome import Facts, TrueState
from envs.stations import tray_insert as scene

CONTACT_N = 1.0
"""Windowed force above which penetration is looked up."""


@dataclass(frozen=True)
class OperationResult:
    """What one operation came to.

    Attributes:
        facts: recorded facts, see `envs.outcome`.
        cycle_time_s: the whole robot cycle, pick to retract, without people.
        contact_time_s: time in align + insert.
        max_windowed_force_n: largest windowed side force on the fixture.
        max_windowed_axial_n: largest windowed axial force before the levers.
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
        spec: the station.
        setting: its difficulty.
        part: nominal part in hand.
        weight_n: true weight of the part.
        damage_ends: damage ends the operation (False only in training).
        step_side_n, step_axial_n: largest windowed forces of the policy step, for rewards.
    """

    spec: StationSpec
    setting: Setting
    part: Part
    weight_n: float
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
        self.attempts = Attempts(self.spec.limits.retreat_m)

    def window(
        self,
        fixture: list[float],
        wrist: list[float],
        time_s: float,
        believed_depth_m: float,
        penetration_m: Callable[[], float],
    ) -> None:
        """Judge one window of 1/60 s.

        Args:
            fixture: contact force on left guide, right guide, shelf, top (x, y, z each). # (12,)
            wrist: wrench on the part as the wrist measures it, tared. # (6,)
            time_s: time in align + insert at the window's end.
            believed_depth_m: front edge behind the observed mouth plane.
            penetration_m: looks the deepest penetration up.
        """
        limits = self.spec.limits
        side = scene.side_force_n(fixture, self.weight_n)
        axial = scene.axial_force_n(fixture)
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

    def _watch_wrist(self, wrist: list[float], time_s: float, believed_depth_m: float) -> None:
        limits, levers = self.spec.limits, self.spec.levers
        side = math.hypot(wrist[1], max(0.0, -wrist[2], wrist[2] - self.weight_n))
        self.wrist_side_n = max(self.wrist_side_n, side)
        self.wrist_axial_n = max(self.wrist_axial_n, abs(wrist[0]))
        share = max(side / limits.lateral_damage_n, abs(wrist[0]) / limits.axial_damage_n)
        if share > limits.stop_fraction:
            self._stop_at_s = min(self._stop_at_s, time_s + limits.stop_reaction_s)
        if time_s >= self._stop_at_s - 1e-9:
            self.stopped = self.ended = True
        elif self.ended or self._stop_at_s < math.inf:  # nobody closes levers on a cell that stops
            return
        elif (
            -wrist[0] >= levers.handover_force_n
            and believed_depth_m >= self.part.length_m - levers.handover_depth_m
        ):
            self.handed_over = self.ended = True

    def begin_step(self) -> None:
        """Forget the largest forces of the last policy step."""
        self.step_side_n = self.step_axial_n = 0.0

    def step(self, depth_m: float, time_s: float) -> None:
        """Close a policy step: count attempts by the true depth, and keep the time limit."""
        self.attempts.track(depth_m)
        if not self.ended and time_s >= self.spec.limits.time_limit_s - 1e-9:
            self.timed_out = self.ended = True

    def result(
        self, seat: scene.Seat, slot: int, contact_time_s: float, rng: np.random.Generator
    ) -> OperationResult:
        """Close the levers where the cell would, ask its sensors, and return the result.

        Args:
            seat: true seat at the end of align + insert.
            slot: number of the slot, 0 = lowest; it sets the way of the scripted phases.
            contact_time_s: time in align + insert.
            rng: stream of the cell's sensors.
        """
        spec = self.spec
        if self.handed_over:
            short = scene.close_levers(seat, self.part, self.setting, spec.levers)
            passed = scene.cell_sensors(short, spec.sensors, spec.levers, rng)
        else:
            short, passed = max(0.0, self.part.length_m - seat.depth_m), False
        state = scene.true_state(seat, self.setting, short, spec.levers.seated_tolerance_m)
        facts = Facts(
            true_state=TrueState.DAMAGED if self.damaged else state,
            sensor_pass=passed,
            attempts=self.attempts.count,
            assisted=self.stopped,
            timed_out=self.timed_out,
            void=self.penetration_m > spec.physics.penetration_limit_m,
        )
        scripted = phases_before(spec.motion, slot) + phases_after(
            spec.motion, slot, self.part, spec.levers, self.handed_over
        )
        return OperationResult(
            facts,
            sum(phase.duration_s for phase in scripted) + contact_time_s,
            contact_time_s,
            self.max_side_n,
            self.max_axial_n,
            self._side_sum_n / max(1, self._windows),
            self.penetration_m,
            short,
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
