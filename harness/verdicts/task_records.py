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
        records.append(TaskRecord(task, len(rows), images, kept, dict(sorted(reasons.items()))))
    return tuple(records)
