"""Part A: what reaches the last position.

Knockouts whose target is the last prompt token, where the answer is read off.
"""

import pytest

from harness.data.depth import CENTRAL
from harness.statistics.forms import (
    at_least_as_strong_as,
    at_most_a_quarter_of,
    at_one_depth,
    drops_somewhere,
    exceeds_the_others,
    far_stronger_than,
    in_all,
    in_most,
    negligible_everywhere,
    one_depth_band,
)
from harness.verdicts.study import Study


@pytest.mark.claim("A1")
def test_the_question_reaches_the_last_position(study: Study) -> None:
    """Blocking Question→Last cuts the answer's probability strongly, in all tasks."""
    study.judge(
        in_all(
            {
                task: drops_somewhere(
                    study.effect("question->last", task),
                    study.grid,
                    control=study.random_control("question->last", task),
                )
                for task in study.tasks
            }
        )
    )


@pytest.mark.claim("A2")
def test_the_image_hardly_reaches_the_last_position_directly(study: Study) -> None:
    """Blocking Image→Last has no significant direct effect in most tasks."""
    direct = {task: study.effect("image->last", task) for task in study.tasks}
    through_the_question = {task: study.effect("question->last", task) for task in study.tasks}
    study.judge(
        in_most(
            {
                task: in_all(
                    [
                        negligible_everywhere(direct[task], study.grid),
                        at_most_a_quarter_of(direct[task], study.grid, of=through_the_question[task]),
                    ]
                )
                for task in study.tasks
            }
        )
    )


@pytest.mark.claim("A3")
def test_the_last_position_hardly_needs_itself(study: Study) -> None:
    """Blocking Last→Last barely matters, in all tasks."""
    itself = {task: study.effect("last->last", task) for task in study.tasks}
    study.judge(in_all({task: negligible_everywhere(itself[task], study.grid) for task in study.tasks}))


@pytest.mark.claim("A4")
def test_the_question_matters_most_to_the_last_position(study: Study, task: str) -> None:
    """Question→Last matters far more than Image→Last, which matters at least as much as Last→Last.

    Window by window: Image→Last stays below half of the deepest drop of Question→Last, and nowhere falls 5
    points behind Last→Last.
    """
    question = study.effect("question->last", task)
    image = study.effect("image->last", task)
    last = study.effect("last->last", task)
    study.judge(
        in_all(
            [
                far_stronger_than(question, image, study.grid),
                at_least_as_strong_as(image, last, study.grid),
            ]
        )
    )


@pytest.mark.claim("A5")
def test_the_question_is_read_in_one_band_of_layers(study: Study) -> None:
    """Question→Last lies in one depth band, the same for every task, outside the first and last fifths.

    Close together, mainly inside the central three fifths, less than half a window apart in any two tasks.
    """
    if len(study.tasks) == 1:
        return study.not_applicable("compares several tasks")
    effects = [study.effect("question->last", task) for task in study.tasks]
    return study.judge(one_depth_band(effects, study.grid, within=CENTRAL), bands=(CENTRAL,))


@pytest.mark.claim("A6")
def test_open_questions_have_a_slight_direct_flow(study: Study) -> None:
    """QueryAttr is an exception: Image→Last has a slight direct effect there."""
    if "QueryAttr" not in study.tasks or len(study.tasks) == 1:
        return study.not_applicable("needs QueryAttr and another task")
    others = [study.effect("image->last", task) for task in study.tasks if task != "QueryAttr"]
    return study.judge(
        exceeds_the_others(study.effect("image->last", "QueryAttr"), others, study.grid), threshold=None
    )


@pytest.mark.claim("A7")
def test_first_and_last_sub_word_are_fed_alike(study: Study, task: str) -> None:
    """Question→Last lies at the same depths for the first sub-word of the answer as for the last."""
    first = study.effect("question->last", task, condition="first_subword")
    last = study.effect("question->last", task, condition="last_subword")
    if study.undefined(last):
        return study.not_applicable("no answer that was kept has several sub-words")
    return study.judge(at_one_depth(dict.fromkeys([first, last], study.grid), required=False))
