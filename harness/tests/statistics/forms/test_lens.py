"""How the answer forms, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from harness.data.depth import LOW, Grid, LensGrid, rule_window
from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.forms.lens import _rise, _rise_moment
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, lens, verdict


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
