"""Curves of several tasks as one: their mean, and the mean of their bands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from harness.verdicts.record import Curve
from reports.drawing.styles import Series, series_of
from reports.words import count


@dataclass(frozen=True)
class MeanCurve(Curve):
    """A mean over tasks. Its ``n_images`` is the smallest of theirs.

    Attributes:
        tasks: how many.
    """

    tasks: int = 1


def over_tasks(curves: Iterable[Curve]) -> tuple[Curve, ...]:
    """Average curves of one series and reading over their tasks, point by point.

    The limits are the means of the tasks' limits. That is no narrower than the band of the mean would be: the
    mean of several estimates varies at most as much as they do on average. One task alone stays as it is.
    """
    groups: dict[tuple[Series, str], dict[str, Curve]] = {}
    for curve in curves:
        groups.setdefault((series_of(curve), curve.reading), {}).setdefault(curve.task, curve)
    return tuple(_mean(tuple(group.values())) for group in groups.values())


def _mean(curves: Sequence[Curve]) -> Curve:
    if len(curves) == 1:
        return curves[0]
    depth = {point: u for curve in curves for point, u in zip(curve.points, curve.depth, strict=True)}
    points = tuple(sorted(depth))
    mean, lower, upper = (
        _averaged([dict(zip(curve.points, getattr(curve, side), strict=True)) for curve in curves], points)
        for side in ("mean", "lower", "upper")
    )
    same = {item.name: getattr(curves[0], item.name) for item in fields(Curve)}
    changed = {
        "task": f"mean of {count(len(curves), 'task')}",
        "points": points,
        "depth": tuple(depth[point] for point in points),
        "mean": mean,
        "lower": lower,
        "upper": upper,
        "n_images": min(curve.n_images for curve in curves),
        "margin": None,
    }
    return MeanCurve(**{**same, **changed}, tasks=len(curves))


def _averaged(sides: Sequence[dict[int, float]], points: Iterable[int]) -> tuple[float, ...]:
    """At each point the mean of what all curves have there; not a number where one has none."""
    values = ([side.get(point, math.nan) for side in sides] for point in points)
    return tuple(sum(one) / len(one) for one in values)
