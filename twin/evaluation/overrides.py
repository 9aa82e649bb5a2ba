"""Changing one assumed input by its dotted path, through the same checks as the file it is in."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from configs.errors import ConfigError, suggest
from configs.specs.effects import Effects
from configs.specs.line import LineSpec, parse_line

Value = str | int | float


class OverrideError(ValueError):
    """An override cannot be made; ``part`` says what is wrong: ``input`` or ``value``."""

    def __init__(self, part: str, problem: str, remedy: str) -> None:
        self.part, self.problem, self.remedy = part, problem, remedy
        super().__init__(f"{problem}; {remedy}")


def with_input(
    line: LineSpec, effects: Effects, path: str, value: Value
) -> tuple[LineSpec, Effects]:
    """Return line and effects with one input changed.

    Args:
        line: the line.
        effects: the effects of the outcome classes.
        path: ``line.…`` or ``effects.…``; items of a list go by their ``id``.
        value: as one would write it in YAML, e.g. ``"5 min"``.

    Raises:
        OverrideError: no such input, or the value is not accepted there.
    """
    root, *steps = path.split(".")
    data = json.loads((line if root == "line" else effects).model_dump_json(by_alias=True))
    put(data, steps, value)
    try:
        if root == "line":
            return parse_line(data), effects
        return line, Effects.model_validate_json(json.dumps(data))
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        problem, _, remedy = message.partition("; ")
        raise OverrideError(
            "value", f"is refused by {path} ({problem})", remedy or "write another value"
        ) from None
    except ConfigError as error:
        raise OverrideError(
            "value", f"contradicts the line ({error.problem})", error.remedy
        ) from None


def shown_value(line: LineSpec, effects: Effects, path: str) -> Value:
    """Return an input's present value as it would be written in YAML."""
    root, *steps = path.split(".")
    node: Any = json.loads((line if root == "line" else effects).model_dump_json(by_alias=True))
    for step in steps:
        node = _child(node, step)
    value: Value = node
    return value


def put(data: Any, steps: list[str], value: Value) -> None:
    """Put a value into plain data, at a path whose items of a list go by their id.

    Raises:
        OverrideError: nothing is there, or more than a single value.
    """
    node = data
    for step in steps[:-1]:
        node = _child(node, step)
    if isinstance(_child(node, steps[-1]), dict | list):
        below = [key for key in _keys(_child(node, steps[-1]))]
        raise OverrideError("input", "is not a single value", f"go on with one of {below}")
    node[steps[-1]] = value


def _child(node: Any, step: str) -> Any:
    if isinstance(node, dict) and step in node:
        return node[step]
    if isinstance(node, list):
        for item in node:
            if isinstance(item, dict) and item.get("id") == step:
                return item
    raise OverrideError("input", f"has no {step!r} there", suggest(step, _keys(node)))


def _keys(node: Any) -> list[str]:
    if isinstance(node, dict):
        return list(node)
    if isinstance(node, list):
        return [str(item["id"]) for item in node if isinstance(item, dict) and "id" in item]
    return []
