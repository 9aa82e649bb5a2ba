"""The typed form of a line file: stations in order, what carries racks between them, who helps.

`load_line` reads a file and names file:line in every error; `parse_line` takes the same content as
plain data (for small lines in tests and studies).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.errors import ConfigError, suggest
from configs.specs.base import Spec, error_at, load_spec, resolve_path
from configs.specs.quantities import Positive, Time

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
PositiveTime = Annotated[Time, Positive]


class Duration(Spec):
    """A random duration by its mean and coefficient of variation (``cv: 0`` is a constant).

    Attributes:
        mean_s: mean.
        cv: standard deviation over mean; of no effect on an exponential duration, whose cv is 1.
        family: ``lognormal`` (default) or ``exponential``.
    """

    mean_s: Time
    cv: Annotated[float, Field(ge=0.0)] = 0.0
    family: Literal["lognormal", "exponential"] = "lognormal"


class Stops(Spec):
    """Stops that come with busy time: a Poisson count, each with an exponential repair.

    Attributes:
        mtbf_s: mean busy time between two stops.
        mttr_s: mean time to repair.
    """

    mtbf_s: PositiveTime
    mttr_s: Time


class EarlyFail(Spec):
    """Where in its time a failed test fails: uniform between two fractions of it."""

    from_fraction: Probability
    to_fraction: Probability


class StationSpec(Spec):
    """One station of the line.

    Attributes:
        id: unique short name, e.g. ``S60``.
        name: what is done there.
        automation: what does it, as text.
        cycle_time: time of one rack on one server, without stops.
        servers: parallel servers (places where a rack is worked on).
        crew: people a shift.
        buffer: places behind the station; ``null`` = no limit, 0 = the rack waits on its server
            for the next server.
        minor_stops: jams and the like; replaced when a physical model is attached.
        breakdowns: failures that need maintenance; kept when a model is attached.
        first_pass_yield: share of racks that pass the station's test at first; absent = no test.
        repair: time on a debug bench of a rack that failed here.
        on_fail: ``repair`` keeps the server, is repaired on a debug bench and retested at once;
            ``requeue`` frees the server and waits again at this station.
        early_fail: a failed test ends early; absent = it takes its full time.
        yield_sources: assumed share of this station's yield loss that comes from a named earlier
            station; it is taken out when a physical model is attached there.
        finds_escapes: probability that this station's test finds a defect that escaped from an
            attached model upstream, per defect.
        power_kw: electrical power of one server in use, in kW (0 = not counted).
    """

    id: Annotated[str, Field(min_length=1)]
    name: str = ""
    automation: str = ""
    cycle_time: Duration
    servers: AtLeastOne = 1
    crew: Count = 0
    buffer: Count | None = None
    minor_stops: Stops | None = None
    breakdowns: Stops | None = None
    first_pass_yield: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    repair: Duration | None = None
    on_fail: Literal["repair", "requeue"] = "repair"
    early_fail: EarlyFail | None = None
    yield_sources: dict[str, Probability] = Field(default_factory=dict)
    finds_escapes: Probability = 0.0
    power_kw: Annotated[float, Field(ge=0.0)] = 0.0


class TransportSpec(Spec):
    """What carries racks between stations.

    Attributes:
        vehicles: how many there are; ``null`` = always one at hand.
        move: time of one move.
    """

    vehicles: AtLeastOne | None = None
    move: Duration


class TechnicianSpec(Spec):
    """Roaming technicians, called by stations with an attached process model.

    Attributes:
        count: how many there are.
        response_s: time from being free and called to standing at the cell.
    """

    count: AtLeastOne = 2
    response_s: Time = 180.0


class LineSpec(Spec):
    """A production line: stations in series, debug benches, transport, technicians.

    Attributes:
        name: name of the line.
        title: one line for people.
        takt_s: time between two racks pushed in (mean of it where ``arrivals: poisson``).
        arrivals: ``takt`` (one rack every takt), ``poisson``, or ``saturated`` (a rack is always
            waiting in front of the first station; takt has no effect).
        retest_factor: a retest fails at this factor times the first rate.
        debug_benches: benches shared by all stations; ``null`` = always one free.
        technicians: roaming technicians.
        transport: absent = racks move in no time.
        stations: in the order racks visit them.
    """

    name: str
    title: str = ""
    takt_s: PositiveTime
    arrivals: Literal["takt", "poisson", "saturated"] = "takt"
    retest_factor: Annotated[float, Field(ge=0.0)] = 1.0
    debug_benches: AtLeastOne | None = None
    technicians: TechnicianSpec = TechnicianSpec()
    transport: TransportSpec | None = None
    stations: Annotated[tuple[StationSpec, ...], Field(min_length=1)]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the stations, in order."""
        return tuple(station.id for station in self.stations)

    def station(self, id_: str) -> StationSpec:
        """Return a station by id; raise `ConfigError` naming the known ones."""
        for station in self.stations:
            if station.id == id_:
                return station
        raise ConfigError(
            f"line {self.name}", "station", id_, "is not on this line", suggest(id_, self.ids)
        )


