"""Part B: how the image reaches the question.

Knockouts whose source is every visual token and whose target is the question's own words.
"""

import pytest

from harness.data.depth import LOW, LOWER, MID, MIDDLE
from harness.statistics.forms import (
    at_one_depth,
    both_dip_and_first_deeper,
    drops_somewhere,
    group_dips_more_at,
    negligible_from_the_top,
    two_dips,
)
from harness.verdicts.study import Study

CLEAR = ("ChooseAttr", "ChooseCat", "ChooseRel", "QueryAttr")
FAINT = ("CompareAttr", "LogicalObj")


@pytest.mark.claim("B1")
def test_the_image_reaches_the_question_in_lower_layers(study: Study, task: str) -> None:
    """Blocking Image→Question in the lower layers lowers the answer's probability."""
    lower = study.windows_inside(LOWER)
    effect = study.effect("image->question", task, on=lower)
    control = study.random_control("image->question", task, on=lower)
    study.judge(drops_somewhere(effect, lower, within=LOWER, control=control), bands=(LOWER,))


@pytest.mark.claim("B2")
def test_the_image_reaches_the_question_twice(study: Study, task: str) -> None:
    """Image→Question happens twice: a dip in lower layers, a recovery, another dip in middle layers."""
    effects = {grid: study.effect("image->question", task, on=grid) for grid in study.windows(1, 3)}
    both = study.both_dips(effects[study.grid], LOWER, MIDDLE)
    study.judge(two_dips(effects, first=LOWER, second=MIDDLE), bands=(LOWER, MIDDLE), beside=[both])


@pytest.mark.claim("B3")
def test_the_first_dip_is_the_deeper_one(study: Study, task: str) -> None:
    """The first dip of Image→Question is deeper than the second."""
    first = study.deepest_window("image->question", LOW)
    second = study.deepest_window("image->question", MID, after=first)
    effect = study.on_other_images(study.effect("image->question", task))
    study.judge(both_dip_and_first_deeper(effect, study.grid, first, second), bands=(LOW, MID))


@pytest.mark.claim("B4")
def test_the_second_dip_depends_on_the_kind_of_task(study: Study) -> None:
    """The second dip is clear in tasks that choose or query, smaller in those that compare or combine."""
    if not set(study.tasks) >= {*CLEAR, *FAINT}:
        return study.not_applicable(f"needs the tasks {', '.join((*CLEAR, *FAINT))}")
    second = study.deepest_window("image->question", MID)
    clear = [study.on_other_images(study.effect("image->question", task)) for task in CLEAR]
    faint = [study.on_other_images(study.effect("image->question", task)) for task in FAINT]
    return study.judge(group_dips_more_at(clear, faint, study.grid, second), bands=(MID,))


@pytest.mark.claim("B5")
def test_the_layers_agree_across_tasks(study: Study) -> None:
    """Image→Question lies at the same depths in every task, though its size differs."""
    if len(study.tasks) == 1:
        return study.not_applicable("compares several tasks")
    effects = [study.effect("image->question", task) for task in study.tasks]
    return study.judge(at_one_depth(dict.fromkeys(effects, study.grid)))


@pytest.mark.claim("B6")
def test_higher_layers_no_longer_need_the_image(study: Study, task: str) -> None:
    """In the upper half the question no longer needs the image, window by window or all at once."""
    effect = study.effect("image->question", task)
    upper_half = study.blocked_from("image->question", task, start=study.layer_at(0.5))
    study.judge(negligible_from_the_top(effect, study.grid, above=0.5, block=upper_half))
