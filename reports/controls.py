"""Null blocks and controls: what hiding as much of something else costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.record import CheckpointRecord, Curve, TaskRecord


@dataclass(frozen=True)
class Control:
    """One null block or control over the tasks it was measured on.

    Attributes:
        label: what was done instead.
        tasks: on how many tasks.
        deepest: the deepest mean effect of any window and task, in the unit of its reading.
        task: the task of that effect.
        depth: the relative depth of that window.
    """

    label: str
    tasks: int
    deepest: float
    task: str
    depth: float


def controls(curves: list[Curve]) -> tuple[Control, ...]:
    """The controls among a checkpoint's curves, null blocks first."""
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.role == "null" and curve.reading == "p_c":
            found.setdefault(curve.label, []).append(curve)
    ordered = sorted(found.items(), key=lambda item: (not item[0].startswith("null"), item[0]))
    return tuple(_control(label, of) for label, of in ordered)


def _control(label: str, curves: list[Curve]) -> Control:
    points = [
        (mean, curve.task, depth)
        for curve in curves
        for mean, depth in zip(curve.mean, curve.depth, strict=False)
        if math.isfinite(mean)
    ]
    deepest, task, depth = min(points, default=(math.nan, "", math.nan))
    return Control(label, len({curve.task for curve in curves}), deepest, task, depth)


@dataclass(frozen=True)
class Baseline:
    """What a task's effects are to be held against.

    Attributes:
        task: the task's record, with accuracies and ceiling.
        deepest: the deepest mean effect of hiding the image from the question, in per cent; or None.
    """

    task: TaskRecord
    deepest: float | None

    @property
    def share(self) -> float | None:
        """That effect as a share of the ceiling; None where there is no ceiling to speak of."""
        ceiling = self.task.image_ceiling
        known = self.deepest is not None and ceiling is not None and ceiling < -1
        return self.deepest / ceiling if known and self.deepest is not None and ceiling is not None else None


def baselines(record: CheckpointRecord, curves: list[Curve]) -> tuple[Baseline, ...]:
    """Per task what stands beside its effects; none where nothing of it was measured."""
    rows = tuple(Baseline(task, _deepest(curves, task.task)) for task in record.tasks)
    measured = [(row.task.right, row.task.grey, row.task.chance, row.task.image_ceiling) for row in rows]
    return rows if any(value is not None for values in measured for value in values) else ()


def _deepest(curves: list[Curve], task: str) -> float | None:
    values = [
        value
        for curve in curves
        if (curve.label, curve.task, curve.reading) == ("image->question", task, "p_c")
        for value in curve.mean
        if math.isfinite(value)
    ]
    return min(values, default=None)
