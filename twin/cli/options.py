"""Options that several commands have, and what is the same behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130
"""Exit code of a command ended by Ctrl-C, as a shell reports it."""

Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes (default: all cores); results do not depend on it."),
]
StudyFolder = Annotated[
    Path | None, typer.Option(help="Run folder, resumed if it exists (default: runs/<name>).")
]


def study_folder(out: Path | None, name: str, racks: int | None) -> Path:
    """Return a study's run folder; another number of rack visits has one of its own."""
    return out or Path("runs") / (name if racks is None else f"{name}_{racks}_racks")
