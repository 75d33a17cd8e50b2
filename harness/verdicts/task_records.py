"""What stands beside a task's effects: accuracies without a knockout, chance, the prior, the ceilings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from harness.data.dataset import Dataset
from harness.data.flow import Flow
from harness.data.prior_accuracy import prior_accuracy
from harness.data.sample import Sample
from harness.evidence.shards import CLEAN
from harness.interventions.measurements import RIGHT, Accuracy, BlockFromLayer, Chance, Measurement, Quantity
from harness.statistics.curves import CurveSource
from harness.verdicts.evidence_table import Table
from harness.verdicts.record import TaskRecord

IMAGE = BlockFromLayer(Flow("image", "after_image"), (0,))
"""In all layers, nothing of the image reaches what follows it: no effect of the image can be much larger."""
QUESTION = BlockFromLayer(Flow("question", "suffix+roles+last"), (0,))
"""In all layers, nothing of the question reaches what follows it."""
CEILINGS = (IMAGE, QUESTION)
PATCHES_EMPTY = r"^region '[^']*(related|other)_[^']*' is empty$"
"""The reason of a measurement that needs the patches of an annotated object, of a sample that has none."""
BOX_OUTSIDE = "box outside the image, or empty"
NO_BOX = "no box annotated"
PAINT_LOST = "box too small to be left in a patch"


def beside(look: CurveSource, record: TaskRecord, samples: Sequence[Sample]) -> TaskRecord:
    """A task's record with the numbers that stand beside effects, each None if it was not measured.

    Args:
        look: the evidence of the last look.
        record: the task's record.
        samples: the task's samples in the whole data set.
    """

    def first(measurement: Measurement, reading: str = RIGHT) -> float | None:
        quantity = Quantity(record.task, measurement, reading)
        return float(look[quantity].values[:, 0].mean()) if quantity in look else None

    return replace(
        record,
        right=first(Accuracy()),
        grey=first(Accuracy("grey")),
        chance=first(Chance()),
        prior=prior_accuracy(samples),
        image_ceiling=first(IMAGE, "p_c"),
        question_ceiling=first(QUESTION, "p_c"),
    )


def task_records(table: Table, dataset: Dataset) -> tuple[TaskRecord, ...]:
    """What became of each task's samples that were looked at."""
    base = table.frame.filter(pl.col("measurement") == CLEAN).unique(
        ["task", "sample"], keep="first", maintain_order=True
    )
    records = []
    for task in dataset.tasks:
        wanted = [sample.id for sample in dataset.by_task[task]]
        rows = base.filter((pl.col("task") == task) & pl.col("sample").is_in(wanted))
        reasons = Counter(rows["reason"].to_list())
        kept = reasons.pop("", 0)
        reasons.update({reason: count for (of, reason), count in dataset.left_out.items() if of == task})
        images = rows["image"].n_unique() if len(rows) else 0
        record = TaskRecord(task, len(rows), images, kept, dict(sorted(reasons.items())))
        seen = set(rows["sample"].to_list())
        samples = [sample for sample in dataset.by_task[task] if sample.id in seen]
        records.append(replace(record, without_patches=_without_patches(table, task, samples)))
    return tuple(records)


def _without_patches(table: Table, task: str, samples: Sequence[Sample]) -> dict[str, int]:
    """How many samples have no patches of an annotated object, by reason."""
    undefined = table.frame.filter((pl.col("task") == task) & pl.col("reason").str.contains(PATCHES_EMPTY))
    empty = set(undefined["sample"].to_list())
    reasons: Counter[str] = Counter()
    for sample in samples:
        reaching = [box for box in sample.objects if box.reaches(sample.image_size)]
        if len(reaching) < len(sample.objects):
            reasons[BOX_OUTSIDE] += 1
        elif sample.id in empty:
            reasons[PAINT_LOST if reaching else NO_BOX] += 1
    return dict(sorted(reasons.items()))
