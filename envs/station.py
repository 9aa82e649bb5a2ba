"""What a station is made of, as protocols: all that operation, judge and recorder know of it.

A *station* is its data at one setting. For each part it draws a *task*: what stands there, how a
seat is judged, the scripted phases, and the *robot* that holds the part. A kind of work (a folder
under `envs/stations`) implements station and task, `envs/robots` the robot; `envs.registry` joins
both to an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from configs.commented import Written
from configs.specs.station import Limits, Setting, StationSpec
from envs.observation import Field, Sensed
from envs.outcome import TrueState
from envs.phases import Phase, Traveller
from envs.physics.pose import Pose, Vector
from envs.physics.shapes import Body
from envs.selftest import Press

PART = "part"
"""Name of the part among the links of a robot that holds it, which is its last link."""
State = Sequence[Sequence[Any]]
"""(position, velocity, ...) of a robot's moving joints as `World.joints` reads them."""


@dataclass(frozen=True)
class Brake:
    """A joint of the fixture that gives way above a force: contacts that rub, a latch that snaps.

    Attributes:
        joint: number of the joint, which moves along its axis as the part comes in.
        steps: position (m) from which on, and force (N) that holds it there; by position.
    """

    joint: int
    steps: tuple[tuple[float, float], ...]

    def force_n(self, position_m: float) -> float:
        """Return the force that holds the joint at a position."""
        held = self.steps[0][1]
        for start_m, force_n in self.steps:
            if position_m >= start_m:
                held = force_n
        return held


@dataclass(frozen=True)
class Pull:
    """A force on the part all through the contact skill: a cable's drag.

    Attributes:
        force_n: in the part's frame.
        at: where it acts, in the part's frame (m).
    """

    force_n: Vector
    at: Vector


@dataclass(frozen=True)
class Finish:
    """How the cell's own last step ended: levers, a latch, a test.

    Attributes:
        state: where the part truly is, damage aside.
        short_m: distance short of full mate.
        passed: what the cell's sensors say.
    """

    state: TrueState
    short_m: float
    passed: bool


@dataclass(frozen=True)
class ActionEntry:
    """One entry of an action.

    Attributes:
        name: its key in the YAML's `action`, where an action of 1 is written.
        direction: which way it moves the target.
    """

    name: str
    direction: str


@dataclass(frozen=True)
class Words:
    """What the station's page says beyond tables.

    Attributes:
        operation: what one episode is.
        action: what an entry moves, and what bounds it: the text before and behind the table.
        judge: one line a rule, but for attempts, time and void, which are every station's.
        not_simulated: what the work leaves out, beyond what every station does.
    """

    operation: str
    action: tuple[str, str]
    judge: tuple[str, ...]
    not_simulated: tuple[str, ...] = ()


class Seat(Protocol):
    """Where the part truly is, in the frame of the place it belongs to."""

    @property
    def depth_m(self) -> float:
        """Front edge behind the mouth plane."""

    @property
    def lateral_m(self) -> float:
        """Front edge off the axis."""

    @property
    def yaw_rad(self) -> float:
        """Heading against the axis."""


class Robot(Traveller, Protocol):
    """A robot that holds one part: what it is, what it measures, how actions drive it.

    Its joints that move come first in `moving`; scripted phases drive the first of them.
    """

    @property
    def name(self) -> str:
        """What it is called in scenes."""

    @property
    def body(self) -> Body:
        """The robot and, as its last link, the part."""

    @property
    def moving(self) -> tuple[int, ...]:
        """Joints whose positions and velocities are its whole state."""

    @property
    def wrist(self) -> int:
        """Fixed joint whose reaction is the wrist's force/torque sensor."""

    def put(self, place: Sequence[float]) -> Sequence[float]:
        """Set the target to ``place`` and return joint positions that hold the part there.

        Args:
            place: of the part's front: m along the axes, then rad about them, as many as it steers.
        """

    def aim(self, action: Sequence[float], state: State) -> None:
        """Move the target by one clipped action; `forces` goes there over one policy step."""

    def forces(self, share: float, state: State) -> Sequence[float]:
        """Return forces of the moving joints at ``share`` (0 to 1) of the way to the target."""

    def depth_m(self, state: State) -> float:
        """Return the believed front edge behind the observed mouth plane."""


