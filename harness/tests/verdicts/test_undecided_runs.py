"""A run that could decide nothing says why, and is not green."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from harness.data.errors import NOT_FINITE
from harness.statistics.verdict import Judgement, Verdict
from harness.verdicts.record import CheckpointRecord, TaskRecord
from harness.verdicts.undecided_runs import overflowing, why_undecided

GOOD = TaskRecord("QueryAttr", 120, 100, 100, {"wrong answer": 20}, right=0.9, chance=0.3)
CHECKPOINT = CheckpointRecord("new", "0" * 64, 12, 3, "float32", "cpu", (GOOD,), 0)


def lines(*tasks: TaskRecord, verdict: Verdict = Verdict.SUPPORTED, images: int = 100) -> list[str]:
    judgement = Judgement(verdict, 0.01, 0.9, 0.05, 2, images, images)
    claims = (SimpleNamespace(checkpoint="new", judgement=judgement),)
    record: Any = SimpleNamespace(checkpoints=(replace(CHECKPOINT, tasks=tasks),), claims=claims)
    return why_undecided(record, "stores")


def test_a_run_that_measured_something_is_left_alone() -> None:
    assert lines(GOOD) == []
    assert lines(GOOD, verdict=Verdict.INCONCLUSIVE) == []


def test_few_samples_that_were_asked_for_are_no_failure() -> None:
    few = replace(GOOD, samples=2, images=2, included=0)
    assert lines(few, verdict=Verdict.INCONCLUSIVE, images=0) == []


def test_where_no_claim_applies_nothing_has_to_be_stored() -> None:
    nothing = replace(GOOD, samples=0, images=0, included=0)
    assert lines(nothing, verdict=Verdict.NOT_APPLICABLE, images=0) == []


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (replace(GOOD, samples=0, images=0, included=0), "new: nothing is stored in stores for these files"),
        (
            replace(GOOD, included=0),
            "new: none of 120 samples of QueryAttr could be used; check its prompt format",
        ),
        (replace(GOOD, right=0.3), "new: answers QueryAttr no better than chance (30% right, chance 30%)"),
    ],
)
def test_nothing_measured_is_said_and_what_to_check_first(task: TaskRecord, told: str) -> None:
    (line,) = lines(task, verdict=Verdict.INCONCLUSIVE, images=0)
    assert line.startswith(told)


def test_too_few_images_left_for_every_claim_is_said_once() -> None:
    (line,) = lines(replace(GOOD, included=40), verdict=Verdict.INCONCLUSIVE, images=40)
    assert line.startswith("new: fewer than 60 images are left for every claim")


@pytest.mark.parametrize(("lost", "warned"), [(1, False), (2, True)])
def test_many_samples_that_overflow_are_a_warning_that_names_other_dtypes(lost: int, *, warned: bool) -> None:
    task = replace(GOOD, excluded={NOT_FINITE: lost})
    record: Any = SimpleNamespace(checkpoints=(replace(CHECKPOINT, tasks=(task,), dtype="float16"),))
    told = f"new: {lost} of 120 samples have logits that are not finite in float16; use --dtype bfloat16"
    assert [line.startswith(told) for line in overflowing(record)] == [True] * warned
