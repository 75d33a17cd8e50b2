"""Statements that hold one curve against another."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import WHOLE, Grid, TooShallowError
from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.verdict import Verdict
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, verdict


@pytest.mark.parametrize(("depth", "expected"), [(4, SUPPORTED), (40, REFUTED)])
def test_at_most_a_quarter(grid: Grid, depth: float, expected: Verdict) -> None:
    data = curves_of(i=dip(grid, 0.3, depth=depth), q=dip(grid, 0.7, depth=80))
    assert verdict(forms.at_most_a_quarter_of("i", grid, of="q"), **data) is expected


def test_stronger_and_far_stronger(grid: Grid, flat: Floats) -> None:
    data = curves_of(q=dip(grid, 0.7, depth=80), half=dip(grid, 0.7, depth=60), none=flat)
    assert verdict(forms.stronger_than("q", "half", grid), **data) is SUPPORTED
    assert verdict(forms.stronger_than("half", "q", grid), **data) is REFUTED
    assert verdict(forms.far_stronger_than("q", "none", grid), **data) is SUPPORTED
    assert verdict(forms.far_stronger_than("q", "half", grid), **data) is REFUTED
    assert verdict(forms.at_least_as_strong_as("none", "none", grid), **data) is SUPPORTED
    assert verdict(forms.at_least_as_strong_as("none", "q", grid), **data) is REFUTED


def test_a_few_windows_decide_which_of_two_effects_is_the_stronger() -> None:
    """A drop of 20 in a few windows of 40 is one of 3 on average: no margin for an average."""
    grid = Grid(40, 9)
    data = curves_of(none=np.zeros(40), few=dip(grid, 0.5, depth=20), q=dip(grid, 0.5, depth=80, width=0.4))
    assert verdict(forms.at_least_as_strong_as("none", "few", grid), **data) is REFUTED
    peak = curves_of(peak=dip(grid, 0.2, depth=60, width=0.05), q=dip(grid, 0.5, depth=80, width=0.4))
    assert verdict(forms.far_stronger_than("q", "peak", grid), **peak) is REFUTED


def test_more_than_controls_needs_every_control(grid: Grid, flat: Floats) -> None:
    data = curves_of(rel=dip(grid, 0.4), shifted=flat, same=dip(grid, 0.4, depth=70), none=flat)
    assert verdict(forms.more_than_controls("rel", ["shifted"], grid), **data) is SUPPORTED
    assert verdict(forms.more_than_controls("rel", ["shifted", "same"], grid), **data) is REFUTED
    assert verdict(forms.more_than_controls("none", ["shifted"], grid), **data) is REFUTED


def test_keeps_most_of(grid: Grid, flat: Floats) -> None:
    data = curves_of(all=dip(grid, 0.15, depth=60), most=dip(grid, 0.15), sink=flat)
    assert verdict(forms.keeps_most_of(["most"], "all", grid), **data) is SUPPORTED
    assert verdict(forms.keeps_most_of(["most", "sink"], "all", grid), **data) is REFUTED


def test_controls_of_every_second_window_are_compared_where_they_are() -> None:
    """Between them the controls could be anything; the gate still sees every window of the effect."""
    grid = Grid(16, 1)
    some = grid.every_second()
    odd_only, even_only = (np.where(np.arange(16) % 2 == rest, -60.0, 0.0) for rest in (1, 0))
    data = curves_of(even=even_only, odd=odd_only, none=np.zeros(some.points), as_even=even_only[::2])

    def more(effect: str, control: str) -> Verdict:
        return verdict(forms.more_than_controls(effect, [control], grid, within=WHOLE, at=some), **data)

    assert more("even", "none") is SUPPORTED
    assert more("even", "as_even") is OPEN
    assert more("odd", "as_even") is REFUTED
    assert verdict(forms.keeps_most_of(["as_even"], "even", grid, at=some), **data) is SUPPORTED
    assert verdict(forms.keeps_most_of(["none"], "even", grid, at=some), **data) is REFUTED
    stronger = forms.exists_and_is_stronger_than("even", "none", grid, exists="odd", at=some)
    assert verdict(stronger, **data) is SUPPORTED


def test_what_is_compared_must_be_windows_of_the_effect() -> None:
    with pytest.raises(ValueError, match="are not some of the windows"):
        forms.stronger_than("a", "b", Grid(16, 3), at=Grid(16, 1))


def test_shift_does_not_depend_on_size(grid: Grid) -> None:
    rel, oth = dip(grid, 0.4, width=0.3), dip(grid, 0.1, width=0.3)
    data = curves_of(rel=rel, oth=oth, large=2 * oth)
    tree = forms.shifts_from_low_to_mid
    assert verdict(tree("rel", "oth", grid), **data) is SUPPORTED
    assert verdict(tree("rel", "large", grid), **data) is SUPPORTED
    assert verdict(tree("oth", "rel", grid), **data) is REFUTED


def test_proportional_curves_are_not_shifted(grid: Grid) -> None:
    """The plain interaction would call the larger of two proportional curves shifted."""
    curve = dip(grid, 0.3, width=0.5, depth=40)
    data = curves_of(rel=2 * curve, oth=curve)
    assert verdict(forms.shifts_from_low_to_mid("rel", "oth", grid), **data) is OPEN


def test_a_shift_needs_both_stages(grid: Grid, flat: Floats) -> None:
    data = curves_of(rel=dip(grid, 0.4), none=flat)
    assert verdict(forms.shifts_from_low_to_mid("rel", "none", grid), **data) is REFUTED


def test_crossing_over(grid: Grid) -> None:
    low, mid = dip(grid, 0.08), dip(grid, 0.4)
    data = curves_of(rel=mid, oth=low, never=2 * (low + mid))
    assert verdict(forms.crosses_over("rel", "oth", grid), **data) is SUPPORTED
    assert verdict(forms.crosses_over("oth", "rel", grid), **data) is REFUTED
    assert verdict(forms.crosses_over("rel", "never", grid), **data) is REFUTED


def test_tiny_curves_that_cross_dominate_nothing(grid: Grid) -> None:
    """Dominating is more than being the larger of two effects around zero."""
    data = curves_of(rel=dip(grid, 0.4, depth=5), oth=dip(grid, 0.08, depth=5), deep=dip(grid, 0.08))
    assert verdict(forms.crosses_over("rel", "oth", grid), **data) is REFUTED
    assert verdict(forms.crosses_over("rel", "deep", grid), **data) is REFUTED


def test_without_clipped_windows_the_contrasts_stay(grid: Grid) -> None:
    rel, oth = dip(grid, 0.4, width=0.3), dip(grid, 0.1, width=0.3)
    data = curves_of(rel=rel, oth=oth)
    for form in (forms.shifts_from_low_to_mid, forms.crosses_over):
        assert verdict(form("rel", "oth", grid, unclipped=True), **data) is SUPPORTED
        assert verdict(form("oth", "rel", grid, unclipped=True), **data) is REFUTED


def test_a_clipped_window_alone_decides_nothing_without_clipped_windows() -> None:
    """The dip lies in the first, clipped window only."""
    grid = Grid(20, 3)
    assert not grid.unclipped[0]
    only_first = np.zeros(grid.points)
    only_first[0] = -80.0
    data = curves_of(rel=dip(grid, 0.4), oth=only_first)
    assert verdict(forms.crosses_over("rel", "oth", grid), **data) is SUPPORTED
    assert verdict(forms.crosses_over("rel", "oth", grid, unclipped=True), **data) is not SUPPORTED
    with pytest.raises(TooShallowError, match="low band holds no whole window of 5 layers"):
        forms.crosses_over("rel", "oth", Grid(12, 5), unclipped=True)


def test_exceeding_the_others_at_some_window(grid: Grid, flat: Floats) -> None:
    data = curves_of(slight=dip(grid, 0.6, depth=15), a=flat + 8, b=flat)
    assert verdict(forms.exceeds_the_others("slight", ["a", "b"], grid), **data) is SUPPORTED
    assert verdict(forms.exceeds_the_others("a", ["slight", "b"], grid), **data) is REFUTED
    idle = curves_of(mine=flat, first=flat + 8, second=flat + 8)
    assert verdict(forms.exceeds_the_others("mine", ["first", "second"], grid), **idle) is not SUPPORTED
    level = curves_of(mine=flat - 30, first=flat - 20, second=flat - 20)
    assert verdict(forms.exceeds_the_others("mine", ["first", "second"], grid), **level) is SUPPORTED


def test_what_does_not_exist_is_not_the_stronger() -> None:
    grid, flat = Grid(8, 1), np.zeros(8)
    faint = curves_of(a=flat - 1.5, b=flat)
    assert verdict(forms.exists_and_is_stronger_than("a", "b", grid, exists="a"), **faint) is REFUTED
    clear = curves_of(a=flat - 30, b=flat - 10)
    assert verdict(forms.exists_and_is_stronger_than("a", "b", grid, exists="a"), **clear) is SUPPORTED
