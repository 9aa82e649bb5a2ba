"""The engine against closed forms and exact Markov chains.

About 80 s on one core. Standard errors reached: 0.6-1.8 % of the value for waits and contents of
queues at a load near .8 (their relative variance is worth some 80 customers: 0.3 % would take
twenty times as long), 0.2 % or less for rates and availabilities. docs/validation.md holds a longer
run of the same questions (`rackline line oracles`).
"""

import pytest

from twin.line.oracles import ORACLES, Z_LIMIT, ask

SEED = 2026


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_engine_agrees_with_the_known_answer(oracle):
    for answer in ask(oracle, seed=SEED, replications=20):
        assert abs(answer.z) <= Z_LIMIT, answer
        assert answer.relative_error <= 0.025, "the run is too short to say anything"
