"""What stands beside a task's effects: accuracies without a knockout, chance, and the ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.flow import Flow
from harness.probes import RIGHT, Accuracy, Chance, Cut, Measure, Probe
from harness.record import TaskRecord
from harness.statistics import Curves

IMAGE = Flow("image", "after_image")
"""Blocked in all layers, nothing of the image reaches what follows it."""


def beside(look: Mapping[Measure, Curves], record: TaskRecord, layers: int) -> TaskRecord:
    """A task's record with the numbers that stand beside effects, each None if it was not measured.

    Args:
        look: the evidence of the last look.
        record: the task's record.
        layers: L.
    """

    def first(probe: Probe, reading: str = RIGHT) -> float | None:
        curves = look.get(Measure(record.task, probe, reading))
        return None if curves is None else float(curves.values[:, 0].mean())

    blocked = Cut(IMAGE, tuple(range(layers)), unfiltered=True)
    return replace(
        record,
        right=first(Accuracy()),
        grey=first(Accuracy("grey")),
        chance=first(Chance()),
        image_ceiling=first(blocked, "p_c"),
    )
