"""Reads a YAML file for people: every value as it is written, with the comment beside it.

Units and sources stand in values and comments, which a parsed spec no longer knows.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from configs.specs.base import compose


@dataclass(frozen=True)
class Entry:
    """One line of a YAML file.

    Attributes:
        path: keys from the top.
        value: the value as written, empty where the key only opens a section.
        note: comment on the same line, or on lines of its own right above; with the name of the
            file that it speaks of, where that is one that is extended.
    """

    path: tuple[str, ...]
    value: str
    note: str


@dataclass(frozen=True)
class Written:
    """A YAML file as it is written.

    Attributes:
        entries: its lines.
        opening: the comment at its top.
    """

    entries: tuple[Entry, ...]
    opening: tuple[str, ...]

    @classmethod
    def read(cls, path: Path, folder: str = "") -> Self:
        """Return the file at ``path``; for ``folder`` see `entries`."""
        return cls(tuple(entries(path, folder)), tuple(opening_comment(path)))

    def value(self, *path: str) -> str:
        """Return a value as written."""
        return next(entry.value for entry in self.entries if entry.path == path)

    def note(self, *path: str) -> str:
        """Return the comment on a key."""
        return next(entry.note for entry in self.entries if entry.path == path)

    def below(self, *path: str) -> list[Entry]:
        """Return the entries right below a key."""
        n = len(path)
        return [e for e in self.entries if e.path[:n] == path and len(e.path) == n + 1]


def opening_comment(path: Path) -> list[str]:
    """Return the lines of the comment at the top of a YAML file; none where it has none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return [line.lstrip("# ") for line in comments]


def entries(path: Path, folder: str = "") -> Iterator[Entry]:
    """Yield the entries of a YAML file that loads, sections included, in the order of the file.

    Args:
        path: the file.
        folder: see `configs.specs.base.compose`; entries of what it extends come with its own.
    """
    lines = functools.cache(_lines)

    def note(start: yaml.Mark, end: yaml.Mark) -> str:
        said = _note(lines(start.name), start, end)
        return f"{said} ({Path(start.name).name})" if said and start.name != str(path) else said

    yield from _below(compose(path, folder), (), note)


def _lines(file: str) -> list[str]:
    """Return the lines of a file, those of its opening comment empty: that speaks of the file."""
    path = Path(file)
    opening = len(opening_comment(path))
    lines = [*path.read_text(encoding="utf-8").splitlines(), ""]
    return ["" if i < opening else line for i, line in enumerate(lines)]


def _below(
    node: yaml.MappingNode, above: tuple[str, ...], note: Callable[[yaml.Mark, yaml.Mark], str]
) -> Iterator[Entry]:
    for key, value in node.value:
        path = (*above, str(key.value))
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield Entry(path, "", note(key.start_mark, key.end_mark))
            yield from _below(value, path, note)
        else:
            yield Entry(path, _written(value), note(key.start_mark, value.end_mark))


def _written(node: yaml.Node) -> str:
    """Return a value on one line; items that repeat are counted."""
    if isinstance(node, yaml.MappingNode):
        return ", ".join(f"{key.value} {_written(value)}" for key, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        runs = itertools.groupby(_written(item) for item in node.value)
        counted = ((item, len(list(run))) for item, run in runs)
        return ", ".join(item if count == 1 else f"{count} {item}" for item, count in counted)
    return str(node.value)


def _note(lines: list[str], start: yaml.Mark, end: yaml.Mark) -> str:
    """Return the comment behind ``end``, or else the one right above the line of ``start``."""
    beside = lines[end.line][end.column :].partition("#")[2].strip()
    if beside:
        return beside
    before = reversed(lines[: start.line])
    above = itertools.takewhile(lambda line: line.lstrip().startswith("#"), before)
    return " ".join(reversed([line.lstrip(" #") for line in above]))
