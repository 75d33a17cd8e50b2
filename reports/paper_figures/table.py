"""A sheet's data as CSV: a row for each point of each curve."""

from __future__ import annotations

import csv
import io
import math

from harness.verdicts.record import Curve
from reports.paper_figures.sheets import Sheet
from reports.words import clean, measurement_name

HEAD = (
    *("task", "curve", "role", "reading", "unit", "window", "images"),
    *("point", "relative_depth", "mean", "lower_95", "upper_95"),
)
_FORMULA = ("=", "+", "-", "@")


def table(sheet: Sheet) -> str:
    """Return the data of a sheet: means and simultaneous 95 % bands in the unit that the row names.

    A point is a window's centre layer, or for what is read after a layer the number of layers before it. What
    is not a number is empty. No text begins like a spreadsheet's formula.
    """
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(HEAD)
    for panel in sheet.plot.panels:
        for curve in panel.curves:
            rows.writerows(_rows(curve))
    return written.getvalue()


def _rows(curve: Curve) -> list[list[str | int]]:
    words = (curve.task, measurement_name(curve.measurement), curve.role, curve.reading, curve.unit)
    told = [*map(_text, words), "" if curve.window is None else curve.window, curve.n_images]
    points = zip(curve.points, curve.depth, curve.mean, curve.lower, curve.upper, strict=True)
    return [[*told, point, *map(_value, numbers)] for point, *numbers in points]


def _text(word: str) -> str:
    harmless = clean(word, 160)
    return f"'{harmless}" if harmless.startswith(_FORMULA) else harmless


def _value(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
