"""The reference engine: a line as a SimPy simulation in which every unit is a process.

A unit takes a server, is worked on by the station's plan, takes a place in the output buffer while
it blocks the server, is moved while it holds that place, and asks for the next server. All random
numbers come from `twin.line.draws`: the same seed gives the same ledger, and a change at one
station leaves the draws of all others alone.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from simpy import Environment, Event, Timeout

from configs.errors import ConfigError
from configs.specs.line import LineSpec, StationSpec
from twin.line.distributions import Exponential, of_duration
from twin.line.draws import Draws
from twin.line.ledger import REPAIRS, UNITS, VISITS, Ledger
from twin.line.model import LineModel
from twin.line.parts import Pool, Server, Station, Unit, Visit, Window
from twin.line.process import AttachedProcess, ProcessModel, State, TableProcess, VisitPlan

DAY_S = 86_400.0

_Steps: TypeAlias = Generator[Event, Any, Any]


def simulate(
    line: LineSpec | LineModel,
    *,
    seed: int,
    replication: int = 0,
    days: float,
    warmup_days: float = 0.0,
    processes: Mapping[str, ProcessModel] | None = None,
) -> Ledger:
    """Run one replication of a line, from empty, and return its ledger.

    Args:
        line: a line file's content, or a model with attached stations and other changes.
        seed: campaign seed; replications of one campaign share it.
        replication: number of this replication.
        days: measured days, after the warm-up.
        warmup_days: days before the measured window opens.
        processes: the process model of every attached station, by station id, made for this
            (seed, replication).

    Raises:
        ConfigError: a process for a station at which none is attached, or the reverse.
    """
    model = line if isinstance(line, LineModel) else LineModel(line)
    processes = processes or {}
    for id_ in sorted(set(processes) ^ set(model.attached)):
        model.spec.station(id_)
        problem, remedy = (
            (
                "has a process model but is not attached",
                "call LineModel.attach, which says what it replaces",
            )
            if id_ in processes
            else ("is attached but has no process model", "pass one in processes")
        )
        raise ConfigError(f"line {model.spec.name}", f"stations.{id_}", None, problem, remedy)
    run = _Run(model, seed, replication, days * DAY_S, warmup_days * DAY_S, processes)
    return run.ledger()


class _Run:
    """One replication: builds the line, runs it, closes the books."""

    def __init__(
        self,
        model: LineModel,
        seed: int,
        replication: int,
        length_s: float,
        warmup_s: float,
        processes: Mapping[str, ProcessModel],
    ) -> None:
        self.model, self.seed, self.replication = model, seed, replication
        spec = model.spec
        self.env = Environment()
        self.window = Window(warmup_s, warmup_s + length_s)
        self.all_servers: list[Server] = []
        self.stations = [self._station(i, row, processes) for i, row in enumerate(spec.stations)]
        self.benches = None if spec.debug_benches is None else self._pool(spec.debug_benches)
        self.technicians = self._pool(spec.technicians.count)
        self.technician_busy_s = self.bench_busy_s = 0.0
        transport = spec.transport
        self.vehicles = self._pool(transport.vehicles) if transport and transport.vehicles else None
        self.move = of_duration(transport.move) if transport else None
        self.move_draws = Draws(seed, replication, "transport", "move")
        self.entered: list[float] = []
        self.shipped: list[tuple[int, float, int]] = []
        self.visits: list[tuple[Any, ...]] = []
        self.open: dict[int, tuple[int, Visit]] = {}
        self.repairs: list[tuple[Any, ...]] = []

    def _pool(self, count: int) -> Pool[bool]:
        return Pool(self.env, [True] * count)

    def _station(
        self, index: int, spec: StationSpec, processes: Mapping[str, ProcessModel]
    ) -> Station:
        key = {"seed": self.seed, "replication": self.replication}
        factor = self.model.spec.retest_factor
        attached = processes.get(spec.id)
        process: ProcessModel = (
            AttachedProcess(attached, spec, factor, **key)
            if attached is not None
            else TableProcess(spec, factor, **key)
        )
        first = len(self.all_servers)
        servers = [Server(first + i, self.window) for i in range(spec.servers)]
        self.all_servers += servers
        draws = {
            p: Draws(self.seed, self.replication, spec.id, p) for p in ("repair", "find escape")
        }
        return Station(index, spec, process, servers, self.env, draws)

    # -- units ------------------------------------------------------------------------------------

    def _push(self) -> None:
        """Let the next unit enter."""
        number = len(self.entered)
        self.entered.append(self.env.now)
        self.env.process(self._travel(Unit(number)))

    def _arrivals(self) -> _Steps:
        """Push a unit in every takt, or after exponential times."""
        takt_s = self.model.spec.takt_s
        gap = Exponential(takt_s) if self.model.spec.arrivals == "poisson" else None
        draws = Draws(self.seed, self.replication, "source", "arrival")
        while True:
            self._push()
            gap_s = gap.at(draws.uniform(len(self.entered))) if gap else takt_s
            yield Timeout(self.env, gap_s)

    def _travel(self, unit: Unit) -> _Steps:
        """Take one unit through the line."""
        env, first = self.env, self.stations[0]
        visit = self._arrive(unit, first)
        server = first.servers.take() or (yield first.servers.wait())
        server.until(env.now, State.STARVED)
        if self.model.spec.arrivals == "saturated":
            self._push()
        for station, after in pairwise(self.stations):
            server = yield from self._serve(station, server, unit, visit)
            if station.places is None:
                self._leave(station, server, unit, visit)
                visit, server = yield from self._move_on(station, after, unit)
            elif station.spec.buffer:
                server.waits_as = State.BLOCKED
                place = station.places.take() or (yield station.places.wait())
                self._leave(station, server, unit, visit)
                visit, server = yield from self._move_on(station, after, unit)
                station.places.give(place)
            else:  # no place between: the unit waits on its server for the next server itself
                server.waits_as = State.BLOCKED
                reserved = after.servers.take() or (yield after.servers.wait())
                self._leave(station, server, unit, visit)
                visit, server = yield from self._move_on(station, after, unit, reserved)
        server = yield from self._serve(self.stations[-1], server, unit, visit)
        self._leave(self.stations[-1], server, unit, visit)
        self.shipped.append((unit.number, env.now, unit.escapes))

    def _move_on(
        self, station: Station, after: Station, unit: Unit, reserved: Server | None = None
    ) -> _Steps:
        """Move a unit to the next station and return its visit and its server there."""
        env = self.env
        moving_since = env.now
        if reserved:
            reserved.until(moving_since, State.STARVED)
            reserved.waits_as = State.WAITING_FOR_TRANSPORT
        if self.move is not None:
            if self.vehicles is not None:
                vehicle = self.vehicles.take() or (yield self.vehicles.wait())
            yield Timeout(env, self.move.at(self.move_draws.uniform(unit.number, station.index)))
            if self.vehicles is not None:
                self.vehicles.give(vehicle)
        visit = self._arrive(unit, after)
        server = reserved or after.servers.take() or (yield after.servers.wait())
        if server.accounted < moving_since:
            server.until(moving_since, State.STARVED)
        server.until(env.now, State.WAITING_FOR_TRANSPORT)
        return visit, server

    def _arrive(self, unit: Unit, station: Station) -> Visit:
        """Open the books on a unit's visit."""
        visit = Visit(self.env.now)
        self.open[unit.number] = station.index, visit
        return visit

    def _serve(self, station: Station, server: Server, unit: Unit, visit: Visit) -> _Steps:
        """Work on a unit until it passes the station's test; return the server it is on then."""
        env = self.env
        visit.started = env.now
        while True:
            plan = station.process.plan(unit.number, visit.attempts)
            yield from self._work(server, plan)
            found = 0 if visit.attempts else station.find(unit)
            passed = plan.passed and not found
            visit.add(plan, found, passed)
            unit.escapes += plan.escapes - found
            if passed:
                visit.done = env.now
                return server
            if station.spec.on_fail == "repair":
                yield from self._repair(station, server, unit, visit.attempts)
            else:
                self._free(station, server, State.STARVED)
                server = station.servers.take() or (yield station.servers.wait())
                server.until(env.now, State.STARVED)

    def _work(self, server: Server, plan: VisitPlan) -> _Steps:
        """Let a plan pass on a server; neighbouring steps that nobody waits for are one event."""
        env = self.env
        pending_s = 0.0
        for step in plan.steps:
            if not step.technician:
                server.until(server.accounted + step.duration_s, step.state)
                pending_s += step.duration_s
                continue
            if pending_s:
                yield Timeout(env, pending_s)
                pending_s = 0.0
            server.waits_as = State.WAITING_FOR_CREW
            technician = self.technicians.take() or (yield self.technicians.wait())
            response_s = self.model.spec.technicians.response_s
            server.until(env.now + response_s, State.WAITING_FOR_CREW)
            server.until(server.accounted + step.duration_s, step.state)
            busy_s = response_s + step.duration_s
            self.technician_busy_s += self.window.overlap(env.now, env.now + busy_s)
            yield Timeout(env, busy_s)
            self.technicians.give(technician)
        if pending_s:
            yield Timeout(env, pending_s)

    def _repair(self, station: Station, server: Server, unit: Unit, attempt: int) -> _Steps:
        """Repair a failed unit on a debug bench while it keeps its server."""
        env = self.env
        failed = env.now
        server.waits_as = State.WAITING_FOR_CREW
        if self.benches is not None:
            bench = self.benches.take() or (yield self.benches.wait())
        started = env.now
        server.until(started, State.WAITING_FOR_CREW)
        repair_s = station.repair.at(station.repair_draws.uniform(unit.number, attempt))
        server.until(started + repair_s, State.REWORK)
        self.bench_busy_s += self.window.overlap(started, started + repair_s)
        yield Timeout(env, repair_s)
        if self.benches is not None:
            self.benches.give(bench)
        self.repairs.append((unit.number, station.index, failed, started, env.now))

    def _free(self, station: Station, server: Server, since_accounted: State) -> None:
        """Account a server's time up to now, and let the next unit have it."""
        server.until(self.env.now, since_accounted)
        server.waits_as = State.STARVED
        station.servers.give(server)

    def _leave(self, station: Station, server: Server, unit: Unit, visit: Visit) -> None:
        """Free the server and enter the visit into the books."""
        self._free(station, server, State.BLOCKED)
        self.visits.append(visit.row(unit.number, station.index, server.index, self.env.now))
        del self.open[unit.number]

    # -- books ------------------------------------------------------------------------------------

    def ledger(self) -> Ledger:
        """Run to the end of the window and return what happened."""
        if self.model.spec.arrivals == "saturated":
            self._push()
        else:
            self.env.process(self._arrivals())
        self.env.run(until=self.window.end)
        for server in self.all_servers:
            if server.accounted < self.window.end:
                server.until(self.window.end, server.waits_as)
        for number, (station, visit) in self.open.items():
            self.visits.append(visit.row(number, station, -1, math.nan))
        units = np.zeros(len(self.entered), dtype=UNITS)
        units["entered_s"] = self.entered
        units["shipped_s"] = math.nan
        for number, shipped_s, escapes in self.shipped:
            units[number] = (self.entered[number], shipped_s, escapes)
        return Ledger(
            line=self.model.spec.name,
            seed=self.seed,
            replication=self.replication,
            window_s=(self.window.start, self.window.end),
            stations=self.model.station_infos(),
            people=self.model.people,
            technicians=self.model.spec.technicians.count,
            benches=self.model.spec.debug_benches,
            server_time_s=np.array([list(s.time_s.values()) for s in self.all_servers]),
            server_station=np.repeat(
                np.arange(len(self.stations)), [s.spec.servers for s in self.stations]
            ),
            technician_busy_s=self.technician_busy_s,
            bench_busy_s=self.bench_busy_s,
            units=units,
            visits=np.array(self.visits, dtype=VISITS),
            repairs=np.array(self.repairs, dtype=REPAIRS),
        )
