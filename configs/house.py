"""The start-up check: the right Python, and our packages rather than namesakes of theirs.

Standard library only, and free of imports of the project beyond the error tree: it runs before
anything that a wrong environment could break.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from configs.errors import EnvironmentSetupError

PYTHON = (3, 11)
PACKAGES = ("configs", "envs", "policies", "twin")


def check_house(version: tuple[int, int] = (sys.version_info[0], sys.version_info[1])) -> None:
    """Raise `EnvironmentSetupError` unless Python is 3.11 and all four packages are ours."""
    if version != PYTHON:
        raise EnvironmentSetupError(
            f"Rackline needs Python 3.11 (the only one with wheels for PyBullet, current NumPy and "
            f"PyTorch together); this is Python {version[0]}.{version[1]}"
        )
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec and spec.origin else None
        if found is None or found.parent.parent != home:
            raise EnvironmentSetupError(
                f"package {name!r} was found at {found or 'nowhere'}, not in {home}: another "
                f"distribution uses the same name; give Rackline an environment of its own"
            )
