"""Measurements of some of a curve's points: their names, what serves them, what serves several."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checkpoint.encode import encode
from harness.data.depth import LOWER, Grid, Points
from harness.data.flow import Flow
from harness.interventions.measurements import (
    ActivationPatch,
    BlockFromLayer,
    Measurement,
    Mediators,
    Modules,
    Quantity,
    Sweep,
    only_of,
)
from harness.interventions.some_points import columns, read_name, serving, together, whole
from harness.interventions.to_knockouts import Subject, knockouts_of
from harness.testing.tiny_checkpoints import picture, sample, tiny_checkpoint

FLOW = Flow("image", "question")
SOME = Points((1, 3), 4)
CURVES: list[Sweep | ActivationPatch | Modules | BlockFromLayer] = [
    Sweep(FLOW, 3),
    Sweep(FLOW, 3, "lower"),
    ActivationPatch(FLOW, 3, "mean"),
    Modules("mlp", "question", 3, 0),
    BlockFromLayer(FLOW, (0, 1, 2, 3), unfiltered=True),
]


@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_a_measurement_of_some_points_has_a_name_of_its_own(
    curve: Sweep | ActivationPatch | Modules | BlockFromLayer,
) -> None:
    some = replace(curve, only=SOME)
    assert read_name(str(some)) == (str(curve), SOME.places)
    assert read_name(str(curve)) == (str(curve), None)
    assert whole(some) == curve
    assert str(Quantity("T", some, "p_c")) == str(Quantity("T", curve, "p_c"))


def test_what_has_more_points_serves_and_what_has_fewer_does_not() -> None:
    wanted = Sweep(FLOW, 3, only=SOME)
    more, other = replace(wanted, only=Points((0, 1, 3), 4)), replace(wanted, only=Points((0, 1), 4))
    every = {str(one) for one in (Sweep(FLOW, 3), Sweep(FLOW, 1), more, other, wanted)}
    assert serving(wanted, every) == (str(wanted), str(Sweep(FLOW, 3)), str(more))
    assert serving(whole(wanted), every) == (str(Sweep(FLOW, 3)),)
    assert [columns(wanted, name) for name in serving(wanted, every)] == [None, [1, 3], [1, 2]]


def test_each_curve_is_measured_once_at_every_point_that_is_wanted() -> None:
    low, high = (Sweep(FLOW, 3, only=Points(places, 4)) for places in ((0, 1), (1, 3)))
    others: list[Measurement] = [Sweep(FLOW, 1), Mediators("image", ("question",))]
    assert together([low, *others, high]) == (replace(low, only=Points((0, 1, 3), 4)), *others)
    assert together([low, whole(high)]) == together([whole(high), low]) == (whole(low),)


@pytest.mark.parametrize("places", [(), (1, 1), (2, 1), (4,), (-1,)])
def test_points_are_some_points_of_a_curve(places: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not"):
        Points(places, 4)


def test_the_knockouts_are_those_of_the_whole_curve_at_its_points(tmp_path: Path) -> None:
    encoded = encode(tiny_checkpoint(), sample(picture(tmp_path)))
    subject = Subject(encoded.sample, encoded.regions, 4)
    for curve in (CURVES[0], CURVES[3]):
        every, some = knockouts_of(curve, subject), knockouts_of(replace(curve, only=SOME), subject)
        assert some == (every[1], every[3])


def test_a_grid_of_the_windows_of_a_band() -> None:
    """Everything that a form asks of a grid it answers for its own windows."""
    grid = Grid(12, 3)
    lower, inside = grid.within(LOWER), grid.inside(LOWER)
    assert lower.points == inside.sum() < grid.points
    assert lower.depths.tolist() == grid.depths[inside].tolist()
    assert lower.labels == tuple(label for label, kept in zip(grid.labels, inside, strict=True) if kept)
    assert lower.inside(LOWER).all()
    assert lower.within(LOWER) is lower
    assert only_of(Sweep(FLOW, 3, only=lower.only)) == Points(tuple(lower.centres), 12)
