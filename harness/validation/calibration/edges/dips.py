"""Edges of what is said of dips: two of them, and how deep at windows located on other images."""

from __future__ import annotations

from harness.data.depth import LOWER, MIDDLE
from harness.statistics import forms
from harness.validation.calibration.cases import FINE, GRID, Case, at, cases, curve


def edges() -> list[Case]:
    """Return the cases."""
    return [*_two(), *_located()]


def _two() -> list[Case]:
    rise = curve(-40, -37, -40, 0, 0, 0, 0, 0)
    return [
        *cases(
            "two dips",
            "B2 R4",
            forms.two_dips({GRID: "d"}),
            supported=[
                ("all windows are at -40", {"d": at(-40, *range(8))}),
                ("windows alternate between -40 and -37", {"d": at(-37, 1, 3, 5, 7, rest=-40)}),
                ("the second dip is at -10", {"d": curve(-40, 0, -10, 0, 0, 0, 0, 0)}),
            ],
            refuted=[
                ("a rise of 3 between dips of 40", {"d": rise}),
                ("a rise of 3 between dips of 40 and 60", {"d": curve(-40, -37, -60, 0, 0, 0, 0, 0)}),
            ],
        ),
        *cases(
            "two dips, at one of two window sizes, in bands",
            "B2",
            forms.two_dips({GRID: "d", FINE: "e"}, first=LOWER, second=MIDDLE),
            supported=[
                (
                    "windows alternate between -40 and -37",
                    {"d": at(-37, 1, 3, 5, 7, rest=-40), "e": at(-37, 1, 3, 5, 7, rest=-40)},
                )
            ],
            refuted=[
                ("a rise of 3 in the narrow windows, one dip in the wide", {"d": rise, "e": at(-40, 1)})
            ],
        ),
    ]


def _located() -> list[Case]:
    equal = ("both are at -30", {"d": at(-30, 1, 4)})
    strong, weak = ["a", "b", "c", "e"], ["f", "g"]
    every = [*strong, *weak]
    alike = ("all six are at -40", {name: at(-40, 3) for name in every})
    barely = ("the strong are at -10, the weak at 0", {name: at(-10 * (name in strong), 3) for name in every})
    weakest = {**{name: at(-40, 3) for name in strong}, "a": at(-10, 3), "f": at(0), "g": at(0)}
    gates = ("all six are at -10", {name: at(-10, 3) for name in every})
    return [
        *cases("deeper at", "B3", forms.deeper_at("d", GRID, 1, 4), supported=[equal], refuted=[equal]),
        *cases(
            "both dip and first deeper",
            "B3",
            forms.both_dip_and_first_deeper("d", GRID, 1, 4),
            supported=[
                equal,
                ("the second dip is at -10", {"d": at(-40, 1) + at(-10, 4)}),
                ("a rise of 3 between dips of 60 and 40", {"d": curve(0, -60, -37, -37, -40, 0, 0, 0)}),
            ],
            refuted=[
                equal,
                ("dips of 10, a rise of 3 at one window", {"d": curve(0, -10, -7, -10, -10, 0, 0, 0)}),
                ("dips of 10, nothing between", {"d": at(-10, 1, 4)}),
            ],
        ),
        *cases(
            "group dips more at",
            "B4",
            forms.group_dips_more_at(strong, weak, GRID, 3),
            supported=[alike, ("one of the strong is at -10, the weak at 0", weakest)],
            refuted=[alike, barely, gates],
        ),
    ]
