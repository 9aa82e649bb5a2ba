"""The Typer application that the commands hang on."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="rackline",
    help="Judge robot policies at a physical station by what the production line gains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def root() -> None:
    """Judge robot policies at a physical station by what the production line gains."""
