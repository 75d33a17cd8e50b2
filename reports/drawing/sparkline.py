"""A claim's curves at the size of a word: what stands beside its verdict, over all tasks and task by task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.verdicts.record import ClaimRecord, Curve
from reports.drawing.extreme import extreme
from reports.drawing.over_tasks import over_tasks
from reports.drawing.panels import limits_of
from reports.drawing.styles import Series, Style, series_of, styles
from reports.words import clean, measurement_name

_MOST = 3
"""Curves that can be told apart at this size."""


@dataclass(frozen=True)
class Sparkline:
    """One small drawing.

    Attributes:
        task: the task, or which mean of tasks.
        curves: what is drawn.
        styles: how.
        limits: vertical range.
        bands: shaded depth ranges.
        threshold: horizontal line, or None.
    """

    task: str
    curves: tuple[Curve, ...]
    styles: dict[Series, Style]
    limits: tuple[float, float]
    bands: tuple[tuple[str, float, float], ...]
    threshold: float | None

    @property
    def label(self) -> str:
        """The drawing in words."""
        lines = (f"{measurement_name(curve.measurement)} {extreme(curve)}" for curve in self.curves)
        return clean(f"{self.task}: {'; '.join(lines)}", 300)


@dataclass(frozen=True)
class Sparklines:
    """A claim's small drawings on one checkpoint.

    Attributes:
        mean: over its tasks.
        by_task: of each task, on one scale.
    """

    mean: Sparkline
    by_task: dict[str, Sparkline]


def sparklines(claims: Sequence[ClaimRecord]) -> Sparklines | None:
    """Draw a claim small; None where no curve belongs to it.

    Args:
        claims: its verdicts on one checkpoint.
    """
    curves = _shown([curve for claim in claims for curve in claim.curves])
    if not curves:
        return None
    bands = tuple(dict.fromkeys(band for claim in claims for band in claim.bands))
    threshold = next((claim.threshold for claim in claims if claim.threshold is not None), None)
    look = styles(map(series_of, curves))

    def drawn(task: str, of: Sequence[Curve], among: Sequence[Curve]) -> Sparkline:
        return Sparkline(task, tuple(of), look, limits_of(among, threshold), bands, threshold)

    mean = over_tasks(curves)
    tasks = dict.fromkeys(curve.task for curve in curves)
    return Sparklines(
        drawn(mean[0].task, mean, mean),
        {task: drawn(task, [one for one in curves if one.task == task], curves) for task in tasks},
    )


def _shown(curves: Sequence[Curve]) -> list[Curve]:
    """The effects of the claim's own reading, of its first few series; controls where nothing else is."""
    numbers = [curve for curve in curves if any(map(math.isfinite, curve.mean))]
    own = [curve for curve in numbers if curve.reading == numbers[0].reading]
    effects = [curve for curve in own if curve.role != "control"] or own
    series = list(dict.fromkeys(map(series_of, effects)))[:_MOST]
    unique = {(series_of(curve), curve.task): curve for curve in effects if series_of(curve) in series}
    return list(unique.values())
