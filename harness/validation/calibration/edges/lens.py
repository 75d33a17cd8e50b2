"""Edges of what is said of probabilities read off the layers."""

from __future__ import annotations

import numpy as np

from harness.statistics import forms
from harness.validation.calibration.cases import GRID, LENS, LENS_SHAPES, Case, at, cases, curve, flat


def edges() -> list[Case]:
    """Return the cases."""
    return [*_one(), *_onset(), *_two()]


def _one() -> list[Case]:
    late = curve(0, 0, 0, 0, 0, 0, 0.3, 0.6, 0.6)
    onset = ("the onset lies on the band's edge", {"p": late})
    low = ("the lowest layer is at 0.05", {"p": curve(0, 0.05, 0, 0, 0, 0.6, 0.6, 0.6, 0.6)})
    return [
        *cases(
            "peaks above",
            "E1 E2",
            forms.peaks_above("p", LENS),
            supported=[("all layers are at 0.05", {"p": flat(0.05, 9)})],
            refuted=[("one layer is at 0.05", {"p": at(0.05, 5, size=9)})],
            shapes=LENS_SHAPES,
            lens="p",
        ),
        *cases(
            "near zero",
            "E1",
            forms.near_zero("p", LENS),
            supported=[("one layer is at 0.05", {"p": at(0.05, 5, size=9)})],
            refuted=[("all layers are at 0.05", {"p": flat(0.05, 9)})],
            shapes=LENS_SHAPES,
            lens="p",
        ),
        *cases(
            "rises in",
            "E1",
            forms.rises_in("p", LENS),
            supported=[onset, low],
            refuted=[onset, ("the peak is at 0.05", {"p": np.minimum(late, 0.05)})],
            shapes=LENS_SHAPES,
            lens="p",
        ),
    ]


def _onset() -> list[Case]:
    step = curve(0, 0, 0, 0, 0.6, 0.6, 0.6, 0.6, 0.6)
    same = ("onset and centre coincide", {"p": step, "d": at(-40, 3)})
    barely = ("onset and centre coincide, a drop of 10", {"p": step, "d": at(-10, 3)})
    return cases(
        "onset after",
        "E2",
        forms.onset_after("p", "d", LENS, GRID),
        supported=[same],
        refuted=[same, barely],
        shapes=LENS_SHAPES,
        lens="p",
    )


def _two() -> list[Case]:
    capital = curve(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0.6)
    lower = curve(0.15, 0.15, 0.15, 0.15, 0.15, 0.1, 0.1, 0.1, 0)
    once = curve(0.1, 0.1, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0)
    phases = forms.one_form_then_another("l", "c", LENS)
    two = {"l": curve(0, 0, 0, 0.4, 0.4, 0.4, 0, 0, 0), "c": curve(0, 0, 0, 0, 0, 0, 0.4, 0.4, 0.4)}
    barely = {"l": curve(0, 0, 0, 0.05, 0.05, 0.05, 0, 0, 0), "c": two["c"]}
    leads = ("the lead is 0.05 everywhere", {"t": flat(0.25, 9), "f": flat(0.2, 9)})
    first = {"a": at(0.25, 5, rest=0.1, size=9), "b": flat(0.2, 9)}
    return [
        *cases(
            "one form then another",
            "E3 E3-norm",
            phases,
            supported=[("the first leads by 0.05 at five layers", {"l": lower, "c": capital})],
            refuted=[("the first leads by 0.05 at one layer", {"l": once, "c": capital})],
            shapes=LENS_SHAPES,
            lens="lc",
        ),
        *cases(
            "never leads",
            "E4",
            forms.never_leads("a", "b", LENS, where=[phases]),
            supported=[
                ("it leads by 0.05 at one layer", {**two, **first}),
                (
                    "the other form peaks at 0.05 in all layers",
                    {**two, "a": flat(0, 9), "b": flat(0.05, 9)},
                ),
                (
                    "there is no first phase",
                    {**barely, "a": flat(0, 9), "b": flat(0.4, 9)},
                ),
            ],
            refuted=[("it leads by 0.05 everywhere", {**two, "a": flat(0.25, 9), "b": flat(0.2, 9)})],
            shapes=LENS_SHAPES,
            lens="lcab",
        ),
        *cases(
            "leaves behind",
            "E5",
            forms.leaves_behind("t", "f", LENS),
            supported=[
                leads,
                (
                    "the other leads by 0.05 at one layer",
                    {"t": at(0.2, 2, rest=0.6, size=9), "f": at(0.25, 2, size=9)},
                ),
            ],
            refuted=[
                ("the lead is 0.05 at one layer", {"t": at(0.25, 5, rest=0.2, size=9), "f": flat(0.2, 9)}),
                (
                    "a lead of 0.05 at one layer, the other's everywhere else",
                    {"t": at(0.25, 5, rest=0.2, size=9), "f": at(0.2, 5, rest=0.25, size=9)},
                ),
            ],
            shapes=LENS_SHAPES,
            lens="tf",
        ),
    ]
