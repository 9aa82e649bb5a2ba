"""A policy assumed before any episode is run, to see what the campaign will leave open about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from envs.outcome import OutcomeClass
from policies.records import EpisodeRecord
from twin.bridge.process import fit_station
from twin.bridge.synthetic import Truth
from twin.evaluation import cases
from twin.evaluation.before import MODES, Assumed, Mode
from twin.evaluation.cases import Fitted
from twin.evaluation.lines import LineCase
from twin.evaluation.perfect import scripted_s
from twin.evaluation.plan import Plan
from twin.kpi.nested import DRAWS_A_REPLICATION, replication_of

RATE = 0.02  # assumed share of operations that are not ok, until the episodes say


@dataclass(frozen=True)
class AssumedPolicy:
    """A campaign of the evaluation's size, as it is expected of a policy that errs at `RATE`.

    Its misses are spread evenly over the racks and over the classes; it takes no time to insert.

    Attributes:
        size: of the campaign and of the line runs, about as many as preflight makes of a line.
        cases: the line with it in the cell.
    """

    size: Assumed
    cases: dict[Mode, LineCase]


def assumed_policy(plan: Plan) -> AssumedPolicy:
    """Return the assumed policy and its lines."""
    records = assumed_records(plan)
    misses = sum(record.outcome is not OutcomeClass.OK for record in records)
    model = fit_station(
        records,
        station=plan.spec.station,
        label="assumed policy",
        effects=plan.spec.effects,
        operations=plan.spec.operations.per_rack,
    )
    spec = plan.spec.campaign
    digest = f"assumed-{misses}-of-{spec.racks}x{spec.parts_per_rack}"
    fitted = Fitted("assumed", model, cases.digest_of(digest, model))
    counts = plan.spec.line_runs.replications
    runs = DRAWS_A_REPLICATION * max(2, counts.preflight // DRAWS_A_REPLICATION)
    pairs = tuple(replication_of(run) for run in range(runs))
    lines = {mode: replace(cases.cell(plan, fitted, mode), replications=pairs) for mode in MODES}
    return AssumedPolicy(Assumed(len(records), misses, runs), lines)


def assumed_records(plan: Plan) -> list[EpisodeRecord]:
    """Return the assumed campaign, in the order of racks and slots."""
    campaign = plan.spec.campaign
    places = [(rack, slot) for rack in range(campaign.racks) for slot in plan.slots(rack)]
    misses = round(RATE * len(places))
    examples = {r.outcome: r for r in Truth(0.5, 0.0).campaign(100, 8, np.random.default_rng(0))}
    right = examples.pop(OutcomeClass.OK)
    wrong = [examples[outcome] for outcome in sorted(examples)]
    at = {int((k + 0.5) * len(places) / misses): wrong[k % len(wrong)] for k in range(misses)}
    return [
        replace(
            at.get(number, right),
            seed=campaign.seed,
            rack_id=rack,
            slot=slot,
            part=plan.station.slots[slot],
            cycle_time_s=scripted_s(plan.station, slot),
            contact_time_s=0.0,
        )
        for number, (rack, slot) in enumerate(places)
    ]
