"""One quantity on every checkpoint, drawn: a row each, from the first at the top, with its interval."""

from __future__ import annotations

import math

from harness.statistics.verdict import Part
from reports.drawing.styles import GRID, INK, MUTED
from reports.drawing.svg import Canvas, Point, ticks
from reports.site.spread import Effect, Spread
from reports.words import BADGES, clean, interval, number, plain_number

_WIDTH, _ROW = 290.0, 9.0
_SIDE, _FOOT, _TOP = 26.0, 18.0, 4.0
_DOT = 3.6
_ALL_NUMBERED = 10
"""Up to so many checkpoints, every row has its number; else every fifth."""
_COLOURS = ("supported", "refuted", "inconclusive", "none")


def draw(spread: Spread) -> str:
    """Return the drawing as inline SVG; the rows are numbered as the checkpoints of the page are."""
    count, limits = len(spread.effects), limits_of(spread)
    height = _ROW * count
    frame = (_SIDE, _FOOT, _WIDTH - 8, _FOOT + height)
    canvas = Canvas((_WIDTH, height + _FOOT + _TOP), frame, limits, (-count + 0.5, 0.5))
    _scale(canvas, spread, limits)
    for colour in _COLOURS:
        rows = [(row, part) for row, part in _known(spread) if _colour(spread.effects[row]) == colour]
        for row, part in rows:
            ends = [_inside(end, limits) for end in (part.lower, part.upper) if not math.isnan(end)]
            canvas.line(ends, [-row] * len(ends), f"var(--{colour})", 1.3)
        for row, part in rows:
            canvas.line((part.estimate,) * 2, (-row, -row), f"var(--{colour})", _DOT)
    return canvas.svg(_label(spread))


def limits_of(spread: Spread) -> Point:
    """The horizontal range: all estimates, limits and thresholds, as far as they are numbers, and zero."""
    parts = [part for _, part in _known(spread)]
    values = (end for one in parts for end in (one.estimate, one.lower, one.upper, one.threshold))
    known = [0.0, *filter(math.isfinite, values)]
    room = (max(known) - min(known)) * 0.04 or 1.0
    return min(known) - room, max(known) + room


def _known(spread: Spread) -> list[tuple[int, Part]]:
    """The rows that have an estimate."""
    parts = [(row, effect.part) for row, effect in enumerate(spread.effects) if effect]
    return [(row, part) for row, part in parts if part and math.isfinite(part.estimate)]


def _scale(canvas: Canvas, spread: Spread, limits: Point) -> None:
    count = len(spread.effects)
    bottom, values = -count + 0.5, ticks(limits, 4)
    for value in values:
        canvas.line((value, value), (bottom, 0.5), GRID if value else MUTED, 0.9)
    for threshold in sorted({part.threshold for _, part in _known(spread) if math.isfinite(part.threshold)}):
        canvas.line((threshold, threshold), (bottom, 0.5), INK, 1.0, "5 3")
    for value in values:
        canvas.word(value, bottom, plain_number(value), MUTED, 10, "center", "top", (0, -3))
    for row in range(count):
        if count <= _ALL_NUMBERED or row == 0 or (row + 1) % 5 == 0:
            canvas.word(limits[0], -row, str(row + 1), MUTED, 10, "right", "center", (-4, 0))


def _inside(end: float, limits: Point) -> float:
    return min(max(end, limits[0]), limits[1])


def _colour(effect: Effect | None) -> str:
    slug = BADGES[effect.claim.judgement.verdict].slug if effect else ""
    return slug if slug in _COLOURS else "none"


def _label(spread: Spread) -> str:
    told = (
        f"{row + 1}: {number(part.estimate)} [{interval(part.lower, part.upper)}]"
        for row, part in _known(spread)
    )
    return clean(f"{spread.task or 'all tasks'}: {'; '.join(told) or 'no estimates'}", 600)
