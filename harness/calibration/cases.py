"""What is true of the populations: each form at the edge of being true, and well inside.

A form is falsely SUPPORTED most often where it just fails: its decisive quantity lies exactly on the
threshold, at as many points as possible where one would do (OR), at a single point where all are needed
(AND). It is falsely REFUTED most often the other way round. These least favourable truths are written
out here. Thresholds are strict, so on the edge a claim and its negation count as both wrong to show;
each case says which of the two verdicts it counts.

The decoder has 8 layers and windows of one layer: bands of 3 (lower), 5 (middle), 1 (low) and 3 (mid)
windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from harness import forms
from harness.calibration.populations import SHAPES
from harness.depth import LOWER, Grid, LensGrid
from harness.statistics import Floats, Tree
from harness.verdict import Verdict

GRID = Grid(8, 1)
FINE = Grid(8, 2)
LENS = LensGrid(8)

Means: TypeAlias = Mapping[str, Floats]
_LENS = ("piled", "skewed")


@dataclass(frozen=True, eq=False)
class Case:
    """A tree, the truth it is judged on, and the verdict to count.

    Attributes:
        form: name of the form.
        claims: ids of the claims that use it.
        counts: the verdicts that are counted: on the edge, both may be wrong.
        truth: the truth in words.
        tree: the claim.
        means: true mean curves.
        probabilities: which measures are probabilities.
        shapes: which populations make sense for it.

    """

    form: str
    claims: str
    counts: tuple[Verdict, ...]
    truth: str
    tree: Tree
    means: Means
    probabilities: frozenset[str]
    shapes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Form and truth in one line."""
        return f"{self.form}, where {self.truth}"


def at(value: float, *points: int, rest: float = 0.0, size: int = 8) -> Floats:
    """Return a curve with ``value`` at some points and ``rest`` elsewhere."""
    curve = np.full(size, rest)
    curve[list(points)] = value
    return curve


def flat(value: float, size: int = 8) -> Floats:
    """Return a curve with the same value everywhere."""
    return np.full(size, value)


def edges() -> list[Case]:
    """Return every form at its least favourable truths: each verdict counted is false."""
    families = (_drops, _negligible, _tasks, _contrasts, _dips, _shifts, _places, _shapes, _lens, _values)
    return [case for family in families for case in family()]


def powers() -> list[Case]:
    """Return forms at stated effects: each verdict counted is true."""
    two, one = at(-40, 1, 4, rest=-10), at(-40, 2, rest=-5)
    order = {"a": at(-30, 0), "b": at(-30, 3), "c": at(-60, 5)}
    return [
        *_cases("drops somewhere", "A1 B1", _drop(), [("one window at -21", {"d": at(-21, 4)})], []),
        *_cases("drops somewhere", "A1 B1", _drop(), [], [("no effect", {"d": flat(0)})]),
        *_cases("negligible everywhere", "A3 B6", _quiet(), [("no effect", {"d": flat(0)})], []),
        *_cases("negligible everywhere", "A3 B6", _quiet(), [], [("one window at -21", {"d": at(-21, 4)})]),
        *_cases(
            "stronger than", "A4 C4", _stronger(), [("10 points apart", {"a": flat(-30), "b": flat(-20)})], []
        ),
        *_cases("shift from low to mid", "C3", _shift(), [("full shift of 30", _cross(30))], []),
        *_cases("crosses over", "C3b", _crossing(), [("full shift of 30", _cross(30))], []),
        *_cases("mainly inside", "C1 C2", _inside(), [("30 inside, 0 outside", {"d": at(-30, 0, 1, 2)})], []),
        *_cases("two dips", "B2", _two(), [("40, 10, 40", {"d": two})], [("one dip of 40", {"d": one})]),
        *_cases("in order", "D1", _order(3), [("depths 0.06, 0.44, 0.69", order)], []),
        *_cases(
            "in order", "D1", _order(3), [], [("reversed", dict(zip("cba", order.values(), strict=True)))]
        ),
    ]


