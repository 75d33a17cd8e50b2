"""kill -9 at random moments: nothing is lost, nothing is measured twice but the block in flight."""

import random

import pytest

from harness.validation.store.kills import run


@pytest.mark.slow
def test_whoever_is_killed_at_a_random_moment_is_taken_over_from() -> None:
    tally = run(25, seed=random.SystemRandom().randrange(2**32))
    assert tally.kills == 25
    assert tally.progressed > 0
