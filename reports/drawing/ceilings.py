"""Ceilings: how much of the answer a whole source is worth, per task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.verdicts.record import CheckpointRecord, TaskRecord

Ceilings = Mapping[str, Mapping[str, float]]
"""By task, the ceilings of image and question: mean p_c with the source hidden in all layers, in per cent."""

_QUESTION = frozenset(
    {"question", "true_option", "false_option", "central_object", "question_rest", "question_without_options"}
)


def ceilings_of(record: CheckpointRecord | None) -> Ceilings:
    """The ceilings that were measured on a checkpoint."""
    return {task.task: _measured(task) for task in (record.tasks if record else ())}


def _measured(task: TaskRecord) -> dict[str, float]:
    ceilings = {"image": task.image_ceiling, "question": task.question_ceiling}
    return {source: value for source, value in ceilings.items() if value is not None}


def ceilings_above(regions: Iterable[str], ceilings: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The ceilings of what some flows start from: (source, p_c).

    Args:
        regions: their sources, e.g. ``"related_patches"``.
        ceilings: a task's ceilings.
    """
    sources = set(map(_whole, regions))
    return tuple((source, value) for source, value in ceilings.items() if source in sources)


def _whole(region: str) -> str:
    """What a region is a part of: the image, the question, or neither."""
    if region in _QUESTION:
        return "question"
    return "image" if region == "image" or region.endswith(("_patches", "_patch")) else ""
