"""What stands beside a task's effects: accuracies without a knockout, chance, and the ceiling."""

from __future__ import annotations

from collections.abc import Mapping

from harness.flow import Flow
from harness.probes import RIGHT, Accuracy, Chance, Cut, Measure, Probe
from harness.statistics import Curves

IMAGE = Flow("image", "after_image")
"""Blocked in all layers, nothing of the image reaches what follows it."""


def beside(look: Mapping[Measure, Curves], task: str, layers: int) -> dict[str, float | None]:
    """The optional numbers of a `harness.record.TaskRecord`, each None if it was not measured.

    Args:
        look: the evidence of the last look.
        task: the task.
        layers: L.
    """

    def first(probe: Probe, reading: str = RIGHT) -> float | None:
        curves = look.get(Measure(task, probe, reading))
        return None if curves is None else float(curves.values[:, 0].mean())

    blocked = Cut(IMAGE, tuple(range(layers)), unfiltered=True)
    return {
        "right": first(Accuracy()),
        "grey": first(Accuracy("grey")),
        "chance": first(Chance()),
        "image_ceiling": first(blocked, "p_c"),
    }