def _cases(
    form: str,
    claims: str,
    tree: Tree,
    supported: Sequence[tuple[str, Means]],
    refuted: Sequence[tuple[str, Means]],
    *,
    shapes: tuple[str, ...] = SHAPES,
    lens: Sequence[str] = "",
) -> list[Case]:
    counts: dict[str, list[Verdict]] = {}
    means = dict((*supported, *refuted))
    for verdict, truths in ((Verdict.SUPPORTED, supported), (Verdict.REFUTED, refuted)):
        for truth, _ in truths:
            counts.setdefault(truth, []).append(verdict)
    return [
        Case(form, claims, tuple(verdicts), truth, tree, means[truth], frozenset(lens), shapes)
        for truth, verdicts in counts.items()
    ]


# ------------------------------------------------------------------------------- trees used twice


def _drop() -> Tree:
    return forms.drops_somewhere("d", GRID)


def _quiet() -> Tree:
    return forms.negligible_everywhere("d", GRID)


def _stronger() -> Tree:
    return forms.stronger_than("a", "b", GRID)


def _shift() -> Tree:
    return forms.shifts_from_low_to_mid("rel", "oth", GRID)


def _crossing() -> Tree:
    return forms.crosses_over("rel", "oth", GRID)


def _inside() -> Tree:
    return forms.mainly_inside("d", LOWER, GRID)


def _two() -> Tree:
    return forms.two_dips({GRID: "d"})


def _order(count: int) -> Tree:
    return forms.in_order("abc"[:count], GRID)


def _cross(depth: float) -> Means:
    return {"rel": at(-depth, 2, 3, 4), "oth": at(-depth, 0)}


# ------------------------------------------------------------------------------- edges, by family


def _drops() -> list[Case]:
    null = forms.drops_somewhere("d", GRID, null="n")
    return [
        *_cases(
            "drops somewhere",
            "A1 B1 R3 R4",
            _drop(),
            [("all windows are at -10", {"d": flat(-10)})],
            [("one window is at -10, the others at 0", {"d": at(-10, 4)})],
        ),
        *_cases(
            "drops somewhere below the null",
            "A1",
            null,
            [
                ("all windows are at -10, the null at 0", {"d": flat(-10), "n": flat(0)}),
                ("all windows are at -40, as is the null", {"d": flat(-40), "n": flat(-40)}),
            ],
            [("one window is at -10, null and others at 0", {"d": at(-10, 4), "n": flat(0)})],
        ),
    ]


def _negligible() -> list[Case]:
    return [
        *_cases(
            "negligible everywhere",
            "A3 B6 R1 R5",
            _quiet(),
            [("one window is at -10", {"d": at(-10, 4)}), ("one window is at +10", {"d": at(10, 4)})],
            [("all windows are at -10", {"d": flat(-10)})],
        ),
        *_cases(
            "at most a quarter of",
            "A2",
            forms.at_most_a_quarter_of("i", GRID, of="q"),
            [("one window at -9, all the other's at -36", {"i": at(-9, 4), "q": flat(-36)})],
            [("all windows at -9, one of the other's at -36", {"i": flat(-9), "q": at(-36, 4)})],
        ),
    ]


def _tasks() -> list[Case]:
    names = [f"task {number}" for number in range(6)]
    drop = forms.in_all([forms.drops_somewhere(name, GRID) for name in names])
    most = forms.in_most([forms.negligible_everywhere(name, GRID) for name in names])

    def means(first: Floats, count: int, rest: Floats) -> Means:
        return {name: first if number < count else rest for number, name in enumerate(names)}

    return [
        *_cases(
            "drops in all six tasks",
            "A1",
            drop,
            [("five drop by 60, one has all windows at -10", means(flat(-60), 5, flat(-10)))],
            [("all six have one window at -10", means(at(-10, 4), 6, flat(0)))],
        ),
        *_cases(
            "negligible in most of six tasks",
            "A2",
            most,
            [("three are at 0, three have one window at -10", means(flat(0), 3, at(-10, 4)))],
            [("two are at -40, four have all windows at -10", means(flat(-40), 2, flat(-10)))],
        ),
    ]


