"""What the station's committed convergence result says about the physics behind the episodes."""

from __future__ import annotations

import json

from configs.specs.base import spec_hash
from envs.registry import station
from policies.convergence import result_path
from twin.evaluation.plan import Plan


def physics_statement(plan: Plan) -> str:
    """Return one sentence for the report on whether the physics is converged."""
    path = result_path(station(plan.spec.env).config)
    unknown = f"Physics not shown to be converged: station {plan.station.id} has "
    if not path.exists():
        return unknown + "no convergence result (run 'rackline converge')."
    card = json.loads(path.read_text(encoding="utf-8"))
    if card["spec_hash"] != spec_hash(plan.station):
        return unknown + "changed since its convergence result (run 'rackline converge' again)."
    study = f"{card['seeds']} seeds at 1, 2 and 4 times {card['rate_hz']:g} Hz"
    if card["converged"]:
        return f"Physics converged: {study} give the same outcomes and forces within the criteria."
    return f"Physics NOT converged ({study}): {'; '.join(card['failures'])}."
