"""What commands write on request: refused before the work if it cannot be, and after it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from configs.errors import RacklineError


def check_file(option: str, path: Path | None) -> None:
    """Raise a `RacklineError` if ``path`` cannot become a file: said now, not after minutes."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise RacklineError(f"{option} {path}: no folder {path.parent}; make it first")
    if path.is_dir():
        raise RacklineError(f"{option} {path}: is a folder; name a file in it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise RacklineError(f"{option} {path}: may not be written; choose another file")


def write_file(option: str, path: Path, text: str) -> None:
    """Write ``text``, or raise a `RacklineError` that says why it cannot be."""
    with writing(option, path):
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Turn a failure to write ``path`` in the block into a `RacklineError` that says why."""
    try:
        yield
    except OSError as error:
        raise RacklineError(
            f"{option} {path}: cannot be written ({error.strerror}); choose another file"
        ) from None
