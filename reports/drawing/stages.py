"""The flow as measured, in three stages: what the question reads, what the last position reads, an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.statistics.forms import DROP
from harness.verdicts.record import Curve, MeasurementRecord
from reports.drawing.extreme import extreme
from reports.drawing.over_tasks import over_tasks
from reports.drawing.panels import Entry, limits_of
from reports.drawing.styles import (
    CAPITAL,
    IMAGE_LAST,
    IMAGE_QUESTION,
    LOWER,
    OTHER,
    QUESTION_LAST,
    RELATED,
    Series,
    Style,
    series_of,
    styles,
)
from reports.words import clean


@dataclass(frozen=True)
class Stage:
    """One stage of the flow.

    Attributes:
        title: what is seen.
        claims: ids of the headline claims that speak of it.
        unit: what the vertical axis counts, in a few words.
        curves: means over tasks; none where the run did not measure it.
        entries: the legend.
        styles: how they are drawn.
        limits: vertical range, that of all effects where it shows effects.
        threshold: horizontal line, or None.
        layers: how many layers the checkpoint has.
    """

    title: str
    claims: tuple[str, ...]
    unit: str
    curves: tuple[Curve, ...]
    entries: tuple[Entry, ...]
    styles: dict[Series, Style]
    limits: tuple[float, float]
    threshold: float | None
    layers: int

    @property
    def label(self) -> str:
        """The stage in words."""
        lines = (
            f"{entry.text} {extreme(curve)}" for entry, curve in zip(self.entries, self.curves, strict=True)
        )
        return clean(f"{self.title}, {self.curves[0].task}: {'; '.join(lines)}", 400)


_Named = tuple[str, tuple[str, ...], Mapping[MeasurementRecord, str]]
_STAGES: tuple[_Named, ...] = (
    (
        "The question reads",
        ("B1", "C2"),
        {IMAGE_QUESTION: "whole image", RELATED: "related patches", OTHER: "other patches"},
    ),
    ("The last position reads", ("A1", "A2"), {QUESTION_LAST: "the question", IMAGE_LAST: "the image"}),
    ("The answer appears", ("D1", "E3"), {LOWER: "in lower case", CAPITAL: "capitalised"}),
)
"""Per stage its title, the headline claims that speak of it, and what is drawn, with its name there."""


def stages(curves: Sequence[Curve], layers: int) -> tuple[Stage, ...]:
    """The stages of a checkpoint's flow, whether or not they were measured.

    Args:
        curves: what was measured on it, each once, at the window size that is usual for it.
        layers: how many layers it has.
    """
    shown = [_means(curves, measurements) for _, _, measurements in _STAGES]
    effects = [curve for means in shown for curve in means if curve.role == "effect"]
    return tuple(_stage(stage, means, effects, layers) for stage, means in zip(_STAGES, shown, strict=True))


def _stage(stage: _Named, means: tuple[Curve, ...], effects: Sequence[Curve], layers: int) -> Stage:
    title, claims, names = stage
    is_effect = bool(means) and means[0].role == "effect"
    threshold = -DROP if is_effect else None
    limits = limits_of(effects if is_effect else means, threshold) if means else (0.0, 1.0)
    look = styles(map(series_of, means))
    return Stage(
        title=title,
        claims=claims,
        unit="change of the answer's probability, p_c in %"
        if is_effect
        else "its probability after each layer",
        curves=means,
        entries=tuple(Entry(names[one.measurement], look[series_of(one)]) for one in means),
        styles=look,
        limits=limits,
        threshold=threshold,
        layers=layers,
    )


def _means(curves: Sequence[Curve], wanted: Mapping[MeasurementRecord, str]) -> tuple[Curve, ...]:
    roles = {"effect": "p_c", "lens": "probability"}
    usable = [c for c in curves if c.measurement in wanted and roles.get(c.role) == c.reading]
    means = over_tasks(usable)
    return tuple(sorted(means, key=lambda curve: list(wanted).index(curve.measurement)))
