"""What is there to lose: how much of the answer a whole source is worth, per task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.verdicts.record import CheckpointRecord

Ceilings = Mapping[str, Mapping[str, float]]
"""By task, the ceilings of image and question: mean p_c with the source hidden in all layers, in per cent."""

_QUESTION = frozenset(
    {"question", "true_option", "false_option", "central_object", "question_rest", "question_without_options"}
)


def ceilings_of(record: CheckpointRecord | None) -> Ceilings:
    """The ceilings that were measured on a checkpoint."""
    found = {
        task.task: {"image": task.image_ceiling, "question": task.question_ceiling}
        for task in (record.tasks if record else ())
    }
    return {
        task: {source: value for source, value in of.items() if value is not None}
        for task, of in found.items()
    }


def that_bound(flows: Iterable[str], ceilings: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """The ceilings of what some flows start from: (source, p_c).

    Args:
        flows: labels of curves, e.g. ``"related_patches->question"``.
        ceilings: a task's ceilings.
    """
    sources = {_whole(flow.partition("->")[0]) for flow in flows}
    return tuple((source, value) for source, value in ceilings.items() if source in sources)


def _whole(region: str) -> str:
    """What a region is a part of: the image, the question, or neither."""
    if region in _QUESTION:
        return "question"
    return "image" if region == "image" or region.endswith(("_patches", "_patch")) else ""
