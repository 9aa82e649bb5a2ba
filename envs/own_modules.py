"""Modules of one's own that register stations or scripts: found by the names of what they hold.

`own_station:acme/FanInsert-v0` is registered by `own_station`, which any process can import.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from configs.errors import RacklineError, UnknownNameError

_HOUSE = Path(__file__).resolve().parents[1]
_PACKAGES = {"configs", "envs", "policies", "twin"}
_folders: set[Path] = set()
"""Of the modules that were imported here."""


def import_own(kind: str, name: str, registered: Mapping[str, object]) -> None:
    """Import the module that a name begins with, if the name is not registered yet.

    Args:
        kind: "station" or "script", for messages.
        name: ``"module:rest"``; a name without a module is left alone.
        registered: what is registered by name, as it is now and after the import.

    Raises:
        UnknownNameError: there is no such module, or it registers under another module's name.
        RacklineError: the module cannot be imported, naming ``file:line``, problem and remedy.
    """
    module = name.rpartition(":")[0]
    if not module or name in registered:
        return
    before = set(registered)
    try:
        importlib.import_module(module)
    except RacklineError:
        raise  # what it registers cannot be: said by the registry
    except (Exception, SystemExit) as error:  # whatever somebody else's code may do
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            remedy = f"no module {missing!r} can be imported: put its folder on PYTHONPATH"
            raise UnknownNameError(kind, name, (), remedy) from None
        raise RacklineError(f"{_place(module, error)}: {_mistake(module, error)}") from error
    _folders.add(_folder(sys.modules[module].__file__ or ""))
    foreign = [new for new in registered if new not in before and not new.startswith(f"{module}:")]
    if name not in registered and foreign:
        remedy = f"{module!r} registers {', '.join(foreign)}: begin its names with '{module}:'"
        raise UnknownNameError(kind, name, (), remedy)


def own_mistake(error: BaseException) -> RacklineError | None:
    """Return what to say of an error that code of one's own raised, or None where ours did.

    What decides is whose code the last line of the trace is in, libraries aside: a script that
    hands a wrong value to NumPy is at fault, a station that stumbles over a wrong value is not.
    """
    lines = [
        line
        for line in traceback.extract_tb(error.__traceback__)
        if _folder(line.filename) in _folders or _is_ours(line.filename)
    ]
    if not lines or _folder(lines[-1].filename) not in _folders:
        return None
    return RacklineError(f"{lines[-1].filename}:{lines[-1].lineno}: {_shown(error)}; correct it")


def _is_ours(file: str) -> bool:
    path = Path(file).resolve()
    return _HOUSE in path.parents and path.relative_to(_HOUSE).parts[0] in _PACKAGES


def _folder(file: str) -> Path:
    return Path(file).resolve().parent


def _place(module: str, error: BaseException) -> str:
    """Return the ``file:line`` at which an import failed: the last one in the module's folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno or 1}"  # of what was read; no line of it was run
    lines = [
        line
        for line in traceback.extract_tb(error.__traceback__)
        if line.filename not in (__file__, importlib.__file__)
        and not line.filename.startswith("<frozen importlib")
    ]
    if not lines:
        return module
    home = Path(lines[0].filename).parent
    last = next(line for line in reversed(lines) if Path(line.filename).parent == home)
    return f"{last.filename}:{last.lineno}"


def _mistake(module: str, error: BaseException) -> str:
    """Return problem and remedy of an import that failed."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"imports {error.name!r}, which is not here; install it or put it on PYTHONPATH"
    return f"{_shown(error)}; correct it: python -c 'import {module}' shows all of it"


def _shown(error: BaseException) -> str:
    said = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__} ({said})" if said else type(error).__name__
