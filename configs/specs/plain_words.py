"""What is wrong with a field, and what to write instead, for what pydantic finds by itself.

Its own texts speak of arrays and objects and name no remedy.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from pydantic_core import ErrorDetails

Words = tuple[str, str]
_Said = Callable[[Any, Any], Words]


def in_plain_words(error: ErrorDetails, fields: Sequence[str]) -> Words | None:
    """Return problem and remedy of an error, None where its own text has to do.

    Args:
        error: as pydantic tells it.
        fields: keys of the block that is wanted there, empty where it is no block.
    """
    kind, given, bounds = error["type"], error["input"], error.get("ctx", {})
    if kind in {"model_type", "model_attributes_type"} and fields:
        return "is not a block of fields", f"write its fields: {', '.join(fields)}"
    said = _SAID.get(kind)
    return said(given, bounds) if said else None


def _number(given: Any, _: Any) -> Words:
    text = str(given)
    found = re.match(r"[-+]?\d*\.?\d+", text)
    number = float(found[0]) if found else 0.5
    if text.rstrip().endswith("%"):
        number /= 100
    return "is not a plain number", f"write e.g. {number:g}"


def _whole(given: Any, _: Any) -> Words:
    number = round(given) if isinstance(given, float) and math.isfinite(given) else 3
    return "is not a whole number", f"write e.g. {number}"


def _pair(given: Any, _: Any) -> Words:
    entry = _entry(given, "0.1") if type(given) in {int, float} else "0.1"
    return "is not a list", f"write its entries in brackets, e.g. [{entry}, {entry}]"


def _list(given: Any, _: Any) -> Words:
    return "is not a list", f"write it in brackets, e.g. [{_entry(given, '...')}]"


def _text(given: Any, _: Any) -> Words:
    return "is no text", f'put it in quotes: "{_entry(given, "text")}"'


def _short(_: Any, bounds: Any) -> Words:
    return _entries(bounds["actual_length"]), f"write {bounds['min_length']} or more"


def _long(_: Any, bounds: Any) -> Words:
    return _entries(bounds["actual_length"]), f"write at most {bounds['max_length']}"


def _entry(given: Any, otherwise: str) -> str:
    """Return what was given for an example, where it is short and plain."""
    text = str(given) if isinstance(given, str | int | float) else ""
    return text if 0 < len(text) <= 20 else otherwise


def _entries(count: int | None) -> str:
    if not count:
        return "has too many entries" if count is None else "is empty"
    return f"has {count} {'entry' if count == 1 else 'entries'}"


_SAID: dict[str, _Said] = {
    "bool_type": lambda *_: ("is neither true nor false", "write one of the two"),
    "dict_type": lambda *_: ("is not a block of named entries", "write 'name: value' lines"),
    "mapping_type": lambda *_: ("is not a block of named entries", "write 'name: value' lines"),
    "float_parsing": _number,
    "float_type": _number,
    "finite_number": lambda *_: ("is not finite", "write a finite number"),
    "greater_than": lambda _, b: (f"is not above {b['gt']:g}", f"write more than {b['gt']:g}"),
    "greater_than_equal": lambda _, b: (f"is below {b['ge']:g}", f"write {b['ge']:g} or more"),
    "less_than": lambda _, b: (f"is not below {b['lt']:g}", f"write less than {b['lt']:g}"),
    "less_than_equal": lambda _, b: (f"is above {b['le']:g}", f"write {b['le']:g} or less"),
    "multiple_of": lambda _, b: (
        f"is no multiple of {b['multiple_of']:g}", f"write e.g. {2 * b['multiple_of']:g}"
    ),
    "int_from_float": _whole,
    "int_parsing": _whole,
    "int_type": _whole,
    "list_type": _list,
    "tuple_type": _pair,
    "literal_error": lambda _, b: ("is not one of its values", f"write {b['expected']}"),
    "string_type": _text,
    "string_too_short": lambda *_: ("is empty", "write a name"),
    "too_short": _short,
    "too_long": _long,
}  # fmt: skip
