"""Factors on a station's data, for convergence and robustness studies."""

from __future__ import annotations

from dataclasses import dataclass

from configs.errors import UnknownNameError
from configs.specs.station import PoseError, Setting, StationSpec


@dataclass(frozen=True)
class Perturbation:
    """Factors on a station's data; 1 is the station.

    Attributes:
        rate: of physics; control and policy keep theirs.
        stiffness: of contact; its damping goes with the root, so that the damping ratio stays.
        damping: of contact, beside that.
        pose_error: of docking and grasp.
        friction: of both ends of its range.
    """

    rate: int = 1
    stiffness: float = 1.0
    damping: float = 1.0
    pose_error: float = 1.0
    friction: float = 1.0


def perturbed(spec: StationSpec, name: str, p: Perturbation) -> Setting:
    """Return a setting of the station with the perturbation's factors applied.

    Raises:
        UnknownNameError: the station has no such setting.
    """
    if name not in spec.settings:
        raise UnknownNameError("setting", name, spec.settings)
    setting = spec.settings[name]

    def wider(error: PoseError) -> PoseError:
        return error.model_copy(update={axis: p.pose_error * half for axis, half in error})

    low, high = setting.friction
    return setting.model_copy(
        update={
            "dock": wider(setting.dock),
            "grasp": wider(setting.grasp),
            "friction": (p.friction * low, p.friction * high),
        }
    )
