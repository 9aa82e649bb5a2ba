"""YAML files as nodes, each of which knows the file and line it came from, and what errors say.

Where one file extends another, nodes of both are joined, and errors and pages still name the right
file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from configs.errors import ConfigError, suggest


def read_nodes(path: Path) -> yaml.MappingNode:
    """Return one YAML file.

    Raises:
        ConfigError: it cannot be read, is no YAML, or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(
            f"{path}:1", "file", None, f"cannot be read ({reason})", "check path and rights"
        ) from None
    try:
        loader = yaml.SafeLoader(text)
        loader.name = str(path)  # of every mark, and so of every node
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(
            at(mark) if mark else f"{path}:1",
            "file",
            None,
            f"is not valid YAML ({error.problem})",
            "complete or correct this line",
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        position = getattr(error, "position", 0)  # of a character that YAML does not allow
        line, reason = text.count("\n", 0, position) + 1, " ".join(str(error).split())
        raise ConfigError(
            f"{path}:{line}", "file", None, f"is not valid YAML ({reason})", "correct this line"
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError(
            f"{path}:1", "file", None, "is empty or not a mapping", "write 'field: value' lines"
        )
    return node


def at(mark: yaml.Mark) -> str:
    """Return "file:line" of a mark."""
    return f"{mark.name}:{mark.line + 1}"


def to_plain(node: yaml.Node, above: tuple[int, ...] = ()) -> Any:
    """Return the node's data, refusing duplicate keys, keys of no text, aliases that recurse."""
    if id(node) in above:
        raise ConfigError(
            at(node.start_mark), "file", None, "has a value within itself", "write it out"
        )
    above = (*above, id(node))
    if isinstance(node, yaml.MappingNode):
        plain: dict[str, Any] = {}
        for key_node, value_node in node.value:
            where, key = at(key_node.start_mark), key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConfigError(
                    where, "file", None, "has a key that is no text", "name the field"
                )
            if key in plain:
                raise ConfigError(where, key, None, "is given twice", "keep one of the two")
            plain[key] = to_plain(value_node, above)
        return plain
    if isinstance(node, yaml.SequenceNode):
        return [to_plain(item, above) for item in node.value]
    return yaml.SafeLoader("").construct_object(node)


def line_of(node: yaml.Node, loc: tuple[str | int, ...]) -> tuple[str, object]:
    """Return ("file:line", value) of the deepest node that ``loc`` reaches."""
    mark, value, reached = node.start_mark, None, True
    for step in loc:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                if key_node.value == str(step):
                    child, mark = value_node, key_node.start_mark
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value)
        ):
            child = node.value[step]
            mark = child.start_mark
        if child is None:
            reached = False
            break
        node = child
    if reached and isinstance(node, yaml.ScalarNode):
        value = node.value
    return at(mark), value


_NULL = "tag:yaml.org,2002:null"


def joined_nodes(base: yaml.MappingNode, own: yaml.MappingNode) -> yaml.MappingNode:
    """Return ``base`` with what ``own`` says in its place, mapping by mapping; null takes out.

    Source: RFC 7396 (JSON Merge Patch), whose rules these are.
    """
    over = {key.value: (key, value) for key, value in own.value}
    pairs = []
    for base_key, base_value in base.value:
        key, value = over.pop(base_key.value, (base_key, base_value))
        inner = isinstance(value, yaml.MappingNode) and isinstance(base_value, yaml.MappingNode)
        if inner and value is not base_value:
            value = joined_nodes(base_value, value)
        if value is base_value or value.tag != _NULL:
            pairs.append((key, value))
    for key, value in over.values():
        if value.tag == _NULL:
            names = [base_key.value for base_key, _ in base.value]
            raise ConfigError(
                at(key.start_mark), key.value, "null", "takes out what is not there",
                suggest(key.value, names),
            )  # fmt: skip
        pairs.append((key, value))
    return yaml.MappingNode(own.tag, pairs, own.start_mark, own.end_mark, base.flow_style)
