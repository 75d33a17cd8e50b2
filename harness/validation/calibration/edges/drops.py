"""Edges of what is said of one curve: it drops, it is negligible, it lies mainly in a band."""

from __future__ import annotations

from harness.data.depth import LOWER, QUARTER
from harness.statistics import forms
from harness.validation.calibration.cases import GRID, Case, at, cases, flat


def edges() -> list[Case]:
    """Return the cases."""
    return [*_drops(), *_negligible(), *_bands()]


def _drops() -> list[Case]:
    return [
        *cases(
            "drops somewhere",
            "R3 F5",
            forms.drops_somewhere("d", GRID),
            supported=[("all windows are at -10", {"d": flat(-10)})],
            refuted=[("one window is at -10, the others at 0", {"d": at(-10, 4)})],
        ),
        *cases(
            "drops somewhere, below the control",
            "B1",
            forms.drops_somewhere("d", GRID, control="n"),
            supported=[
                ("all windows are at -10, the control at 0", {"d": flat(-10), "n": flat(0)}),
                ("all windows are at -40, as is the control", {"d": flat(-40), "n": flat(-40)}),
            ],
            refuted=[("one window is at -10, control and others at 0", {"d": at(-10, 4), "n": flat(0)})],
        ),
    ]


def _negligible() -> list[Case]:
    top = forms.negligible_from_the_top("d", GRID, block="b")
    zero, block = flat(0, 1), flat(-10, 1)
    return [
        *cases(
            "negligible everywhere",
            "R1",
            forms.negligible_everywhere("d", GRID),
            supported=[
                ("one window is at -10", {"d": at(-10, 4)}),
                ("one window is at +10", {"d": at(10, 4)}),
            ],
            refuted=[("all windows are at -10", {"d": flat(-10)})],
        ),
        *cases(
            "negligible at",
            "R5",
            forms.negligible_at("d"),
            supported=[("it is at -10", {"d": block}), ("it is at +10", {"d": -block})],
            refuted=[("it is at -10", {"d": block}), ("it is at +10", {"d": -block})],
        ),
        *cases(
            "negligible from the top",
            "B6",
            top,
            supported=[
                ("one upper window is at -10, the block at 0", {"d": at(-10, 5), "b": zero}),
                ("the block is at -10, the windows at 0", {"d": flat(0), "b": block}),
            ],
            refuted=[("the upper windows and the block are at -10", {"d": flat(-10), "b": block})],
        ),
    ]


def _bands() -> list[Case]:
    inside, confined = forms.mainly_inside("d", LOWER, GRID), forms.confined_to("d", QUARTER, GRID)
    level = ("all windows are at -30", {"d": flat(-30)})
    return [
        *cases(
            "mainly inside",
            "C1 C2",
            inside,
            supported=[level, ("the band has one window at -10, the rest 0", {"d": at(-10, 1)})],
            refuted=[level, ("one window inside and one outside at -10", {"d": at(-10, 1, 5)})],
        ),
        *cases(
            "confined to",
            "R2",
            confined,
            supported=[
                ("the band is at -10, the rest at 0", {"d": at(-10, 3, 4)}),
                ("the band is at -40, one window outside at -10", {"d": at(-40, 3, 4) + at(-10, 6)}),
            ],
            refuted=[
                ("all windows are at -10", {"d": flat(-10)}),
                ("one window in the band and all outside are at -10", {"d": at(0, 3, rest=-10)}),
            ],
        ),
    ]
