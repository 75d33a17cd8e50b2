"""Curves sorted into panels: one per task and reading, with a common scale, ready to be drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.verdicts.record import Curve
from reports.drawing.ceilings import Ceilings, ceilings_above
from reports.drawing.styles import Series, Style, series_of, styles
from reports.words import READINGS, clean, measurement_name, number

BESIDE = ("distractor", "flip")
"""The readings that are drawn beside p_c, on its scale: per cent, below zero where the answer loses."""

_ROOM = 0.06


@dataclass(frozen=True)
class Entry:
    """A line of a legend."""

    text: str
    style: Style


@dataclass(frozen=True)
class Panel:
    """One small plot.

    Attributes:
        title: what tells it from its neighbours: a task.
        curves: what is drawn, random-source controls first.
        styles: how.
        limits: vertical range, common to its plot.
        bands: shaded depth ranges.
        threshold: horizontal line, or None.
        reading: what it shows, in words, where it stands beside its task's main panel; else empty.
        beside: the same effects read otherwise, on the same scale; drawn small.
        ceilings: (source, p_c) with a source of its effects hidden in all layers.
    """

    title: str
    curves: tuple[Curve, ...]
    styles: dict[Series, Style]
    limits: tuple[float, float]
    bands: tuple[tuple[str, float, float], ...] = ()
    threshold: float | None = None
    reading: str = ""
    beside: tuple[Panel, ...] = ()
    ceilings: tuple[tuple[str, float], ...] = ()

    @property
    def label(self) -> str:
        """The panel in words, for those who do not see it."""
        title = f"{self.title}, {self.reading}" if self.reading else self.title
        return clean(f"{title}: " + "; ".join(_in_words(curve) for curve in self.curves), 600)


@dataclass(frozen=True)
class Plot:
    """A row of panels over the same axes.

    Attributes:
        reading: what is read off, in words.
        entries: the legend.
        panels: one per task.
    """

    reading: str
    entries: tuple[Entry, ...]
    panels: tuple[Panel, ...]


def plots(
    curves: Iterable[Curve],
    bands: tuple[tuple[str, float, float], ...] = (),
    threshold: float | None = None,
    ceilings: Ceilings | None = None,
) -> tuple[Plot, ...]:
    """Sort curves into plots, one per reading, the claim's own reading first.

    The other readings of p_c stand beside it. The lens with and without the final norm are two readings. The
    threshold is in the unit of the first curve, so only plots of that reading show it.
    """
    unique = list({(series_of(c), c.task, c.reading): c for c in curves}.values())
    groups: dict[tuple[str, bool], list[Curve]] = {}
    for curve in unique:
        groups.setdefault((curve.reading, curve.measurement.norm), []).append(curve)
    beside = {name: groups.pop((name, False), []) for name in BESIDE if ("p_c", False) in groups}
    return tuple(
        _plot(
            group,
            beside if reading == "p_c" else {},
            bands,
            threshold if reading == unique[0].reading else None,
            ceilings if ceilings and reading == "p_c" else {},
        )
        for (reading, _), group in groups.items()
    )


def _plot(
    curves: list[Curve],
    beside: Mapping[str, list[Curve]],
    bands: tuple[tuple[str, float, float], ...],
    threshold: float | None,
    ceilings: Ceilings,
) -> Plot:
    every = [*curves, *(curve for of in beside.values() for curve in of)]
    series = [series_of(curve) for curve in curves]
    look, limits = styles(series), limits_of(every, threshold)

    def panel(task: str, of: list[Curve], reading: str = "") -> Panel:
        drawn = tuple(sorted((c for c in of if c.task == task), key=lambda c: c.role != "control"))
        return Panel(task, drawn, look, limits, bands, threshold, reading)

    def whole(task: str) -> Panel:
        main = panel(task, curves)
        small = (panel(task, of, READINGS[name]) for name, of in beside.items() if of)
        sources = {curve.measurement.source for curve in main.curves if curve.role == "effect"}
        return replace(
            main,
            beside=tuple(one for one in small if one.curves),
            ceilings=ceilings_above(sources, ceilings.get(task, {})),
        )

    tasks = dict.fromkeys(curve.task for curve in curves)
    return Plot(_axis(curves[0]), legend(series), tuple(whole(task) for task in tasks))


def legend(series: Iterable[Series]) -> tuple[Entry, ...]:
    """The legend of some series."""
    look = styles(series)
    return tuple(Entry(_series_name(one, look), style) for one, style in look.items())


def _axis(curve: Curve) -> str:
    """What the vertical axis shows."""
    return clean(curve.unit or curve.reading, 120) + (
        ", final norm applied" if curve.measurement.norm else ""
    )


def _series_name(series: Series, among: Iterable[Series]) -> str:
    """Its measurement, and what tells it from others of the plot; the final norm stands at the axis."""
    alike = {one.window for one in among if one[:2] == series[:2]}
    told = (
        measurement_name(replace(series.measurement, norm=False)),
        f"k = {series.window}" if series.window and len(alike) > 1 else "",
        "baseline" if series.role == "baseline" else "",
    )
    control = series.role == "control" and not series.is_random_control
    return ", ".join(filter(None, told)) + (" (control)" if control else "")


def limits_of(curves: Sequence[Curve], threshold: float | None) -> tuple[float, float]:
    """The vertical range that holds some curves with their bands, zero and the threshold."""
    values = [v for c in curves for side in (c.mean, c.lower, c.upper) for v in side if math.isfinite(v)]
    values += [0.0] + ([threshold] if threshold is not None and math.isfinite(threshold) else [])
    low, high = min(values), max(values)
    room = (high - low) * _ROOM or 1.0
    return low - room, high + 2 * room  # above, the bands have their names


def _in_words(curve: Curve) -> str:
    known = [(value, place) for place, value in enumerate(curve.mean) if math.isfinite(value)]
    name = measurement_name(curve.measurement)
    if not known:
        return f"{name} has no numbers"
    place = "layer" if curve.window else "after layer"
    (low, at_low), (high, at_high) = min(known), max(known)
    return (
        f"{name} lowest {number(low)} at {place} {curve.points[at_low]}, "
        f"highest {number(high)} at {place} {curve.points[at_high]}"
    )
