"""The engine against closed forms and exact Markov chains, in a quick run.

About 80 s on one core. Twenty replications leave standard errors of 0.9-1.6 % for waits and
contents of queues at a load near .8 and of 0.05-0.2 % for rates and availabilities. At |z| <= 3 an
engine that is wrong is found with 80 % probability (3.84 standard errors) if waits or contents are
off by 3-6 %, rates by 0.7-0.9 %, availabilities by 0.2-0.5 %; smaller faults pass here.
docs/validation.md asks the same at standard errors of 0.3 % (`make validate`), which finds 1.2 %.
"""

import pytest

from twin.line.oracles import ORACLES, Z_LIMIT, ask

SEED = 2026


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_engine_agrees_with_the_known_answer(oracle):
    for answer in ask(oracle, seed=SEED, replications=20):
        assert abs(answer.z) <= Z_LIMIT, answer
        assert answer.relative_error <= 0.025, "the run is too short to say anything"


def test_replications_go_on_until_the_error_asked_for():
    repairmen = ORACLES[-1]
    (loose,) = ask(repairmen, seed=SEED, replications=5, scale=0.02)
    (close,) = ask(repairmen, seed=SEED, replications=5, scale=0.02, error=0.001)
    assert loose.replications == 5
    assert close.relative_error <= 0.001 < loose.relative_error
    assert close.replications > 5
    assert close.replications % 5 == 0
