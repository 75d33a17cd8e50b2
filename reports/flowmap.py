"""What the picture of the flow shows: for every flow, the mean effect at every layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.verdicts.record import Curve
from reports.words import flow_name, number

COLUMNS = {
    "other_patches": (0.0, "other\npatches"),
    "image": (0.5, "whole\nimage"),
    "related_patches": (1.0, "related\npatches"),
    "question": (2.0, "question"),
    "last": (3.0, "last\nposition"),
}
"""Where each region stands, from left to right, and its name under the column."""

ANSWERS = ("lower answer", "capital answer")
"""The curves that say what the last position says, as the released code reads it."""

FAINT = 2.0
"""Points of p_c below which no arrow is drawn (our own choice: less than half of what counts as nothing)."""


@dataclass(frozen=True)
class FlowMap:
    """What the picture shows.

    Attributes:
        flows: per flow, the mean drop at each layer, in points; NaN where not measured.
        lens: per form of the answer, its mean probability after 0 to ``layers`` layers.
        layers: how many layers the checkpoint has.
        tasks: how many tasks the mean is over.
    """

    flows: dict[str, tuple[float, ...]]
    lens: dict[str, tuple[float, ...]]
    layers: int
    tasks: int

    @property
    def label(self) -> str:
        """The picture in words."""
        return "; ".join(
            f"{name}: largest mean effect {drop} at layer {layer}" for name, layer, drop in self.table
        )

    @property
    def table(self) -> tuple[tuple[str, str, str], ...]:
        """Per flow: its name, the layer of its largest mean drop, and the effect there."""
        places = {flow: int(np.nanargmax(drops)) for flow, drops in self.flows.items()}
        return tuple(
            (flow_name(flow), str(layer), number(-self.flows[flow][layer])) for flow, layer in places.items()
        )


def flow_map(curves: list[Curve], layers: int) -> FlowMap | None:
    """Average the effects over tasks; None where nothing that can be drawn was measured.

    Where the image's patches were measured apart, image → question is left out: it is their sum.
    """
    usable = [c for c in curves if c.role == "effect" and c.reading == "p_c" and ends(c.label)]
    names = dict.fromkeys(c.label for c in usable)
    if {"related_patches->question", "other_patches->question"} & names.keys():
        names.pop("image->question", None)
    means = {name: _mean([c for c in usable if c.label == name], layers) for name in names}
    flows = {name: tuple(-value for value in mean) for name, mean in means.items() if np.isfinite(mean).any()}
    lenses = [c for c in curves if c.label in ANSWERS]
    lens = {
        name: _mean([c for c in lenses if c.label == name], layers + 1)
        for name in dict.fromkeys(c.label for c in lenses)
    }
    return FlowMap(flows, lens, layers, len({c.task for c in usable})) if flows else None


def ends(label: str) -> tuple[str, str] | None:
    """The regions of a flow that the picture can show, else None."""
    source, _, target = label.partition("->")
    known = source in COLUMNS and target in COLUMNS and COLUMNS[source][0] < COLUMNS[target][0]
    return (source, target) if known else None


def _mean(curves: list[Curve], points: int) -> tuple[float, ...]:
    """The mean over tasks at each point, from the widest window measured (that of the rule)."""
    widest = max((c.window or 0) for c in curves)
    values: list[list[float]] = [[] for _ in range(points)]
    for curve in curves:
        if (curve.window or 0) == widest:
            for point, mean in zip(curve.points, curve.mean, strict=False):
                if 0 <= point < points and math.isfinite(mean):
                    values[point].append(mean)
    return tuple(sum(known) / len(known) if known else math.nan for known in values)
