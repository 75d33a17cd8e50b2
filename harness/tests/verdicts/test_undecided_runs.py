"""A run that could decide nothing says why, and is not green."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.data.dataset import Dataset, make_dataset
from harness.data.errors import NOT_FINITE
from harness.statistics.verdict import Judgement, Verdict
from harness.testing.tiny_checkpoints import sample
from harness.verdicts.record import CheckpointRecord, TaskRecord
from harness.verdicts.undecided_runs import overflowing, rows_lost, why_undecided

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
        (
            replace(GOOD, right=0.44),
            "new: answers QueryAttr hardly better than chance (44% right, chance 30%, judged from 45% on)",
        ),
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


def part_of_a_table(images: int, lost: int) -> Dataset:
    """A data set of one task of which so many images can be used and so many rows cannot."""
    usable = [replace(sample(Path("x.jpg")), id=str(at), image_id=str(at)) for at in range(images)]
    return make_dataset("mine", "0", usable, {("ChooseAttr", "image file missing (e.g. x/1.jpg)"): lost})


@pytest.mark.parametrize(
    ("images", "lost", "told"),
    [(60, 500, False), (59, 0, False), (59, 1, True), (0, 60, True), (0, 59, False), (6, 2, False)],
)
def test_rows_that_cannot_be_used_fail_a_run_that_would_have_decided_with_them(
    images: int, lost: int, *, told: bool
) -> None:
    line = (
        f"mine: {lost} rows of ChooseAttr cannot be used, which leaves {images} images of the 60 that a "
        "verdict needs: image file missing (e.g. x/1.jpg); check --images"
    )
    assert rows_lost(part_of_a_table(images, lost), ("ChooseAttr", "QueryAttr"), None) == [line] * told


def test_who_asks_for_few_samples_is_not_told_of_rows() -> None:
    table = part_of_a_table(1, 100)
    assert rows_lost(table, ("ChooseAttr",), 2) == []
    assert len(rows_lost(table, ("ChooseAttr",), 60)) == 1
    assert rows_lost(table, ("QueryAttr",), None) == [], "a task that nobody asked for"


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        ("float16", "use --dtype bfloat16 or float32"),
        ("bfloat16", "use --dtype float32"),
        ("float32", "the weights themselves may be damaged"),
    ],
)
def test_the_remedy_of_overflow_is_no_dtype_that_is_in_use(dtype: str, remedy: str) -> None:
    task = replace(GOOD, excluded={NOT_FINITE: 9})
    record: Any = SimpleNamespace(checkpoints=(replace(CHECKPOINT, tasks=(task,), dtype=dtype),))
    (line,) = overflowing(record)
    assert line.endswith(f"in {dtype}; {remedy}")
