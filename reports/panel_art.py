"""A panel drawn: curves over relative depth with their bands, the threshold, the depth bands shaded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from harness.verdicts.record import Curve
from reports.drawing import Canvas, settings
from reports.panels import Panel
from reports.styles import BAND, GRID, INK, MUTED, Style, key
from reports.words import clean, plain_number


@dataclass(frozen=True)
class _Form:
    """How much a panel shows.

    Attributes:
        size: width and height in points.
        frame: left, bottom, right and top of the plot in points.
        values: about how many values stand at the vertical axis.
        depths: relative depths that stand below, with how they are written.
        told: whether the axis and the bands have their names, and points their markers.
    """

    size: tuple[float, float]
    frame: tuple[float, float, float, float]
    values: int
    depths: tuple[tuple[float, str], ...]
    told: bool


_MAIN = _Form(
    (260.0, 168.0),
    (34.0, 27.0, 256.0, 160.0),
    5,
    ((0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1")),
    told=True,
)
_SMALL = _Form(
    (128.0, 78.0),
    (28.0, 13.0, 124.0, 75.0),
    3,
    ((0.0, "0"), (0.5, ".5"), (1.0, "1")),
    told=False,
)


def draw(panel: Panel, name: str) -> str:
    """Return the panel as inline SVG; ``name`` must be unique on the page."""
    form = _SMALL if panel.reading else _MAIN
    with settings():
        canvas = Canvas(form.size, form.frame, (0, 1), panel.limits)
        _shade(canvas, panel, form)
        _scales(canvas, panel.limits, form)
        for curve in panel.curves:
            _curve(canvas, curve, panel.styles[key(curve)], form)
        if panel.threshold is not None and math.isfinite(panel.threshold):
            canvas.line((0, 1), (panel.threshold, panel.threshold), INK, 1.0, dash="5 3")
        if not any(np.isfinite(curve.mean).any() for curve in panel.curves):
            canvas.word(0.5, sum(panel.limits) / 2, "no numbers", MUTED, 10, "center")
        return canvas.svg(name, panel.label)


def _scales(canvas: Canvas, limits: tuple[float, float], form: _Form) -> None:
    low, high = limits
    for value in MaxNLocator(form.values).tick_values(low, high):
        if low <= value <= high:
            canvas.line((0, 1), (value, value), MUTED if value == 0 else GRID, 0.9)
            canvas.word(0, value, plain_number(float(value)), MUTED, 9, "right", "center", (-4, 0))
    for depth, text in form.depths:
        canvas.word(depth, low, text, MUTED, 9, "center", "top", (0, -3))
    if form.told:
        canvas.word(0.5, low, "relative depth", MUTED, 9, "center", "top", (0, -15))


def _shade(canvas: Canvas, panel: Panel, form: _Form) -> None:
    low, high = panel.limits
    rows: list[float] = []  # where each row of names ends so far
    for name, start, end in sorted(panel.bands, key=lambda band: band[1]):
        canvas.area(((start, low), (end, low), (end, high), (start, high)), BAND)
        if not form.told:
            continue
        row = next((place for place, taken in enumerate(rows) if taken <= start), len(rows))
        rows[row : row + 1] = [end]
        canvas.word(start, high, clean(name, 14), MUTED, 8, "left", "top", (3, -2 - 10 * row))


def _curve(canvas: Canvas, curve: Curve, style: Style, form: _Form) -> None:
    depth, mean, lower, upper = (
        np.asarray(series, dtype=np.float64) for series in (curve.depth, curve.mean, curve.lower, curve.upper)
    )
    canvas.between(depth, lower, upper, style.colour, 0.16)
    canvas.line(depth, mean, style.colour, 1.7, style.dash, style.marker if form.told else "")
