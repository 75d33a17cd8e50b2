"""Where a flow lies: centres of mass, their order and their spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.data.depth import LOW, Grid
from harness.statistics import forms
from harness.statistics.curves import Floats
from harness.statistics.forms.curve_sums import depth_moment, total_drop
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import nodes, quantities
from harness.testing.form_curves import OPEN, REFUTED, SUPPORTED, curves_of, dip, verdict


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


def test_centre_of_mass_by_hand() -> None:
    grid = Grid(4, 1)
    curve = np.array([-30.0, 0.0, 0.0, -10.0])
    assert depth_moment(curve, grid) / total_drop(curve) == pytest.approx([(30 * 0.125 + 10 * 0.875) / 40])


def test_depths_are_reported_as_depths() -> None:
    """Tested as a cross product, reported as a difference of centres of mass."""
    grid = Grid(8, 1)
    data = curves_of(a=dip(grid, 0.2), b=dip(grid, 0.6))
    judged = judge(forms.in_order("ab", grid), [data], replace(ONE_LOOK, draws=3_000))
    (part,) = [part for part in judged.parts if part.label == "depth of b minus depth of a minus 0.125"]
    means = [data[key].values.mean(axis=0) for key in "ab"]
    centres = [mean @ grid.depths / mean.sum() for mean in means]
    assert part.estimate == pytest.approx(centres[1] - centres[0] - 0.125)
    assert part.lower < part.estimate < part.upper


def test_leaves_say_what_they_measure(grid: Grid) -> None:
    tree = forms.in_order(["other->question", "related->question"], grid)
    labels = list(dict.fromkeys(leaf.label for node in nodes(tree.holds) for leaf in node.leaves))
    assert labels == [
        "deepest window of other->question",
        "deepest window of related->question",
        "total drop of other->question",
        "total drop of related->question",
        "depth of related->question minus depth of other->question minus " + f"{1 / grid.layers:.3g}",
        f"depth of related->question minus depth of other->question minus {1 / grid.layers:.3g} (scaled)",
    ]
    assert quantities(tree) == ("other->question", "related->question")
