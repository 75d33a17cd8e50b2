"""Part C: which patches the question reads, and where.

Related patches hold at least one pixel of an annotated object's box; other patches are the rest.
"""

import pytest

from harness.data.depth import CENTRAL, FIRST, LOW, LOWER, MID, MIDDLE
from harness.statistics.forms import (
    crosses_over,
    keeps_most_of,
    mainly_inside,
    more_than_controls,
    shifts_from_low_to_mid,
)
from harness.verdicts.study import Study


@pytest.mark.claim("C1")
def test_general_information_enters_in_lower_layers(study: Study, task: str) -> None:
    """Blocking Other patches→Question hurts mainly in the lower layers, the first fifth."""
    effect = study.effect("other_patches->question", task)
    whole = study.unclipped(mainly_inside, effect, band=FIRST)
    study.judge(mainly_inside(effect, FIRST, study.grid), bands=(FIRST,), beside=[whole])


@pytest.mark.claim("C2")
def test_the_object_enters_in_middle_layers(study: Study, task: str) -> None:
    """Blocking Related patches→Question hurts mainly in the middle, the central three fifths."""
    effect = study.effect("related_patches->question", task)
    whole = study.unclipped(mainly_inside, effect, band=CENTRAL)
    study.judge(mainly_inside(effect, CENTRAL, study.grid), bands=(CENTRAL,), beside=[whole])


@pytest.mark.claim("C3")
def test_related_patches_weigh_more_in_the_middle(study: Study, task: str) -> None:
    """Related patches weigh relatively more in the middle than in the lowest layers."""
    related = study.effect("related_patches->question", task)
    other = study.effect("other_patches->question", task)
    whole = study.unclipped(shifts_from_low_to_mid, related, other)
    study.judge(shifts_from_low_to_mid(related, other, study.grid), bands=(LOW, MID), beside=[whole])


@pytest.mark.claim("C3b")
def test_other_patches_dominate_low_and_related_ones_in_the_middle(study: Study, task: str) -> None:
    """Other patches matter more than related ones in the lowest layers, and less in the middle.

    Both stages exist: other patches drop in the lowest layers, related ones in the middle.
    """
    related = study.effect("related_patches->question", task)
    other = study.effect("other_patches->question", task)
    whole = study.unclipped(crosses_over, related, other)
    study.judge(crosses_over(related, other, study.grid), bands=(LOW, MID), beside=[whole])


@pytest.mark.claim("C4")
def test_it_is_relevance_and_not_the_number_of_patches(study: Study, task: str) -> None:
    """Related patches→Question matters more than random patches, a shifted box or another image's boxes.

    The random patches are as many; the shifted box has the same size.
    """
    middle = study.windows_inside(MIDDLE)
    compared = middle.every_second()
    related = study.effect("related_patches->question", task, on=middle)
    controls = [
        study.effect("random_patches->question", task, on=compared),
        study.effect("shifted_patches->question", task, on=compared),
        study.effect("foreign_patches->question", task, on=compared),
    ]
    study.judge(more_than_controls(related, controls, middle, at=compared), bands=(MIDDLE,))


@pytest.mark.claim("C5")
def test_it_is_information_and_not_an_attention_sink(study: Study, task: str) -> None:
    """Blocking Image→Question in lower layers takes information away, not just a place to attend to.

    Hiding nine tenths of the patches, replacing their values by the data set's mean, or replacing their
    contents by those of an image with another answer (the minimal pair, where the data set has one) each
    keeps most of the effect.
    """
    lower = study.windows_inside(LOWER)
    compared = lower.every_second()
    whole = study.effect("image->question", task, on=lower)
    variants = [
        study.effect("most_patches->question", task, on=compared),
        study.patched("image->question", task, by="mean", on=compared),
        study.patched("image->question", task, by="other", on=compared),
    ]
    study.judge(keeps_most_of(variants, whole, lower, at=compared), bands=(LOWER,))
