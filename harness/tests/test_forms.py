"""Each form on curves whose truth is known, both ways, and its ingredients against closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given as example, strategies as st
from scipy import stats

from harness import forms
from harness.depth import LOW, LOWER, MIDDLE, QUARTER, Band, Grid, LensGrid, TooShallowError, rule_window
from harness.forms.ingredients import depth_moment, total_drop
from harness.forms.lens import _rise, _rise_moment
from harness.forms.shapes import _rank_correlation
from harness.statistics import EFFECT, PROBABILITY, Curves, Floats, Tree, judge, measures, nodes
from harness.verdict import Verdict

SUPPORTED, REFUTED, OPEN = Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE
IMAGES = 150
NAMES = tuple(f"{image:04d}" for image in range(IMAGES))


def dip(grid: Grid, *centres: float, depth: float = 50.0, width: float = 0.1) -> Floats:
    """A curve with a drop of the given depth at each relative depth."""
    curve = np.zeros(grid.points)
    for centre in centres:
        curve -= depth * np.exp(-(((grid.depths - centre) / width) ** 2))
    return curve


def effect(mean: Floats, *, seed: int, spread: float = 6.0) -> Curves:
    """Per-image curves: every image responds with a strength of its own, plus noise."""
    random = np.random.default_rng(seed)
    strength = random.gamma(4.0, 0.25, (IMAGES, 1))
    values = strength * mean + spread * random.standard_normal((IMAGES, len(mean)))
    return Curves(NAMES, np.clip(values, -100, None), IMAGES, EFFECT)


def lens(mean: Floats, *, seed: int, spread: float = 0.02) -> Curves:
    random = np.random.default_rng(seed)
    values = mean + spread * random.standard_normal((IMAGES, len(mean)))
    return Curves(NAMES, np.clip(np.abs(values), 0, 1), IMAGES, PROBABILITY)


def verdict(tree: Tree, **curves: Curves) -> Verdict:
    return judge(tree, [curves], planned=1, draws=3_000).verdict


def curves_of(**means: Floats) -> dict[str, Curves]:
    return {name: effect(mean, seed=seed) for seed, (name, mean) in enumerate(means.items())}


GRIDS = {"8 layers": Grid(8, 1), "40 layers": Grid(40, 9)}


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> Grid:
    return GRIDS[request.param]


@pytest.fixture
def flat(grid: Grid) -> Floats:
    return np.zeros(grid.points)


# ------------------------------------------------------------------------------------------- one curve


@pytest.mark.parametrize(("depth", "expected"), [(30, SUPPORTED), (0, REFUTED), (10, OPEN)])
def test_drops_somewhere(grid: Grid, depth: float, expected: Verdict) -> None:
    data = curves_of(d=dip(grid, 0.5, depth=depth, width=0.3))
    assert verdict(forms.drops_somewhere("d", grid), **data) is expected


def test_drops_somewhere_means_in_the_band(grid: Grid) -> None:
    data = curves_of(d=dip(grid, 0.8))
    assert verdict(forms.drops_somewhere("d", grid, within=LOWER), **data) is REFUTED


@pytest.mark.parametrize(("null", "expected"), [(10, SUPPORTED), (95, REFUTED)])
def test_a_drop_must_lie_below_the_null_block(grid: Grid, null: float, expected: Verdict) -> None:
    data = curves_of(d=dip(grid, 0.5), n=dip(grid, 0.5, depth=null))
    assert verdict(forms.drops_somewhere("d", grid, null="n"), **data) is expected


def test_below_the_null_at_another_window_is_not_enough(grid: Grid) -> None:
    """The window that drops and the window below the null must be the same."""
    drop = dip(grid, 0.2)
    data = curves_of(d=drop, n=np.where(drop < -3, -80.0, 20.0))
    assert verdict(forms.drops_somewhere("d", grid, null="n"), **data) is REFUTED


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


@pytest.mark.parametrize("unclipped", [True, False])
def test_mainly_inside(grid: Grid, flat: Floats, unclipped: bool) -> None:  # noqa: FBT001
    data = curves_of(low=dip(grid, 0.15), high=dip(grid, 0.85), none=flat, both=dip(grid, 0.2, 0.8))
    for name, expected in {"low": SUPPORTED, "high": REFUTED, "none": REFUTED}.items():
        assert verdict(forms.mainly_inside(name, LOWER, grid, unclipped=unclipped), **data) is expected
    assert verdict(forms.mainly_inside("both", MIDDLE, grid, unclipped=unclipped), **data) is not SUPPORTED


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


# ------------------------------------------------------------------------------------------- two curves


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


def test_more_than_controls_needs_every_control(grid: Grid, flat: Floats) -> None:
    data = curves_of(rel=dip(grid, 0.4), shifted=flat, same=dip(grid, 0.4, depth=70), none=flat)
    assert verdict(forms.more_than_controls("rel", ["shifted"], grid), **data) is SUPPORTED
    assert verdict(forms.more_than_controls("rel", ["shifted", "same"], grid), **data) is REFUTED
    assert verdict(forms.more_than_controls("none", ["shifted"], grid), **data) is REFUTED


def test_keeps_most_of(grid: Grid, flat: Floats) -> None:
    data = curves_of(all=dip(grid, 0.15, depth=60), most=dip(grid, 0.15), sink=flat)
    assert verdict(forms.keeps_most_of(["most"], "all", grid), **data) is SUPPORTED
    assert verdict(forms.keeps_most_of(["most", "sink"], "all", grid), **data) is REFUTED


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


def test_deeper_at_and_groups() -> None:
    grid = Grid(8, 1)
    data = curves_of(one=dip(grid, 0.1, depth=70) + dip(grid, 0.6, depth=30), two=dip(grid, 0.6, depth=60))
    first, second = 0, 4
    assert forms.deepest([data["one"]], np.ones(8, dtype=np.bool_)) == first
    assert forms.deepest([data["one"], data["two"]], grid.inside(MIDDLE)) == second
    assert verdict(forms.deeper_at("one", grid, first, second), **data) is SUPPORTED
    assert verdict(forms.deeper_at("one", grid, second, first), **data) is REFUTED
    assert verdict(forms.group_dips_more_at(["two"], ["one"], grid, second), **data) is SUPPORTED
    assert verdict(forms.group_dips_more_at(["one"], ["two"], grid, second), **data) is REFUTED
    flat = np.zeros(8)
    faint = curves_of(strong=flat - 1.5, weak=flat)
    assert verdict(forms.group_dips_more_at(["strong"], ["weak"], grid, second), **faint) is REFUTED, "no dip"


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


def test_what_does_not_exist_is_not_the_stronger() -> None:
    grid, flat = Grid(8, 1), np.zeros(8)
    faint = curves_of(a=flat - 1.5, b=flat)
    assert verdict(forms.exists_and_is_stronger_than("a", "b", grid, exists="a"), **faint) is REFUTED
    clear = curves_of(a=flat - 30, b=flat - 10)
    assert verdict(forms.exists_and_is_stronger_than("a", "b", grid, exists="a"), **clear) is SUPPORTED


def test_two_checkpoints_are_compared_by_relative_depth() -> None:
    fine, coarse = Grid(24, 5), Grid(12, 3)
    low = {"fine": dip(fine, 0.3, depth=60), "coarse": dip(coarse, 0.3, depth=60)}
    data = curves_of(high=dip(coarse, 0.8, depth=60), **low)
    assert verdict(forms.same_order_of_layers("fine", fine, "coarse", coarse), **data) is not REFUTED
    assert verdict(forms.same_order_of_layers("fine", fine, "high", coarse), **data) is REFUTED
    assert verdict(forms.lies_deeper("high", coarse, "fine", fine), **data) is SUPPORTED
    assert verdict(forms.lies_deeper("fine", fine, "high", coarse), **data) is REFUTED
    assert verdict(forms.alike_everywhere("fine", fine, "high", coarse), **data) is REFUTED
    weak = curves_of(weak=dip(coarse, 0.3, depth=25), fine=low["fine"])
    assert verdict(forms.stronger_over_depth("fine", fine, "weak", coarse), **weak) is SUPPORTED
    assert verdict(forms.stronger_over_depth("weak", coarse, "fine", fine), **weak) is REFUTED


def test_a_quarter_is_split_off_by_image_whatever_the_measure() -> None:
    names = tuple(f"{image:05d}" for image in range(2_000))
    values = np.arange(2_000.0)[:, None]
    located, tested = forms.split(Curves(names, values, 4_000, EFFECT))
    assert len(located.images) == pytest.approx(500, abs=60)
    assert sorted(located.images + tested.images) == list(names)
    assert all(float(image) == value for image, value in zip(tested.images, tested.values[:, 0], strict=True))
    assert located.samples + tested.samples == 4_000
    fewer, _ = forms.split(Curves(names[:100], values[:100], 100, EFFECT))
    assert fewer.images == located.images[: len(fewer.images)]


def test_picking_the_deepest_window_on_the_same_images_would_flatter() -> None:
    """Where nothing differs, the picked window is deeper on the images it was picked on, not on others."""
    gaps: dict[str, list[float]] = {"same": [], "other": []}
    for seed in range(40):
        values = 30 * np.random.default_rng(seed).standard_normal((400, 8))
        names = tuple(f"{image:05d}" for image in range(400))
        located, tested = forms.split(Curves(names, values, 400, EFFECT))
        picked = forms.deepest([located], np.ones(8, dtype=np.bool_))
        gaps["same"].append(located.values.mean(axis=0)[picked])
        gaps["other"].append(tested.values.mean(axis=0)[picked])
    assert np.mean(gaps["same"]) < -2
    assert abs(np.mean(gaps["other"])) < 1


def test_a_mixture_of_images_is_told_from_images_that_respond_twice() -> None:
    names = tuple(f"{image:02d}" for image in range(10))
    mixed = np.array([[-60.0, 0.0], [0.0, -60.0]] * 5)
    twice = np.array([[-60.0, -60.0]] * 5 + [[0.0, 0.0]] * 5)
    assert forms.share_responding_at_both(Curves(names, mixed, 10, EFFECT), 0, 1) == 0.0
    assert forms.share_responding_at_both(Curves(names, twice, 10, EFFECT), 0, 1) == 0.5


def test_the_pair_of_dips_lies_in_its_bands_with_a_window_between() -> None:
    grid = Grid(12, 3)
    values = np.full((10, 12), -1.0)
    values[:, [1, 2, 6]] = [-60.0, -55.0, -40.0]
    curves = Curves(tuple("abcdefghij"), values, 10, EFFECT)
    assert forms.deepest_pair(curves, grid, LOWER, MIDDLE) == (1, 6)
    with pytest.raises(TooShallowError, match="leaves room"):
        forms.deepest_pair(curves, grid, Band("x", 0.1, 0.15), Band("y", 0.1, 0.25))


# ------------------------------------------------------------------------------------------- locations


def test_in_order(grid: Grid, flat: Floats) -> None:
    data = curves_of(oth=dip(grid, 0.1), rel=dip(grid, 0.4), q=dip(grid, 0.75), none=flat)
    assert verdict(forms.in_order(["oth", "rel", "q"], grid), **data) is SUPPORTED
    assert verdict(forms.in_order(["rel", "oth", "q"], grid), **data) is REFUTED
    assert verdict(forms.in_order(["oth", "none", "q"], grid), **data) is REFUTED


def test_one_depth_band(grid: Grid, flat: Floats) -> None:
    data = curves_of(a=dip(grid, 0.5), b=dip(grid, 0.5), far=dip(grid, 0.9), none=flat)
    band = forms.one_depth_band
    assert verdict(band(["a", "b"], grid), **data) is SUPPORTED
    assert verdict(band(["a", "far"], grid), **data) is REFUTED
    assert verdict(band(["a", "none"], grid), **data) is REFUTED
    assert verdict(band(["a", "none"], grid, required=False), **data) is OPEN
    assert verdict(band(["a", "b"], grid, within=LOW), **data) is REFUTED


def test_same_shape(grid: Grid, flat: Floats) -> None:
    data = curves_of(a=dip(grid, 0.5), b=dip(grid, 0.5, depth=30), c=dip(grid, 0.9), none=flat)
    assert verdict(forms.same_shape("a", "b", grid), **data) is SUPPORTED
    assert verdict(forms.same_shape("a", "c", grid), **data) is REFUTED
    assert verdict(forms.same_shape("a", "none", grid), **data) is OPEN


def test_rank_correlation_over_window_sizes() -> None:
    grids = [Grid(16, 1), Grid(16, 3)]
    slope = [np.linspace(-60, -5, 16), np.linspace(-50, -10, 16)]
    same = {"a": effect(slope[0], seed=1), "b": effect(slope[1], seed=2)}
    other = {"a": effect(slope[0], seed=1), "b": effect(slope[1][::-1], seed=2)}
    tree = forms.rank_correlation_above(dict(zip(grids, "ab", strict=True)))
    assert verdict(tree, **same) is SUPPORTED
    assert verdict(tree, **other) is REFUTED


def test_rank_correlation_is_spearmans() -> None:
    random = np.random.default_rng(0)
    first, second = random.standard_normal((2, 5, 12))
    theta = _rank_correlation(Grid(12, 1), Grid(12, 1))
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert np.tanh(theta(first, second)[:, 0]) == pytest.approx(expected)


def test_centre_of_mass_by_hand() -> None:
    grid = Grid(4, 1)
    curve = np.array([-30.0, 0.0, 0.0, -10.0])
    assert depth_moment(curve, grid) / total_drop(curve) == pytest.approx([(30 * 0.125 + 10 * 0.875) / 40])


def test_depths_are_reported_as_depths() -> None:
    """Tested as a cross product, reported as a difference of centres of mass."""
    grid = Grid(8, 1)
    data = curves_of(a=dip(grid, 0.2), b=dip(grid, 0.6))
    judged = judge(forms.in_order("ab", grid), [data], planned=1, draws=3_000)
    (part,) = [part for part in judged.parts if part.label == "depth of b minus depth of a minus 0.125"]
    means = [data[key].values.mean(axis=0) for key in "ab"]
    centres = [mean @ grid.depths / mean.sum() for mean in means]
    assert part.estimate == pytest.approx(centres[1] - centres[0] - 0.125)
    assert part.lower < part.estimate < part.upper


# ------------------------------------------------------------------------------------------- the lens


def ramp(grid: LensGrid, start: float, end: float, height: float = 0.8) -> Floats:
    return height * np.clip((grid.depths - start) / (end - start), 0, 1)


@pytest.fixture(params=[8, 40])
def lens_grid(request: pytest.FixtureRequest) -> LensGrid:
    return LensGrid(request.param)


def test_onset_is_the_depth_of_the_rise() -> None:
    step = np.array([0.0, 0.0, 0.0, 0.6, 0.6])
    early = np.array([0.0, 0.5, 0.2, 0.5, 0.1])
    for curve, onset in ((step, 2.5 / 4), (early, 0.5 / 4)):
        assert _rise_moment(curve) / _rise(curve) == pytest.approx([onset])


def test_peak_and_rise(lens_grid: LensGrid) -> None:
    late = lens(ramp(lens_grid, 0.4, 0.7), seed=1)
    early = lens(ramp(lens_grid, 0.0, 0.1), seed=2)
    none = lens(np.zeros(lens_grid.points), seed=3)
    data = {"late": late, "early": early, "none": none}
    assert verdict(forms.peaks_above("late", lens_grid), **data) is SUPPORTED
    assert verdict(forms.peaks_above("none", lens_grid), **data) is REFUTED
    assert verdict(forms.near_zero("late", lens_grid, within=LOW), **data) is SUPPORTED
    assert verdict(forms.rises_in("late", lens_grid), **data) is SUPPORTED
    assert verdict(forms.rises_in("early", lens_grid), **data) is REFUTED
    assert verdict(forms.rises_in("none", lens_grid), **data) is REFUTED


def test_onset_after(lens_grid: LensGrid) -> None:
    grid = Grid(lens_grid.layers, rule_window(lens_grid.layers))
    data = {
        "late": lens(ramp(lens_grid, 0.6, 0.9), seed=1),
        "early": lens(ramp(lens_grid, 0.0, 0.2), seed=2),
        **curves_of(rel=dip(grid, 0.4)),
    }
    assert verdict(forms.onset_after("late", "rel", lens_grid, grid), **data) is SUPPORTED
    assert verdict(forms.onset_after("early", "rel", lens_grid, grid), **data) is REFUTED


def test_one_form_then_another(lens_grid: LensGrid) -> None:
    capital = ramp(lens_grid, 0.7, 0.9)
    lower = np.where(capital > 0.2, 0.0, ramp(lens_grid, 0.3, 0.5))
    data = {
        "lower": lens(lower, seed=1),
        "capital": lens(capital, seed=2),
        "none": lens(np.zeros(lens_grid.points), seed=3),
    }
    tree = forms.one_form_then_another
    assert verdict(tree("lower", "capital", lens_grid), **data) is SUPPORTED
    assert verdict(tree("capital", "lower", lens_grid), **data) is REFUTED
    assert verdict(tree("none", "capital", lens_grid), **data) is REFUTED
    assert verdict(forms.never_leads("none", "capital", lens_grid), **data) is SUPPORTED
    assert verdict(forms.never_leads("lower", "capital", lens_grid), **data) is REFUTED
    assert verdict(forms.never_leads("lower", "none", lens_grid), **data) is OPEN
    assert verdict(forms.leaves_behind("capital", "none", lens_grid), **data) is SUPPORTED
    assert verdict(forms.leaves_behind("capital", "lower", lens_grid), **data) is REFUTED


# ------------------------------------------------------------------------------------------- values


def rates(mean: float, seed: int) -> Curves:
    values = np.random.default_rng(seed).random((IMAGES, 1)) < mean
    return Curves(NAMES, values.astype(np.float64), IMAGES, PROBABILITY)


def test_retention() -> None:
    data = {"full": rates(0.97, 1), "kept": rates(0.95, 2), "lost": rates(0.55, 3)}
    data["chance"] = Curves(NAMES, np.full((IMAGES, 1), 0.25), IMAGES, None)
    assert verdict(forms.retains("kept", "full", "chance"), **data) is SUPPORTED
    assert verdict(forms.retains("lost", "full", "chance"), **data) is REFUTED
    data["full"] = rates(0.25, 4)
    assert verdict(forms.retains("lost", "full", "chance"), **data) is OPEN


def by_permutations(value: Callable[[frozenset[int]], float], carriers: int, which: int) -> float:
    """Shapley's definition: the mean contribution over all orders."""
    total = 0.0
    for order in permutations(range(carriers)):
        before = frozenset(order[: order.index(which)])
        total += value(before | {which}) - value(before)
    return total / math.factorial(carriers)


