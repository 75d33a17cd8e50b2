"""Small inline SVG: lines, areas, markers and words placed in a drawing's own coordinates.

Nothing is left to the reader's machine but the font: colours are the page's CSS variables, so that one
drawing serves light, dark and print, and text stays text. The same drawing gives the same bytes, and few:
a page has hundreds. A drawing's own unit is a tenth of a point, so that its places are whole numbers; points
of a path follow from one another, what looks alike shares one element, and markers are defined once a page
(`marker_definitions`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import Literal

from markupsafe import escape

Point = tuple[float, float]
_OFF = 1
"""Units by which a place may lie off a line and still count as on it."""
_UNITS = 10
"""Units of a drawing in a point: sizes and places are given in points, and written in these."""
_Place = tuple[int, int]
"""Units from the left and from the top."""

_MARKER = 1.9
"""Half the size of a marker, in points."""
MARKER_ID = "mark-"
"""How the id of a marker's definition begins."""
_OCTAGON = tuple((math.cos((n + 0.5) * math.pi / 4), math.sin((n + 0.5) * math.pi / 4)) for n in range(8))
_HEXAGON = tuple((math.sin(n * math.pi / 3), math.cos(n * math.pi / 3)) for n in range(6))
_PLUS = (
    *((-0.4, 1), (0.4, 1), (0.4, 0.4), (1, 0.4), (1, -0.4), (0.4, -0.4)),
    *((0.4, -1), (-0.4, -1), (-0.4, -0.4), (-1, -0.4), (-1, 0.4), (-0.4, 0.4)),
)
MARKERS: dict[str, tuple[Point, ...]] = {
    "octagon": _OCTAGON,
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "up": ((0, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
    "down": ((0, 1), (1, -1), (-1, -1)),
    "plus": _PLUS,
    "cross": tuple(((x - y) * 0.75, (x + y) * 0.75) for x, y in _PLUS),
    "hexagon": _HEXAGON,
}
"""Polygons within about one unit of the point they mark; y grows downward."""
STYLE = ".plot { fill: none; stroke-linecap: round; }"
"""What a page with drawings has in its style sheet: what all their lines share."""
WORDS = "--words"
"""The variable by which a style sheet may give all words of a drawing another size, in its units."""
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}
_BASELINES = {"top": 0.78, "center": 0.29, "bottom": -0.22, "baseline": 0.0}
"""How far below its place a word's baseline lies, in font sizes."""


class Canvas:
    """A drawing with its own coordinates inside a frame; y grows upward.

    Args:
        size: width and height of the whole, in points (CSS pixels at natural size).
        frame: left, bottom, right and top of the coordinate area, in points.
        x: range of the horizontal coordinate.
        y: range of the vertical coordinate.
    """

    def __init__(self, size: Point, frame: tuple[float, float, float, float], x: Point, y: Point) -> None:
        self._drawn: list[tuple[str, str, str]] = []  # kind of element, its style, what it draws
        self._size = size
        self._corner = frame[:2]
        self._origin = (x[0], y[0])
        self.scale = ((frame[2] - frame[0]) / (x[1] - x[0]), (frame[3] - frame[1]) / (y[1] - y[0]))

    def line(
        self,
        x: Sequence[float],
        y: Sequence[float],
        colour: str,
        width: float,
        dash: str = "",
        marker: str = "",
    ) -> None:
        """Draw a line; it breaks where a value is not a number. Widths and dashes are in points.

        ``marker`` is one of `MARKERS`, for every point; the page holds its definition.
        """
        points = list(zip(x, y, strict=True))
        lengths = " ".join(_units(float(length)) for length in dash.split())
        dashes = f"; stroke-linecap: butt; stroke-dasharray: {lengths}" if dash else ""
        marks = f"; marker: url(#{MARKER_ID}{marker})" if marker else ""
        style = f"stroke: {colour}; stroke-width: {_units(width)}{dashes}{marks}"
        self._path("line", (self._polyline(run, every=bool(marker)) for run in _known(points)), style)

    def area(self, corners: Sequence[Point], colour: str, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        faint = f"; fill-opacity: {_short(opacity)}" if opacity < 1 else ""
        self._path("area", [f"{self._polyline(corners)}z"], f"fill: {colour}{faint}")

    def bars(
        self, bars: Sequence[tuple[float, Point]], width: float, colour: str, opacity: float = 1.0
    ) -> None:
        """Fill upright bars as one element.

        Args:
            bars: of each the middle, and from where to where it reaches.
            width: of each, in horizontal units.
            colour: of all.
            opacity: of all.
        """
        faint = f"; stroke-opacity: {_short(opacity)}" if opacity < 1 else ""
        thick = f"stroke: {colour}; stroke-width: {_units(width * self.scale[0])}; stroke-linecap: butt"
        self._path(
            "line", (self._polyline([(x, start), (x, end)]) for x, (start, end) in bars), thick + faint
        )

    def band(
        self, x: Sequence[float], lower: Sequence[float], upper: Sequence[float], colour: str, opacity: float
    ) -> None:
        """Fill between two curves, wherever both are numbers."""
        sides = zip(x, lower, upper, strict=True)
        for known, run in groupby(sides, lambda side: all(map(math.isfinite, side))):
            if known:
                between = list(run)
                above, below = [(u, high) for u, _, high in between], [(u, low) for u, low, _ in between]
                self.area([*above, *reversed(below)], colour, opacity)

    def word(
        self,
        x: float,
        y: float,
        text: str,
        colour: str,
        size: float,
        align: Literal["left", "center", "right"] = "left",
        upright: Literal["top", "center", "bottom", "baseline"] = "baseline",
        shift: Point = (0.0, 0.0),
    ) -> None:
        """Write a word at a place, moved right and up by ``shift`` points."""
        across, down = self._place((x, y))
        left, base = across + shift[0], down - shift[1] + size * _BASELINES[upright]
        style = f"font-size: var({WORDS}, {_units(size)}px); text-anchor: {_ANCHORS[align]}; fill: {colour}"
        place = f'x="{round(_UNITS * left)}" y="{round(_UNITS * base)}"'
        self._drawn.append(("text", style, f"<text {place}>{escape(text)}</text>"))

    def svg(self, label: str) -> str:
        """Return the drawing as one ``<svg>`` element; ``label`` describes it to those who do not see it."""
        return self._element("", label, "")

    def file(self, label: str, style: str) -> str:
        """Return the drawing as a file of its own, with the style sheet that it would find on the page."""
        width, height = (f"{side:.0f}" for side in self._size)
        head = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        return self._element(head, label, f"<style>{style} {STYLE}</style>") + "\n"

    def _element(self, head: str, label: str, style: str) -> str:
        box = " ".join(map(_units, self._size))
        kind = f'class="plot" role="img" aria-label="{escape(label)}" viewBox="0 0 {box}"'
        return "".join([f"<svg {head}{kind}>", style, *self._elements(), "</svg>"])

    def _elements(self) -> Iterator[str]:
        """What was drawn, in order: of lines of one look that follow each other one element, of words too."""
        for (kind, style), alike in groupby(self._drawn, itemgetter(0, 1)):
            bodies = [body for _, _, body in alike]
            if kind == "text":
                yield f'<g style="{style}">{"".join(bodies)}</g>'
            elif kind == "line":
                yield f'<path d="{"".join(bodies)}" style="{style}"/>'
            else:
                yield from (f'<path d="{body}" style="{style}"/>' for body in bodies)

    def _path(self, kind: str, pieces: Iterator[str] | Sequence[str], style: str) -> None:
        drawn = "".join(pieces)
        if drawn:
            self._drawn.append((kind, style, drawn))

    def _place(self, point: Point) -> Point:
        """Where a point lies, in points from the left and from the top."""
        across, up = (
            corner + (value - origin) * scale
            for corner, value, origin, scale in zip(
                self._corner, point, self._origin, self.scale, strict=True
            )
        )
        return across, self._size[1] - up

    def _polyline(self, points: Sequence[Point], *, every: bool = False) -> str:
        """A path's data: the first place, then the steps from one to the next.

        Level and upright ones are one number. ``every`` point has its place, for a marker; else those on the
        way between their neighbours have none.
        """
        places = [self._unit(point) for point in points]
        kept = places if every else _bends(places)
        steps = ((x - before[0], y - before[1]) for before, (x, y) in pairwise(kept))
        runs = ((command, _numbers(chain.from_iterable(run))) for command, run in _commands(steps))
        return f"M{_numbers(kept[0])}" + "".join(f"{command}{numbers}" for command, numbers in runs)

    def _unit(self, point: Point) -> _Place:
        x, y = self._place(point)
        return round(_UNITS * x), round(_UNITS * y)


def marker_definitions(colours: Mapping[str, str]) -> str:
    """The markers of a page's lines as one ``<svg>`` element without size.

    Args:
        colours: of the markers that the page uses, by name.
    """
    return '<svg width="0" height="0" class="symbols" aria-hidden="true" focusable="false">' + (
        "".join(
            f'<marker id="{MARKER_ID}{name}" markerUnits="userSpaceOnUse" style="overflow: visible">'
            f'<path d="M{_corners(MARKERS[name])}z" style="fill: {colour}"/></marker>'
            for name, colour in colours.items()
        )
        + "</svg>"
    )


def _corners(shape: tuple[Point, ...]) -> str:
    return "L".join(f"{_units(_MARKER * x)} {_units(_MARKER * y)}" for x, y in shape)


def ticks(limits: Point, most: int) -> list[float]:
    """Round values between two limits, ``most`` steps apart or fewer."""
    low, high = limits
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(n * power for n in (1, 2, 2.5, 3, 4, 5, 10) if n * power * most >= high - low)
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _known(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The runs of points that are numbers."""
    for known, run in groupby(points, lambda point: all(map(math.isfinite, point))):
        if known:
            yield list(run)


def _bends(places: Sequence[_Place]) -> list[_Place]:
    """The places without those that lie on the line between two others, to `_OFF` units."""
    kept, start = list(places[:1]), 0
    for end in range(2, len(places)):
        if not all(_between(places[start], place, places[end]) for place in places[start + 1 : end]):
            start = end - 1
            kept.append(places[start])
    return [*kept, *places[-1:]] if len(places) > 1 else kept


def _between(start: _Place, place: _Place, end: _Place) -> bool:
    """Whether a place lies on the way from one to another that is to its right, or to its left."""
    (x0, y0), (x, y), (x1, y1) = start, place, end
    inside = min(x0, x1) < x < max(x0, x1)
    return inside and abs((y - y0) * (x1 - x0) - (y1 - y0) * (x - x0)) <= _OFF * abs(x1 - x0)


def _commands(steps: Iterable[_Place]) -> Iterator[tuple[str, list[tuple[int, ...]]]]:
    """Steps that follow each other under the same command of a path, with the numbers it takes."""
    for command, run in groupby(steps, lambda step: "h" if not step[1] else "v" if not step[0] else "l"):
        yield command, [step if command == "l" else (step[command == "v"],) for step in run]


def _numbers(units: Iterable[int]) -> str:
    """Whole numbers as SVG reads them: a space between two only where no sign parts them."""
    return " ".join(map(str, units)).replace(" -", "-")


def _units(points: float) -> str:
    """A length in points, written in the drawing's unit."""
    return _short(_UNITS * points)


def _short(value: float) -> str:
    """A number with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if round(value, 2) else "0"
