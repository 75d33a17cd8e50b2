"""Part D: the order of the three steps, and the routes between them."""

import pytest

from harness.forms import in_order
from harness.study import Study


@pytest.mark.claim("D1", source="ABS")
def test_the_three_steps_come_in_order(study: Study, task: str) -> None:
    """Other patches reach the question first, then related patches, then the question reaches Last."""
    steps = [
        study.effect("other_patches->question", task),
        study.effect("related_patches->question", task),
        study.effect("question->last", task),
    ]
    study.judge(in_order(steps, study.grid))
