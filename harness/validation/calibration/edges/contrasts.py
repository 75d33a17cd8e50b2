"""Edges of what is said of two or more effects on one checkpoint."""

from __future__ import annotations

from harness.statistics import forms
from harness.statistics.trees import Tree
from harness.validation.calibration.cases import GRID, Case, at, cases, flat


def edges() -> list[Case]:
    """Return the cases."""
    return [*_stronger(), *_shares(), *_controls(), *_shifts()]


def _stronger() -> list[Case]:
    equal = ("both are at -20 everywhere", {"a": flat(-20), "b": flat(-20)})
    margin = ("3 points weaker everywhere", {"a": flat(-27), "b": flat(-30)})
    exists = ("both are at -10 in one window", {"a": at(-10, 4), "b": at(-10, 4)})
    barely = ("all windows are at -10, the other at 0", {"a": flat(-10), "b": flat(0)})
    apart = {"x": flat(-10), "a": flat(-40), "b": flat(0)}
    return [
        *cases(
            "stronger than",
            "A4 C3b",
            forms.stronger_than("a", "b", GRID),
            supported=[equal],
            refuted=[equal],
        ),
        *cases(
            "at least as strong as",
            "A4",
            forms.at_least_as_strong_as("a", "b", GRID),
            supported=[margin],
            refuted=[margin],
        ),
        *cases(
            "exists and is stronger than",
            "F2 F3",
            forms.exists_and_is_stronger_than("a", "b", GRID, exists="a"),
            supported=[equal, barely],
            refuted=[equal, exists],
        ),
        *cases(
            "exists and is stronger than, in another reading",
            "F2-token",
            forms.exists_and_is_stronger_than("a", "b", GRID, exists="x"),
            supported=[("it exists at -10 in all windows", apart)],
            refuted=[
                (
                    "it exists at -10 in one window, both readings equal",
                    {"x": at(-10, 4), "a": flat(-20), "b": flat(-20)},
                )
            ],
        ),
    ]


def _shares() -> list[Case]:
    half = ("the variant keeps exactly half", {"a": at(-20, 0, 1, 2), "b": at(-40, 0, 1, 2)})
    both = ("the other has exactly half", {"a": flat(-40), "b": flat(-20)})
    variants = {"a": at(-20, 0, 1, 2), "c": at(-20, 0, 1, 2), "e": at(-20, 0, 1, 2)}
    whole = {"b": at(-40, 0, 1, 2)}
    order: list[Tree] = [forms.far_stronger_than("a", "b", GRID), forms.at_least_as_strong_as("b", "c", GRID)]
    return [
        *cases(
            "at most a quarter of",
            "A2",
            forms.at_most_a_quarter_of("i", GRID, of="q"),
            supported=[("one window at -9, all the other's at -36", {"i": at(-9, 4), "q": flat(-36)})],
            refuted=[("all windows at -9, one of the other's at -36", {"i": flat(-9), "q": at(-36, 4)})],
        ),
        *cases(
            "far stronger than",
            "A4",
            forms.far_stronger_than("a", "b", GRID),
            supported=[both, ("all windows are at -10, the other at 0", {"a": flat(-10), "b": flat(0)})],
            refuted=[
                both,
                ("one window is at -10, the other's at -5", {"a": at(-10, 4), "b": at(-5, 4)}),
            ],
        ),
        *cases(
            "in all: far stronger than: at least as strong as",
            "A4",
            forms.in_all(order),
            supported=[("half, and equal", {"a": flat(-40), "b": flat(-20), "c": flat(-20)})],
            refuted=[
                (
                    "one window at -10, the next at half, the last 3 points stronger",
                    {"a": at(-10, 4), "b": at(-5, 4), "c": at(-5, 4) - 3},
                )
            ],
        ),
        *cases(
            "keeps most of", "C5", forms.keeps_most_of(["a"], "b", GRID), supported=[half], refuted=[half]
        ),
        *cases(
            "keeps most of, three variants",
            "C5",
            forms.keeps_most_of(["a", "c", "e"], "b", GRID),
            supported=[
                (
                    "one keeps half, two keep all",
                    {**whole, "a": variants["a"], "c": whole["b"], "e": whole["b"]},
                )
            ],
            refuted=[("all three keep exactly half", {**whole, **variants})],
        ),
    ]


def _controls() -> list[Case]:
    band = (1, 2, 3, 4, 5)
    return [
        *cases(
            "more than controls",
            "C4 F4",
            forms.more_than_controls("a", ["b", "c", "e"], GRID),
            supported=[
                (
                    "one control is as strong, two do nothing",
                    {"a": flat(-30), "b": flat(-30), "c": flat(0), "e": flat(0)},
                ),
                (
                    "the band is at -10, the controls at 0",
                    {"a": at(-10, *band), "b": flat(0), "c": flat(0), "e": flat(0)},
                ),
            ],
            refuted=[
                ("all controls are as strong", {name: flat(-30) for name in "abce"}),
                ("one window is at -10, and so in all controls", {name: at(-10, 4) for name in "abce"}),
            ],
        ),
        *cases(
            "exceeds the others",
            "A6",
            forms.exceeds_the_others("a", ["b", "c"], GRID),
            supported=[
                ("3 points deeper everywhere", {"a": flat(-13), "b": flat(-10), "c": flat(-10)}),
                ("3 points deep everywhere, the others at 0", {"a": flat(-3), "b": flat(0), "c": flat(0)}),
            ],
            refuted=[
                (
                    "3 points deeper at one window",
                    {"a": at(-13, 4, rest=-10), "b": flat(-10), "c": flat(-10)},
                ),
                ("3 points deep at one window", {"a": at(-3, 4), "b": flat(0), "c": flat(0)}),
            ],
        ),
    ]


def _shifts() -> list[Case]:
    proportional = ("the curves are proportional", {"rel": flat(-40), "oth": flat(-20)})
    steep = {"rel": at(-10, 0) + at(-40, 2, 3, 4), "oth": at(-20, 0) + at(-80, 2, 3, 4)}
    return [
        *cases(
            "shifts from low to mid",
            "C3",
            forms.shifts_from_low_to_mid("rel", "oth", GRID),
            supported=[
                proportional,
                ("the curves are proportional and steep", steep),
                ("the low stage is at -10", {"rel": at(-40, 2, 3, 4), "oth": at(-10, 0)}),
            ],
            refuted=[
                proportional,
                ("the curves are proportional and steep", steep),
                ("both stages are at -10", {"rel": at(-10, 0, 3), "oth": at(-10, 0, 3)}),
            ],
        ),
        *cases(
            "crosses over",
            "C3b",
            forms.crosses_over("rel", "oth", GRID),
            supported=[("equal in the lowest layers", {"rel": flat(-30), "oth": at(-30, 0)})],
            refuted=[("equal everywhere", {"rel": flat(-30), "oth": flat(-30)})],
        ),
    ]
