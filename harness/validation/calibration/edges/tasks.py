"""Edges of what is said of six tasks together."""

from __future__ import annotations

from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.trees import Tree
from harness.validation.calibration.cases import GRID, OTHER, Case, Means, at, cases, flat

TASKS = range(6)


def edges() -> list[Case]:
    """Return the cases."""
    return [*_all(), *_most(), *_any()]


def means(first: Floats, count: int, rest: Floats, name: str = "d") -> Means:
    """Return one curve for each task, the first ``count`` of them alike, and the others."""
    return {f"{name}{task}": first if task < count else rest for task in TASKS}


def direct_flow_is_weak() -> Tree:
    """Claim A2: negligible, and at most a quarter of another effect, in most tasks (of 4 windows)."""
    return forms.in_most(
        [
            forms.in_all(
                [
                    forms.negligible_everywhere(f"i{task}", OTHER),
                    forms.at_most_a_quarter_of(f"i{task}", OTHER, of=f"q{task}"),
                ]
            )
            for task in TASKS
        ]
    )


def _all() -> list[Case]:
    drops = forms.in_all([forms.drops_somewhere(f"d{task}", GRID) for task in TASKS])
    below = forms.in_all([forms.drops_somewhere(f"d{task}", GRID, control=f"n{task}") for task in TASKS])
    quiet = forms.in_all([forms.negligible_everywhere(f"d{task}", GRID) for task in TASKS])
    still = means(flat(0), 6, flat(0), "n")
    one, six = means(flat(-60), 5, flat(-10)), means(at(-10, 4), 6, flat(0))
    return [
        *cases(
            "in all: drops somewhere",
            "F5",
            drops,
            supported=[("five drop by 60, one has all windows at -10", one)],
            refuted=[("all six have one window at -10", six)],
        ),
        *cases(
            "in all: drops somewhere, below the control",
            "A1",
            below,
            supported=[("five drop by 60, one has all windows at -10, the control at 0", {**one, **still})],
            refuted=[("all six have one window at -10, the control at 0", {**six, **still})],
        ),
        *cases(
            "in all: negligible everywhere",
            "A3",
            quiet,
            supported=[("five are at 0, one has a window at -10", means(flat(0), 5, at(-10, 4)))],
            refuted=[("all six have all windows at -10", means(flat(-10), 6, flat(0)))],
        ),
    ]


def _most() -> list[Case]:
    quiet = forms.in_most([forms.negligible_everywhere(f"d{task}", GRID) for task in TASKS])
    deep, deeper = at(-40, 2, size=4), at(-60, 2, size=4)
    zero, one = flat(0, 4), at(-10, 2, size=4)
    return [
        *cases(
            "in most: negligible everywhere",
            "A2",
            quiet,
            supported=[("three are at 0, three have one window at -10", means(flat(0), 3, at(-10, 4)))],
            refuted=[("two are at -40, four have all windows at -10", means(flat(-40), 2, flat(-10)))],
        ),
        *cases(
            "in most: in all: negligible everywhere: at most a quarter of",
            "A2",
            direct_flow_is_weak(),
            supported=[
                (
                    "three are at 0, three have one window at -10, the other effect at -60",
                    {**means(zero, 3, one, "i"), **means(deeper, 6, zero, "q")},
                )
            ],
            refuted=[
                (
                    "two are at -40, four have all windows at -10, the other effect at -40",
                    {**means(flat(-40, 4), 2, flat(-10, 4), "i"), **means(deep, 6, zero, "q")},
                )
            ],
        ),
    ]


def _any() -> list[Case]:
    return cases(
        "in any: drops somewhere",
        "",
        forms.in_any([forms.drops_somewhere(name, GRID) for name in "abc"]),
        supported=[("all windows of all three are at -10", {name: flat(-10) for name in "abc"})],
        refuted=[("one window of one is at -10", {"a": at(-10, 4), "b": flat(0), "c": flat(0)})],
    )
