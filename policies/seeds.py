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
"""Seeds of evaluations (the first block) and of cards: every policy gets a block of its own, and
every study of it is counted as a look (`policies.card_looks`)."""
