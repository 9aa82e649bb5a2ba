"""Which code made a recording: a digest of the sources that decide what is in it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

_HOME = Path(__file__).resolve().parent.parent
_SOURCES = (
    "envs/**/*.py",
    "policies/scripted/**/*.py",
    "policies/recorder.py",
    "policies/recording_file.py",
    "policies/recording_messages.py",
)
"""What simulates, judges and rewards; the scripts; what writes down. Data is in the spec hash."""


def code_digest(env_id: str) -> str:
    """Return 16 hex digits of the sources behind a station's recordings, of its own module too.

    Between two releases the version stays and code changes; a header's ``code`` tells them apart.
    It also changes with a comment, so that it explains a difference and is no reason to refuse.

    Args:
        env_id: a registered station, see `envs.registry.station`.
    """
    module = sys.modules.get(env_id.removeprefix("envs:").rpartition(":")[0])
    own = getattr(module, "__file__", None)
    files = [*_OURS, (Path(own).name, Path(own).read_bytes())] if own else _OURS
    return _digest(files)


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    digest = hashlib.sha256()
    for name, content in files:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _ours() -> list[tuple[str, bytes]]:
    found = sorted({file for pattern in _SOURCES for file in _HOME.glob(pattern)})
    return [(file.relative_to(_HOME).as_posix(), file.read_bytes()) for file in found]


_OURS = _ours()
"""Read at import, as the code itself is: a long training goes on with what it began with."""
