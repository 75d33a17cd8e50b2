"""Part D: the order of the three steps, and the routes between them."""

import pytest

from harness.depth import HIGHER, LOWER_TO_MIDDLE
from harness.forms import carries_most, in_order, retains
from harness.study import Study

CARRIERS = ("separator", "question", "suffix", "roles", "last")


@pytest.mark.claim("D1", source="ABS")
def test_the_three_steps_come_in_order(study: Study, task: str) -> None:
    """Other patches reach the question first, then related patches, then the question reaches Last."""
    steps = [
        study.effect("other_patches->question", task),
        study.effect("related_patches->question", task),
        study.effect("question->last", task),
    ]
    study.judge(in_order(steps, study.grid))


@pytest.mark.claim("D2", source="ABS")
def test_the_image_acts_through_the_question(study: Study, task: str) -> None:
    """Of what reads the image, the question's words carry more than half of its effect."""
    study.judge(carries_most(study.carriers("image", CARRIERS, task), CARRIERS, "question"), threshold=None)


@pytest.mark.claim("D3", source="OURS")
def test_the_named_pathway_suffices(study: Study, task: str) -> None:
    """Image→Question in lower to middle layers and Question→Last in higher ones suffice.

    With every other edge from the image and from the question to later positions blocked, most of the
    accuracy above chance survives.
    """
    pathway = {"image->question": LOWER_TO_MIDDLE, "question->last": HIGHER}
    study.judge(
        retains(study.accuracy_with_only(pathway, task), study.accuracy(task), study.chance(task)),
        threshold=None,
    )
