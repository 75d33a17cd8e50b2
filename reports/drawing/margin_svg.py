"""What becomes of the margin, drawn: at each layer the true answer's part and the wrong one's, stacked.

Below zero the margin is lost, as in every other plot. Parts that pull in different directions lie on both
sides of zero; the line is their sum. The parts differ in strength, not in colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from harness.verdicts.record import Margin
from reports.drawing.styles import FALSE_ANSWER, GRID, INK, MUTED, TRUE_ANSWER
from reports.drawing.svg import Canvas, Point, ticks
from reports.lost_margin import Lost
from reports.words import clean, measurement_name, plain_number

_SIZE, _FRAME = (190.0, 84.0), (28.0, 13.0, 186.0, 81.0)
_WIDTH = 0.84
"""The width of a bar, in layers."""
_ROOM = 0.06
STRONG, FAINT = 1.0, 0.55
"""How strongly the true answer's part and the wrong one's are filled."""
_Bar = tuple[float, float]
"""From where to where a part reaches, in nats."""


def draw(lost: Lost, limits: Point) -> str:
    """Return the drawing as inline SVG.

    Args:
        lost: the effect.
        limits: vertical range in nats; see `limits_of`.
    """
    points, bars = lost.curve.points, _bars(lost.margin)
    canvas = Canvas(_SIZE, _FRAME, (points[0] - 0.5, points[-1] + 0.5), limits)
    _scales(canvas, (points[0], points[-1]), limits)
    for part, colour, strength in ((0, TRUE_ANSWER, STRONG), (1, FALSE_ANSWER, FAINT)):
        placed = ((at, both[part]) for at, both in zip(points, bars, strict=True))
        canvas.bars([(at, bar) for at, bar in placed if _shows(bar)], _WIDTH, colour, strength)
    canvas.line(points, _sums(lost.margin), INK, 1.2)
    return canvas.svg(_label(lost))


def limits_of(several: Iterable[Lost]) -> Point:
    """The vertical range, in nats, that holds some drawings."""
    ends = [end for one in several for both in _bars(one.margin) for bar in both for end in bar]
    known = [0.0, *filter(math.isfinite, ends)]
    low, high = min(known), max(known)
    room = (high - low) * _ROOM or 1.0
    return low - room, high + room


def _bars(margin: Margin) -> list[tuple[_Bar, _Bar]]:
    """The true answer's bar and the wrong one's at each window; of two that pull alike the second goes on."""
    return [_stacked(true, -false) for true, false in zip(margin.true, margin.false, strict=True)]


def _stacked(first: float, second: float) -> tuple[_Bar, _Bar]:
    base = first if first * second > 0 else 0.0
    return (0.0, first), (base, base + second)


def _sums(margin: Margin) -> list[float]:
    return [true - false for true, false in zip(margin.true, margin.false, strict=True)]


def _shows(bar: _Bar) -> bool:
    return all(map(math.isfinite, bar)) and bar[0] != bar[1]


def _scales(canvas: Canvas, layers: Point, limits: Point) -> None:
    values = ticks(limits, 3)
    for value in sorted(values, key=bool, reverse=True):
        canvas.line((layers[0] - 0.5, layers[1] + 0.5), (value, value), GRID if value else MUTED, 0.9)
    for value in values:
        canvas.word(layers[0] - 0.5, value, plain_number(value), MUTED, 9, "right", "center", (-4, 0))
    for layer in filter(float.is_integer, map(float, ticks((layers[0], layers[1] + 0.5), 5))):
        canvas.word(layer, limits[0], plain_number(layer), MUTED, 9, "center", "top", (0, -3))


def _label(lost: Lost) -> str:
    curve = lost.curve
    return clean(f"{curve.task}: {measurement_name(curve.measurement)}, {lost.in_words}", 600)
