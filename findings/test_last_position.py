"""Part A: what reaches the last position.

Knockouts whose target is the last prompt token, where the answer is read off.
"""

import pytest

from harness.forms import at_most_a_quarter_of, drops_somewhere, in_all, in_most, negligible_everywhere
from harness.study import Study


@pytest.mark.claim("A1", source="ABS, 3P")
def test_the_question_reaches_the_last_position(study: Study) -> None:
    """Blocking Question→Last cuts the answer's probability strongly, in all tasks."""
    study.judge(
        in_all(
            [
                drops_somewhere(
                    study.effect("question->last", task),
                    study.grid,
                    null=study.null("question->last", task),
                )
                for task in study.tasks
            ]
        )
    )


@pytest.mark.claim("A2", source="3P")
def test_the_image_hardly_reaches_the_last_position_directly(study: Study) -> None:
    """Blocking Image→Last has no significant direct effect in most tasks."""
    direct = {task: study.effect("image->last", task) for task in study.tasks}
    through_the_question = {task: study.effect("question->last", task) for task in study.tasks}
    study.judge(
        in_most(
            [
                in_all(
                    [
                        negligible_everywhere(direct[task], study.grid),
                        at_most_a_quarter_of(direct[task], study.grid, of=through_the_question[task]),
                    ]
                )
                for task in study.tasks
            ]
        )
    )


@pytest.mark.claim("A3", source="3P")
def test_the_last_position_hardly_needs_itself(study: Study) -> None:
    """Blocking Last→Last barely matters, in all tasks."""
    study.judge(
        in_all([negligible_everywhere(study.effect("last->last", task), study.grid) for task in study.tasks])
    )