@example(st.lists(st.floats(-100, 100), min_size=16, max_size=16), st.integers(0, 3))
def test_shapley_weights_are_the_mean_over_all_orders(values: list[float], which: int) -> None:
    def value(subset: frozenset[int]) -> float:
        return values[sum(1 << carrier for carrier in subset)]

    weights = forms.shapley_weights(4, which)
    assert np.array(values) @ weights == pytest.approx(by_permutations(value, 4, which), abs=1e-9)


def test_one_carrier_has_most() -> None:
    carriers = ["separator", "question", "last"]
    subsets = range(2 ** len(carriers))
    through_question = np.array([-60.0 * bool(b & 2) - 8.0 * bool(b & 1) for b in subsets])
    direct = np.array([-60.0 * bool(b & 4) - 8.0 * bool(b & 2) for b in subsets])
    data = {"question": effect(through_question, seed=1), "direct": effect(direct, seed=2)}
    data["none"] = effect(np.zeros(8), seed=3)
    assert verdict(forms.carries_most("question", carriers, "question"), **data) is SUPPORTED
    assert verdict(forms.carries_most("direct", carriers, "question"), **data) is REFUTED
    assert verdict(forms.carries_most("none", carriers, "question"), **data) is OPEN


# ------------------------------------------------------------------------------------------- joining