def _contrasts() -> list[Case]:
    equal = [("both are at -20 everywhere", {"a": flat(-20), "b": flat(-20)})]
    half = [("the variant keeps exactly half", {"a": at(-20, 0, 1, 2), "b": at(-40, 0, 1, 2)})]
    others = ["b", "c"]
    return [
        *_cases("stronger than", "A4 B3 B4 C4 F2-F5", _stronger(), equal, equal),
        *_cases("keeps most of", "C5", forms.keeps_most_of(["a"], "b", GRID), half, half),
        *_cases(
            "exceeds the others",
            "A6",
            forms.exceeds_the_others("a", others, GRID),
            [("3 points deeper everywhere", {"a": flat(-13), "b": flat(-10), "c": flat(-10)})],
            [("3 points deeper at one window", {"a": at(-13, 4, rest=-10), "b": flat(-10), "c": flat(-10)})],
        ),
        *_cases(
            "mainly inside",
            "C1 C2 R2",
            _inside(),
            [
                ("all windows are at -30", {"d": flat(-30)}),
                ("the band has one window at -10, the rest 0", {"d": at(-10, 1)}),
            ],
            [("all windows are at -30", {"d": flat(-30)})],
        ),
    ]


def _dips() -> list[Case]:
    return _cases(
        "two dips",
        "B2",
        _two(),
        [
            ("all windows are at -40", {"d": flat(-40)}),
            ("windows alternate between -40 and -37", {"d": at(-37, 1, 3, 5, 7, rest=-40)}),
            ("the second dip is at -10", {"d": np.array([-40.0, 0, -10, 0, 0, 0, 0, 0])}),
        ],
        [
            ("a rise of 3 between dips of 40", {"d": np.array([-40.0, -37, -40, 0, 0, 0, 0, 0])}),
            ("a rise of 3 between dips of 40 and 60", {"d": np.array([-40.0, -37, -60, 0, 0, 0, 0, 0])}),
        ],
    )


def _shifts() -> list[Case]:
    proportional = {"rel": flat(-40), "oth": flat(-20)}
    low_gate = {"rel": at(-40, 2, 3, 4), "oth": at(-10, 0)}
    return [
        *_cases(
            "shift from low to mid",
            "C3",
            _shift(),
            [("the curves are proportional", proportional), ("the low stage is at -10", low_gate)],
            [("the curves are proportional", proportional)],
        ),
        *_cases(
            "crosses over",
            "C3b",
            _crossing(),
            [("equal in the lowest layers", {"rel": flat(-30), "oth": at(-30, 0)})],
            [("equal everywhere", {"rel": flat(-30), "oth": flat(-30)})],
        ),
    ]


def _places() -> list[Case]:
    pair = {"a": at(-40, 2), "b": at(-40, 3)}
    weak = {"a": at(-15, 2), "b": at(-15, 3)}
    three = {"a": at(-40, 2), "b": at(-40, 3), "c": at(-40, 4)}
    ends = {"a": at(-40, 2), "b": at(-40, 3), "c": at(-40, 2, 3)}
    return [
        *_cases(
            "in order",
            "D1 F6",
            _order(2),
            [("exactly one layer apart", pair), ("one layer apart, drops of 15", weak)],
            [("exactly one layer apart", pair), ("one layer apart, drops of 15", weak)],
        ),
        *_cases("in order", "D1 F6", _order(3), [], [("each one layer above the one before", three)]),
        *_cases(
            "one depth band",
            "A5 B5",
            forms.one_depth_band("abc", GRID),
            [("the outer two are one window apart", ends)],
            [("the outer two are one window apart", ends)],
        ),
    ]


