"""What the flow map shows: for every flow, the mean effect at every layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.verdicts.record import Curve, MeasurementRecord
from reports.drawing.styles import CAPITAL, IMAGE_QUESTION, LOWER, OTHER, RELATED
from reports.words import measurement_name, number

COLUMNS = {
    "other_patches": (0.0, "other\npatches"),
    "image": (0.5, "whole\nimage"),
    "related_patches": (1.0, "related\npatches"),
    "question": (2.0, "question"),
    "last": (3.0, "last\nposition"),
}
"""Where each region stands, from left to right, and its name under the column."""
FAINT = 2.0
"""Points of p_c below which no arrow is drawn (our own choice: less than half of what counts as nothing)."""


@dataclass(frozen=True)
class FlowMap:
    """What the map shows.

    Attributes:
        flows: per flow, the mean drop at each layer, in points; NaN where not measured.
        lens: per form of the answer, its mean probability after 0 to ``layers`` layers.
        layers: how many layers the checkpoint has.
        tasks: how many tasks the mean is over.
    """

    flows: dict[MeasurementRecord, tuple[float, ...]]
    lens: dict[MeasurementRecord, tuple[float, ...]]
    layers: int
    tasks: int

    @property
    def label(self) -> str:
        """The map in words."""
        return "; ".join(
            f"{name}: largest mean effect {effect} at layer {layer}" for name, layer, effect in self.table
        )

    @property
    def table(self) -> tuple[tuple[str, str, str], ...]:
        """Per flow: its name, the layer of its largest mean drop, and the effect there."""
        places = {flow: int(np.nanargmax(drops)) for flow, drops in self.flows.items()}
        return tuple(
            (measurement_name(flow), str(layer), number(-self.flows[flow][layer]))
            for flow, layer in places.items()
        )


def flow_map(curves: list[Curve], layers: int) -> FlowMap | None:
    """Average the effects over tasks; None where nothing that can be drawn was measured.

    Where the image's patches were measured apart, image → question is left out: it is their sum.
    """
    usable = [c for c in curves if c.role == "effect" and c.reading == "p_c" and goes_right(c.measurement)]
    effects = _means(usable, layers)
    if {RELATED, OTHER} & effects.keys():
        effects.pop(IMAGE_QUESTION, None)
    flows = {
        flow: tuple(-value for value in mean) for flow, mean in effects.items() if np.isfinite(mean).any()
    }
    lens = _means([c for c in curves if c.measurement in {LOWER, CAPITAL}], layers + 1)
    return FlowMap(flows, lens, layers, len({c.task for c in usable})) if flows else None


def goes_right(flow: MeasurementRecord) -> bool:
    """Whether the map can show a measurement: a plain flow from a column to one on its right."""
    ends = (flow.source, flow.target)
    plain = flow == MeasurementRecord("sweep", *ends)
    return plain and all(end in COLUMNS for end in ends) and COLUMNS[ends[0]][0] < COLUMNS[ends[1]][0]


def _means(curves: list[Curve], points: int) -> dict[MeasurementRecord, tuple[float, ...]]:
    """Per measurement the mean over tasks at each point."""
    named = dict.fromkeys(curve.measurement for curve in curves)
    return {one: _mean([c for c in curves if c.measurement == one], points) for one in named}


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
