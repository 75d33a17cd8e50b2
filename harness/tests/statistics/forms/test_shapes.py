"""Curves of one shape, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.data.depth import Grid
from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.forms.shapes import _rank_correlation
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, effect, verdict


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
