"""The engine against closed forms and exact Markov chains.

About two minutes on one core. Standard errors reached: 0.7-1.3 % of the value for waits and contents
of queues at a load near .8 (their relative variance is some 80 customers' worth, so 0.3 % would
take ten times as long; docs/validation.md holds such a run), 0.3 % or less for rates and
availabilities.
"""

import pytest

from twin.line.oracles import ORACLES, Z_LIMIT, ask

SEED = 2026


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_engine_agrees_with_the_known_answer(oracle):
    for answer in ask(oracle, seed=SEED, replications=20):
        print(f"{answer.known.name}: {answer.mean:.5f}, exact {answer.known.exact:.5f}, "
              f"SE {100 * answer.relative_error:.2f} %, z {answer.z:+.2f}")  # fmt: skip  # noqa: T201
        assert abs(answer.z) <= Z_LIMIT, answer
        assert answer.relative_error <= 0.02, "the run is too short to say anything"
