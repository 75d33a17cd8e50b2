"""Part E: how the answer forms at the last position, read off every layer by the logit lens."""

import pytest

from harness.data.depth import MIDDLE
from harness.data.sample import CHOOSE_TASKS
from harness.statistics.forms import (
    RISE,
    leaves_behind,
    never_leads,
    one_form_then_another,
    onset_after,
    rises_in,
)
from harness.verdicts.study import Study


@pytest.mark.claim("E1")
def test_the_answer_rises_in_middle_layers(study: Study, task: str) -> None:
    """At the last position the answer is near zero in lower layers and rises in the middle ones.

    The answer is its first token, lower-case or capitalised.
    """
    study.judge(rises_in(study.lens("either", task), study.lens_grid), bands=(MIDDLE,), threshold=RISE)


@pytest.mark.claim("E2")
def test_the_answer_rises_after_the_object_has_arrived(study: Study, task: str) -> None:
    """The answer, in either letter case, rises after Related patches→Question, the second stage."""
    answer = study.lens("either", task)
    related = study.effect("related_patches->question", task)
    study.judge(onset_after(answer, related, study.lens_grid, study.grid), threshold=None)


@pytest.mark.claim("E3")
def test_lower_case_comes_before_the_capital(study: Study, task: str) -> None:
    """The answer forms in lower case first; its capital comes later."""
    lower, capital = study.lens("lower", task), study.lens("capital", task)
    study.judge(one_form_then_another(lower, capital, study.lens_grid), threshold=RISE)


@pytest.mark.claim("E3-norm")
def test_lower_case_comes_before_the_capital_with_the_final_norm(study: Study, task: str) -> None:
    """Read with the final norm at every layer, the answer still forms in lower case first."""
    lower, capital = study.lens("lower", task, norm=True), study.lens("capital", task, norm=True)
    study.judge(one_form_then_another(lower, capital, study.lens_grid), threshold=RISE)


@pytest.mark.claim("E4")
def test_the_second_phase_is_about_form(study: Study, task: str) -> None:
    """Asked for a lower-case answer, the model skips the second phase: the capital never leads."""
    lower, capital = study.lens("lower", task), study.lens("capital", task)
    two_phases = one_form_then_another(lower, capital, study.lens_grid)
    asked_lower = study.lens("lower", task, condition="lower")
    asked_capital = study.lens("capital", task, condition="lower")
    study.judge(never_leads(asked_capital, asked_lower, study.lens_grid, where=[two_phases]), threshold=RISE)


@pytest.mark.claim("E5", tasks=CHOOSE_TASKS)
def test_the_true_option_leaves_the_false_one_behind(study: Study, task: str) -> None:
    """Of the two options, in either letter case, the true one takes the lead and the false one never does."""
    true, false = study.lens("either", task), study.lens("false_either", task)
    study.judge(leaves_behind(true, false, study.lens_grid), threshold=RISE)
