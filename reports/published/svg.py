"""Both curves over relative depth, each with its band."""

from __future__ import annotations

import math

from reports.drawing.styles import DARK, GRID, INK, LIGHT, MUTED, PAPER
from reports.drawing.svg import Canvas, ticks
from reports.published.curve import Beside
from reports.words import clean, number, plain_number

_SIZE, _FRAME = (560.0, 330.0), (44.0, 44.0, 548.0, 290.0)
_OURS, _THEIRS = "var(--s0)", "var(--s1)"
_DASH = "6 2"
_STYLE = (
    f"svg {{ {LIGHT} font-family: system-ui, sans-serif; }} "
    f"@media (prefers-color-scheme: dark) {{ svg {{ {DARK} }} }}"
)


def draw(found: Beside, name: str) -> str:
    """Return the picture as a file of its own.

    Args:
        found: the curves.
        name: what theirs is called.
    """
    limits = _limits(found)
    canvas = Canvas(_SIZE, _FRAME, (0, 1), limits)
    below, above = -(_FRAME[1] / canvas.scale[1]), (_SIZE[1] - _FRAME[3]) / canvas.scale[1]
    left, right = -(_FRAME[0] / canvas.scale[0]), (_SIZE[0] - _FRAME[2]) / canvas.scale[0]
    low, high = limits[0] + below, limits[1] + above
    canvas.area(((left, low), (1 + right, low), (1 + right, high), (left, high)), PAPER)
    for value in ticks(limits, 6):
        canvas.line((0, 1), (value, value), MUTED if value == 0 else GRID, 0.9)
        canvas.word(0, value, plain_number(value), MUTED, 10, "right", "center", (-5, 0))
    for depth, text in ((0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1")):
        canvas.word(depth, limits[0], text, MUTED, 10, "center", "top", (0, -4))
    canvas.word(0.5, limits[0], "relative depth", MUTED, 10, "center", "top", (0, -18))
    theirs, ours = found.theirs, found.ours
    low_end, high_end = theirs.mean - theirs.half, theirs.mean + theirs.half
    depth = theirs.depth.tolist()
    canvas.band(depth, low_end.tolist(), high_end.tolist(), _THEIRS, 0.16)
    canvas.line(depth, theirs.mean.tolist(), _THEIRS, 1.8, _DASH, "square")
    canvas.band(ours.depth, ours.lower, ours.upper, _OURS, 0.16)
    canvas.line(ours.depth, ours.mean, _OURS, 1.8, "", "octagon")
    for place, (text, colour) in enumerate(((found.checkpoint.name, _OURS), (name, _THEIRS))):
        mark = "—" if colour == _OURS else "- -"
        canvas.word(
            0, limits[1], f"{mark} {clean(text, 34)}", colour, 11, "left", "bottom", (260.0 * place, 14)
        )
    canvas.word(0, limits[1], "p_c, %", INK, 10, "left", "bottom", (-40, 2))
    return canvas.file(in_words(found, name), _STYLE)


def in_words(found: Beside, name: str) -> str:
    """The picture in words, for those who do not see it."""
    deepest = found.theirs.mean.argmin()
    own = min(zip(found.ours.mean, found.ours.depth, strict=True))
    value, depth = float(found.theirs.mean[deepest]), found.theirs.depth[deepest]
    return (
        f"{clean(found.checkpoint.name, 80)}: lowest {number(own[0])} at depth {own[1]:.2f}; "
        f"{clean(name, 80)}: lowest {number(value)} at depth {depth:.2f}"
    )


def _limits(found: Beside) -> tuple[float, float]:
    theirs, ours = found.theirs, found.ours
    values = [*(theirs.mean - theirs.half).tolist(), *(theirs.mean + theirs.half).tolist()]
    values += [*ours.lower, *ours.upper, *ours.mean, 0.0]
    known = [value for value in values if math.isfinite(value)]
    low, high = min(known), max(known)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room
