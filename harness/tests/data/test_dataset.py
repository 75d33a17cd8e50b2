"""Data sets: one seeded order, nested looks and subsets, distractors."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from harness.data.dataset import Dataset, make_dataset
from harness.data.errors import DataError
from harness.data.sample import TASKS, Sample


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
def test_a_smaller_run_takes_a_part_of_a_larger_one_spread_over_as_many_images_as_there_are(
    samples: list[Sample], limit: int, shuffle: object
) -> None:
    dataset = make_dataset("d", "sha", samples)
    mixed = list(samples)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert make_dataset("d", "sha", mixed).samples == dataset.samples
    part, more = dataset.limited(dataset.tasks, limit), dataset.limited(dataset.tasks, limit + 1)
    assert dataset.limited(dataset.tasks, None).samples == dataset.samples
    for task in dataset.tasks:
        taken, whole = part.by_task[task], dataset.by_task[task]
        assert len(taken) == min(limit, len(whole))
        assert list(taken) == [one for one in whole if one in set(taken)]
        assert set(taken) <= set(more.by_task[task])
        images = list(dict.fromkeys(one.image_id for one in whole))
        assert {one.image_id for one in taken} == set(images[:limit])


def test_distractors() -> None:
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
    distractors = {one.id: dataset.distractor(one) for one in dataset.samples}
    assert distractors == {
        "0001": "blue",
        "0002": "no",
        "0003": "yes",
        "0004": None,
        "0005": None,
        "0006": None,
    }


def test_the_counterpart_is_the_minimal_pair_where_there_is_one() -> None:
    """Else the same question with another answer; else another answer; else just another image."""

    def asked(number: int, answer: str, question: str = "?", twin: str | None = None) -> Sample:
        made = sample(number, "QueryAttr", number, answer)
        return replace(made, question=question, twin=twin)

    own = asked(0, "red", twin="0003")
    others = [asked(number, "red", "how?") for number in (1, 2)]
    same_question, twin = [asked(number, "blue") for number in (4, 5, 6)], asked(3, "blue")
    other_answer = asked(7, "green", "how?")

    def counterpart(*samples: Sample) -> str:
        return make_dataset("d", "sha", [own, *others, *samples]).counterpart(own).id

    assert counterpart(*same_question, other_answer, twin) == "0003"
    assert counterpart(*same_question, other_answer) in {"0004", "0005", "0006"}
    assert counterpart(other_answer) == "0007"
    plain = make_dataset("d", "sha", [own, *others])
    assert counterpart() == plain.next_image_sample(own).id, "the next image in seeded order"


@given(samples=samples)
def test_the_next_sample_is_on_the_next_image(samples: list[Sample]) -> None:
    dataset = make_dataset("d", "sha", samples)
    for of_task in dataset.by_task.values():
        images = list(dict.fromkeys(one.image_id for one in of_task))
        for one in of_task if len(images) > 1 else ():
            after = images[(images.index(one.image_id) + 1) % len(images)]
            assert dataset.next_image_sample(one).image_id == dataset.counterpart(one).image_id == after


def test_a_right_answer_must_be_told_from_the_wrong_ones() -> None:
    samples = [sample(1, "ChooseAttr", 1, "red", "blue"), sample(2, "ChooseAttr", 2, "green", "red")]
    samples += [sample(number, "QueryAttr", 1, answer) for number, answer in enumerate("abc", start=3)]
    dataset = make_dataset("d", "sha", samples)
    wrong = {one.id: set(dataset.wrong_answers(one)) for one in dataset.samples}
    assert wrong == {
        "0001": {"blue"}, "0002": {"red"}, "0003": {"b", "c"}, "0004": {"a", "c"}, "0005": {"a", "b"}
    }  # fmt: skip


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
