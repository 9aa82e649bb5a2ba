"""Which policy works at which station: the cases of a factory question, and their lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from twin.evaluation import cases
from twin.evaluation.answers import SELDOM
from twin.evaluation.before import Mode
from twin.evaluation.cases import Fitted, MeanPolicy
from twin.evaluation.lines import LineCase, Source
from twin.kpi.nested import replication_of
from twin.line.model import LineModel

if TYPE_CHECKING:
    from twin.factory.plan import FactoryPlan

Kind = Literal["scripted", "trained", "perfect"]
YIELD: Final = "rolled_throughput_yield"
TECHNICIANS: Final = "technician_use"


@dataclass(frozen=True)
class Mix:
    """One case: a kind of policy for every station.

    Attributes:
        key: short name.
        title: name for people.
        kinds: kind of policy by station.
        bound: no real policy, so that no decision rests on it.
        alone: the station whose policy alone differs from all scripted; "" where none does.
    """

    key: str
    title: str
    kinds: Mapping[str, Kind]
    bound: bool = False
    alone: str = ""


def mixes_of(stations: tuple[str, ...], trained: tuple[str, ...]) -> tuple[Mix, ...]:
    """Return the cases: all scripted, all trained, one alone trained or perfect, all perfect.

    Args:
        stations: all stations, in order.
        trained: those that have a trained policy; the others count with their script.
    """
    scripted: dict[str, Kind] = dict.fromkeys(stations, "scripted")
    best: dict[str, Kind] = {s: "trained" if s in trained else "scripted" for s in stations}
    alone = [
        Mix(f"{s}-trained", f"{s} alone trained", {**scripted, s: "trained"}, alone=s)
        for s in trained
    ]
    bounds = [
        Mix(f"{s}-perfect", f"{s} alone perfect", {**scripted, s: "perfect"}, True, s)
        for s in stations
    ]
    return (
        Mix("scripted", "all scripted", scripted),
        Mix("trained", "all trained", best),
        *alone,
        *bounds,
        Mix("perfect", "all perfect", dict.fromkeys(stations, "perfect"), True),
    )


Works = Mapping[tuple[str, Kind], Fitted]
"""Fitted policies by station and kind; perfect ones are not fitted."""


@dataclass(frozen=True)
class Size:
    """So many cells a station, so many technicians, and the people then present on the line."""

    cells: Mapping[str, int]
    technicians: int
    people: int


def size_of(
    plan: FactoryPlan, cells: Mapping[str, int] | None = None, technicians: int | None = None
) -> Size:
    """Return a size; what is left out is as the file and its line say."""
    model = plan.attached(cells, technicians)
    held = {station: model.spec.station(station).servers for station in plan.cells}
    return Size(held, model.spec.technicians.count, model.people)


@dataclass(frozen=True)
class Ask:
    """A case's line at takt, whose gates are to be answered (`twin.evaluation.answers.Askable`).

    At bounds all outcomes seen too seldom, at every station, are held at once: one run instead of
    one a class and station, and a pessimistic one (an optimistic one at lower bounds).

    Attributes:
        mix: the case.
        works: the fitted policies.
        size: cells and technicians; by default as the file and its line say.
    """

    mix: Mix
    works: Works = field(repr=False)
    size: Size | None = None

    @property
    def fitted(self) -> dict[str, Fitted]:
        """The fitted policies of this case by station; perfect ones left out."""
        return {
            station: self.works[station, kind]
            for station, kind in self.mix.kinds.items()
            if kind != "perfect"
        }

    @property
    def blockers(self) -> tuple[str, ...]:
        """Why no gate of it may be answered."""
        return tuple(
            f"{station}: {blocker}"
            for station, one in self.fitted.items()
            for blocker in one.model.blockers
        )

    @property
    def thin(self) -> bool:
        """Whether any of its policies has classes seen too seldom."""
        return any(one.model.thin_classes for one in self.fitted.values())

    def too_few(self, plan: FactoryPlan) -> bool:
        """Tell whether a station ran fewer episodes than a yield takes."""
        return any(
            one.model.posterior.counts.total < plan.cell_spec(station).episodes_needed
            for station, one in self.fitted.items()
        )

    def unknown(self, plan: FactoryPlan, kpi: str) -> bool:
        """Tell whether a KPI's mean would mostly be the prior's: a yield from too few episodes."""
        return kpi == YIELD and self.too_few(plan)

    def at(self, size: Size | None) -> Ask:
        """Return the same case with another number of cells and technicians."""
        return replace(self, size=size)

    def line(self, plan: FactoryPlan, mode: Mode = "takt") -> LineCase:
        """Return the line with the classes as recorded."""
        return self._case(plan, self.fitted, mode)

    def at_upper(self, plan: FactoryPlan) -> dict[str, LineCase]:
        """Return the line with all classes seen too seldom at their upper bounds."""
        return self._bounded(plan, upper=True)

    def at_lower(self, plan: FactoryPlan) -> dict[str, LineCase]:
        """Return the line with all classes seen too seldom at their lower bounds."""
        return self._bounded(plan, upper=False)

    def mean(self, plan: FactoryPlan) -> LineCase:
        """Return the line at takt with every policy at its mean rates; run k is replication k.

        ``plan`` may hold other effects than the policies were fitted with; its own count.
        """
        changed = {
            station: cases.fitted_with(one, plan.cells[station].spec.effects)
            for station, one in self.fitted.items()
        }
        case = self._case(plan, changed, "takt")
        sources: dict[str, Source] = {
            station: MeanPolicy(changed[station].model) if station in changed else source
            for station, source in case.sources.items()
        }
        return replace(case, sources=sources, digest=f"mean of {case.digest}", replications=None)

    def _bounded(self, plan: FactoryPlan, *, upper: bool) -> dict[str, LineCase]:
        if not self.thin:
            return {}
        held = {
            station: cases.with_model(one, one.model.at_bound(*thin, upper=upper))
            if (thin := one.model.thin_classes)
            else one
            for station, one in self.fitted.items()
        }
        side = "upper" if upper else "lower"
        return {f"{SELDOM} at its {side} bound": self._case(plan, held, "takt")}

    def _case(self, plan: FactoryPlan, fitted: Mapping[str, Fitted], mode: Mode) -> LineCase:
        size = self.size
        model: LineModel = (
            plan.attached() if size is None else plan.attached(size.cells, size.technicians)
        )
        sources: dict[str, Source] = {}
        digests = []
        for station, cell in plan.cells.items():
            if station in fitted:
                sources[station] = fitted[station].model
                digests.append(fitted[station].digest)
            else:
                sources[station] = cell.perfect
                digests.append(cases.perfect_digest(cell.perfect))
        runs = range(plan.spec.line_runs.replications.verdict)
        return LineCase(
            name=f"{self.mix.title}, {mode}",
            model=cases.in_mode(plan, model, mode),
            sources=sources,
            digest="; ".join(digests),
            replications=tuple(replication_of(run) for run in runs) if fitted else None,
        )
