"""On what ground a claim is refuted, and in which tasks one over several holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.data.depth import CENTRAL, FIRST, Grid
from harness.statistics import forms
from harness.statistics.curves import Curves
from harness.statistics.grounds import tally
from harness.statistics.inference import Prover
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import AtLeast, Everywhere, Somewhere, Tree
from harness.statistics.verdict import Ground, Judgement, Tally, Verdict
from harness.testing.form_curves import curves_of, dip

GRID = Grid(12, 3)
FLAT = np.zeros(12)


def judged(tree: Tree, data: dict[str, Curves]) -> Judgement:
    return judge(tree, [data], replace(ONE_LOOK, draws=2_000))


def test_a_stage_that_is_merely_small_is_missing_and_comes_first() -> None:
    """The order is right and the last stage has -6: the opposite of an order is not shown."""
    data = curves_of(low=dip(GRID, 0.2), high=dip(GRID, 0.8, depth=4))
    found = judged(forms.in_order(["low", "high"], GRID), data)
    assert (found.verdict, found.ground) == (Verdict.REFUTED, Ground.MISSING)
    assert found.parts[0].label == "deepest window of high"
    assert -10 < found.parts[0].lower < found.parts[0].upper


def test_the_opposite_order_is_shown_as_such() -> None:
    data = curves_of(low=dip(GRID, 0.2), high=dip(GRID, 0.8))
    found = judged(forms.in_order(["high", "low"], GRID), data)
    assert (found.verdict, found.ground) == (Verdict.REFUTED, Ground.OPPOSITE)
    assert found.parts[0].label.startswith("depth of low minus depth of high")


@pytest.mark.parametrize(
    ("control", "ground"), [(FLAT, Ground.MISSING), (dip(GRID, 0.3, depth=60), Ground.OPPOSITE)]
)
def test_a_small_effect_and_one_no_larger_than_its_control(control: np.ndarray, ground: Ground) -> None:
    effect = dip(GRID, 0.3, depth=3 if ground is Ground.MISSING else 20)
    data = curves_of(d=effect, n=control)
    found = judged(forms.drops_somewhere("d", GRID, control="n"), data)
    assert (found.verdict, found.ground) == (Verdict.REFUTED, ground)


def test_what_does_not_drop_but_should_be_negligible_is_no_missing_stage() -> None:
    found = judged(forms.negligible_everywhere("d", GRID), curves_of(d=dip(GRID, 0.3)))
    assert (found.verdict, found.ground) == (Verdict.REFUTED, Ground.OPPOSITE)


def test_a_stage_that_lies_elsewhere_is_not_missing() -> None:
    data = curves_of(low=dip(GRID, 0.1), mid=dip(GRID, 0.45))
    for claim in (
        forms.mainly_inside("mid", FIRST, GRID),
        forms.mainly_inside("low", CENTRAL, GRID),
        forms.crosses_over("low", "mid", GRID),
        forms.shifts_from_low_to_mid("low", "mid", GRID),
    ):
        found = judged(claim, data)
        assert (found.verdict, found.ground) == (Verdict.REFUTED, Ground.OPPOSITE)


def test_of_an_effect_that_is_not_there_a_quarter_means_nothing() -> None:
    data = curves_of(i=FLAT - 4, q=dip(GRID, 0.5, depth=4))
    assert judged(forms.at_most_a_quarter_of("i", GRID, of="q"), data).verdict is Verdict.INCONCLUSIVE
    found = judged(forms.far_stronger_than("q", "i", GRID), data)
    assert found.verdict is Verdict.REFUTED


def test_in_most_a_verdict_and_its_tally_agree() -> None:
    """Four of six hold if the claim is shown, and three fail if it is refuted."""
    names = "abcdef"
    tree = forms.in_most({name: forms.negligible_everywhere(name, GRID) for name in names})
    for failing in (2, 3):
        data = curves_of(**{n: dip(GRID, 0.4) if at < failing else FLAT for at, n in enumerate(names)})
        found = judged(tree, data)
        assert found.tally is not None
        assert (found.verdict is Verdict.SUPPORTED) == (len(found.tally.holds) >= 4)
        assert (found.verdict is Verdict.REFUTED) == (len(found.tally.fails) >= 3)


@pytest.mark.parametrize(("depth", "verdict"), [(50, Verdict.SUPPORTED), (20, Verdict.SUPPORTED)])
def test_what_is_not_refuted_has_no_ground(depth: float, verdict: Verdict) -> None:
    found = judged(forms.drops_somewhere("d", GRID), curves_of(d=dip(GRID, 0.3, depth=depth)))
    assert (found.verdict, found.ground) == (verdict, None)


def test_a_claim_over_tasks_tells_where_it_holds() -> None:
    depths = {"one": 60, "two": 60, "three": 4, "four": 10}
    data = curves_of(**{task: dip(GRID, 0.5, depth=depth) for task, depth in depths.items()})
    tree = forms.in_all({task: forms.drops_somewhere(task, GRID) for task in depths})
    found = judged(tree, data)
    assert (found.verdict, found.ground) == (Verdict.REFUTED, Ground.MISSING)
    assert found.tally == Tally(("one", "two"), ("three",), ("four",))
    assert found.parts[0].label == "deepest window of three"


def test_in_most_tasks_the_others_may_fail() -> None:
    data = curves_of(a=FLAT, b=FLAT, c=dip(GRID, 0.4))
    tree = forms.in_most({name: forms.negligible_everywhere(name, GRID) for name in "abc"})
    found = judged(tree, data)
    assert (found.verdict, found.tally) == (Verdict.SUPPORTED, Tally(("a", "b"), ("c",), ()))


def test_parts_without_names_are_not_counted() -> None:
    data = curves_of(a=FLAT, b=FLAT)
    tree = forms.in_all([forms.negligible_everywhere(name, GRID) for name in "ab"])
    assert judged(tree, data).tally is None


class Proven(Prover):
    """A prover whose p-values are given, of each part and of its negation."""

    def __init__(self, holds: float, fails: float) -> None:
        self.given = {Somewhere: holds, Everywhere: fails}

    def prove(self, tree: Tree, stretch: float = 1.0) -> float:  # noqa: ARG002 - as a prover takes it
        return self.given[type(tree)]


@pytest.mark.parametrize(
    ("holds", "fails", "expected"),
    [(0.016, 1, "holds"), (0.017, 1, "undecided"), (1, 0.012, "fails"), (1, 0.013, "undecided")],
)
def test_a_part_counts_as_it_does_for_the_claim(holds: float, fails: float, expected: str) -> None:
    """At least four of six: the fourth smallest p counts three times, of negations the third four times."""
    names = tuple("abcdef")
    parts = tuple(forms.drops_somewhere(name, GRID) for name in names)
    found = tally(AtLeast(4, parts, names), Proven(holds, fails), 0.05)
    assert found is not None and getattr(found, expected) == names
