"""The seed ranges, declared once and disjoint: training, selection, held-out.

Tuning and the choice among trained policies read `SELECTION`; cards and evaluations read
held-out seeds, which nothing is ever chosen on.
"""

from __future__ import annotations

TRAINING = range(10_000_000, 20_000_000)
"""Seeds that training may draw from."""
SELECTION = range(20_000_000, 30_000_000)
"""Seeds that tuning, early stopping and model choice may look at."""
HELD_OUT = range(30_000_000, 40_000_000)
"""Seeds of cards, in blocks: a new training run gets a new block."""
