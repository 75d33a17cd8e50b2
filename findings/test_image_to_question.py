"""Part B: from the image into the question.

Knockouts whose source is every visual token and whose target is the question's own tokens.
"""

import pytest

from harness.depth import LOWER
from harness.forms import drops_somewhere, two_dips
from harness.study import Study


@pytest.mark.claim("B1", source="ABS")
def test_the_image_enters_the_question_in_lower_layers(study: Study, task: str) -> None:
    """Blocking Image→Question in the lower layers lowers the answer's probability."""
    effect = study.effect("image->question", task)
    null = study.null("image->question", task)
    study.judge(drops_somewhere(effect, study.grid, within=LOWER, null=null), bands=(LOWER,))


@pytest.mark.claim("B2", source="ABS, 3P")
def test_the_image_enters_the_question_twice(study: Study, task: str) -> None:
    """Image→Question matters twice: in the lowest layers, and again at lower-middle depth."""
    study.judge(
        two_dips({grid: study.effect("image->question", task, on=grid) for grid in study.windows(1, 3)})
    )
