"""A data set: samples of several tasks on shared images, in the order in which they are looked at.

The image is the unit of the statistics. Images are taken in one seeded order, the same for every
checkpoint, so that a smaller run looks at a part of what a larger one looks at.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, zip_longest

from harness.data.errors import DataError
from harness.data.sample import TASKS, Sample

ORDER_SEED = "cross-modal information flow"
_EXACT = 1e-9
"""A share such as 64 / 360 of 360 images is not exact in binary; it is 64 images, not 65."""
BLOCK_IMAGES = 8
"""Images per block, the unit of work that one worker takes."""


@dataclass(frozen=True)
class Dataset:
    """The samples of a run.

    Attributes:
        name: what reports call it.
        sha256: hash over its files.
        samples: the samples, sorted by task, seeded image order, id.
        left_out: how many rows of its files could not be used, by (task, reason).
        unlimited: all samples, if this is a part of a larger data set. What is measured on one sample
            with the help of others (distractors, other images) must not depend on how many are looked at.
    """

    name: str
    sha256: str
    samples: tuple[Sample, ...]
    left_out: Mapping[tuple[str, str], int] = field(default_factory=dict)
    unlimited: tuple[Sample, ...] = ()

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have samples, in the paper's order."""
        present = {sample.task for sample in self.samples}
        return tuple(task for task in TASKS if task in present)

    @cached_property
    def images(self) -> tuple[str, ...]:
        """All image ids in seeded order."""
        return tuple(sorted({sample.image_id for sample in self.samples}, key=order_key))

    @cached_property
    def blocks(self) -> dict[str, int]:
        """Block number by image id, of every image of the whole data set."""
        if self.unlimited:
            return self.whole.blocks
        return {image: number // BLOCK_IMAGES for number, image in enumerate(self.images)}

    @cached_property
    def by_task(self) -> dict[str, tuple[Sample, ...]]:
        """Samples of each task, in seeded image order."""
        grouped: dict[str, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            grouped[sample.task].append(sample)
        return {task: tuple(grouped[task]) for task in self.tasks}

    def first(self, task: str, share: float) -> tuple[Sample, ...]:
        """The samples on the first ``share`` of a task's images.

        Args:
            task: the task.
            share: between 0 and 1; at least one image is taken.
        """
        samples = self.by_task[task]
        images = list(dict.fromkeys(sample.image_id for sample in samples))
        taken = set(images[: share_of(len(images), share)])
        return tuple(sample for sample in samples if sample.image_id in taken)

    def beginning(self, most: int) -> tuple[Sample, ...]:
        """The first samples of the whole data set, task by task in turn; every part of it has the same."""
        turns = zip_longest(*self.whole.by_task.values())
        return tuple(islice((one for turn in turns for one in turn if one is not None), most))

    @cached_property
    def whole(self) -> Dataset:
        """The data set that this one is a part of; itself, if it is whole."""
        return replace(self, samples=self.unlimited, unlimited=()) if self.unlimited else self

    @cached_property
    def _answers(self) -> dict[str, Counter[str]]:
        return {
            task: Counter(sample.answer for sample in samples) for task, samples in self.whole.by_task.items()
        }

    def distractor(self, sample: Sample) -> str | None:
        """The wrong answer: the false option, or the other answer of a two-answer task; else None."""
        if sample.false_option is not None:
            return sample.false_option
        others = [answer for answer in self._answers[sample.task] if answer != sample.answer]
        return others[0] if len(others) == 1 else None

    def wrong_answers(self, sample: Sample) -> tuple[str, ...]:
        """What a right answer must be told from: the false option, else all other answers of the task."""
        if sample.false_option is not None:
            return (sample.false_option,)
        return tuple(answer for answer in self._answers[sample.task] if answer != sample.answer)

    def chance(self, sample: Sample) -> float:
        """What guessing without the image gets: one half between two options, else the commonest answer.

        Over a task's samples this averages to the accuracy of the best constant answer. It does not use
        the question's words; compare the accuracy with a grey picture.
        """
        if sample.false_option is not None:
            return 0.5
        answers = self._answers[sample.task]
        commonest = min(answers, key=lambda answer: (-answers[answer], answer))
        return float(sample.answer == commonest)

    def next_image_sample(self, sample: Sample) -> Sample:
        """A sample of the same task on the next image in seeded order: the source of foreign boxes.

        Raises:
            DataError: if the task has one image only.
        """
        return self._others(sample)[0]

    def counterpart(self, sample: Sample) -> Sample:
        """A sample on another image that calls for another answer: the source of foreign contents.

        Of the same task: the twin that the data set names (a minimal pair); else the same question with
        another answer; else the next image in seeded order with another answer; else the next image.

        Raises:
            DataError: if the task has one image only.
        """
        others = self._others(sample)
        twin = [one for one in others if one.id == sample.twin]
        differ = [one for one in others if one.answer != sample.answer]
        same_question = [one for one in differ if one.question == sample.question]
        return (twin or same_question or differ or others)[0]

    def _others(self, sample: Sample) -> list[Sample]:
        """The task's samples on other images, beginning with the next image in seeded order."""
        samples = self.whole.by_task[sample.task]
        others = [one for one in samples if one.image_id != sample.image_id]
        if not others:
            raise DataError(f"data set {self.name}: {sample.task} has one image; there is no other one")
        own = order_key(sample.image_id)
        return sorted(others, key=lambda one: order_key(one.image_id) < own)

    def limited(self, tasks: Iterable[str], samples: int | None) -> Dataset:
        """Only these tasks, and at most so many samples of each: one on every image before a second on any.

        The image is the unit of the statistics, so the same work tells more when it is spread over more
        images. A smaller number takes a part of what a larger one takes.

        Raises:
            DataError: if a task has no samples.
        """
        wanted = set(tasks)
        missing = wanted - set(self.tasks)
        if missing:
            raise DataError(f"data set {self.name}: no samples of task {min(missing)}")
        tasks = [task for task in self.tasks if task in wanted]
        kept = [sample for task in tasks for sample in _spread(self.by_task[task], samples)]
        return replace(self, samples=tuple(kept), unlimited=self.whole.samples)


def make_dataset(
    name: str,
    sha256: str,
    samples: Iterable[Sample],
    left_out: Mapping[tuple[str, str], int] | None = None,
) -> Dataset:
    """Put samples into the order in which they are looked at.

    Args:
        name: what reports call it.
        sha256: hash over its files.
        samples: its samples, in any order.
        left_out: how many rows could not be used, by (task, reason).

    Raises:
        DataError: if an id occurs twice.
    """
    ordered = sorted(
        samples, key=lambda sample: (TASKS.index(sample.task), order_key(sample.image_id), sample.id)
    )
    seen: set[tuple[str, str]] = set()
    for sample in ordered:
        if (sample.task, sample.id) in seen:
            raise DataError(f"data set {name}: question {sample.id} of {sample.task} occurs twice")
        seen.add((sample.task, sample.id))
    return Dataset(name, sha256, tuple(ordered), dict(left_out or {}))


def _spread(samples: Sequence[Sample], most: int | None) -> list[Sample]:
    """At most so many samples, in their order: every image's first, then every image's second, and so on."""
    seen: Counter[str] = Counter()
    rounds = []
    for at, sample in enumerate(samples):
        rounds.append((seen[sample.image_id], at))
        seen[sample.image_id] += 1
    return [samples[at] for at in sorted(at for _, at in sorted(rounds)[:most])]


def share_of(images: int, share: float) -> int:
    """How many of so many images a look at a share of them takes: at least one."""
    return max(1, math.ceil(share * images - _EXACT))


def order_key(image_id: str) -> str:
    """Where an image stands in the seeded order: by a hash of its id, whatever else is in the data set."""
    return hashlib.sha256(f"{ORDER_SEED}/{image_id}".encode()).hexdigest()
