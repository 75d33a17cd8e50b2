"""What several forms are made of: points of a grid, and sums over a curve."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from harness.data.depth import Band, Grid, LensGrid, TooShallowError
from harness.statistics.curves import Floats
from harness.statistics.trees import AllOf, Leaf, Theta, every


def places_in(grid: Grid | LensGrid, band: Band | None) -> NDArray[np.intp]:
    """Return the places of the points inside a band; without one, of all."""
    return np.flatnonzero(mask_of(grid, band))


def mask_of(grid: Grid | LensGrid, band: Band | None) -> NDArray[np.bool_]:
    """Return which points lie inside a band, shape [points]; without one, all."""
    return np.ones(grid.points, dtype=np.bool_) if band is None else grid.inside(band)


def windows_in(grid: Grid, band: Band, *, unclipped: bool = False) -> NDArray[np.bool_]:
    """Return which windows lie inside a band, shape [points]; ``unclipped``: without the shorter ones.

    Raises:
        TooShallowError: if none does.

    """
    inside: NDArray[np.bool_] = grid.inside(band) & (grid.unclipped | (not unclipped))
    if not inside.any():
        raise TooShallowError(f"the {band.name} band holds no whole window of {grid.size} layers")
    return inside


def names_at(grid: Grid | LensGrid, where: NDArray[np.intp]) -> tuple[str, ...]:
    """Return the names of some points."""
    labels = grid.labels
    return tuple(labels[point] for point in where)


def values_at(where: NDArray[np.intp]) -> Theta:
    """Return theta: a curve at some points."""
    return lambda curve: curve[..., where]


def both_sides(
    label: str,
    keys: tuple[Hashable, ...],
    theta: Theta,
    size: float,
    points: tuple[str, ...],
    *,
    what: str,
    contrast: bool = False,
) -> AllOf:
    """Say that theta lies between -size and size at every point."""
    below = Leaf(label, keys, theta, size, "<", points, what=what, contrast=contrast)
    above = Leaf(label, keys, theta, -size, ">", points, what=what, contrast=contrast)
    return AllOf((every(above), every(below)))


def mean_drop(curve: Floats, where: NDArray[np.bool_]) -> Floats:
    """Return the mean drop, -D, over some windows: [..., points] to [..., 1]."""
    mass: Floats = -curve[..., where].mean(axis=-1, keepdims=True)
    return mass
