"""The formats a dataset can be exported in, and the writer behind each."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # physics would slow the start of every command down
    from policies.dataset import About, Transitions


class Format(StrEnum):
    """The formats there are."""

    LEROBOT = "lerobot"
    MINARI = "minari"


class Writer(Protocol):
    """Writes a dataset, episode by episode."""

    def add(self, episode: Transitions) -> None:
        """Write the next episode."""
        ...

    def finish(self) -> None:
        """Write what can only be said of the whole."""
        ...

    def close(self) -> None:
        """Close what is open, finished or not."""
        ...


def writer_of(form: Format) -> Callable[[Path, About], Writer]:
    """Return what makes the writer of a format, from an empty folder and what episodes share.

    Raises:
        EnvironmentSetupError: the format's package is not installed.
    """
    if form is Format.LEROBOT:
        from policies.dataset_lerobot import LeRobotWriter

        return LeRobotWriter
    from policies.dataset_minari import MinariWriter

    return MinariWriter