def tasks(grid: Grid, dropping: int) -> tuple[Mapping[str, Curves], Sequence[Tree]]:
    means = {f"task {n}": dip(grid, 0.5, depth=60.0 * (n < dropping)) for n in range(6)}
    return curves_of(**means), [forms.drops_somewhere(name, grid) for name in means]


@pytest.mark.parametrize(
    ("dropping", "in_all", "in_most", "in_any"),
    [
        (6, SUPPORTED, SUPPORTED, SUPPORTED),
        (5, REFUTED, SUPPORTED, SUPPORTED),
        (4, REFUTED, SUPPORTED, SUPPORTED),
        (3, REFUTED, REFUTED, SUPPORTED),
        (0, REFUTED, REFUTED, REFUTED),
    ],
)
def test_over_tasks(dropping: int, in_all: Verdict, in_most: Verdict, in_any: Verdict) -> None:
    data, statements = tasks(Grid(8, 1), dropping)
    assert verdict(forms.in_all(statements), **data) is in_all
    assert verdict(forms.in_most(statements), **data) is in_most
    assert verdict(forms.in_any(statements), **data) is in_any


@pytest.mark.parametrize(("size", "most"), [(1, 1), (2, 2), (3, 2), (5, 4), (6, 4)])
def test_most_is_two_thirds(size: int, most: int) -> None:
    statements = [forms.drops_somewhere(str(n), Grid(8, 1)) for n in range(size)]
    tree = forms.in_most(statements)
    assert tree.count == most


def test_leaves_say_what_they_measure(grid: Grid) -> None:
    tree = forms.in_order(["other->question", "related->question"], grid)
    labels = list(dict.fromkeys(leaf.label for node in nodes(tree.holds) for leaf in node.leaves))
    assert labels == [
        "deepest window of other->question",
        "deepest window of related->question",
        "mass of other->question",
        "mass of related->question",
        "depth of related->question minus depth of other->question minus " + f"{1 / grid.layers:.3g}",
        f"depth of related->question minus depth of other->question minus {1 / grid.layers:.3g} (scaled)",
    ]
    assert measures(tree) == ("other->question", "related->question")
