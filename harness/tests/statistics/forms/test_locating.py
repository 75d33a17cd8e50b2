"""Windows picked on some images and tested on others."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import LOWER, MIDDLE, Band, Grid, TooShallowError
from harness.statistics import forms
from harness.statistics.curves import EFFECT, Curves
from harness.testing.form_curves import REFUTED, SUPPORTED, curves_of, dip, verdict


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
    with pytest.raises(TooShallowError, match="lies deep enough after"):
        forms.deepest_pair(curves, grid, Band("x", 0.1, 0.15), Band("y", 0.1, 0.25))
