"""A panel drawn: curves over relative depth with their bands, the threshold, the depth bands shaded."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import MaxNLocator

from harness.record import Curve
from reports.drawing import Canvas, settings
from reports.panels import Panel
from reports.styles import BAND, GRID, INK, MUTED, Style, key
from reports.words import clean, plain_number

_SIZE = (260.0, 168.0)
_FRAME = (34.0, 27.0, 256.0, 160.0)
_DEPTHS = ((0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1"))


def draw(panel: Panel, name: str) -> str:
    """Return the panel as inline SVG; ``name`` must be unique on the page."""
    with settings():
        canvas = Canvas(_SIZE, _FRAME, (0, 1), panel.limits)
        _shade(canvas, panel)
        _scales(canvas, panel.limits)
        for curve in panel.curves:
            _curve(canvas, curve, panel.styles[key(curve)])
        if panel.threshold is not None and math.isfinite(panel.threshold):
            canvas.line((0, 1), (panel.threshold, panel.threshold), INK, 1.0, dash="5 3")
        if not any(np.isfinite(curve.mean).any() for curve in panel.curves):
            canvas.word(0.5, sum(panel.limits) / 2, "no numbers", MUTED, 10, "center")
        return canvas.svg(name, panel.label)


def _scales(canvas: Canvas, limits: tuple[float, float]) -> None:
    low, high = limits
    for value in MaxNLocator(5).tick_values(low, high):
        if low <= value <= high:
            canvas.line((0, 1), (value, value), MUTED if value == 0 else GRID, 0.9)
            canvas.word(0, value, plain_number(float(value)), MUTED, 9, "right", "center", (-4, 0))
    for depth, text in _DEPTHS:
        canvas.word(depth, low, text, MUTED, 9, "center", "top", (0, -3))
    canvas.word(0.5, low, "relative depth", MUTED, 9, "center", "top", (0, -15))


def _shade(canvas: Canvas, panel: Panel) -> None:
    low, high = panel.limits
    rows: list[float] = []  # where each row of names ends so far
    for name, start, end in sorted(panel.bands, key=lambda band: band[1]):
        canvas.area(((start, low), (end, low), (end, high), (start, high)), BAND)
        row = next((place for place, taken in enumerate(rows) if taken <= start), len(rows))
        rows[row : row + 1] = [end]
        canvas.word(start, high, clean(name, 14), MUTED, 8, "left", "top", (3, -2 - 10 * row))


def _curve(canvas: Canvas, curve: Curve, style: Style) -> None:
    depth, mean, lower, upper = (
        np.asarray(series, dtype=np.float64) for series in (curve.depth, curve.mean, curve.lower, curve.upper)
    )
    canvas.between(depth, lower, upper, style.colour, 0.16)
    canvas.line(depth, mean, style.colour, 1.7, style.dash, style.marker)
