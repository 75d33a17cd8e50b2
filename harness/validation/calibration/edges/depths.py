"""Edges of what is said of where curves lie, and of their shapes."""

from __future__ import annotations

import numpy as np

from harness.data.depth import CENTRAL, Grid
from harness.statistics import forms
from harness.validation.calibration.cases import FINE, GRID, Case, at, cases, curve

WIDE = Grid(8, 3)


def edges() -> list[Case]:
    """Return the cases."""
    return [*_order(), *_band(), *_shapes()]


def _order() -> list[Case]:
    pair = ("exactly one layer apart", {"a": at(-40, 2), "b": at(-40, 3)})
    broad = ("one layer apart, two windows of 40 each", {"a": at(-40, 1, 2), "b": at(-40, 2, 3)})
    weak = ("one layer apart, drops of 15", {"a": at(-15, 2), "b": at(-15, 3)})
    three = ("each one layer above the one before", {"a": at(-40, 2), "b": at(-40, 3), "c": at(-40, 4)})
    barely = ("one layer apart, drops of 10", {"a": at(-10, 2), "b": at(-10, 3), "c": at(-10, 4)})
    return [
        *cases(
            "in order, two effects",
            "F6",
            forms.in_order("ab", GRID),
            supported=[pair, weak, broad],
            refuted=[pair, weak, broad],
        ),
        *cases(
            "in order",
            "D1 F6",
            forms.in_order("abc", GRID),
            supported=[
                three,
                (
                    "two far apart, two one layer apart",
                    {"a": at(-40, 1), "b": at(-40, 5), "c": at(-40, 6)},
                ),
            ],
            refuted=[three, barely],
        ),
    ]


def _band() -> list[Case]:
    ends = ("the outer two are one window apart", {"a": at(-40, 2), "b": at(-40, 3), "c": at(-40, 2, 3)})
    low = at(-36, 1) + at(-4, 2)  # centre of mass 0.2
    edge = ("one lies on the band's edge", {"a": low, "b": at(-40, 2), "c": at(-20, 1, 2)})
    barely = ("one window apart, drops of 10", {"a": at(-10, 2), "b": at(-10, 3), "c": at(-10, 2)})
    far = ("one wide window apart", {"a": at(-40, 1, 2), "b": at(-40, 4, 5)})
    return [
        *cases("one depth band", "B5", forms.one_depth_band("abc", GRID), supported=[ends], refuted=[ends]),
        *cases(
            "one depth band, two effects",
            "B5",
            forms.one_depth_band("ab", GRID),
            supported=[("one window apart", {"a": at(-40, 2), "b": at(-40, 3)})],
            refuted=[("one window apart", {"a": at(-40, 2), "b": at(-40, 3)})],
        ),
        *cases(
            "one depth band, windows of three layers",
            "A5 B5",
            forms.one_depth_band("ab", WIDE),
            supported=[far],
            refuted=[far],
        ),
        *cases(
            "one depth band, in the central fifths",
            "A5",
            forms.one_depth_band("abc", GRID, within=CENTRAL),
            supported=[edge],
            refuted=[edge, barely],
        ),
    ]


def _shapes() -> list[Case]:
    x = curve(-7, -5, -3, -1, 1, 3, 5, 7) / np.sqrt(21)
    e = curve(1, -1, -1, 1, 1, -1, -1, 1)
    alike = ("the correlation is 0.8", {"a": 15 * x - 30, "b": 15 * (0.8 * x + 0.6 * e) - 30})
    ranks = np.arange(8.0)
    # Sums of squared rank differences of 18 and 16: rank correlations of 0.786 and 0.810.
    below, above = ranks[[3, 0, 1, 2, 6, 4, 5, 7]], ranks[[3, 0, 1, 2, 5, 4, 7, 6]]
    a, just_below, just_above = (-60.0 + 6 * one for one in (ranks, below, above))
    return [
        *cases(
            "same shape",
            "A7",
            forms.same_shape("a", "b", GRID),
            supported=[alike],
            refuted=[alike],
        ),
        *cases(
            "rank correlation above",
            "F1",
            forms.rank_correlation_above({GRID: "a", FINE: "b"}),
            supported=[("the rank correlation is just below 0.8", {"a": a, "b": just_below})],
            refuted=[("the rank correlation is just above 0.8", {"a": a, "b": just_above})],
        ),
    ]
