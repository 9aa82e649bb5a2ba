"""Quantities with units: a field carries its SI unit in its Python name and not in YAML.

There the value itself says its unit::

    takt_s: Time            # Python: spec.takt_s == 4320.0
    takt: 72 min            # YAML
"""

from __future__ import annotations

import functools
import math
import re
from typing import Annotated, Any, LiteralString

import pint
from pydantic import AfterValidator, BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

# Longest first: the first that fits is cut.
_SUFFIXES = (
    "_n_per_m",
    "_nm_per_rad",
    "_ns_per_m",
    "_nms_per_rad",
    "_m_per_s2",
    "_rad_per_s2",
    "_kg_m2",
)
_SUFFIXES_SHORT = (
    "_kg_m2",
    "_rad_per_s",
    "_m_per_s",
    "_per_s",
    "_rad",
    "_kg",
    "_hz",
    "_nm",
    "_m",
    "_s",
    "_n",
)


def yaml_key(field_name: str) -> str:
    """Return the YAML key of a Python field: the name without its unit suffix."""
    for suffix in _SUFFIXES + _SUFFIXES_SHORT:
        if field_name.endswith(suffix):
            return field_name.removesuffix(suffix)
    return field_name


@functools.cache
def _units() -> pint.UnitRegistry[float]:
    return pint.UnitRegistry()


def parse_quantity(text: object, unit: str) -> float:
    """Return ``text`` such as ``"72 min"`` in ``unit``, or raise an error that says the remedy.

    Args:
        text: number and unit as one string.
        unit: SI unit to convert to, in pint's spelling (``"s"``, ``"N/m"``, ``"rad"``).
    """
    if not isinstance(text, str):
        plain = type(text) in {int, float} and len(str(text)) <= 20
        number = str(text) if plain else "1"
        raise _error("has no unit; write it with one, e.g. {e}", number, unit)
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise _error("is not a number and a unit; write e.g. {e}", "1", unit)
    number, written, joined = found.groups()
    if joined:
        raise PydanticCustomError(
            "quantity", "has no blank before its unit; write {e}", {"e": f'"{number} {joined}"'}
        )
    if not written:
        raise _error("has no unit; write it with one, e.g. {e}", number, unit)
    try:
        converted = _units().Quantity(float(number), written).to(unit).magnitude
        value = float(f"{converted:.15g}")  # 1.8 mm is 0.0018 m, not 0.0018000000000000002
    except pint.DimensionalityError:
        raise _error(
            "has the wrong kind of unit; a value in {u} is needed, e.g. {e}", number, unit
        ) from None
    except Exception:  # pint raises a zoo of errors, tokenizer errors included, on odd text
        raise _error("is not a number and a unit; write e.g. {e}", number, unit) from None
    if not math.isfinite(value):
        raise _error("is not finite; write e.g. {e}", "1", unit)
    return value


_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+(.+)|([^\s\d.].*))?")
_CUSTOMARY = {
    "s": ("ms", "s", "min"),
    "m": ("mm", "m"),
    "rad": ("deg", "rad"),
    "m/s": ("mm/s", "m/s"),
    "rad/s": ("deg/s", "rad/s"),
    "N/m": ("kN/m", "N/m"),
    "m/s**2": ("m/s^2",),
    "rad/s**2": ("rad/s^2",),
}


def _error(text: LiteralString, number: str, unit: str) -> PydanticCustomError:
    """Return an error whose examples are the number as written, in units of its kind."""
    *most, last = (f'"{number} {name}"' for name in _CUSTOMARY.get(unit, (unit,)))
    examples = f"{', '.join(most)} or {last}" if most else last
    return PydanticCustomError("quantity", text, {"u": unit, "e": examples})


def quantity(unit: str) -> Any:
    """Return the validators of a field in ``unit``, to be unpacked into its `Annotated`."""

    def parse(text: object) -> float:
        return parse_quantity(text, unit)

    def show(value: float) -> str:
        return f"{value!r} {unit}"

    # Resolved specs are written back as text with units, so that they load again as they are.
    return BeforeValidator(parse), PlainSerializer(show, return_type=str)


def _not_negative(value: float) -> float:
    if value < 0:
        raise PydanticCustomError("negative", "is negative; write a value of 0 or more", {})
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise PydanticCustomError("positive", "is not above zero; write a value above 0", {})
    return value


NotNegative, Positive = AfterValidator(_not_negative), AfterValidator(_positive)

Time = Annotated[float, *quantity("s"), NotNegative]
"""A duration ≥ 0, in seconds."""
Length = Annotated[float, *quantity("m"), NotNegative]
"""A length ≥ 0, in metres."""
Angle = Annotated[float, *quantity("rad"), NotNegative]
"""An angle ≥ 0, in radians."""
Force = Annotated[float, *quantity("N"), NotNegative]
"""A force ≥ 0, in newtons."""
Torque = Annotated[float, *quantity("N*m"), NotNegative]
"""A torque ≥ 0, in newton-metres."""
Mass = Annotated[float, *quantity("kg"), Positive]
"""A mass > 0, in kilograms."""
Frequency = Annotated[float, *quantity("Hz"), Positive]
"""A rate > 0, in hertz."""
Speed = Annotated[float, *quantity("m/s"), Positive]
"""A speed > 0, in metres a second."""
AngularSpeed = Annotated[float, *quantity("rad/s"), Positive]
"""An angular speed > 0, in radians a second."""
AngularAcceleration = Annotated[float, *quantity("rad/s**2"), Positive]
"""An angular acceleration > 0, in radians a second squared."""
Acceleration = Annotated[float, *quantity("m/s**2"), Positive]
"""An acceleration > 0, in metres a second squared."""
Stiffness = Annotated[float, *quantity("N/m"), NotNegative]
"""A linear stiffness ≥ 0, in newtons a metre."""
Damping = Annotated[float, *quantity("N*s/m"), NotNegative]
"""A linear damping ≥ 0, in newton-seconds a metre."""
AngularStiffness = Annotated[float, *quantity("N*m/rad"), NotNegative]
"""An angular stiffness ≥ 0, in newton-metres a radian."""
AngularDamping = Annotated[float, *quantity("N*m*s/rad"), NotNegative]
"""An angular damping ≥ 0, in newton-metre-seconds a radian."""
