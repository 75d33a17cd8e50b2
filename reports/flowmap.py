"""A picture of the flow, measured: layers upward, regions as columns, arrows as wide as the effect.

For every layer, the arrow from A to B is as wide as the answer's probability fell when B could not
read A in the window around that layer, averaged over the tasks. What raised the probability, or moved
it by less than `FAINT`, has no arrow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from harness.record import Curve
from reports import drawing
from reports.styles import GRID, INK, MUTED, styles
from reports.words import flow_name, number

FAINT = 2.0
"""Points of p_c below which no arrow is drawn (our own choice: half of what the sources call nothing)."""

_WIDEST = 9.0
_COLUMNS = {
    "other_patches": (0.0, "other\npatches"),
    "related_patches": (1.0, "related\npatches"),
    "image": (0.5, "image"),
    "question": (2.0, "question"),
    "last": (3.0, "last\nposition"),
}


@dataclass(frozen=True)
class FlowMap:
    """What the picture shows.

    Attributes:
        flows: per flow, the mean drop at each layer, in points; NaN where not measured.
        layers: how many layers the checkpoint has.
        tasks: how many tasks the mean is over.
    """

    flows: dict[str, tuple[float, ...]]
    layers: int
    tasks: int

    @property
    def label(self) -> str:
        """The picture in words."""
        return "; ".join(_peak(flow, drops) for flow, drops in self.flows.items())

    @property
    def table(self) -> tuple[tuple[str, str, str], ...]:
        """Per flow: its name, the layer of its largest mean drop, and that drop."""
        rows = []
        for flow, drops in self.flows.items():
            layer = _largest(drops)
            rows.append((flow_name(flow), str(layer), number(-drops[layer])))
        return tuple(rows)


def flow_map(curves: list[Curve], layers: int) -> FlowMap | None:
    """Average the effects over tasks; None where nothing that can be drawn was measured."""
    usable = [c for c in curves if c.role == "effect" and c.reading == "p_c" and _ends(c.label)]
    split = {c.label for c in usable} & {"related_patches->question", "other_patches->question"}
    found: dict[str, tuple[float, ...]] = {}
    for flow in dict.fromkeys(c.label for c in usable):
        if flow == "image->question" and split:
            continue
        drops = _mean_drop([c for c in usable if c.label == flow], layers)
        if any(math.isfinite(drop) for drop in drops):
            found[flow] = drops
    tasks = len({c.task for c in usable})
    return FlowMap(found, layers, tasks) if found else None


def _ends(label: str) -> tuple[str, str] | None:
    source, _, target = label.partition("->")
    known = source in _COLUMNS and target in _COLUMNS and source != target
    return (source, target) if known else None


def _mean_drop(curves: list[Curve], layers: int) -> tuple[float, ...]:
    """The mean over tasks of the drop at each layer, from the window of the rule: the widest measured."""
    widest = max((c.window or 0) for c in curves)
    drops: list[list[float]] = [[] for _ in range(layers)]
    for curve in curves:
        if (curve.window or 0) == widest:
            for point, mean in zip(curve.points, curve.mean, strict=False):
                if 0 <= point < layers and math.isfinite(mean):
                    drops[point].append(-mean)
    return tuple(sum(values) / len(values) if values else math.nan for values in drops)


def _largest(drops: tuple[float, ...]) -> int:
    return int(np.nanargmax(np.asarray(drops)))


def _peak(flow: str, drops: tuple[float, ...]) -> str:
    layer = _largest(drops)
    return f"{flow_name(flow)}: largest mean drop {number(drops[layer])} points at layer {layer}"


def draw(picture: FlowMap, name: str) -> str:
    """Return the picture as inline SVG; ``name`` must be unique on the page."""
    with drawing.settings():
        figure = Figure(figsize=(6.4, 5.2))
        axes = figure.add_axes((0.08, 0.13, 0.9, 0.83))
        used = {end for flow in picture.flows for end in _ends(flow) or ()}
        _columns(axes, used, picture.layers)
        look = styles([_stub(flow) for flow in picture.flows])
        for flow, drops in picture.flows.items():
            _arrows(axes, flow, drops, look[flow, "effect", None].colour)
        return drawing.svg(figure, name, picture.label)


def _columns(axes: Axes, used: set[str], layers: int) -> None:
    axes.set_xlim(-0.45, 3.45)
    axes.set_ylim(-0.8, layers - 0.2)
    step = max(1, layers // 8)
    axes.set_yticks(range(0, layers, step))
    axes.tick_params(length=0, labelsize=8, labelcolor=MUTED)
    axes.set_ylabel("layer", color=MUTED, fontsize=8)
    shown = {region: place for region, place in _COLUMNS.items() if region in used}
    axes.set_xticks([x for x, _ in shown.values()], [text for _, text in shown.values()])
    axes.tick_params(axis="x", labelsize=10, labelcolor=INK, pad=6)
    axes.patch.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    for x, _ in shown.values():
        axes.plot([x, x], [-0.5, layers - 0.5], color=GRID, linewidth=9, solid_capstyle="round", zorder=1)


def _arrows(axes: Axes, flow: str, drops: tuple[float, ...], colour: str) -> None:
    source, target = _ends(flow) or ("", "")
    start, end = _COLUMNS[source][0], _COLUMNS[target][0]
    # Flows that share a layer must not hide each other: those from further away run a little higher.
    shift = {1.0: 0.0, 2.0: 0.22, 3.0: 0.4}.get(end - start, -0.2)
    for layer, drop in enumerate(drops):
        if math.isfinite(drop) and drop >= FAINT:
            width = _WIDEST * min(drop, 100.0) / 100.0
            axes.add_patch(
                FancyArrowPatch(
                    (start, layer + shift),
                    (end - 0.03, layer + shift),
                    arrowstyle=f"-|>,head_width={1.2 + width / 3.2:.2f},head_length={2.4 + width / 2.5:.2f}",
                    linewidth=width,
                    color=colour,
                    alpha=0.85,
                    shrinkA=0,
                    shrinkB=0,
                    mutation_scale=1.6,
                    joinstyle="miter",
                    capstyle="butt",
                    zorder=2,
                )
            )


def _stub(flow: str) -> Curve:
    return Curve(flow, "", "p_c", "", "effect", None, (), (), (), (), (), 0)
