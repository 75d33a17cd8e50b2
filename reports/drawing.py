"""Small inline SVG by matplotlib: the same bytes every time, text as text, colours by theme.

A page holds a hundred small plots, so they are drawn without matplotlib's axes (whose ticks took nine
tenths of the time): a `Canvas` puts lines, areas and words straight onto a figure.

Inline SVG shares the page with everything else, so what matplotlib writes for a file of its own is
taken out: its style sheet (it would restyle the whole page), metadata with dates, fonts (the page has
one), groups without a purpose, and ids that nothing refers to. The ids that stay get the drawing's name
in front.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from markupsafe import escape
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, IdentityTransform
from numpy.typing import NDArray

from reports.styles import themed

Floats = NDArray[np.float64]

_POINTS = 72.0
_MARKER = 3.6
"""Size of a marker in points."""
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "crossmodal-flow-findings",
    "text.parse_math": False,  # a dollar sign in a task's name is a dollar sign
    "text.usetex": False,
}
_NO_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}


class Canvas:
    """A drawing with its own coordinates inside a frame.

    Arguments:
        size: width and height of the whole, in points (CSS pixels at natural size).
        frame: left, bottom, right and top of the coordinate area, in points.
        x: range of the horizontal coordinate.
        y: range of the vertical coordinate.
    """

    def __init__(
        self,
        size: tuple[float, float],
        frame: tuple[float, float, float, float],
        x: tuple[float, float],
        y: tuple[float, float],
    ) -> None:
        self._drawn = 0
        self._figure = Figure(figsize=(size[0] / _POINTS, size[1] / _POINTS), dpi=_POINTS)
        left, bottom, right, top = frame
        self.scale = ((right - left) / (x[1] - x[0]), (top - bottom) / (y[1] - y[0]))
        self._to_points = Affine2D().translate(-x[0], -y[0]).scale(*self.scale).translate(left, bottom)

    def line(
        self,
        x: Sequence[float] | Floats,
        y: Sequence[float] | Floats,
        colour: str,
        width: float,
        dash: str = "",
        marker: str = "",
    ) -> None:
        """Draw a line; it breaks where a value is not a number. Widths and dashes are in points."""
        line = Line2D(
            x,
            y,
            color=colour,
            linewidth=width,
            transform=self._to_points,
            solid_capstyle="round",
            dash_capstyle="butt",
        )
        if dash:
            line.set_dashes([float(step) / width for step in dash.split()])
        self._add(line)
        if marker:
            self._markers(x, y, colour, marker)

    def _markers(
        self, x: Sequence[float] | Floats, y: Sequence[float] | Floats, colour: str, marker: str
    ) -> None:
        """Mark the points of a line: all of them in one path, for a page has thousands."""
        style = MarkerStyle(marker)
        shape = style.get_path().transformed(style.get_transform()).transformed(Affine2D().scale(_MARKER))
        places = self._to_points.transform(np.column_stack([x, y]))
        marks = [shape.transformed(Affine2D().translate(*at)) for at in places if np.isfinite(at).all()]
        if marks:
            path = Path.make_compound_path(*marks)
            self._add(PathPatch(path, facecolor=colour, linewidth=0, transform=IdentityTransform()))

    def area(self, corners: Sequence[tuple[float, float]] | Floats, colour: str, alpha: float = 1.0) -> None:
        """Fill a polygon."""
        self._add(
            Polygon(
                np.asarray(corners), facecolor=colour, alpha=alpha, linewidth=0, transform=self._to_points
            )
        )

    def between(self, x: Floats, lower: Floats, upper: Floats, colour: str, alpha: float) -> None:
        """Fill between two curves, wherever both are numbers."""
        known = np.isfinite(lower) & np.isfinite(upper)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2):
            run = slice(start, end)
            there, back = np.stack([x[run], upper[run]], 1), np.stack([x[run], lower[run]], 1)[::-1]
            self.area(np.concatenate([there, back]), colour, alpha)

    def word(
        self,
        x: float,
        y: float,
        text: str,
        colour: str,
        size: float,
        align: Literal["left", "center", "right"] = "left",
        upright: Literal["top", "center", "bottom", "baseline"] = "baseline",
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Write a word at a place, moved by ``shift`` points."""
        transform = self._to_points + Affine2D().translate(*shift)
        self._add(Text(x, y, text, color=colour, fontsize=size, ha=align, va=upright, transform=transform))

    def _add(self, artist: Artist) -> None:
        """Put ``artist`` above everything drawn so far; matplotlib would sort by kind."""
        self._drawn += 1
        artist.set_zorder(self._drawn)
        self._figure.add_artist(artist)

    def svg(self, name: str, label: str) -> str:
        """Return the drawing as one ``<svg>`` element with ``label`` for those who do not see it.

        ``name`` must be made of letters, digits and hyphens, unlike any other on the page; ``label``
        may hold anything, it is escaped.
        """
        buffer = io.StringIO()
        with warnings.catch_warnings():
            # Only matplotlib's own font lacks the sign; the reader's browser draws the text.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            self._figure.savefig(buffer, format="svg", transparent=True, metadata=_NO_METADATA)
        return inline(buffer.getvalue(), name, label)


def settings() -> AbstractContextManager[None]:
    """The settings to draw in; matplotlib reads some when a text is made, some when it is saved."""
    return mpl.rc_context(_SETTINGS)


def inline(text: str, name: str, label: str) -> str:
    """Make a file of matplotlib's into an element of the page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*</defs>|<g(?: [^>]*)?/>", "", text)
    text = _own_ids(text, name)
    text = re.sub(r"(\d+\.\d\d)\d+", r"\1", text)
    text = re.sub(r"font: [^\"]*?([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    text = re.sub(r' transform="rotate\(-?0(?:\.0)? [^"]*"', "", text)
    text = re.sub(r"\s*\n\s*", " ", _without_bare_groups(themed(text)))
    box = re.search(r'viewBox="([^"]*)"', text)
    head = f'<svg class="plot" role="img" aria-label="{escape(label)}" viewBox="{box[1] if box else ""}">'
    return head + text[text.index(">") + 1 :].strip()


def _own_ids(text: str, name: str) -> str:
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(
        r' id="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text
    )
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    return re.sub(r'xlink:href="#', f'href="#{name}-', text)


def _without_bare_groups(text: str) -> str:
    """Take out groups that have no attributes, with their ends."""
    kept: list[bool] = []
    pieces: list[str] = []
    for piece in re.split(r"(<g(?: [^>]*)?>|</g>)", text):
        if piece.startswith("<g"):
            kept.append(piece != "<g>")
        if piece == "</g>":
            pieces.append(piece if kept.pop() else "")
        else:
            pieces.append(piece if piece != "<g>" else "")
    return "".join(pieces)
