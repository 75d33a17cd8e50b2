"""The flow map drawn: layers upward, regions as columns, arrows as wide as the effect.

Flows that cross the same gap run at heights of their own, so that none hides another. A key gives the
scale. On the right, the answer's probability at the last position after each layer.
"""

from __future__ import annotations

import math

from reports.drawing.flow_map import COLUMNS, FAINT, FlowMap
from reports.drawing.styles import GRID, IMAGE_LAST, INK, MUTED, OTHER, RELATED, Series, styles
from reports.drawing.svg import Canvas

_WIDTH = 560.0
_SHORTEST, _TALLEST, _ROW = 300.0, 640.0, 30.0
_LANES = {RELATED: 0.16, OTHER: -0.16, IMAGE_LAST: 0.4}
"""How far above its layer a flow runs; any other runs at it."""
_WHOLE = 0.7
_LENS = (3.4, 4.0)
_KEY = 50.0


def draw(shown: FlowMap) -> str:
    """Return the map as inline SVG."""
    height = min(max(_ROW * shown.layers, _SHORTEST), _TALLEST)
    canvas = Canvas(
        (_WIDTH, height + 74),
        (34, 44, _WIDTH - 6, height + 44),
        (-0.35, _LENS[1] if shown.lens else 3.35),
        (-0.6, shown.layers - 0.4),
    )
    _columns(canvas, shown)
    _flows(canvas, shown, height / shown.layers)
    _scale(canvas, shown.layers, height / shown.layers)
    if shown.lens:
        _answer(canvas, shown)
    return canvas.svg(shown.label)


def _flows(canvas: Canvas, shown: FlowMap, row: float) -> None:
    look = styles(map(Series, shown.flows))
    for flow, drops in shown.flows.items():
        reach = (COLUMNS[flow.source][0], COLUMNS[flow.target][0])
        for layer, drop in enumerate(drops):
            if math.isfinite(drop) and drop >= FAINT:
                y = layer + _LANES.get(flow, 0.0)
                _arrow(canvas, reach, y, drop, look[Series(flow)].colour, row)


def _columns(canvas: Canvas, shown: FlowMap) -> None:
    used = {end for flow in shown.flows for end in (flow.source, flow.target)}
    for layer in range(0, shown.layers, max(1, math.ceil(shown.layers / 16))):
        canvas.word(-0.35, layer, str(layer), MUTED, 10, "right", "center", (-6, 0))
    canvas.word(-0.35, shown.layers - 0.4, "layer", MUTED, 10, "right", "bottom", (-6, 3))
    for region, (x, text) in COLUMNS.items():
        if region in used:
            canvas.line((x, x), (-0.5, shown.layers - 0.5), GRID, 8)
            _label(canvas, x, text)


def _label(canvas: Canvas, x: float, text: str) -> None:
    for place, word in enumerate(text.split("\n")):
        canvas.word(x, -0.6, word, INK, 11, "center", "top", (0, -6 - 14 * place))


def _arrow(
    canvas: Canvas, reach: tuple[float, float], y: float, drop: float, colour: str, row: float
) -> None:
    """Draw an arrow; ``row`` is the height of a layer in points, to give the head its shape."""
    start, end = reach[0] + 0.05, reach[1] - 0.05
    half = _WHOLE * min(drop, 100.0) / 200
    head = half * 1.35 + 2.6 / row
    neck = end - 1.25 * head * row / canvas.scale[0]
    corners = (
        (start, y - half),
        (neck, y - half),
        (neck, y - head),
        (end, y),
        (neck, y + head),
        (neck, y + half),
        (start, y + half),
    )
    canvas.area(corners, colour, 0.92)


def _scale(canvas: Canvas, layers: int, row: float) -> None:
    y = layers - 0.4 + 16 / row
    _arrow(canvas, (2.0, 2.5), y, _KEY, MUTED, row)
    canvas.word(2.5, y, f"{_KEY:.0f} points", MUTED, 10, "left", "center", (4, 0))


def _answer(canvas: Canvas, shown: FlowMap) -> None:
    left, right = _LENS
    heights = [point - 0.5 for point in range(shown.layers + 1)]
    for x, text in ((left, "0"), (right, "1")):
        canvas.line((x, x), (-0.5, shown.layers - 0.5), GRID, 1)
        canvas.word(x, shown.layers - 0.4, text, MUTED, 10, "center", "bottom", (0, 3))
    look = styles(Series(form, "lens") for form in shown.lens)
    for form, values in shown.lens.items():
        style = look[Series(form, "lens")]
        across = [left + (right - left) * value for value in values]
        canvas.line(across, heights, style.colour, 1.7, style.dash)
    _label(canvas, (left + right) / 2, "answer's\nprobability")
