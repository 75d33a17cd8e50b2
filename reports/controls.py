"""Random-source controls and controls: what hiding as much of something else costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.verdicts.record import CheckpointRecord, Curve, TaskRecord


@dataclass(frozen=True)
class Control:
    """One random-source control or control over the tasks it was measured on.

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
    """The controls among a checkpoint's curves, random-source controls first."""
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.role == "control" and curve.reading == "p_c":
            found.setdefault(curve.label, []).append(curve)
    ordered = sorted(found.items(), key=lambda item: (not item[0].startswith("random0:"), item[0]))
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


def baselines(record: CheckpointRecord, curves: list[Curve]) -> tuple[Baseline, ...]:
    """Per task what stands beside its effects; none where nothing of it was measured."""
    rows = tuple(
        Baseline(
            task,
            _deepest(curves, task.task, "image->question"),
            _deepest(curves, task.task, "question->last"),
        )
        for task in record.tasks
    )
    return rows if any(row.has_accuracies or row.has_ceilings for row in rows) else ()


def _deepest(curves: list[Curve], task: str, flow: str) -> float | None:
    values = [
        value
        for curve in curves
        if (curve.label, curve.task, curve.reading) == (flow, task, "p_c")
        for value in curve.mean
        if math.isfinite(value)
    ]
    return min(values, default=None)
