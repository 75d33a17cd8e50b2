"""Curves for the record."""

from __future__ import annotations

import math

import numpy as np

from harness.data.depth import Grid, Points
from harness.data.flow import Flow
from harness.interventions.measurements import BlockFromLayer, Lens, Quantity, Sweep
from harness.statistics.curves import EFFECT, Curves
from harness.verdicts.curve_axes import axis_of, grid_axis, mean_curve, sample_curve
from harness.verdicts.record import MeasurementRecord

FLOW = MeasurementRecord("sweep", "image", "question")
QUANTITY = Quantity("T", Sweep(Flow("image", "question"), 3), "p_c")
AXIS = grid_axis(Grid(4, 3))


def test_a_curve_is_the_mean_over_images_in_its_own_role_or_the_given_one() -> None:
    rows = np.array([[-50.0, 0.0, 1.0, -3.0], [-40.0, 1.0, 3.0, -5.0], [-60.0, 2.0, 2.0, -4.0]])
    data = Curves(("a", "b", "c"), rows[:, : len(AXIS.points)], 6, EFFECT)
    curve = mean_curve(QUANTITY, data, AXIS)
    assert (curve.measurement, curve.role, curve.window, curve.n_images) == (FLOW, "effect", 3, 3)
    assert curve.mean[0] == -50 and curve.lower[0] < -50 < curve.upper[0]
    assert (curve.points, curve.depth) == (AXIS.points, AXIS.depth)
    assert mean_curve(QUANTITY, data, AXIS, "baseline").role == "baseline"


def test_a_samples_curve_has_no_band() -> None:
    lens = Quantity("T", Lens(norm=False), "lower")
    axis = axis_of(lens.measurement, 4)
    assert axis is not None
    curve = sample_curve(lens, [0.1] * 5, axis)
    assert (curve.reading, curve.role, curve.window) == ("probability", "lens", None)
    assert curve.unit == "probability at the last position"
    assert curve.points == (0, 1, 2, 3, 4) and curve.n_images == 1
    assert all(map(math.isnan, (*curve.lower, *curve.upper)))


def test_a_curve_of_some_windows_lists_them() -> None:
    some = axis_of(Sweep(Flow("image", "question"), 3, only=Points((1, 2), 4)), 4)
    assert some is not None
    assert (some.points, some.depth, some.window) == ((1, 2), AXIS.depth[1:3], 3)
    starts = tuple(range(4))
    assert axis_of(BlockFromLayer(Flow("image", "last"), starts, only=Points((2,), 4)), 4) is None
    assert axis_of(BlockFromLayer(Flow("image", "last"), starts), 4) is not None
