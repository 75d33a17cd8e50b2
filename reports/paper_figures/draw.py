"""A sheet drawn by matplotlib, in the report's colours, dashes and markers, with its own fonts inside.

Needs the optional `figures` extra. Text is never read as mathematics: it comes from outside.
"""

from __future__ import annotations

import io
import math
import re
import textwrap
import warnings
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.verdicts.record import Curve
from reports.drawing.panels import Panel
from reports.drawing.styles import BAND, GRID, INK, LIGHT, MUTED, Style, series_of
from reports.paper_figures.sheets import TEXT, Sheet
from reports.words import clean

_HEX: dict[str, str] = dict(re.findall(r"--(\w+): (#\w{6})", LIGHT))
_MARKERS = {
    "octagon": "8",
    "square": "s",
    "up": "^",
    "diamond": "D",
    "down": "v",
    "plus": "P",
    "cross": "X",
    "hexagon": "h",
}
_LOOK: dict[str, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.unicode_minus": True,
    "axes.edgecolor": _HEX["line"],
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.scale_dashes": False,
    "pdf.fonttype": 42,  # TrueType, subset and embedded: what publishers ask for
    "svg.fonttype": "path",  # outlines: nothing depends on the reader's fonts
    "svg.hashsalt": "crossmodal-flow-findings",
}
_PANEL_HEIGHT = {1: 1.75, 3: 1.35}
_ENTRY_HEIGHT = 0.135
"""Inches of a line of the legend."""
_COLUMNS = 3
"""Panels side by side on a sheet as wide as the text."""


def draw(sheet: Sheet, kind: Literal["pdf", "svg"]) -> bytes:
    """Return a sheet as the bytes of a PDF or SVG file; the same sheet gives the same bytes."""
    look: Any = _LOOK  # matplotlib's names are literal types
    with mpl.rc_context(look), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        file = io.BytesIO()
        stamp = {"CreationDate": None} if kind == "pdf" else {"Date": None}
        _figure(sheet).savefig(file, format=kind, metadata=stamp)
        return file.getvalue()


def _figure(sheet: Sheet) -> Figure:
    panels, entries = sheet.plot.panels, sheet.plot.entries
    across = min(_COLUMNS, len(panels)) if sheet.width == TEXT else 1
    down = math.ceil(len(panels) / across)
    beside = 4 if sheet.width == TEXT else 2
    legend = math.ceil(len(entries) / beside) * _ENTRY_HEIGHT
    height = down * _PANEL_HEIGHT[_COLUMNS if sheet.width == TEXT else 1] + legend + 0.2
    figure = Figure(figsize=(sheet.width, height), layout="constrained")
    axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for place, each in enumerate(axes.flat):
        if place < len(panels):
            _panel(each, panels[place])
        else:
            each.set_axis_off()
    figure.supxlabel("relative depth", fontsize=7, color=_HEX["muted"])
    reading = textwrap.fill(clean(sheet.plot.reading, 120), 34 * down)
    figure.supylabel(reading, fontsize=7, color=_HEX["muted"])
    drawn = [_line(entry.style) for entry in entries]
    names = [textwrap.fill(entry.text, 44) for entry in entries]
    figure.legend(drawn, names, loc="outside upper center", ncols=beside, frameon=False, fontsize=6.5)
    return figure


def _panel(axes: Axes, panel: Panel) -> None:
    axes.set_title(clean(panel.title, 40), fontsize=7.5, loc="left", color=_HEX["ink"])
    axes.set_xlim(0, 1)
    axes.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", ".25", ".5", ".75", "1"))
    axes.set_ylim(*panel.limits)
    axes.grid(axis="y", color=_colour(GRID), linewidth=0.6)
    axes.tick_params(labelsize=6.5, colors=_HEX["muted"], labelcolor=_HEX["muted"])
    axes.locator_params(axis="y", nbins=5)
    for _, start, end in panel.bands:
        axes.axvspan(start, end, color=_colour(BAND), linewidth=0, zorder=0)
    axes.axhline(0, color=_colour(MUTED), linewidth=0.6, zorder=1)
    for curve in panel.curves:
        _curve(axes, curve, panel.styles[series_of(curve)])
    if panel.threshold is not None and math.isfinite(panel.threshold):
        axes.axhline(panel.threshold, color=_colour(INK), linewidth=0.7, linestyle=(0, (5, 3)))


def _curve(axes: Axes, curve: Curve, style: Style) -> None:
    line = _line(style)
    between = [math.isfinite(low + high) for low, high in zip(curve.lower, curve.upper, strict=True)]
    axes.fill_between(
        curve.depth, curve.lower, curve.upper, where=between, color=_colour(style.colour), alpha=0.16, lw=0
    )
    line.set_data(curve.depth, [value if math.isfinite(value) else math.nan for value in curve.mean])
    axes.add_line(line)


def _line(style: Style) -> Line2D:
    """A line without points, in a series' look."""
    dash = tuple(map(float, style.dash.split()))
    return Line2D(
        [],
        [],
        color=_colour(style.colour),
        linewidth=1.1,
        linestyle=(0, dash) if dash else "-",
        marker=_MARKERS.get(style.marker, ""),
        markersize=2.2,
        markeredgewidth=0,
    )


def _colour(variable: str) -> str:
    """The light theme's colour for one of the page's variables, ``var(--s0)``."""
    return _HEX[variable.removeprefix("var(--").removesuffix(")")]
