"""JSON schemas of a recording's messages: two of Foxglove's, as far as they are used, two of ours.

Source: https://docs.foxglove.dev/docs/sdk/schemas (SceneUpdate, FrameTransforms).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

_NUMBER: Schema = {"type": "number"}
_TEXT: Schema = {"type": "string"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _numbers(names: Sequence[str]) -> Schema:
    return _object(**{name: _NUMBER for name in names})


_TIME = {
    "type": "object",
    "properties": {"sec": {"type": "integer"}, "nsec": {"type": "integer"}},
}
_CUBE = _object(
    pose=_object(position=_numbers("xyz"), orientation=_numbers("xyzw")),
    size=_numbers("xyz"),
    color=_numbers("rgba"),
)
_ENTITY = _object(
    timestamp=_TIME,
    frame_id=_TEXT,
    id=_TEXT,
    lifetime=_TIME,
    frame_locked={"type": "boolean"},
    cubes=_list(_CUBE),
)
_DELETION = _object(timestamp=_TIME, type={"type": "integer"}, id=_TEXT)
_TRANSFORM = _object(
    timestamp=_TIME,
    parent_frame_id=_TEXT,
    child_frame_id=_TEXT,
    translation=_numbers("xyz"),
    rotation=_numbers("xyzw"),
)
_ANY_NUMBERS: Schema = {"type": "object", "additionalProperties": _NUMBER}

SCHEMAS: dict[str, tuple[str, Schema]] = {
    "/scene": (
        "foxglove.SceneUpdate",
        _object(deletions=_list(_DELETION), entities=_list(_ENTITY)),
    ),
    "/tf_fixed": ("foxglove.FrameTransforms", _object(transforms=_list(_TRANSFORM))),
    "/tf": ("foxglove.FrameTransforms", _object(transforms=_list(_TRANSFORM))),
    "/frames": ("rackline.Frame", _object(phase=_TEXT, signals=_ANY_NUMBERS)),
    "/steps": (
        "rackline.Step",
        _object(
            phase=_TEXT,
            action=_list(_NUMBER),
            state_hash=_TEXT,
            reward=_NUMBER,
            terms=_ANY_NUMBERS,
        ),
    ),
}
"""Name and schema of each topic's messages."""
