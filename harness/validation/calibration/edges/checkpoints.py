"""Edges of what is said of two checkpoints, of 8 and of 4 or 6 layers, that looked at the same images."""

from __future__ import annotations

import numpy as np

from harness.data.depth import Grid
from harness.statistics import forms
from harness.validation.calibration.cases import GRID, OTHER, Case, at, cases, curve, flat

SIX = Grid(6, 1)


def edges() -> list[Case]:
    """Return the cases."""
    return [*_curves(), *_depth(), *_order()]


def _curves() -> list[Case]:
    level = ("both are at -20", {"a": flat(-20), "b": flat(-20, 4)})
    return [
        *cases(
            "alike everywhere",
            "",
            forms.alike_everywhere("a", GRID, "b", OTHER),
            supported=[
                ("10 points apart at one depth", {"a": flat(-30), "b": at(-20, 2, rest=-30, size=4)}),
                ("10 points apart at one depth, downwards", {"a": flat(0), "b": at(-10, 2, size=4)}),
            ],
            refuted=[("10 points apart everywhere", {"a": flat(-30), "b": flat(-20, 4)})],
        ),
        *cases(
            "stronger over depth",
            "",
            forms.stronger_over_depth("a", GRID, "b", OTHER),
            supported=[level],
            refuted=[level],
        ),
    ]


def _depth() -> list[Case]:
    # Centres of mass at 0.625 and 0.375, a quarter of the depth apart: one layer of the coarser decoder.
    apart = ("exactly one layer apart", {"a": at(-40, 4, 5), "b": at(-40, 1, size=4)})
    barely = ("one layer apart, drops of 10", {"a": at(-10, 4, 5), "b": at(-10, 1, size=4)})
    strong = ("one layer apart, drops of 60", {"a": at(-60, 4, 5), "b": at(-60, 1, size=4)})
    return cases(
        "lies deeper",
        "",
        forms.lies_deeper("a", GRID, "b", OTHER),
        supported=[apart, barely, strong],
        refuted=[apart, barely, strong],
    )


def _order() -> list[Case]:
    rising = -60.0 + 6 * np.arange(8.0)
    # Of six ranks: sums of squared differences of 8 and 6, rank correlations of 0.771 and 0.829.
    below, above = curve(0, 3, 1, 2, 5, 4), curve(0, 3, 1, 2, 4, 5)
    return cases(
        "same order of layers",
        "F6",
        forms.same_order_of_layers("a", GRID, "b", SIX),
        supported=[("the rank correlation is just below 0.8", {"a": rising, "b": -60.0 + 8 * below})],
        refuted=[("the rank correlation is just above 0.8", {"a": rising, "b": -60.0 + 8 * above})],
    )
