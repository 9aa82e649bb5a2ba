"""The typed form of a bundle's `card.yaml`: what the policy is, what it was trained on, results."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.specs.base import Spec, error_below
from configs.specs.quantities import Force, Time
from configs.specs.station import Fraction
from configs.specs.training import CompositionSpec, TrainingSpec

Size = Annotated[int, Field(ge=1, le=4096)]


class Signature(Spec):
    """What goes in and comes out of the network: obs[, mask][, state] -> action[, state].

    Attributes:
        observation: entries of ``obs``, with what the composition adds. # obs: float32 (1, n)
        kind: ``continuous`` actions are float32 (1, action), ``discrete`` ones int64 (1,).
        action: entries of a continuous action, or the number of discrete ones.
        masked: whether ``mask`` is an input. # mask: bool (1, action)
        state: shape of ``state`` and ``state_out``, empty for none; zero at the start.
    """

    observation: Size
    kind: Literal["continuous", "discrete"]
    action: Size
    masked: bool = False
    state: Annotated[tuple[Size, ...], Field(max_length=4)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.masked and self.kind != "discrete":
            raise error_below(["masked"], "needs discrete actions; leave it out")
        return self


class StationReference(Spec):
    """The station a policy was trained on; id, version and observation table must be the same.

    Attributes:
        spec_hash: of the station's file then. A changed file is another task and no obstacle:
            robustness is tested like that.
        table_hash: of names, units and scales of the observation.
    """

    id: str
    version: Annotated[int, Field(ge=1)]
    setting: str
    spec_hash: str
    table_hash: str


class Result(Spec):
    """What the policy did on a range of seeds, one part a rack visit.

    Attributes:
        success_interval: 95 %, Wilson.
        damage_at_most: one-sided 95 % bound, Clopper-Pearson.
    """

    seeds: str
    episodes: Annotated[int, Field(ge=1)]
    success: Fraction
    success_interval: tuple[Fraction, Fraction]
    damage: Fraction
    damage_at_most: Fraction
    assisted: Fraction
    cost_s: Time
    contact_time_s: Time
    lateral_force_p95_n: Force


class Card(Spec):
    """What a bundle says of itself.

    Attributes:
        policy_sha256: of policy.onnx, to notice a damaged file.
        base_parameters: the script's parameters as they were then, as in its YAML.
        results: on selection seeds from training; held-out ones are added by the card's command.
    """

    format: Literal[1]
    name: str
    policy_sha256: str
    signature: Signature
    station: StationReference | None = None
    composition: CompositionSpec
    base_parameters: dict[str, str | float] | None = None
    training: TrainingSpec | None = None
    training_seed: Annotated[int, Field(ge=0)] | None = None
    training_steps: Annotated[int, Field(ge=0)] | None = None
    results: tuple[Result, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.composition.base is None) != (self.base_parameters is None):
            raise error_below(
                ["base_parameters"], "does not fit composition.base; give both or neither"
            )
        if self.composition.mirror and (self.signature.state or self.signature.masked):
            raise error_below(
                ["composition", "mirror"], "needs a network without memory and mask; leave it out"
            )
        return self
