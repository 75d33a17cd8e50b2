"""A panel drawn: curves over relative depth with their bands, the threshold, the depth bands shaded."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from harness.record import Curve
from reports import drawing
from reports.panels import Panel
from reports.styles import BAND, GRID, INK, MUTED, Style, key
from reports.words import clean

_SIZE = (3.6, 2.35)


def draw(panel: Panel, name: str) -> str:
    """Return the panel as inline SVG; ``name`` must be unique on the page."""
    with drawing.settings():
        figure = Figure(figsize=_SIZE)
        axes = figure.add_axes((0.13, 0.17, 0.85, 0.76))
        _frame(axes, panel)
        _shade(axes, panel)
        for curve in panel.curves:
            _curve(axes, curve, panel.styles[key(curve)])
        if panel.threshold is not None and math.isfinite(panel.threshold):
            axes.axhline(panel.threshold, color=INK, linewidth=0.9, dashes=(5, 3), zorder=2)
        if not any(np.isfinite(curve.mean).any() for curve in panel.curves):
            axes.text(0.5, 0.5, "no numbers", ha="center", color=MUTED, transform=axes.transAxes)
        return drawing.svg(figure, name, panel.label)


def _frame(axes: Axes, panel: Panel) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(*panel.limits)
    axes.set_xlabel("relative depth", color=MUTED, fontsize=8, labelpad=1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.tick_params(length=0, labelsize=8, labelcolor=MUTED, pad=3)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.patch.set_visible(False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.axhline(0, color=MUTED, linewidth=0.9, zorder=1.5)


def _shade(axes: Axes, panel: Panel) -> None:
    low, high = panel.limits
    for place, (name, start, end) in enumerate(panel.bands):
        axes.axvspan(start, end, color=BAND, linewidth=0, zorder=0)
        height = high - (high - low) * (0.02 + 0.085 * (place % 3))
        axes.text(start + 0.012, height, clean(name, 14), color=MUTED, fontsize=7, va="top", zorder=4)


def _curve(axes: Axes, curve: Curve, style: Style) -> None:
    depth, mean = _array(curve.depth), _array(curve.mean)
    axes.fill_between(
        depth,
        _array(curve.lower),
        _array(curve.upper),
        color=style.colour,
        alpha=0.16,
        linewidth=0,
        zorder=2.5,
    )
    (line,) = axes.plot(depth, mean, color=style.colour, linewidth=1.6, zorder=3)
    if style.dash:
        line.set_dashes([float(step) for step in style.dash.split()])
    if style.marker:
        line.set(marker=style.marker, markersize=3.4, markeredgewidth=0)


def _array(values: tuple[float, ...]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
