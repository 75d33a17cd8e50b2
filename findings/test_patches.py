"""Part C: which patches the question reads, and where.

Related patches hold at least one pixel of an annotated object's box; other patches are the rest.
"""

import pytest

from harness.depth import LOW, LOWER, MID, MIDDLE
from harness.forms import mainly_inside, shifts_from_low_to_mid
from harness.study import Study


@pytest.mark.claim("C1", source="ABS")
def test_general_information_enters_in_lower_layers(study: Study, task: str) -> None:
    """Blocking Other patches→Question hurts mainly in the lower layers."""
    effect = study.effect("other_patches->question", task)
    study.judge(mainly_inside(effect, LOWER, study.grid), bands=(LOWER,))


@pytest.mark.claim("C2", source="ABS")
def test_the_object_enters_in_middle_layers(study: Study, task: str) -> None:
    """Blocking Related patches→Question hurts mainly in the middle layers."""
    effect = study.effect("related_patches->question", task)
    study.judge(mainly_inside(effect, MIDDLE, study.grid), bands=(MIDDLE,))


@pytest.mark.claim("C3", source="ABS")
def test_related_patches_weigh_more_in_the_middle(study: Study, task: str) -> None:
    """Related patches weigh relatively more in the middle than in the lowest layers."""
    related = study.effect("related_patches->question", task)
    other = study.effect("other_patches->question", task)
    study.judge(shifts_from_low_to_mid(related, other, study.grid), bands=(LOW, MID))
