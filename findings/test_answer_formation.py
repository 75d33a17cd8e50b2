"""Part E: how the answer forms at the last position, read off every layer by the logit lens."""

import pytest

from harness.depth import MIDDLE
from harness.forms import RISE, one_form_then_another, rises_in
from harness.study import Study


@pytest.mark.claim("E1", source="ABS")
def test_the_answer_rises_in_middle_layers(study: Study, task: str) -> None:
    """At the last position the answer is near zero in lower layers and rises in the middle ones."""
    study.judge(rises_in(study.lens("capital", task), study.lens_grid), bands=(MIDDLE,), threshold=RISE)


@pytest.mark.claim("E3", source="ABS")
def test_lower_case_comes_before_the_capital(study: Study, task: str) -> None:
    """The answer forms in lower case first; its capital comes later."""
    lower, capital = study.lens("lower", task), study.lens("capital", task)
    study.judge(one_form_then_another(lower, capital, study.lens_grid), threshold=RISE)


@pytest.mark.claim("E3-norm", source="ABS")
def test_lower_case_comes_before_the_capital_with_the_final_norm(study: Study, task: str) -> None:
    """The same, read with the final norm at every layer: what holds only without it is fragile."""
    lower, capital = study.lens("lower", task, norm=True), study.lens("capital", task, norm=True)
    study.judge(one_form_then_another(lower, capital, study.lens_grid), threshold=RISE)
