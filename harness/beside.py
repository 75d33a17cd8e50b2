"""What stands beside a task's effects: accuracies without a knockout, chance, the prior, the ceilings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.flow import Flow
from harness.prior import prior_accuracy
from harness.probes import RIGHT, Accuracy, Chance, Cut, Measure, Probe
from harness.record import TaskRecord
from harness.sample import Sample
from harness.statistics import Curves

IMAGE = Cut(Flow("image", "after_image"), (0,))
"""In all layers, nothing of the image reaches what follows it: no effect of the image can be much larger."""
QUESTION = Cut(Flow("question", "suffix+roles+last"), (0,))
"""In all layers, nothing of the question reaches what follows it."""
CEILINGS = (IMAGE, QUESTION)


def beside(look: Mapping[Measure, Curves], record: TaskRecord, samples: Sequence[Sample]) -> TaskRecord:
    """A task's record with the numbers that stand beside effects, each None if it was not measured.

    Args:
        look: the evidence of the last look.
        record: the task's record.
        samples: the task's samples in the whole data set.
    """

    def first(probe: Probe, reading: str = RIGHT) -> float | None:
        curves = look.get(Measure(record.task, probe, reading))
        return None if curves is None else float(curves.values[:, 0].mean())

    return replace(
        record,
        right=first(Accuracy()),
        grey=first(Accuracy("grey")),
        chance=first(Chance()),
        prior=prior_accuracy(samples),
        image_ceiling=first(IMAGE, "p_c"),
        question_ceiling=first(QUESTION, "p_c"),
    )
