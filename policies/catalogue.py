"""How a name becomes a policy."""

from __future__ import annotations

from configs.errors import UnknownNameError
from configs.specs.station import StationSpec
from policies.policy import Policy
from policies.scripted import registry


def load_policy(name: str, station: StationSpec) -> Policy:
    """Return the policy called ``name`` for ``station``.

    Args:
        name: ``scripted/<id>`` or ``scripted/<id>@<version>``.
        station: the station it is to work.

    Raises:
        UnknownNameError: nothing goes by that name, or not at that version.
    """
    known = [entry.name for entry in registry.scripts()]
    bare, _, version = name.partition("@")
    entry = next((e for e in registry.scripts() if e.name == bare), None)
    if entry is None or (version and version != str(entry.version)):
        versioned = [f"{e.name}@{e.version}" for e in registry.scripts()] if version else known
        raise UnknownNameError("policy", name, versioned)
    return entry.build(station)
