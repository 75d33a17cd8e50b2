"""Data sets: one seeded order, nested looks and subsets, foils."""

import math
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from harness.dataset import Dataset, make_dataset
from harness.errors import DataError
from harness.sample import TASKS, Sample


def sample(
    number: int, task: str, image: int, answer: str = "yes", false_option: str | None = None
) -> Sample:
    return Sample(
        f"{number:04}", task, f"i{image}", Path("x.jpg"), "?", answer, None, false_option, (), (8, 8)
    )


samples = st.lists(st.tuples(st.sampled_from(TASKS[:3]), st.integers(0, 30)), min_size=1, max_size=60).map(
    lambda pairs: [sample(number, task, image) for number, (task, image) in enumerate(pairs)]
)


@given(samples=samples, small=st.floats(0.01, 1), large=st.floats(0.01, 1))
def test_looks_are_nested_and_whole_images(samples: list[Sample], small: float, large: float) -> None:
    dataset = make_dataset("d", "sha", samples)
    for task in dataset.tasks:
        first, second = (dataset.first(task, share) for share in sorted((small, large)))
        assert set(first) <= set(second)
        images = {one.image_id for one in first}
        assert set(first) == {one for one in dataset.by_task[task] if one.image_id in images}
        all_images = {one.image_id for one in dataset.by_task[task]}
        assert len(images) == math.ceil(min(small, large) * len(all_images))
        assert dataset.first(task, 1.0) == dataset.by_task[task]


@given(samples=samples, limit=st.integers(1, 20), shuffle=st.randoms())
def test_a_smaller_run_takes_the_first_samples_of_a_larger_one(
    samples: list[Sample], limit: int, shuffle: object
) -> None:
    dataset = make_dataset("d", "sha", samples)
    mixed = list(samples)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert make_dataset("d", "sha", mixed).samples == dataset.samples
    part = dataset.limited(dataset.tasks, limit)
    for task in dataset.tasks:
        assert part.by_task[task] == dataset.by_task[task][:limit]


def test_foils() -> None:
    dataset = make_dataset(
        "d",
        "sha",
        [
            sample(1, "ChooseAttr", 1, "red", "blue"),
            sample(2, "LogicalObj", 1, "yes"),
            sample(3, "LogicalObj", 2, "no"),
            sample(4, "QueryAttr", 1, "red"),
            sample(5, "QueryAttr", 2, "blue"),
            sample(6, "QueryAttr", 2, "green"),
        ],
    )
    foils = {one.id: dataset.foil(one) for one in dataset.samples}
    assert foils == {"0001": "blue", "0002": "no", "0003": "yes", "0004": None, "0005": None, "0006": None}


def test_a_question_that_occurs_twice_is_an_error() -> None:
    with pytest.raises(DataError, match="question 0001 of ChooseAttr occurs twice"):
        make_dataset("d", "sha", [sample(1, "ChooseAttr", 1), sample(1, "ChooseAttr", 2)])


def test_a_task_without_samples_is_an_error() -> None:
    dataset: Dataset = make_dataset("d", "sha", [sample(1, "ChooseAttr", 1)])
    with pytest.raises(DataError, match="no samples of task QueryAttr"):
        dataset.limited(["QueryAttr"], None)


@given(samples=samples, limit=st.integers(1, 20))
def test_an_image_keeps_its_block_however_little_of_the_data_is_looked_at(
    samples: list[Sample], limit: int
) -> None:
    dataset = make_dataset("d", "sha", samples)
    part = dataset.limited(dataset.tasks[:1], limit)
    assert {part.blocks[image] for image in part.images} == {dataset.blocks[image] for image in part.images}
    assert part.limited(part.tasks, 1).blocks == dataset.blocks
