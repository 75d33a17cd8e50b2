"""A stage of the flow drawn: wide and low, layers from left to right, one stage above the other."""

from __future__ import annotations

from reports.drawing.stages import Stage
from reports.drawing.styles import GRID, INK, MUTED, series_of
from reports.drawing.svg import Canvas, ticks
from reports.words import plain_number

_SIZE = (620.0, 112.0)
_FRAME = (38.0, 19.0, 616.0, 109.0)
ACROSS = _FRAME[0] / _SIZE[0], _FRAME[2] / _SIZE[0]
"""Where relative depth 0 and 1 lie, in shares of the drawing's width."""
_MOST_LAYERS = 20


def draw(stage: Stage) -> str:
    """Return the stage as inline SVG."""
    canvas = Canvas(_SIZE, _FRAME, (0, 1), stage.limits)
    low, _ = stage.limits
    for value in ticks(stage.limits, 3):
        canvas.line((0, 1), (value, value), MUTED if value == 0 else GRID, 0.9)
        canvas.word(0, value, plain_number(value), MUTED, 11, "right", "center", (-6, 0))
    step = next(n for n in (1, 2, 4, 5, 10, 20, 50, 100) if stage.layers / n <= _MOST_LAYERS)
    for layer in range(0, stage.layers, step):
        canvas.word((layer + 0.5) / stage.layers, low, str(layer), MUTED, 11, "center", "top", (0, -5))
    canvas.word(0, low, "layer", MUTED, 11, "right", "top", (-6, -5))
    for curve in stage.curves:
        canvas.band(curve.depth, curve.lower, curve.upper, stage.styles[series_of(curve)].colour, 0.16)
    if stage.threshold is not None:
        canvas.line((0, 1), (stage.threshold, stage.threshold), INK, 1.0, dash="5 3")
    for curve in stage.curves:
        style = stage.styles[series_of(curve)]
        canvas.line(curve.depth, curve.mean, style.colour, 2.4, style.dash)
    return canvas.svg(stage.label)
