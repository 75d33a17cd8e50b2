"""Where a flow lies: centres of mass, their order, their agreement, their one band."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from harness.data.depth import CENTRAL, FIRST, LOW, Grid, TooShallowError, rule_window
from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.forms.mass import mass, moment, spread, whole
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import nodes, quantities
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, verdict


def test_in_order(grid: Grid, flat: Floats) -> None:
    data = curves_of(oth=dip(grid, 0.1), rel=dip(grid, 0.4), q=dip(grid, 0.75), none=flat)
    assert verdict(forms.in_order(["oth", "rel", "q"], grid), **data) is SUPPORTED
    assert verdict(forms.in_order(["rel", "oth", "q"], grid), **data) is REFUTED
    assert verdict(forms.in_order(["oth", "none", "q"], grid), **data) is REFUTED


@pytest.mark.parametrize("tail", [1.5, -1.5])
def test_what_hardly_happens_over_many_windows_moves_no_centre(tail: float) -> None:
    """A drift of a point and a half over half the decoder outweighed dips of 20, with the drop as mass."""
    grid = Grid(40, 9)
    drift = np.where(np.arange(40) > 20, tail, 0.0)
    low, same, high = dip(grid, 0.25, depth=20), dip(grid, 0.25, depth=20) + drift, dip(grid, 0.45, depth=60)
    data = curves_of(low=low, same=same, high=high)
    assert verdict(forms.in_order(["same", "high"], grid), **data) is SUPPORTED
    assert verdict(forms.in_order(["low", "same"], grid), **data) is not SUPPORTED
    assert verdict(forms.at_one_depth(dict.fromkeys(["low", "same"], grid)), **data) is SUPPORTED


def test_one_depth_band(grid: Grid, flat: Floats) -> None:
    data = curves_of(a=dip(grid, 0.5), b=dip(grid, 0.5, depth=80), far=dip(grid, 0.85), none=flat)
    band = forms.one_depth_band
    assert verdict(band(["a", "b"], grid, within=CENTRAL), **data) is SUPPORTED
    assert verdict(band(["a", "far"], grid, within=CENTRAL), **data) is REFUTED
    assert verdict(band(["a", "none"], grid, within=CENTRAL), **data) is REFUTED
    assert verdict(band(["a", "b"], grid, within=LOW), **data) is REFUTED


def test_two_bands_are_not_one(grid: Grid) -> None:
    """Dips at both ends have their centre in the middle, in every task; two inside the band are two still."""
    for places in ((0.06, 0.94), (0.25, 0.75)):
        data = curves_of(a=dip(grid, *places), b=dip(grid, *places))
        assert verdict(forms.one_depth_band(["a", "b"], grid, within=CENTRAL), **data) is REFUTED


def test_at_one_depth(grid: Grid, flat: Floats) -> None:
    data = curves_of(a=dip(grid, 0.5), b=dip(grid, 0.5, depth=30), far=dip(grid, 0.9), none=flat)
    data |= curves_of(ends=dip(grid, 0.06, 0.94))
    agree = forms.at_one_depth

    def both(*names: str, required: bool = True) -> object:
        return verdict(agree(dict.fromkeys(names, grid), required=required), **data)

    assert both("a", "b") is SUPPORTED
    assert both("a", "far") is REFUTED
    assert both("a", "ends") is REFUTED
    assert both("a", "b", "far") is REFUTED
    assert both("a", "none") is REFUTED
    assert both("a", "none", required=False) is OPEN


def test_window_sizes_and_checkpoints_are_compared_by_relative_depth() -> None:
    narrow, wide, other = Grid(40, 1), Grid(40, 19), Grid(12, 3)
    data = curves_of(
        narrow=dip(narrow, 0.3, width=0.02), wide=dip(wide, 0.3, width=0.2), other=dip(other, 0.3)
    )
    data |= curves_of(high=dip(other, 0.8))
    for second, grid, expected in (
        ("wide", wide, SUPPORTED),
        ("other", other, SUPPORTED),
        ("high", other, REFUTED),
    ):
        assert verdict(forms.at_one_depth({"narrow": narrow, second: grid}), **data) is expected


@pytest.mark.parametrize("unclipped", [True, False])
def test_mainly_inside(grid: Grid, flat: Floats, unclipped: bool) -> None:  # noqa: FBT001
    data = curves_of(low=dip(grid, 0.12), mid=dip(grid, 0.45), none=flat, both=dip(grid, 0.12, 0.88))
    for band, holds, fails in ((FIRST, "low", "mid"), (CENTRAL, "mid", "low")):
        for name, expected in {holds: SUPPORTED, fails: REFUTED, "none": REFUTED}.items():
            assert verdict(forms.mainly_inside(name, band, grid, unclipped=unclipped), **data) is expected
        assert verdict(forms.mainly_inside("both", band, grid, unclipped=unclipped), **data) is not SUPPORTED


@pytest.mark.parametrize("ends", [20.0, 22.0])
def test_what_is_everywhere_alike_is_mainly_nowhere(ends: float) -> None:
    """The central fifths hold most windows, and so most of a flat curve."""
    grid = Grid(40, 9)
    curve = np.where(grid.inside(CENTRAL), -20.0, -ends)
    assert verdict(forms.mainly_inside("d", CENTRAL, grid), **curves_of(d=curve)) is not SUPPORTED
    assert verdict(forms.mainly_inside("d", FIRST, grid), **curves_of(d=curve)) is REFUTED


def test_a_deeper_stage_is_the_main_one_where_a_shallower_one_comes_before() -> None:
    """-13 in the lowest windows, -20 near layer 10 of 40: mainly in the middle, not in the first fifth."""
    grid = Grid(40, 9)
    curve = np.where(np.arange(40) < 5, -13.0, dip(grid, 0.28, depth=20))
    data = curves_of(d=curve)
    assert verdict(forms.mainly_inside("d", CENTRAL, grid), **data) is not REFUTED
    assert verdict(forms.mainly_inside("d", FIRST, grid), **data) is REFUTED


@given(layers=st.integers(8, 80), size=st.integers(1, 20))
def test_no_window_lies_in_both_of_the_bands_that_are_set_against_each_other(layers: int, size: int) -> None:
    for window in {rule_window(layers), min(2 * size - 1, layers)}:
        grid = Grid(layers, window)
        try:
            low, mid = grid.inside(FIRST), grid.inside(CENTRAL)
        except TooShallowError:
            continue
        assert not (low & mid & grid.unclipped).any()


def test_a_band_that_is_all_of_the_decoder_has_nothing_outside() -> None:
    with pytest.raises(TooShallowError, match="leaves no window to compare"):
        forms.mainly_inside("d", CENTRAL, Grid(5, 5), unclipped=True)


def test_mass_by_hand() -> None:
    grid = Grid(4, 1)
    curve = np.array([-30.0, 5.0, 0.0, -10.0])
    assert mass(curve).tolist() == [900, 0, 0, 100]
    centre = (900 * 0.125 + 100 * 0.875) / 1000
    assert moment(curve, grid) / whole(curve) == pytest.approx([centre])
    apart = 900 * (centre - 0.125) + 100 * (0.875 - centre)
    assert spread(curve, grid) == pytest.approx([apart])


@given(scale=st.floats(0.1, 3))
def test_where_a_curve_lies_does_not_hang_on_its_size(scale: float) -> None:
    grid = Grid(12, 3)
    curve = dip(grid, 0.2, 0.6)
    for of in (moment, spread):
        small, large = (of(one, grid) / whole(one) for one in (curve, scale * curve))
        assert small == pytest.approx(large)


def test_depths_are_reported_as_depths() -> None:
    """Tested as a cross product, reported as a difference of centres of mass."""
    grid = Grid(8, 1)
    data = curves_of(a=dip(grid, 0.2), b=dip(grid, 0.6))
    judged = judge(forms.in_order("ab", grid), [data], replace(ONE_LOOK, draws=3_000))
    (part,) = [part for part in judged.parts if part.label == "depth of b minus depth of a minus 0.125"]
    masses = [np.minimum(data[key].values.mean(axis=0), 0) ** 2 for key in "ab"]
    centres = [one @ grid.depths / one.sum() for one in masses]
    assert part.estimate == pytest.approx(centres[1] - centres[0] - 0.125)
    assert part.lower < part.estimate < part.upper


def test_leaves_say_what_they_measure(grid: Grid) -> None:
    tree = forms.in_order(["other->question", "related->question"], grid)
    labels = list(dict.fromkeys(leaf.label for node in nodes(tree.holds) for leaf in node.leaves))
    gap = f"{1 / grid.layers:.3g}"
    assert labels == [
        "deepest window of other->question",
        "deepest window of related->question",
        f"depth of related->question minus depth of other->question minus {gap}",
        f"depth of related->question minus depth of other->question minus {gap} (scaled)",
    ]
    assert quantities(tree) == ("other->question", "related->question")
