"""The plan of looks: where alpha is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.statistics.looks import ONE_LOOK, PLAN, LookPlan
from harness.validation.store.rows import settings


def test_the_looks_spend_all_of_alpha_and_end_with_all_images() -> None:
    for plan in (PLAN, ONE_LOOK):
        assert sum(plan.spending) == pytest.approx(1.0)
        assert plan.images[-1] == 1.0
        assert list(plan.images) == sorted(plan.images)


def test_a_plan_that_spends_more_than_alpha_is_refused() -> None:
    with pytest.raises(ValueError, match=r"1\.2 times alpha"):
        LookPlan(spending=(0.15, 0.15, 0.2, 0.7))
    with pytest.raises(ValueError, match="2 looks, but 4 shares"):
        LookPlan(images=(0.5, 1.0))


def test_expectations_hold_for_these_looks(tmp_path: Path) -> None:
    """They name the protocol they were made under: its wording must not change unnoticed."""
    assert settings(tmp_path).protocol["looks"] == "0.178, 0.267, 0.5, 1"