class Rule(Protocol):
    """How a kind of work is judged, window by window and at its end."""

    @property
    def limits(self) -> Limits:
        """What damages, stops, ends."""

    def fixture_forces(self, contact: Sequence[float]) -> tuple[float, float]:
        """Return judged side and axial force (N) of contact forces on the fixture."""

    def wrist_forces(self, wrench: Sequence[float]) -> tuple[float, float]:
        """Return side and axial force (N) that the protective stop goes by."""

    def hands_over(self, wrench: Sequence[float], depth_m: float) -> bool:
        """Tell by wrench and believed depth whether the cell goes on with its own last step.

        To be asked once a window: a cell may wait until it lasts.
        """

    def finish(self, seat: Any, handed_over: bool, rng: np.random.Generator) -> Finish:
        """Do the cell's last step, where handed over, from a true seat; ask its sensors."""

    def before(self) -> tuple[Phase, ...]:
        """Return the scripted phases that lead to the contact skill."""

    def after(self, handed_over: bool, home_m: float = 0.0) -> tuple[Phase, ...]:
        """Return those behind it; to look at, the last step moves the part by ``home_m``."""


class Task(Rule, Protocol):
    """One part that is to be put in its place, as drawn: what is built, observed and judged."""

    @property
    def part_name(self) -> str:
        """Which part it is."""

    @property
    def robot(self) -> Robot:
        """Robot with the part in its hand."""

    @property
    def fixture(self) -> Body:
        """What the part is put into."""

    @property
    def sensed(self) -> tuple[int, ...]:
        """Joints of the fixture that read contact forces, in the order of `fixture_forces`."""

    @property
    def brakes(self) -> tuple[Brake, ...]:
        """Joints of the fixture that give way; others do not move."""

    @property
    def pull(self) -> Pull | None:
        """What pulls at the part, None where nothing does."""

    @property
    def friction(self) -> float:
        """Friction of part and fixture."""

    @property
    def start(self) -> Sequence[float]:
        """Place where the policy takes over, for `Robot.put`."""

    @property
    def approach(self) -> tuple[float, ...]:
        """Positions of the joints that phases drive, there."""

    @property
    def full_depth_m(self) -> float:
        """Depth of a part that is home."""

    def draws(self) -> dict[str, dict[str, Any]]:
        """Return what was drawn at the levels visit and part."""

    def scenery(self) -> Body:
        """Return what is only looked at."""

    def support(self, standing: Pose) -> Body:
        """Return what the part stands on (centre at ``standing``) before it is picked."""

    def carried(self, left: Pose, start: Sequence[float], joints: Sequence[float]) -> Pose:
        """Return where the last step has moved a part from ``left``, by joint positions."""

    def seat(self, centre: Pose) -> Seat:
        """Return the true seat of a part whose centre is there."""

    def progress(self, seat: Any) -> float:
        """Return the inserted share of the part, 0 outside its place. # [0, 1]."""

    def observe(self, sensed: Sensed) -> list[float]:
        """Return the unscaled observation, see `Station.fields`."""


class Station(Protocol):
    """A station's data at one setting."""

    @property
    def spec(self) -> StationSpec:
        """Its data."""

    @property
    def setting(self) -> Setting:
        """Its difficulty."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """Table of its observation; the same at every setting."""

    @property
    def actions(self) -> tuple[ActionEntry, ...]:
        """Table of its action."""

    @property
    def camera(self) -> tuple[Vector, Vector]:
        """Where a picture of the contact skill is taken from and what is in its middle (m)."""

    def presses(self) -> tuple[Body, tuple[Press, ...]]:
        """Return a fixture and where the force self-test presses on it."""

    def task(self, slot: int, visit: np.random.Generator, part: np.random.Generator) -> Task:
        """Return the task of a slot, drawn from the streams of the levels visit and part."""

    def scripted(self, slot: int) -> tuple[Phase, ...]:
        """Return the scripted phases of an operation that is handed over at ``slot``."""

    def words(self, written: Written) -> Words:
        """Return what its page says."""
