"""A checkpoint tried on a few samples: the load check, and how often its greedy answer is right."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.checkpoint.checkpoint import Checkpoint
from harness.data.dataset import Dataset
from harness.data.sample import Sample
from harness.engine.decoding import reads_as
from harness.engine.protocol import Engine
from harness.evidence.shards import WRONG, rows_to_frame
from harness.interventions.measurements import FirstAnswer
from harness.measuring.answer_form import (
    FIRST_SAMPLES,
    AnswerForm,
    Answering,
    answering,
    stored_answers,
)
from harness.measuring.measurer import ImageMeasurer
from harness.measuring.request import Request
from harness.session.doctor.sheet import Sheet

EXAMPLES, LONGEST = 3, 30
"""Answers that are quoted, and characters of each."""
SAMPLES = 20
"""Samples of each task that are answered."""


def say_tried(sheet: Sheet, checkpoint: Checkpoint, dataset: Dataset, engine: Engine) -> None:
    """Say whether an engine computes what the model computes, and what share of answers is right.

    Args:
        sheet: where it is said.
        checkpoint: the checkpoint.
        dataset: the data set.
        engine: what runs the passes, of the same checkpoint.

    Raises:
        CheckpointError: if the engine is not what the model's own forward pass says, or an answer depends on
            the pixels with the image cut off.
        MemoryLimitError: if memory does not suffice for one question.
    """
    few = dataset.limited(dataset.tasks, SAMPLES)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    answers: list[tuple[str, str]] = []
    measurer = ImageMeasurer(checkpoint, engine, dataset)
    written = _written(measurer, checkpoint, dataset)
    if engine.agreement is not None:  # of the first that could be run
        sheet.say("load check", _agreement(engine.agreement))
        if engine.pixels is not None:
            sheet.say("", engine.pixels.told)
    else:
        sheet.say("load check", "not made: no sample could be run")
    for sample, reason, answer in _answered(measurer, few, written.form):
        reasons[sample.task][reason] += 1
        if reason in {"", WRONG}:
            answers.append((answer, sample.answer))
    for label, task in zip(["accuracy", *[""] * len(few.tasks)], few.tasks, strict=False):
        sheet.say(label, f"{task:<11} {_accuracy(reasons[task])}")
    if written.told:
        sheet.say("answers", written.told)
    if answers:
        sheet.say(
            "" if written.told else "answers",
            how_it_answers(answers, full_stop=checkpoint.prompt.may_end_in_full_stop),
        )


def _written(measurer: ImageMeasurer, checkpoint: Checkpoint, dataset: Dataset) -> Answering:
    """How the checkpoint writes its answers, by the samples that a run would take for it."""
    asked = _by_image(dataset.beginning(FIRST_SAMPLES))
    rows = [row for of in asked for row in measurer.image([Request(one, (FirstAnswer(),)) for one in of])]
    found = [one for _, one in stored_answers(rows_to_frame(rows))]
    return answering(found, released=checkpoint.prompt.as_released)


def _by_image(samples: Sequence[Sample]) -> list[list[Sample]]:
    by_image: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        by_image[sample.image_id].append(sample)
    return list(by_image.values())


def _answered(
    measurer: ImageMeasurer, dataset: Dataset, form: AnswerForm
) -> Iterator[tuple[Sample, str, str]]:
    """Every sample, why it is not used (empty: it is), and its answer if it has one, image by image."""
    for samples in _by_image(dataset.samples):
        by_id = {(sample.task, sample.id): sample for sample in samples}
        for row in measurer.image([Request(sample, (), form) for sample in samples]):
            sample = by_id[str(row["task"]), str(row["sample"])]
            yield sample, str(row["reason"]), str(row["answer"])


def how_it_answers(answers: Sequence[tuple[str, str]], *, full_stop: bool = False) -> str:
    """How a checkpoint writes its answers: what they begin with, and whether a full stop ends them.

    Args:
        answers: (its greedy answer, which may be cut short where it is wrong, the expected one).
        full_stop: whether those that end in one count as right.
    """
    texts = [text for text, _ in answers]
    begun = [text.lstrip() for text in texts]
    stopped = sum(
        reads_as(text, right, full_stop=True) and not reads_as(text, right) for text, right in answers
    )
    counts = {
        "end at once": sum(not text for text in begun),
        "begin with a space": sum(text.startswith(" ") for text in texts),
        "begin with a line break": sum(text.startswith("\n") for text in texts),
        "with a capital": sum(text[:1].isupper() for text in begun),
        "with a small letter": sum(text[:1].islower() for text in begun),
        "right, with a full stop" if full_stop else "would be right but for a full stop": stopped,
    }
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return f"of {len(answers)}: {', '.join(said) or 'none begins with a letter'}; e.g. {_examples(texts)}"


def _examples(texts: Sequence[str]) -> str:
    commonest = [text for text, _ in Counter(texts).most_common(EXAMPLES)]
    return ", ".join(json.dumps(text[:LONGEST], ensure_ascii=False) for text in commonest)


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
