"""The snapshots drawn: a column for each, a row for each flow, and what they answer correctly below."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.statistics.forms import DROP
from harness.verdicts.record import MeasurementRecord
from reports.drawing.styles import DARK, GRID, INK, LIGHT, MUTED, PAPER, Series, styles
from reports.drawing.svg import Canvas
from reports.snapshots.snapshots import Cell, Snapshot, enough, flows_of, in_words
from reports.words import clean, measurement_name, plain_number

_LEFT, _CELL, _GAP = 178.0, (168.0, 74.0), (14.0, 18.0)
_HEAD, _FOOT, _BAR = 40.0, 34.0, 13.0
_FEW_IMAGES = "1.5 2"
"""Dash of a curve of too few images to decide anything."""
_STEP = 20.0
_STYLE = (
    f"svg {{ {LIGHT} font-family: system-ui, sans-serif; }} "
    f"@media (prefers-color-scheme: dark) {{ svg {{ {DARK} }} }}"
)


def draw(found: Sequence[Snapshot]) -> str:
    """Return the picture as a file of its own, which follows the reader's light or dark theme."""
    flows = flows_of(found)
    tasks = list(dict.fromkeys(task.task for one in found for task in one.tasks))
    width = _LEFT + len(found) * (_CELL[0] + _GAP[0])
    height = _HEAD + len(flows) * (_CELL[1] + _GAP[1]) + _FOOT + len(tasks) * _BAR + _GAP[1]
    limits = _limits(found)
    canvas = Canvas((width, height), (0, 0, width, height), (0, width), (0, height))
    canvas.area(((0, 0), (width, 0), (width, height), (0, height)), PAPER)
    for column, one in enumerate(found):
        left = _LEFT + column * (_CELL[0] + _GAP[0])
        _head(canvas, one, left, height)
        for row, flow in enumerate(flows):
            bottom = height - _HEAD - (row + 1) * (_CELL[1] + _GAP[1]) + _GAP[1]
            if column == 0:
                middle = bottom + _CELL[1] / 2
                canvas.word(0, middle, measurement_name(flow), INK, 10, "left", "center", (8, 0))
            box = Box((left, bottom), limits)
            box.scales(canvas, labelled=column == 0, last=row == len(flows) - 1)
            if flow in one.cells:
                box.curves(canvas, flow, one.cells[flow])
        _bars(canvas, one, tasks, left, named=column == 0)
    return canvas.file(in_words(found), _STYLE)


class Box:
    """A cell's axes.

    Args:
        corner: left and bottom, in points.
        limits: of the vertical axis, in points of p_c.
    """

    def __init__(self, corner: tuple[float, float], limits: tuple[float, float]) -> None:
        self._corner = corner
        self._limits = limits

    def at(self, depth: float, value: float) -> tuple[float, float]:
        """The place of a value, in points."""
        low, high = self._limits
        share = (min(max(value, low), high) - low) / (high - low)
        return self._corner[0] + depth * _CELL[0], self._corner[1] + share * _CELL[1]

    def scales(self, canvas: Canvas, *, labelled: bool, last: bool) -> None:
        """Draw the axes: no effect, a drop, and where the numbers are."""
        for value in _ticks(self._limits):
            self._across(canvas, value, MUTED if value == 0 else GRID)
            if labelled:
                canvas.word(*self.at(0, value), plain_number(value), MUTED, 8, "right", "center", (-4, 0))
        self._across(canvas, -DROP, MUTED, "4 3")
        if last:
            for depth, text in ((0.0, "0"), (0.5, ".5"), (1.0, "1")):
                canvas.word(*self.at(depth, self._limits[0]), text, MUTED, 8, "center", "top", (0, -3))
            canvas.word(*self.at(0.5, self._limits[0]), "relative depth", MUTED, 8, "center", "top", (0, -12))

    def _across(self, canvas: Canvas, value: float, colour: str, dash: str = "") -> None:
        (left, y), (right, _) = self.at(0, value), self.at(1, value)
        canvas.line((left, right), (y, y), colour, 0.8, dash)

    def curves(self, canvas: Canvas, flow: MeasurementRecord, cell: Cell) -> None:
        """Draw a flow's curves, the mean over tasks last."""
        colour = styles([Series(flow)])[Series(flow)].colour
        for curve in cell.curves:
            dash = "" if enough(curve) else _FEW_IMAGES
            self._curve(canvas, curve.depth, curve.mean, colour, 0.7, dash)
        self._curve(canvas, cell.depth, cell.mean, colour, 2.2)

    def _curve(
        self,
        canvas: Canvas,
        depth: Sequence[float],
        values: Sequence[float],
        colour: str,
        width: float,
        dash: str = "",
    ) -> None:
        x, y = zip(*(self.at(u, value) for u, value in zip(depth, values, strict=True)), strict=True)
        canvas.line(x, y, colour, width, dash)


def _head(canvas: Canvas, one: Snapshot, left: float, height: float) -> None:
    canvas.word(left, height, clean(one.name, 26), INK, 11, "left", "top", (0, -8))
    canvas.word(left, height, f"{one.images} images a curve", MUTED, 9, "left", "top", (0, -23))


def _bars(canvas: Canvas, one: Snapshot, tasks: Sequence[str], left: float, *, named: bool) -> None:
    """Draw the share of right answers by task."""
    shares = {task.task: task.included / max(1, task.samples) for task in one.tasks}
    top = _GAP[1] + len(tasks) * _BAR
    canvas.word(left, top, f"right answers: {100 * one.right:.0f} %", INK, 9, "left", "bottom", (0, 3))
    for row, task in enumerate(tasks):
        bottom = top - (row + 1) * _BAR
        if named:
            canvas.word(left, bottom, clean(task, 18), MUTED, 9, "right", "bottom", (-8, 2))
        right = left + _CELL[0] * shares.get(task, 0.0)
        for end, colour in ((left + _CELL[0], GRID), (right, MUTED)):
            canvas.area(
                ((left, bottom + 3), (end, bottom + 3), (end, bottom + 10), (left, bottom + 10)), colour
            )


def _limits(found: Sequence[Snapshot]) -> tuple[float, float]:
    values = [value for one in found for cell in one.cells.values() for c in cell.curves for value in c.mean]
    return _STEP * math.floor(min([*values, -DROP]) / _STEP), _STEP * math.ceil(max([*values, 0.0]) / _STEP)


def _ticks(limits: tuple[float, float]) -> list[float]:
    step = 2 * _STEP
    return [step * n for n in range(math.ceil(limits[0] / step), math.floor(limits[1] / step) + 1)]
