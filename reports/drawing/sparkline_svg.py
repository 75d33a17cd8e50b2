"""A sparkline drawn: no words, no ticks; depth from left to right, the claim's band and threshold behind."""

from __future__ import annotations

import math

from reports.drawing.sparkline import Sparkline
from reports.drawing.styles import BAND, INK, MUTED, series_of
from reports.drawing.svg import Canvas

_SIZE = (132.0, 36.0)
_FRAME = (1.0, 1.0, 131.0, 35.0)
ACROSS = _FRAME[0] / _SIZE[0], _FRAME[2] / _SIZE[0]
"""Where relative depth 0 and 1 lie, in shares of the drawing's width."""


def draw(shown: Sparkline) -> str:
    """Return the drawing as inline SVG."""
    canvas = Canvas(_SIZE, _FRAME, (0, 1), shown.limits)
    low, high = shown.limits
    for _, start, end in shown.bands:
        canvas.area(((start, low), (end, low), (end, high), (start, high)), BAND)
    canvas.line((0, 1), (0, 0), MUTED, 0.8)
    if shown.threshold is not None and math.isfinite(shown.threshold):
        canvas.line((0, 1), (shown.threshold, shown.threshold), INK, 0.8, dash="3 2")
    for curve in shown.curves:
        style = shown.styles[series_of(curve)]
        canvas.band(curve.depth, curve.lower, curve.upper, style.colour, 0.2)
        canvas.line(curve.depth, curve.mean, style.colour, 1.5, style.dash)
    return canvas.svg(shown.label)
