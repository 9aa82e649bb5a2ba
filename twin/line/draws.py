"""Counter-based random numbers of the line: a keyed hash, so that one change leaves the rest alone.

A draw is a pure function of (seed, replication, station, purpose, unit, visit, k): the same in any
engine, in any order, and untouched by what other stations do (common random numbers).
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MASK: Final = 0xFFFFFFFFFFFFFFFF
# The same constants as in `mix`, as 64-bit words: arrays of them wrap around as the mask does.
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FACTORS: Final = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)
_SHIFTS: Final = np.array([30, 27, 31, 11], dtype=np.uint64)


def mix(key: int, word: int) -> int:
    """Return ``key`` advanced by one 64-bit ``word`` through the splitmix64 finaliser.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
    """
    z = ((key ^ word) + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def key_of(*words: int | str) -> int:
    """Return the key of a tuple of words; text enters by its CRC-32."""
    key = 0
    for word in words:
        key = mix(key, zlib.crc32(word.encode()) if isinstance(word, str) else word & _MASK)
    return key


class Draws:
    """Uniform draws of one purpose at one station in one replication, keyed by (unit, visit, k).

    Args:
        seed: seed of the campaign.
        replication: number of the line replication.
        station: station id, or a name such as ``"transport"``.
        purpose: what the number is for, e.g. ``"cycle time"``.
    """

    __slots__ = ("_key",)

    def __init__(self, seed: int, replication: int, station: str, purpose: str) -> None:
        self._key = key_of(seed, replication, station, purpose)

    def uniform(self, unit: int, visit: int = 0, k: int = 0) -> float:
        """Return the draw in the open interval (0, 1) for (unit, visit, k)."""
        word = mix(mix(mix(self._key, unit), visit), k)
        return ((word >> 11) + 0.5) * 2.0**-53

    def uniforms(self, unit: int, visit: int, count: int) -> NDArray[np.float64]:
        """Return the draws k < count of (unit, visit) at once, equal to `uniform`'s.

        Returns:
            Uniforms in the open interval (0, 1), shape (count,).
        """
        result: NDArray[np.float64] = self.block(range(unit, unit + 1), visit, count)[0]
        return result

    def block(self, units: range, visit: int, count: int) -> NDArray[np.float64]:
        """Return the draws k < count of one visit of each of ``units``, equal to `uniform`'s.

        Returns:
            Uniforms in the open interval (0, 1), shape (units, count).
        """
        keys = np.array([mix(mix(self._key, unit), visit) for unit in units], dtype=np.uint64)
        z = (np.arange(count, dtype=np.uint64) ^ keys[:, None]) + _GOLDEN
        z = (z ^ (z >> _SHIFTS[0])) * _FACTORS[0]
        z = (z ^ (z >> _SHIFTS[1])) * _FACTORS[1]
        z ^= z >> _SHIFTS[2]
        result: NDArray[np.float64] = ((z >> _SHIFTS[3]).astype(np.float64) + 0.5) * 2.0**-53
        return result
