"""A checkpoint tried on a few samples: the load check, and how often its greedy answer is right."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.dataset import Dataset
from harness.data.sample import Sample
from harness.engine.engines import SweepEngine
from harness.measuring.measurer import WRONG, ImageMeasurer
from harness.measuring.request import Request
from harness.session.doctor.sheet import Sheet

SAMPLES = 20
"""Samples of each task that are answered."""


def say_tried(sheet: Sheet, checkpoint: Checkpoint, dataset: Dataset, memory: int | None) -> None:
    """Say whether the sweep computes what the model computes, and what share of answers is right.

    Args:
        sheet: where it is said.
        checkpoint: the checkpoint.
        dataset: the data set.
        memory: bytes that a packed batch may take; None for what is free.

    Raises:
        CheckpointError: if the sweep is not what the model's own forward pass says.
        MemoryLimitError: if memory does not suffice for one question.
    """
    engine = SweepEngine(checkpoint, memory)
    few = dataset.limited(dataset.tasks, SAMPLES)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    checked = False
    for task, reason in _answered(ImageMeasurer(checkpoint, engine, dataset), few):
        reasons[task][reason] += 1
        if not checked and engine.agreement is not None:
            checked = True
            sheet.say("load check", _agreement(engine.agreement))
    if not checked:
        sheet.say("load check", "not made: no sample could be run")
    for label, task in zip(["accuracy", *[""] * len(few.tasks)], few.tasks, strict=False):
        sheet.say(label, f"{task:<11} {_accuracy(reasons[task])}")


def _answered(measurer: ImageMeasurer, dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Task, and why a sample is not used (empty: it is), of every sample, image by image."""
    by_image: dict[str, list[Sample]] = defaultdict(list)
    for sample in dataset.samples:
        by_image[sample.image_id].append(sample)
    for samples in by_image.values():
        for row in measurer.image([Request(sample, ()) for sample in samples]):
            yield str(row["task"]), str(row["reason"])


def _agreement(distance: float) -> str:
    return (
        "passed: clean run and knockouts are what the model's own forward pass says under explicit masks "
        f"(total variation at most {distance:.1g})"
    )


def _accuracy(reasons: Mapping[str, int]) -> str:
    """How many answers are right, and why others are not used."""
    others = [f"{count} left out: {reason}" for reason, count in reasons.items() if reason not in {"", WRONG}]
    total = sum(reasons.values())
    right = reasons.get("", 0)
    warning = [] if right else ["a run could decide nothing here: check --prompt and the data set"]
    return "; ".join([f"{right} of {total} greedy answers right", *others, *warning])
