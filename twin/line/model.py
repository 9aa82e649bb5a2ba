"""A line as it is simulated: the line file, and the stations at which a process model is attached.

A what-if is a changed copy: ``LineModel(spec).attach("S60", minor_stops="replaced", servers=1)``,
``.with_servers({"S60": 2})``, ``.with_technicians(1)``, ``.at_takt(3000.0)``, ``.saturated()``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from configs.errors import ConfigError
from configs.specs.line import LineSpec, StationSpec
from twin.line.ledger import StationInfo

MinorStops: TypeAlias = Literal["replaced", "kept"]


@dataclass(frozen=True)
class LineModel:
    """A line, and which of its stations are run by an attached process model.

    Attributes:
        spec: the line; what attaching changes is already changed in it.
        attached: planned run time of one unit (s) by station id, ``None`` where nobody has planned
            one (effectiveness then uses the mean working time).
    """

    spec: LineSpec
    attached: Mapping[str, float | None] = field(default_factory=dict)

    def attach(
        self,
        station: str,
        *,
        minor_stops: MinorStops | None = None,
        servers: int = 1,
        crew: int = 0,
        planned_run_time_s: float | None = None,
    ) -> LineModel:
        """Return the line with ``station`` run by a process model, passed later to `simulate`.

        The model brings its own jams, so the station's minor stops go (``"replaced"``) unless they
        are declared as something else (``"kept"``); breakdowns stay. Downstream stations that
        assume a share of their yield loss to come from here lose that share, base = reference /
        (1 - share): the model's escapes take its place, one by one.

        Args:
            station: id of the station.
            minor_stops: what happens to the station's row of minor stops; needed where it has one.
            servers: cells.
            crew: people a shift at the cells.
            planned_run_time_s: planned time of one unit on one cell, for effectiveness and OEE.

        Raises:
            ConfigError: unknown station, attached twice, or the overlap of stops is not declared.
        """
        row = self.spec.station(station)
        where, at = f"line {self.spec.name}", f"stations.{station}"
        if station in self.attached:
            raise ConfigError(where, at, None, "has a model attached already", "attach one model")
        if row.minor_stops is not None and minor_stops not in ("replaced", "kept"):
            raise ConfigError(
                where,
                f"{at}.minor_stops",
                minor_stops,
                "overlap with the jams of the attached model and nobody said which count",
                'declare them "replaced" (the model has them) or "kept" (they are something else)',
            )
        self._check(f"{at}.servers", servers)
        changed = {"servers": servers, "crew": crew}
        stops = row.minor_stops if minor_stops == "kept" else None
        lines = {station: row.model_copy(update={**changed, "minor_stops": stops})}
        for other in self.spec.stations:
            if station in other.yield_sources:
                lines[other.id] = _without_source(other, station)
        return LineModel(self._with(lines).spec, {**self.attached, station: planned_run_time_s})

    def with_servers(self, servers: Mapping[str, int]) -> LineModel:
        """Return the line with other numbers of servers (at least 1) at some stations."""
        for id_, count in servers.items():
            self._check(f"stations.{id_}.servers", count)
        return self._with(
            {
                id_: self.spec.station(id_).model_copy(update={"servers": n})
                for id_, n in servers.items()
            }
        )

    def with_technicians(self, count: int) -> LineModel:
        """Return the line with another number of roaming technicians (at least 1)."""
        self._check("technicians.count", count)
        technicians = self.spec.technicians.model_copy(update={"count": count})
        return replace(self, spec=self.spec.model_copy(update={"technicians": technicians}))

    def at_takt(self, takt_s: float) -> LineModel:
        """Return the line with a rack pushed in every ``takt_s`` seconds."""
        return replace(
            self, spec=self.spec.model_copy(update={"takt_s": takt_s, "arrivals": "takt"})
        )

    def saturated(self) -> LineModel:
        """Return the line with a rack always waiting in front of its first station."""
        return replace(self, spec=self.spec.model_copy(update={"arrivals": "saturated"}))

    @property
    def people(self) -> int:
        """People present at any time: crews, and the technicians if a model may call them."""
        crews = sum(station.crew for station in self.spec.stations)
        return crews + (self.spec.technicians.count if self.attached else 0)

    def station_infos(self) -> tuple[StationInfo, ...]:
        """Return what the ledger says about the stations."""
        return tuple(
            StationInfo(
                id=row.id,
                name=row.name,
                servers=row.servers,
                crew=row.crew,
                tested=row.first_pass_yield is not None or row.finds_escapes > 0.0,
                attached=row.id in self.attached,
                planned_run_time_s=self._planned_s(row),
                power_kw=row.power_kw,
            )
            for row in self.spec.stations
        )

    def _planned_s(self, row: StationSpec) -> float:
        if row.id not in self.attached:
            return row.cycle_time.mean_s
        planned_s = self.attached[row.id]
        return math.nan if planned_s is None else planned_s

    def _check(self, field: str, count: int) -> None:
        if count < 1:
            where = f"line {self.spec.name}"
            raise ConfigError(where, field, count, "is below 1", "give at least one")

    def _with(self, changed: Mapping[str, StationSpec]) -> LineModel:
        stations = tuple(changed.get(station.id, station) for station in self.spec.stations)
        return replace(self, spec=self.spec.model_copy(update={"stations": stations}))


def _without_source(station: StationSpec, source: str) -> StationSpec:
    """Return ``station`` with the share of its yield loss that came from ``source`` taken out."""
    reference = station.first_pass_yield
    assert reference is not None  # checked when the line was loaded
    shares = dict(station.yield_sources)
    base = min(1.0, reference / (1.0 - shares.pop(source)))
    return station.model_copy(update={"first_pass_yield": base, "yield_sources": shares})
