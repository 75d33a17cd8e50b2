"""Statements about one curve: a drop, none, one inside a band, two."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import LOWER, MIDDLE, QUARTER, Grid, TooShallowError
from harness.statistics import forms
from harness.statistics.verdict import Verdict
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, verdict


@pytest.mark.parametrize(("depth", "expected"), [(30, SUPPORTED), (0, REFUTED), (10, OPEN)])
def test_drops_somewhere(grid: Grid, depth: float, expected: Verdict) -> None:
    data = curves_of(d=dip(grid, 0.5, depth=depth, width=0.3))
    assert verdict(forms.drops_somewhere("d", grid), **data) is expected


def test_drops_somewhere_means_in_the_band(grid: Grid) -> None:
    data = curves_of(d=dip(grid, 0.8))
    assert verdict(forms.drops_somewhere("d", grid, within=LOWER), **data) is REFUTED


@pytest.mark.parametrize(("control", "expected"), [(10, SUPPORTED), (95, REFUTED)])
def test_a_drop_must_lie_below_its_control(grid: Grid, control: float, expected: Verdict) -> None:
    data = curves_of(d=dip(grid, 0.5), n=dip(grid, 0.5, depth=control))
    assert verdict(forms.drops_somewhere("d", grid, control="n"), **data) is expected


def test_below_the_control_at_another_window_is_not_enough(grid: Grid) -> None:
    """The window that drops and the window below the control must be the same."""
    drop = dip(grid, 0.2)
    data = curves_of(d=drop, n=np.where(drop < -3, -80.0, 20.0))
    assert verdict(forms.drops_somewhere("d", grid, control="n"), **data) is REFUTED


@pytest.mark.parametrize(
    ("depth", "expected"), [(0, SUPPORTED), (-30, REFUTED), (30, REFUTED), (10, OPEN), (-10, OPEN)]
)
def test_negligible_has_two_sides(grid: Grid, depth: float, expected: Verdict) -> None:
    data = curves_of(d=dip(grid, 0.5, depth=depth, width=0.3))
    assert verdict(forms.negligible_everywhere("d", grid), **data) is expected


def test_drop_and_negligible_are_complements_for_effects_below_zero(grid: Grid) -> None:
    data = curves_of(d=dip(grid, 0.5, depth=25))
    assert verdict(forms.drops_somewhere("d", grid), **data) is SUPPORTED
    assert verdict(forms.negligible_everywhere("d", grid), **data) is REFUTED


def test_negligible_from_the_top(grid: Grid) -> None:
    data = curves_of(low=dip(grid, 0.2), high=dip(grid, 0.8), none=np.zeros(1), block=np.full(1, -30.0))
    tree = forms.negligible_from_the_top
    assert verdict(tree("low", grid, block="none"), **data) is SUPPORTED
    assert verdict(tree("low", grid, block="block"), **data) is REFUTED
    assert verdict(tree("high", grid, block="none"), **data) is REFUTED
    assert verdict(tree("low", grid), **data) is SUPPORTED


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(0.1, 0.55, SUPPORTED), (0.1, 0.1, REFUTED)], ids=["two", "one"]
)
def test_two_dips(grid: Grid, first: float, second: float, expected: Verdict) -> None:
    curve = np.minimum(dip(grid, first), dip(grid, second))
    assert verdict(forms.two_dips({grid: "d"}), **curves_of(d=curve)) is expected


def test_two_dips_at_any_window_size_and_refuted_only_where_resolvable() -> None:
    fine, coarse = Grid(8, 1), Grid(8, 3)
    two, one, none = dip(fine, 0.1, 0.6), dip(fine, 0.3), np.zeros(8)
    tree = forms.two_dips({fine: "fine", coarse: "coarse"})
    assert verdict(tree, **curves_of(fine=two, coarse=one)) is SUPPORTED
    assert verdict(tree, **curves_of(fine=one, coarse=two)) is SUPPORTED
    assert verdict(tree, **curves_of(fine=one, coarse=one)) is REFUTED
    assert verdict(tree, **curves_of(fine=none, coarse=one)) is OPEN


def test_two_dips_where_they_are_said_to_be() -> None:
    grid = Grid(8, 1)
    data = curves_of(d=dip(grid, 0.5, 0.95))
    assert verdict(forms.two_dips({grid: "d"}), **data) is SUPPORTED
    assert verdict(forms.two_dips({grid: "d"}, first=LOWER, second=MIDDLE), **data) is REFUTED


def test_two_dips_need_three_windows() -> None:
    with pytest.raises(ValueError, match="no room"):
        forms.two_dips({Grid(2, 1): "d"})


def test_a_slope_is_not_two_dips() -> None:
    grid = Grid(8, 1)
    slope = curves_of(d=np.array([-60.0, -59, -47, -35, -23, -12, 0, 0]))
    assert verdict(forms.both_dip_and_first_deeper("d", grid, 0, 3), **slope) is REFUTED
    twice = curves_of(d=np.array([-60.0, -10, -10, -35, 0, 0, 0, 0]))
    assert verdict(forms.both_dip_and_first_deeper("d", grid, 0, 3), **twice) is SUPPORTED
    reverse = curves_of(d=np.array([-35.0, -10, -10, -60, 0, 0, 0, 0]))
    assert verdict(forms.both_dip_and_first_deeper("d", grid, 0, 3), **reverse) is REFUTED
    with pytest.raises(TooShallowError, match="no window lies between"):
        forms.both_dip_and_first_deeper("d", grid, 0, 1)


def test_windows_that_straddle_a_band_do_not_count_as_outside() -> None:
    grid = Grid(12, 3)
    inside = np.zeros(12)
    inside[3:9] = [-20, -60, -60, -60, -60, -20]  # what a flow in layers 4 to 7 alone looks like
    assert verdict(forms.confined_to("d", QUARTER, grid), **curves_of(d=inside)) is SUPPORTED
    early = inside.copy()
    early[0] = -40
    assert verdict(forms.confined_to("d", QUARTER, grid), **curves_of(d=early)) is REFUTED
    with pytest.raises(TooShallowError):
        forms.confined_to("d", QUARTER, Grid(4, 3))
