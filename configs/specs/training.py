"""The typed form of `configs/training/*.yaml`: who learns what, on top of what, how long."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from configs.specs.base import Distinct, Spec, error_below
from configs.specs.quantities import Time
from configs.specs.station import RewardWeights

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=1.0)]


class ZonesSpec(Spec):
    """An entry of the observation that the learner also sees zone by zone.

    Attributes:
        field: name of the entry in the station's table.
        at: ends of the zones, rising, in the entry's unit. Each zone is one more input: 0 before
            it, 1 behind it, linear within. A network sees a depth of 700 mm as one number; what
            happens in 20 of them drowns in it.
    """

    field: str
    at: Annotated[list[float], Field(min_length=2, max_length=32)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not all(a < b for a, b in pairwise(self.at)):
            raise error_below(["at"], "does not rise; order the ends of the zones")
        return self


class BeginSpec(Spec):
    """Where what was learnt begins to count: before, the script works alone.

    Asked at each step: a part that retreats is the script's again.

    Attributes:
        field: name of an entry of the observation.
        above: what it has to exceed, in the entry's unit.
    """

    field: str
    above: float


class RangeSpec(Spec):
    """A range of what is observed: from its lower end on, up to its upper.

    Attributes:
        field: name of an entry of the observation.
        between: from where to where, in the entry's unit.
    """

    field: str
    between: tuple[float, float]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.between[0] < self.between[1]:
            raise error_below(["between"], "does not rise; write the lower end first")
        return self


class SlowSpec(RangeSpec):
    """Where the script goes slower than it was tuned to.

    Attributes:
        feed: factor on the script's feed there.
    """

    feed: Annotated[float, Field(gt=0.0, le=1.0)]


class CompositionSpec(Spec):
    """How a learnt action and a script become the action of the cell.

    - ``pure``: the learnt action alone.
    - ``residual``: ``clip(script + scale * learnt)``.
    - ``override``: the learnt first entry is a factor on the script's feed, 1 at 0 and the ends of
      `feed` at -1 and +1 (geometric between); the others are residuals times `scale`.

    `begin` says from where on it counts, and `within` where it counts at all (what training hardly
    shows is better left to the script: a wrong port, say); training operations start there too.
    `slow` holds the script back somewhere; the learner then sees the slower script. `zones` add
    inputs for the learner; the script sees the observation alone.

    With `mirror` the policy takes the mean of the network's action for what it sees and, mirrored
    back, for the mirror image of that. A station that is alike on its left and right asks for no
    side; what a network leans to there is chance of its training. PPO learns so too.
    """

    kind: Literal["pure", "residual", "override"]
    base: str | None = None
    scale: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    feed: tuple[float, float] | None = None
    zones: Annotated[list[ZonesSpec], Field(default_factory=list, max_length=8)]
    begin: BeginSpec | None = None
    within: RangeSpec | None = None
    slow: SlowSpec | None = None
    mirror: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind != "pure" and self.base is None:
            raise error_below(
                ["base"],
                "is missing for {k}; add it, e.g. scripted/lateral-admittance@1",
                k=self.kind,
            )
        if self.kind == "pure" and self.base is not None:
            raise error_below(
                ["base"], "is under a pure policy; leave it out, or use residual or override"
            )
        for name in ("begin", "within", "slow"):
            if self.kind == "pure" and getattr(self, name) is not None:
                raise error_below([name], "has no script to work with; leave it out")
        if (self.kind == "override") != (self.feed is not None):
            if self.feed:
                raise error_below(["feed"], "belongs to override; leave it out")
            raise error_below(["feed"], "is missing for override; add it, e.g. [0.3, 2.5]")
        if self.feed is not None and not 0.0 < self.feed[0] < 1.0 < self.feed[1]:
            raise error_below(["feed"], "does not enclose 1; write e.g. [0.3, 2.5]")
        return self


class OffPolicy(Spec):
    """What SAC and TQC need beyond the common part; `updates` are gradient steps an env step."""

    buffer: Count
    learning_starts: Annotated[int, Field(ge=0)]
    tau: Rate
    updates: Annotated[float, Field(gt=0.0, le=4.0)]
    entropy_start: Annotated[float, Field(gt=0.0, le=10.0)]

    @property
    def pattern(self) -> tuple[int, int]:
        """Env steps between learning and gradient steps then: (2, 1) for half an update a step."""
        if self.updates >= 1.0:
            return 1, round(self.updates)
        return round(1.0 / self.updates), 1


class OnPolicy(Spec):
    """What PPO needs beyond the common part."""

    steps: Count
    epochs: Count
    gae: Rate
    clip: Rate
    entropy: Annotated[float, Field(ge=0.0)]
    log_std_start: float


class RaceSpec(Spec):
    """The second round of the choice: few policies, many more seeds.

    Attributes:
        policies: how many come to it, the cheapest of the first round; the script comes too.
        episodes: seeds that each of them works beyond those of the first round.
    """

    policies: Annotated[int, Field(ge=2)]
    episodes: Count


class SelectionSpec(Spec):
    """Episodes on selection seeds: at each evaluation, and for the choice at the end.

    Attributes:
        episodes: of every evaluation during training.
        final_episodes: of every policy in the choice's first round, the script's among them.
        finalists: policies of each training seed that take part in the choice: its cheapest at the
            evaluations.
        race: a second round. The cheapest of twelve owes some of its cost to luck, and a damage in
            a thousand operations shows in thousands only.
        slow: what the winner tries last as its `composition.slow`, each on as many seeds.
    """

    # Of the choice alone: it may be held again with more seeds, and nothing is trained again.
    outside_hash: ClassVar[frozenset[str]] = frozenset(
        {"final_episodes", "finalists", "race", "slow"}
    )

    episodes: Count
    final_episodes: Count
    finalists: Count = 1
    race: RaceSpec | None = None
    slow: Annotated[list[SlowSpec], Distinct, Field(default_factory=list, max_length=8)]


class TrainingSpec(Spec):
    """One training: the same for every training seed.

    Attributes:
        steps: policy steps of one training seed.
        time_budget_s: wall time of one training seed; at the first chunk behind it training ends.
        chunk: steps between checkpoints; the episode under way ends there.
        evaluate_chunks: chunks between evaluations on selection seeds.
        normalise: keep running means and deviations of observations.
        damage_ends: whether an operation ends at damage, as it does everywhere else.
        pose_error: factor on the setting's pose errors in training alone; over 1, the worst cases,
            of which the setting has few, come often enough to be learnt from.
        force_from: share of a damage limit from which the force term counts; it charges what a step
            adds to the operation's largest force.
        force_cap: most that the raw force term takes in one operation; without an end at damage it
            would outweigh everything else.
        pace: where an operation's time goes, pairs of (share of depth, share of time), rising from
            (0, 0) to (1, 1). With it progress counts time instead of depth, so that a second won
            is paid at once, wherever it is won.
        reward: weights in training; the station's own where left out.
    """

    folder: ClassVar[str] = "training"
    # A run may be resumed for longer, or for more seeds.
    outside_hash: ClassVar[frozenset[str]] = frozenset({"steps", "seeds", "time_budget_s"})

    env: str
    setting: str
    composition: CompositionSpec
    algorithm: Literal["SAC", "TQC", "PPO"]
    network: Annotated[list[Count], Field(min_length=1, max_length=4)]
    learning_rate: Rate
    batch: Count
    gamma: Rate
    normalise: bool
    off_policy: OffPolicy | None = None
    on_policy: OnPolicy | None = None
    steps: Count
    time_budget_s: Time
    chunk: Count
    evaluate_chunks: Count
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=1000)]], Distinct, Field(min_length=1)]
    selection: SelectionSpec
    damage_ends: bool
    pose_error: Annotated[float, Field(gt=0.0, le=3.0)] = 1.0
    force_cap: Annotated[float, Field(gt=0.0)] = 4.0
    force_from: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    pace: Annotated[list[tuple[Share, Share]], Field(min_length=2)] | None = None
    reward: RewardWeights | None = None

    @model_validator(mode="after")
    def _pace_rises(self) -> Self:
        pace = self.pace or [(0.0, 0.0), (1.0, 1.0)]
        rising = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pace))
        if not rising or pace[0] != (0.0, 0.0) or pace[-1] != (1.0, 1.0):
            raise error_below(
                ["pace"], "does not rise from [0, 0] to [1, 1]; leave it out to count depth"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        wanted, other = (
            ("on_policy", "off_policy") if self.algorithm == "PPO" else ("off_policy", "on_policy")
        )
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise error_below(
                ["algorithm"],
                "needs the section {w} and no section {o}; add or remove it",
                w=wanted,
                o=other,
            )
        if self.on_policy is not None and self.chunk % self.on_policy.steps:
            steps = self.on_policy.steps
            raise error_below(
                ["chunk"],
                "is no multiple of on_policy.steps; use e.g. {n}",
                n=str(max(1, self.chunk // steps) * steps),
            )
        if self.on_policy is not None and self.on_policy.steps % self.batch:
            raise error_below(
                ["batch"], "does not divide on_policy.steps; use e.g. 128 and 1024 steps"
            )
        if self.composition.kind == "pure" and self.selection.slow:
            raise error_below(["selection", "slow"], "has no script to slow; leave it out")
        return self
