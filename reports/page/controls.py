"""What effects are compared with: controls, accuracies, ceilings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.verdicts.record import CheckpointRecord, Curve, MeasurementRecord, TaskRecord
from reports.drawing.styles import IMAGE_QUESTION, QUESTION_LAST, series_of
from reports.words import measurement_name


@dataclass(frozen=True)
class Control:
    """One control over the tasks it was measured on.

    Attributes:
        measurement: what was done instead.
        tasks: on how many tasks.
        deepest: the deepest mean effect of any window and task, in the unit of its reading.
        task: the task of that effect.
        depth: the relative depth of that window.
    """

    measurement: MeasurementRecord
    tasks: int
    deepest: float
    task: str
    depth: float


def controls(curves: list[Curve]) -> tuple[Control, ...]:
    """The controls among a checkpoint's curves, random-source controls first."""
    found: dict[MeasurementRecord, list[Curve]] = {}
    for curve in curves:
        if curve.role == "control" and curve.reading == "p_c":
            found.setdefault(curve.measurement, []).append(curve)

    def order(measurement: MeasurementRecord) -> tuple[bool, str]:
        return not series_of(found[measurement][0]).is_random_control, measurement_name(measurement)

    return tuple(_control(found[one]) for one in sorted(found, key=order))


def _control(curves: list[Curve]) -> Control:
    points = [
        (mean, curve.task, depth)
        for curve in curves
        for mean, depth in zip(curve.mean, curve.depth, strict=False)
        if math.isfinite(mean)
    ]
    deepest, task, depth = min(points, default=(math.nan, "", math.nan))
    return Control(curves[0].measurement, len({curve.task for curve in curves}), deepest, task, depth)


@dataclass(frozen=True)
class ReferenceValues:
    """What a task's effects are compared with.

    Attributes:
        task: the task's record, with accuracies and ceilings.
        image: the deepest mean effect of hiding the image from the question, in per cent; or None.
        question: the same of hiding the question from the last position.
    """

    task: TaskRecord
    image: float | None
    question: float | None

    @property
    def image_share(self) -> float | None:
        """The image's effect as a share of its ceiling; None where there is no ceiling to speak of."""
        return _share(self.image, self.task.image_ceiling)

    @property
    def question_share(self) -> float | None:
        """The question's effect as a share of its ceiling; None where there is no ceiling to speak of."""
        return _share(self.question, self.task.question_ceiling)

    @property
    def has_accuracies(self) -> bool:
        """Whether an accuracy was measured; the prior alone needs no run."""
        return any(one is not None for one in (self.task.right, self.task.grey, self.task.chance))

    @property
    def has_ceilings(self) -> bool:
        """Whether a ceiling was measured."""
        return any(one is not None for one in (self.task.image_ceiling, self.task.question_ceiling))


def _share(effect: float | None, ceiling: float | None) -> float | None:
    return None if effect is None or ceiling is None or ceiling > -1 else effect / ceiling


def reference_values(record: CheckpointRecord, curves: list[Curve]) -> tuple[ReferenceValues, ...]:
    """Per task what its effects are compared with; none where nothing of it was measured."""
    rows = tuple(
        ReferenceValues(
            task,
            _deepest(curves, task.task, IMAGE_QUESTION),
            _deepest(curves, task.task, QUESTION_LAST),
        )
        for task in record.tasks
    )
    return rows if any(row.has_accuracies or row.has_ceilings for row in rows) else ()


def _deepest(curves: list[Curve], task: str, flow: MeasurementRecord) -> float | None:
    values = [
        value
        for curve in curves
        if (curve.measurement, curve.task, curve.reading) == (flow, task, "p_c")
        for value in curve.mean
        if math.isfinite(value)
    ]
    return min(values, default=None)
