"""Part D: the order of the three stages, and the routes between them."""

import pytest

from harness.data.depth import LOW, MID, WHOLE
from harness.statistics.forms import in_order, mediates_most, retains
from harness.verdicts.study import Study

MEDIATORS = ("question", "separator+suffix+roles", "last")


@pytest.mark.claim("D1")
def test_the_three_stages_come_in_order(study: Study, task: str) -> None:
    """Other patches reach the question first, then related patches, then the question reaches Last."""
    stages = [
        study.effect("other_patches->question", task),
        study.effect("related_patches->question", task),
        study.effect("question->last", task),
    ]
    study.judge(in_order(stages, study.grid))


@pytest.mark.claim("D2")
def test_the_image_acts_through_the_question(study: Study, task: str) -> None:
    """Of the image's effect on the answer, more than half passes through the question's words."""
    study.judge(
        mediates_most(study.mediators("image", MEDIATORS, task), MEDIATORS, "question"), threshold=None
    )


@pytest.mark.claim("D3")
def test_the_named_pathway_suffices(study: Study, task: str) -> None:
    """Image→Question in the windows of its two stages and Question→Last in its own suffice.

    Everything else that reads the image is blocked, and Last reads the question in no other layer; text reads
    text as before. Most of the accuracy above chance survives. The windows are located on other images.
    """
    first = study.deepest_window("image->question", LOW)
    second = study.deepest_window("image->question", MID, after=first)
    read = study.deepest_window("question->last", WHOLE)
    pathway = {"image->question": (first, second), "question->last": (read,)}
    closed = ("image->after_image", "question->last")
    kept = study.on_other_images(study.accuracy_with_only(pathway, task, closed=closed))
    whole = study.on_other_images(study.accuracy(task))
    chance = study.on_other_images(study.chance(task))
    study.judge(retains(kept, whole, chance), threshold=None)
