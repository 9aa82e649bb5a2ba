"""The ledger of looks at held-out seeds: whose block is whose, and how often each was read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from configs.errors import RunFolderError
from configs.specs.base import first_problem
from policies.seeds import HELD_OUT

BLOCK: Final = 10_000
"""Held-out seeds of a block; every policy gets a block of its own. The first is for evaluations:
scripts were judged on its seeds before any policy was trained."""


@dataclass(frozen=True)
class Look:
    """A row of the ledger, one a block of held-out seeds.

    Attributes:
        policy: whose block it is, by the hash of its behaviour.
        name: the policy's, for people.
        looks: studies that have read the block; evaluations are not counted, so block 0 says 0.
    """

    policy: str
    name: str
    looks: int


EVALUATIONS: Final = Look("-", "shipped evaluations (configs/evaluations)", 0)
"""The first row of every ledger: block 0 is nobody's."""
_LOOKS: Final = TypeAdapter(list[Look])


def take_look(ledger: Path, policy: str, name: str) -> int:
    """Count a look at held-out seeds in the ledger; return the policy's block, a new one if new.

    Raises:
        RunFolderError: no block is left, or the ledger cannot be read or written.
    """
    looks = read_looks(ledger)
    block = next((n for n, row in enumerate(looks) if row.policy == policy), len(looks))
    if block == len(looks):
        if (block + 1) * BLOCK > len(HELD_OUT):
            raise RunFolderError(f"{ledger}: all held-out blocks are used up")
        looks.append(Look(policy, name, 0))
    looks[block] = replace(looks[block], looks=looks[block].looks + 1)
    text = json.dumps([asdict(row) for row in looks], indent=1)
    try:
        ledger.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise RunFolderError(
            f"{ledger}: cannot be written ({error.strerror}); choose another --ledger"
        ) from None
    return block


def read_looks(ledger: Path) -> list[Look]:
    """Return the rows of a ledger, one a block; those of a ledger that begins if there is none.

    Raises:
        RunFolderError: it cannot be read, or is none.
    """
    if not ledger.exists():
        return [EVALUATIONS]
    remedy = "bring it back from version control, or choose another --ledger"
    try:
        looks = _LOOKS.validate_json(ledger.read_bytes())
    except OSError as error:
        raise RunFolderError(f"{ledger}: cannot be read ({error.strerror}); {remedy}") from None
    except ValidationError as error:
        raise RunFolderError(f"{ledger}: is damaged ({first_problem(error)}); {remedy}") from None
    if not looks or looks[0].policy != EVALUATIONS.policy:
        raise RunFolderError(f"{ledger}: does not begin with the evaluations' block; {remedy}")
    return looks
