"""How an evaluation tells how far it is; the command line shows it, tests ignore it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of phases and of items done."""

    def begin(self, title: str, total: int, done: int) -> None:
        """Begin a phase of ``total`` items, of which ``done`` were found in the run folder."""
        ...

    def advance(self) -> None:
        """Count one more item."""
        ...

    def end(self) -> None:
        """End the phase."""
        ...


class Quiet:
    """Tells nobody."""

    def begin(self, title: str, total: int, done: int) -> None:
        """Do nothing."""

    def advance(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
