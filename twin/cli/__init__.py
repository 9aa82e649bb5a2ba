"""The command line: thin commands, no logic."""

from __future__ import annotations

import sys


def main() -> None:
    """Check the house, then run the command; a `RacklineError` becomes one line."""
    try:
        from configs.errors import RacklineError
        from configs.house import check_house
    except ModuleNotFoundError as error:
        sys.exit(f"Rackline cannot start: {error}; give it an environment of its own")
    try:
        check_house()
        from twin.cli import converge, evaluate, line  # noqa: F401 - registers their commands
        from twin.cli.app import app

        app()
    except RacklineError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
