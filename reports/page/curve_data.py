"""The numbers behind the drawings, once each, for the script that answers when a curve is asked.

A drawing names its curves by their places here. Numbers are written as everywhere on the page, so that what
a curve answers is what the tables say; but for the minus, which is a hyphen here, a third as long, and which
the script writes as it should be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.verdicts.record import Curve
from reports.drawing.over_tasks import MeanCurve
from reports.drawing.styles import Series, Style, series_of
from reports.estimates import unit_of
from reports.words import count, measurement_name, number

MINUS = "\u2212"


class _Written(NamedTuple):
    """A curve as the script reads it."""

    axis: int
    name: str
    colour: str
    images: str
    before: str
    after: str
    mean: str
    interval: str


class CurveData:
    """Collects the curves of a page while it is drawn."""

    def __init__(self) -> None:
        self._axes: dict[tuple[tuple[int, ...], tuple[float, ...]], int] = {}
        self._curves: dict[_Written, int] = {}
        self._sides: dict[tuple[float, float], int] = {}

    def sides(self, across: tuple[float, float]) -> int:
        """Keep where relative depth 0 and 1 lie in a drawing, in shares of its width, and return their place.

        They are for its ``data-sides``.
        """
        return self._sides.setdefault(across, len(self._sides))

    def places(self, curves: Iterable[Curve], styles: dict[Series, Style]) -> str:
        """Keep some curves and return their places, for a drawing's ``data-curves``."""
        return " ".join(str(self._place(curve, styles[series_of(curve)].colour)) for curve in curves)

    def json(self) -> str:
        """Everything that was kept, as JSON that can stand inside HTML."""
        axes = [{"points": points, "depth": [round(u, 4) for u in depth]} for points, depth in self._axes]
        sides = [[round(side, 4) for side in both] for both in self._sides]
        kept = {"axes": axes, "sides": sides, "curves": list(self._curves)}
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def _place(self, curve: Curve, colour: str) -> int:
        axis = self._axes.setdefault((curve.points, curve.depth), len(self._axes))
        before, after = unit_of(curve.reading)
        written = _Written(
            axis=axis,
            name=measurement_name(curve.measurement) + _told_apart(curve),
            colour=colour,
            images=_images(curve),
            before=before,
            after=after,
            mean=_numbers(curve.mean),
            interval=_intervals(curve),
        )
        return self._curves.setdefault(written, len(self._curves))


def _told_apart(curve: Curve) -> str:
    """What tells it from curves of the same measurement."""
    window = f", k\u00a0=\u00a0{curve.window}" if curve.window else ""
    return window + (", baseline" if curve.role == "baseline" else "")


def _images(curve: Curve) -> str:
    if isinstance(curve, MeanCurve):
        return f"{count(curve.tasks, 'task')} of {count(curve.n_images, 'image')} or more"
    return count(curve.n_images, "image")


def _numbers(values: Sequence[float]) -> str:
    return " ".join(map(number, values)).replace(MINUS, "-")


def _intervals(curve: Curve) -> str:
    """Lower and upper limits in turn; empty for a single sample, which has none."""
    sides = [value for pair in zip(curve.lower, curve.upper, strict=True) for value in pair]
    return _numbers(sides) if any(map(math.isfinite, sides)) else ""
