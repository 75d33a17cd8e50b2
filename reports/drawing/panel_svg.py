"""A panel drawn: curves over relative depth with their bands, the threshold, the depth bands shaded."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.verdicts.record import Curve
from reports.drawing.panels import Panel
from reports.drawing.styles import BAND, GRID, INK, MUTED, Style, series_of
from reports.drawing.svg import Canvas, ticks
from reports.words import clean, plain_number


@dataclass(frozen=True)
class _Form:
    """How much a panel shows.

    Attributes:
        size: width and height in points.
        frame: left, bottom, right and top of the plot in points.
        values: about how many values stand at the vertical axis.
        depths: relative depths that stand below, with how they are written.
        named: whether the axis and the bands have their names, and points their markers.
    """

    size: tuple[float, float]
    frame: tuple[float, float, float, float]
    values: int
    depths: tuple[tuple[float, str], ...]
    named: bool


_MAIN = _Form(
    (260.0, 168.0),
    (34.0, 27.0, 256.0, 160.0),
    5,
    ((0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1")),
    named=True,
)
_SMALL = _Form(
    (128.0, 78.0), (28.0, 13.0, 124.0, 75.0), 3, ((0.0, "0"), (0.5, ".5"), (1.0, "1")), named=False
)


def across(panel: Panel) -> tuple[float, float]:
    """Where relative depth 0 and 1 lie, in shares of the drawing's width."""
    form = _SMALL if panel.reading else _MAIN
    return form.frame[0] / form.size[0], form.frame[2] / form.size[0]


def draw(panel: Panel) -> str:
    """Return the panel as inline SVG."""
    form = _SMALL if panel.reading else _MAIN
    canvas = Canvas(form.size, form.frame, (0, 1), panel.limits)
    _shade(canvas, panel, form)
    _scales(canvas, panel.limits, form)
    for curve in panel.curves:
        _curve(canvas, curve, panel.styles[series_of(curve)], form)
    if panel.threshold is not None and math.isfinite(panel.threshold):
        canvas.line((0, 1), (panel.threshold, panel.threshold), INK, 1.0, dash="5 3")
    if not any(math.isfinite(value) for curve in panel.curves for value in curve.mean):
        canvas.word(0.5, sum(panel.limits) / 2, "no numbers", MUTED, 10, "center")
    return canvas.svg(panel.label)


def _scales(canvas: Canvas, limits: tuple[float, float], form: _Form) -> None:
    low, _ = limits
    values = ticks(limits, form.values)
    for value in sorted(values, key=bool, reverse=True):
        canvas.line((0, 1), (value, value), GRID if value else MUTED, 0.9)
    for value in values:
        canvas.word(0, value, plain_number(value), MUTED, 9, "right", "center", (-4, 0))
    for depth, text in form.depths:
        canvas.word(depth, low, text, MUTED, 9, "center", "top", (0, -3))
    if form.named:
        canvas.word(0.5, low, "relative depth", MUTED, 9, "center", "top", (0, -15))


def _shade(canvas: Canvas, panel: Panel, form: _Form) -> None:
    low, high = panel.limits
    rows: list[float] = []  # where each row of names ends so far
    for name, start, end in sorted(panel.bands, key=lambda band: band[1]):
        canvas.area(((start, low), (end, low), (end, high), (start, high)), BAND)
        if not form.named:
            continue
        row = next((place for place, taken in enumerate(rows) if taken <= start), len(rows))
        rows[row : row + 1] = [end]
        canvas.word(start, high, clean(name, 14), MUTED, 8, "left", "top", (3, -2 - 10 * row))


def _curve(canvas: Canvas, curve: Curve, style: Style, form: _Form) -> None:
    canvas.band(curve.depth, curve.lower, curve.upper, style.colour, 0.16)
    canvas.line(curve.depth, curve.mean, style.colour, 1.7, style.dash, style.marker if form.named else "")
