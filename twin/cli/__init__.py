"""The command line: thin commands, no logic."""

from __future__ import annotations

import sys
import traceback

_MISTAKE, _CRASHED = 2, 70  # 70: EX_SOFTWARE of sysexits.h; 1 and 3 are verdicts


def main() -> None:
    """Check the house, then run the command.

    A user's mistake becomes one line and exit code 2; a fault of Rackline's own shows its trace
    and exits with 70, so that nobody takes it for a gate that fails (1).
    """
    try:
        from typer import TyperException

        from configs.errors import RacklineError
        from configs.house import check_house
    except ModuleNotFoundError as error:
        print(f"Rackline cannot start: {error}; give it an environment of its own", file=sys.stderr)  # noqa: T201
        sys.exit(_MISTAKE)
    try:
        check_house()
        # Importing a module registers its commands.
        from twin.cli import (  # noqa: F401
            card,
            catalogue,
            converge,
            dataset,
            evaluate,
            factory,
            line,
            line_replay,
            replay,
            rollout,
            train,
            tune,
        )
        from twin.cli.app import app

        sys.exit(app(standalone_mode=False))
    except RacklineError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except TyperException as error:
        message = error.format_message().rstrip(".")
        if message:  # empty where help was asked for by giving nothing
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "rackline"
            print(f"error: {message}; see {command} --help", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    except Exception as error:
        from envs.own_modules import own_mistake

        if mistake := own_mistake(error):
            print(f"error: {mistake}", file=sys.stderr)  # noqa: T201
            sys.exit(mistake.exit_code)
        traceback.print_exc()
        print("error: this is a fault in Rackline, not in what it was given", file=sys.stderr)  # noqa: T201
        sys.exit(_CRASHED)
