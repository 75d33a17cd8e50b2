"""The picture of the flow drawn: layers upward, regions as columns, arrows as wide as the effect.

Flows that cross the same gap run at heights of their own, so that none hides another. A key gives the
scale. On the right, what the last position says after every layer.
"""

from __future__ import annotations

import math

from reports.drawing import Canvas, settings
from reports.flowmap import COLUMNS, FAINT, FlowMap, ends
from reports.styles import GRID, INK, MUTED, stub, styles

_WIDTH = 560.0
_SHORTEST, _TALLEST, _ROW = 300.0, 640.0, 30.0
_LANES = {
    "related_patches->question": 0.16,
    "other_patches->question": -0.16,
    "image->question": 0.0,
    "question->last": 0.0,
    "image->last": 0.4,
}
_WHOLE = 0.7
_LENS = (3.4, 4.0)
_KEY = 50.0


def draw(picture: FlowMap, name: str) -> str:
    """Return the picture as inline SVG; ``name`` must be unique on the page."""
    height = min(max(_ROW * picture.layers, _SHORTEST), _TALLEST)
    with settings():
        canvas = Canvas(
            (_WIDTH, height + 74),
            (34, 44, _WIDTH - 6, height + 44),
            (-0.35, _LENS[1] if picture.lens else 3.35),
            (-0.6, picture.layers - 0.4),
        )
        _columns(canvas, picture)
        _flows(canvas, picture, height / picture.layers)
        _scale(canvas, picture.layers, height / picture.layers)
        if picture.lens:
            _answer(canvas, picture)
        return canvas.svg(name, picture.label)


def _flows(canvas: Canvas, picture: FlowMap, row: float) -> None:
    look = styles([stub(flow) for flow in picture.flows])
    for flow, drops in picture.flows.items():
        source, target = ends(flow) or ("question", "last")
        reach = (COLUMNS[source][0], COLUMNS[target][0])
        for layer, drop in enumerate(drops):
            if math.isfinite(drop) and drop >= FAINT:
                y = layer + _LANES.get(flow, 0.0)
                _arrow(canvas, reach, y, drop, look[flow, "effect", None].colour, row)


def _columns(canvas: Canvas, picture: FlowMap) -> None:
    used = {end for flow in picture.flows for end in ends(flow) or ()}
    for layer in range(0, picture.layers, max(1, math.ceil(picture.layers / 16))):
        canvas.word(-0.35, layer, str(layer), MUTED, 10, "right", "center", (-6, 0))
    canvas.word(-0.35, picture.layers - 0.4, "layer", MUTED, 10, "right", "bottom", (-6, 3))
    for region, (x, text) in COLUMNS.items():
        if region in used:
            canvas.line((x, x), (-0.5, picture.layers - 0.5), GRID, 8)
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


def _answer(canvas: Canvas, picture: FlowMap) -> None:
    left, right = _LENS
    heights = [point - 0.5 for point in range(picture.layers + 1)]
    for x, text in ((left, "0"), (right, "1")):
        canvas.line((x, x), (-0.5, picture.layers - 0.5), GRID, 1)
        canvas.word(x, picture.layers - 0.4, text, MUTED, 10, "center", "bottom", (0, 3))
    look = styles([stub(form, "lens") for form in picture.lens])
    for form, values in picture.lens.items():
        style = look[form, "lens", None]
        canvas.line(
            [left + (right - left) * value for value in values], heights, style.colour, 1.7, style.dash
        )
    for place, word in enumerate(("answer's", "probability")):
        canvas.word((left + right) / 2, -0.6, word, INK, 11, "center", "top", (0, -6 - 14 * place))