def shipped_lines() -> tuple[str, ...]:
    """Return the names of the lines that are shipped."""
    folder = resources.files("configs").joinpath("lines")
    names = (Path(str(entry)) for entry in folder.iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == ".yaml"))


def load_line(name_or_path: str | Path) -> LineSpec:
    """Return the line of a shipped name (``nvl72_l11``) or of a file.

    Raises:
        UnknownNameError: no such file or shipped line.
        ConfigError: naming file:line, field, value and remedy.
    """
    path = resolve_path("lines", name_or_path)
    spec = load_spec(LineSpec, path)
    for loc, problem, remedy in _contradictions(spec):
        raise error_at(path, loc, problem, remedy)
    return spec


def parse_line(data: Mapping[str, Any]) -> LineSpec:
    """Return the line of plain data with the keys and units of a line file.

    Raises:
        ConfigError: two fields contradict each other.
        pydantic.ValidationError: a field is wrong by itself.
    """
    spec = LineSpec.model_validate_json(json.dumps(data))
    for loc, problem, remedy in _contradictions(spec):
        field = ".".join(str(step) for step in loc)
        raise ConfigError(f"line {spec.name}", field, None, problem, remedy)
    return spec


_Contradiction = tuple[tuple[str | int, ...], str, str]


def _contradictions(spec: LineSpec) -> Iterator[_Contradiction]:
    """Yield (loc, problem, remedy) of what no field can know by itself."""
    for index, station in enumerate(spec.stations):
        earlier = spec.ids[:index]
        at = ("stations", index)
        if station.id in earlier:
            yield (*at, "id"), "is given to two stations", "give each station its own id"
        yield from ((at + loc, problem, remedy) for loc, problem, remedy in _in_test(station))
        for source in station.yield_sources:
            if source not in earlier:
                yield (
                    (*at, "yield_sources", source),
                    "is not a station before this one",
                    suggest(source, earlier),
                )
        kept = 1.0
        for share in station.yield_sources.values():
            kept *= 1.0 - share
        if station.yield_sources and kept < (station.first_pass_yield or 0.0):
            yield (
                (*at, "yield_sources"),
                f"claims more than the station's whole yield loss of "
                f"{1.0 - (station.first_pass_yield or 0.0):.3g}",
                "lower the shares or the first_pass_yield",
            )


def _in_test(station: StationSpec) -> Iterator[_Contradiction]:
    """Yield what is contradictory about one station's test."""
    tested = station.first_pass_yield is not None or station.finds_escapes > 0
    if tested and station.on_fail == "repair" and station.repair is None:
        where = "first_pass_yield" if station.first_pass_yield is not None else "finds_escapes"
        yield (
            (where,),
            "needs a repair time for what fails",
            'add "repair: {mean: 25 min, cv: 0.5}"',
        )
    if station.yield_sources and station.first_pass_yield is None:
        yield ("yield_sources",), "explains a yield that is not given", "add first_pass_yield"
    early = station.early_fail
    if early is not None and early.from_fraction > early.to_fraction:
        yield (
            ("early_fail", "from_fraction"),
            "is above to_fraction",
            "exchange the two",
        )
