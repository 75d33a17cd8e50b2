"""Windows, depths and bands, against the released code's formula and hand-made numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, strategies as st

from harness.data.depth import (
    HIGHER,
    LOW,
    LOWER,
    MID,
    MIDDLE,
    Band,
    Grid,
    LensGrid,
    Points,
    relative_depth,
    rule_window,
    window_layers,
)

geometries = st.integers(1, 80).flatmap(
    lambda layers: st.tuples(st.integers(0, layers - 1), st.integers(1, 2 * layers + 1), st.just(layers))
)


@given(geometries)
def test_window_is_the_released_codes_formula(geometry: tuple[int, int, int]) -> None:
    centre, size, layers = geometry
    expected = [
        layer
        for layer in range(-size, layers + size)
        if max(0, centre - size // 2) <= layer <= min(layers, centre + math.ceil(size / 2)) - 1
    ]
    window = window_layers(centre, size, layers)
    assert list(window) == expected
    assert centre in window


def test_windows_by_hand() -> None:
    assert list(window_layers(0, 9, 40)) == [0, 1, 2, 3, 4]
    assert list(window_layers(39, 9, 40)) == [35, 36, 37, 38, 39]
    assert list(window_layers(10, 9, 40)) == list(range(6, 15))
    assert list(window_layers(10, 4, 40)) == [8, 9, 10, 11]
    assert list(window_layers(5, 1, 8)) == [5]


@given(geometries)
def test_depth_lies_inside_and_mirrors_for_odd_windows(geometry: tuple[int, int, int]) -> None:
    centre, size, layers = geometry
    depth = relative_depth(centre, size, layers)
    assert 0 < depth < 1
    if size % 2:
        assert depth + relative_depth(layers - 1 - centre, size, layers) == pytest.approx(1)


def test_depth_of_whole_and_clipped_windows() -> None:
    assert relative_depth(10, 9, 40) == pytest.approx(10.5 / 40)
    assert relative_depth(0, 9, 40) == pytest.approx(2.5 / 40)
    assert relative_depth(10, 4, 40) == pytest.approx(10 / 40)


@pytest.mark.parametrize(("layers", "size"), [(40, 9), (32, 7), (24, 5), (16, 3), (8, 1), (4, 1), (1, 1)])
def test_rule_window_by_hand(layers: int, size: int) -> None:
    assert rule_window(layers) == size


@given(st.integers(1, 400))
def test_rule_window_is_the_nearest_odd_number(layers: int) -> None:
    nearest = min(range(1, layers + 2, 2), key=lambda odd: (abs(odd * 100 - 22 * layers), -odd))
    assert rule_window(layers) == nearest


def test_bands_include_their_edges_although_floats_are_inexact() -> None:
    assert LOW.contains([0.1 + 0.05, 0.15]).all()
    assert not LOW.contains([0.1501]).any()


def test_the_contrasted_bands_share_no_window_and_the_others_overlap() -> None:
    for layers in range(4, 81):
        depths = Grid(layers, rule_window(layers)).depths
        assert not (LOW.contains(depths) & MID.contains(depths)).any()
    tenth_of_forty = [relative_depth(10, 9, 40)]
    assert LOWER.contains(tenth_of_forty).all()
    assert MIDDLE.contains(tenth_of_forty).all()
    assert HIGHER.contains([0.35, 1.0]).all()


def test_grid_names_its_points() -> None:
    grid = Grid(layers=8, size=3)
    assert grid.points == len(grid.labels) == len(grid.depths) == len(grid.unclipped) == 8
    assert grid.labels[:3] == ("layers 0-1", "layers 0-2", "layers 1-3")
    assert Grid(8, 1).labels[2] == "layer 2"
    assert list(np.flatnonzero(~grid.unclipped)) == [0, 7]
    assert list(np.flatnonzero(grid.inside(LOWER))) == [0, 1, 2]


@given(st.integers(1, 60), st.integers(1, 9))
def test_every_second_window_leaves_none_without_a_neighbour(layers: int, size: int) -> None:
    grid = Grid(layers, size)
    some = grid.every_second()
    assert list(some.centres) == list(range(0, layers, 2))
    assert [centre for centre, kept in zip(grid.centres, grid.among(some), strict=True) if kept] == list(
        some.centres
    )
    assert some.every_second() == some


def test_every_second_window_of_a_band_keeps_to_it() -> None:
    lower = Grid(12, 3).within(LOWER)
    assert lower.centres == (0, 1, 2, 3, 4)
    assert lower.every_second().centres == (0, 2, 4)
    single = Grid(12, 3, Points((3,), 12))
    assert single.every_second() == single
    with pytest.raises(ValueError, match="are not some of the windows"):
        lower.among(Grid(12, 3))


def test_lens_has_one_point_more_than_layers() -> None:
    lens = LensGrid(layers=4)
    assert lens.points == len(lens.labels) == 5
    assert lens.depths.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert list(np.flatnonzero(lens.inside(LOWER))) == [0, 1]


IMPOSSIBLE: dict[str, Callable[[], object]] = {
    "centre above the decoder": lambda: window_layers(8, 3, 8),
    "centre below the decoder": lambda: window_layers(-1, 3, 8),
    "window of no layer": lambda: window_layers(0, 0, 8),
    "rule for no layer": lambda: rule_window(0),
    "decoder of no layer": lambda: Grid(0, 1),
    "grid of empty windows": lambda: Grid(4, 0),
    "band of one depth": lambda: Band("empty", 0.4, 0.4),
    "band without a window": lambda: Grid(2, 1).inside(Band("narrow", 0.4, 0.6)),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_impossible_geometry_is_refused(what: str) -> None:
    with pytest.raises(ValueError, match=r"layer|band"):
        IMPOSSIBLE[what]()
