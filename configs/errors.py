"""The tree of errors a user may meet; each message names the place, the value and the remedy.

RacklineError
├── ConfigError            a YAML file says something that cannot be (exit 2)
├── UnknownNameError       a station, policy, line or file that does not exist (exit 2)
├── RunFolderError         a run folder that cannot be resumed or written (exit 2)
├── BundleError            a policy file is damaged, made for another station, or not data (exit 2)
├── RecordingError         a recording is cut, or cannot be replayed by what is here (exit 2)
├── PhysicsError           the simulation failed its own self-test, or left its domain
├── ContractError          a station breaks what every station promises (envs/checks.py)
└── EnvironmentSetupError  wrong Python, or a foreign package under one of our names
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RacklineError(Exception):
    """Base of every error raised on purpose; the command line prints it without a traceback."""

    exit_code = 2


class ConfigError(RacklineError):
    """A config file is wrong.

    Args:
        where: ``file:line`` of the offending value.
        field: dotted path of the field, e.g. ``stations[3].cycle_time.mean``.
        value: the offending value as written (``None`` where nothing was written).
        problem: what is wrong with it, in one clause.
        remedy: what to write instead, in one clause.
    """

    def __init__(self, where: str, field: str, value: object, problem: str, remedy: str) -> None:
        self.where, self.field, self.value = where, field, value
        self.problem, self.remedy = problem, remedy
        shown = "" if value is None else f" = {_shorten(value)}"
        super().__init__(f"{where}: {field}{shown}: {problem}; {remedy}")

    @property
    def file(self) -> str:
        """The file that it is in."""
        return self.where.rpartition(":")[0]


class UnknownNameError(RacklineError):
    """A name was asked for that nothing is registered under.

    Args:
        kind: what was asked for.
        name: by which name.
        known: names that there are, listed as the remedy.
        remedy: another one.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], remedy: str = "") -> None:
        super().__init__(f"unknown {kind} {name!r}; {remedy or suggest(name, sorted(known))}")


class RunFolderError(RacklineError):
    """A run folder cannot be used: another spec, a cut file, or not writable."""


class BundleError(RacklineError):
    """A policy file is damaged, made for another station, or more than data."""


class RecordingError(RacklineError):
    """A recording cannot be read, or was made by another station or version."""


class PhysicsError(RacklineError):
    """The simulation failed its own self-test or left the domain it is valid in."""


class ContractError(RacklineError):
    """A station breaks what every station promises; see `envs.checks`."""


class EnvironmentSetupError(RacklineError):
    """Rackline cannot run here: wrong Python, or a name collision in site-packages."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean …?" or the list of known names, for the remedy part of a message."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names) or 'none'}"


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