def _shapes() -> list[Case]:
    x = np.array([-7.0, -5, -3, -1, 1, 3, 5, 7]) / np.sqrt(21)
    e = np.array([1.0, -1, -1, 1, 1, -1, -1, 1])
    alike = {"a": 15 * x - 30, "b": 15 * (0.8 * x + 0.6 * e) - 30}
    ranks = np.arange(8.0)
    # Sums of squared rank differences of 18 and 16: rank correlations of 0.786 and 0.810.
    below, above = ranks[[3, 0, 1, 2, 6, 4, 5, 7]], ranks[[3, 0, 1, 2, 5, 4, 7, 6]]
    scale = [(-60.0 + 6 * curve) for curve in (ranks, below, above)]
    wide = forms.rank_correlation_above({GRID: "a", FINE: "b"})
    return [
        *_cases(
            "same shape",
            "A7",
            forms.same_shape("a", "b", GRID),
            [("the correlation is 0.8", alike)],
            [("the correlation is 0.8", alike)],
        ),
        *_cases(
            "rank correlation above",
            "F1 F6",
            wide,
            [("the rank correlation is just below 0.8", {"a": scale[0], "b": scale[1]})],
            [("the rank correlation is just above 0.8", {"a": scale[0], "b": scale[2]})],
        ),
    ]


def _lens() -> list[Case]:
    step = np.array([0.0, 0, 0, 0, 0.6, 0.6, 0.6, 0.6, 0.6])
    late = np.array([0.0, 0, 0, 0, 0, 0, 0.3, 0.6, 0.6])
    capital = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5, 0.6])
    lower = np.array([0.15, 0.15, 0.15, 0.15, 0.15, 0.1, 0.1, 0.1, 0.0])
    once = np.array([0.1, 0.1, 0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0])
    edge = [("the onset lies on the band's edge", {"p": late})]
    same = [("onset and centre coincide", {"p": step, "d": at(-40, 3)})]
    return [
        *_cases(
            "peaks above",
            "E1 E2",
            forms.peaks_above("p", LENS),
            [("all layers are at 0.05", {"p": flat(0.05, 9)})],
            [("one layer is at 0.05", {"p": at(0.05, 5, size=9)})],
            shapes=_LENS,
            lens="p",
        ),
        *_cases("rises in", "E1", forms.rises_in("p", LENS), edge, edge, shapes=_LENS, lens="p"),
        *_cases(
            "onset after", "E2", forms.onset_after("p", "d", LENS, GRID), same, same, shapes=_LENS, lens="p"
        ),
        *_cases(
            "one form, then another",
            "E3",
            forms.one_form_then_another("l", "c", LENS),
            [("the first leads by 0.05 at five layers", {"l": lower, "c": capital})],
            [("the first leads by 0.05 at one layer", {"l": once, "c": capital})],
            shapes=_LENS,
            lens="lc",
        ),
        *_cases(
            "leaves behind",
            "E5",
            forms.leaves_behind("t", "f", LENS),
            [("the lead is 0.05 everywhere", {"t": flat(0.25, 9), "f": flat(0.2, 9)})],
            [("the lead is 0.05 at one layer", {"t": at(0.25, 5, rest=0.2, size=9), "f": flat(0.2, 9)})],
            shapes=_LENS,
            lens="tf",
        ),
    ]


def _values() -> list[Case]:
    chance, whole = 0.25, 0.9
    kept = chance + forms.RETAINED * (whole - chance)
    rates = {"kept": flat(kept, 1), "whole": flat(whole, 1), "chance": flat(chance, 1)}
    half = {"blocks": np.array([0.0, -30, -30, -60])}
    retained = [("exactly 0.8 of the accuracy above chance is left", rates)]
    shared = [("the two carriers share equally", half)]
    return [
        *_cases(
            "retains",
            "D3 F7",
            forms.retains("kept", "whole", "chance"),
            retained,
            retained,
            shapes=("piled",),
            lens=tuple(rates),
        ),
        *_cases(
            "carries most", "D2", forms.carries_most("blocks", ["q", "s"], "q"), shared, shared, shapes=SHAPES
        ),
    ]
