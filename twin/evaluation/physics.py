"""What the station's committed convergence result says about the physics behind the episodes."""

from __future__ import annotations

from twin.evaluation.plan import Plan


def physics_statement(plan: Plan) -> str:
    """Return one sentence for the report on whether the physics is converged."""
    return (
        f"No convergence result is shipped for station {plan.station.id}: "
        f"its physics is not shown to be converged."
    )
