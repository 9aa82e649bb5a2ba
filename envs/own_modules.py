"""Modules of one's own that register stations or scripts: found by the names of what they hold.

`own_station:acme/FanInsert-v0` is registered by `own_station`, which any process can import.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from configs.errors import UnknownNameError


def import_own(kind: str, name: str, registered: Mapping[str, object]) -> None:
    """Import the module that a name begins with, if the name is not registered yet.

    Args:
        kind: "station" or "script", for messages.
        name: ``"module:rest"``; a name without a module is left alone.
        registered: what is registered by name, as it is now and after the import.

    Raises:
        UnknownNameError: there is no such module, or it registers under another module's name.
    """
    module = name.rpartition(":")[0]
    if not module or name in registered:
        return
    before = set(registered)
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there, and what it imports is not
        remedy = f"no module {error.name!r} can be imported: put its folder on PYTHONPATH"
        raise UnknownNameError(kind, name, (), remedy) from None
    foreign = [new for new in registered if new not in before and not new.startswith(f"{module}:")]
    if name not in registered and foreign:
        remedy = f"{module!r} registers {', '.join(foreign)}: begin its names with '{module}:'"
        raise UnknownNameError(kind, name, (), remedy)
