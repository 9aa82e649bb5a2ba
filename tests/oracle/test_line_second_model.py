"""The reference line, written a second time in the plainest SimPy, against the engine.

The second model shares nothing with the engine but the line file: `simpy.Resource` for everything
and one numpy generator for all random numbers. About 20 s.
"""

import numpy as np
import simpy

from configs.specs.line import load_line
from twin.kpi.line_kpis import line_kpis
from twin.line.reference import simulate

DAYS, WARMUP_DAYS, DAY_S = 60, 15, 86_400
REPLICATIONS = 16


def lognormal(rng, duration):
    variance = np.log1p(duration.cv**2)
    return rng.lognormal(np.log(duration.mean_s) - variance / 2, np.sqrt(variance))


def second_model(spec, takt_s, seed):
    """Return racks a day and mean lead time (h)."""
    rng, env = np.random.default_rng(seed), simpy.Environment()
    servers = [simpy.Resource(env, station.servers) for station in spec.stations]
    buffers = [simpy.Resource(env, s.buffer) if s.buffer else None for s in spec.stations]
    vehicles = simpy.Resource(env, spec.transport.vehicles)
    benches = simpy.Resource(env, spec.debug_benches)
    shipped = []

    def attempt(station, fails):
        work_s = lognormal(rng, station.cycle_time)
        if fails and station.early_fail:
            work_s *= rng.uniform(station.early_fail.from_fraction, station.early_fail.to_fraction)
        rows = (station.minor_stops, station.breakdowns)
        stops = [rng.exponential(r.mttr_s, rng.poisson(work_s / r.mtbf_s)).sum() for r in rows]
        return work_s + sum(stops)

    def rack():
        entered, place = env.now, None
        for index, station in enumerate(spec.stations):
            server = servers[index].request()
            yield server
            if place is not None:
                buffers[index - 1].release(place)
            first = 1 - (station.first_pass_yield or 1.0)
            fails = rng.random() < first
            yield env.timeout(attempt(station, fails))
            while fails:
                with benches.request() as bench:
                    yield bench
                    yield env.timeout(lognormal(rng, station.repair))
                fails = rng.random() < spec.retest_factor * first
                yield env.timeout(attempt(station, fails))
            if buffers[index] is not None:
                place = buffers[index].request()
                yield place
                servers[index].release(server)
                with vehicles.request() as vehicle:
                    yield vehicle
                    yield env.timeout(lognormal(rng, spec.transport.move))
            else:
                servers[index].release(server)
        if env.now >= WARMUP_DAYS * DAY_S:
            shipped.append(env.now - entered)

    def source():
        while True:
            env.process(rack())
            yield env.timeout(takt_s)

    env.process(source())
    env.run(until=(DAYS + WARMUP_DAYS) * DAY_S)
    return len(shipped) / DAYS, float(np.mean(shipped)) / 3600


def test_engine_agrees_with_a_second_model_of_the_reference_line():
    spec = load_line("nvl72_l11")
    theirs = [second_model(spec, spec.takt_s, seed=100 + r) for r in range(REPLICATIONS)]
    ours = []
    for replication in range(REPLICATIONS):
        ledger = simulate(spec, seed=5, replication=replication, days=DAYS, warmup_days=WARMUP_DAYS)
        kpis = line_kpis(ledger)
        ours.append((kpis["racks_per_day"], kpis["lead_time_mean_h"]))
    difference = np.mean(ours, axis=0) - np.mean(theirs, axis=0)
    variance = np.var(ours, axis=0, ddof=1) + np.var(theirs, axis=0, ddof=1)
    error = np.sqrt(variance / REPLICATIONS)
    assert (error < (0.05, 0.5)).all(), "too few replications to say anything"
    assert (np.abs(difference) <= 3 * error).all(), (difference, error)
