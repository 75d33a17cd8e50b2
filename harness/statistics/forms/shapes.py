"""Whether two curves have the same shape, or order their layers alike."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from itertools import combinations

import numpy as np
from scipy import stats

from harness.data.depth import Grid
from harness.statistics.curves import Floats
from harness.statistics.forms.drops import drops_somewhere
from harness.statistics.forms.thresholds import ALIKE
from harness.statistics.trees import AllOf, Leaf, Pair, Theta, every, given


def same_shape(first: Hashable, second: Hashable, grid: Grid) -> Pair:
    """Say that two effects on one grid have correlated curves (above 0.8)."""
    leaf = Leaf(
        f"correlation of {first} and {second}, as Fisher's z",
        (first, second),
        _correlation,
        math.atanh(ALIKE),
        ">",
    )
    gates = [drops_somewhere(first, grid), drops_somewhere(second, grid)]
    return given(gates, every(leaf), required=False)


def same_order_of_layers(first: Hashable, grid: Grid, second: Hashable, other: Grid) -> Pair:
    """Say that two checkpoints' curves have the same shape over relative depth: rank correlation above 0.8.

    The curve of the checkpoint with more windows is read at the depths of the other's.
    """
    (narrow, fine), (wide, coarse) = sorted(
        [(first, grid), (second, other)], key=lambda pair: -pair[1].points
    )
    label = f"rank correlation of {narrow} and {wide}, as Fisher's z"
    leaf = Leaf(label, (narrow, wide), _rank_correlation(fine, coarse), math.atanh(ALIKE), ">")
    gates = [drops_somewhere(first, grid), drops_somewhere(second, other)]
    return given(gates, every(leaf), required=False)


def rank_correlation_above(effects: Mapping[Grid, Hashable], threshold: float = ALIKE) -> Pair:
    """Say that the curve has the same shape at every window size: rank correlations above 0.8.

    The curves are compared at the depths of the narrower windows that both grids reach.
    """
    ordered = sorted(effects, key=lambda grid: grid.size)
    pairs = tuple(
        every(
            Leaf(
                f"rank correlation of {effects[narrow]} and {effects[wide]}, as Fisher's z",
                (effects[narrow], effects[wide]),
                _rank_correlation(narrow, wide),
                math.atanh(threshold),
                ">",
            )
        )
        for narrow, wide in combinations(ordered, 2)
    )
    gates = [drops_somewhere(key, grid) for grid, key in effects.items()]
    return given(gates, AllOf(pairs), required=False)


def _correlation(first: Floats, second: Floats) -> Floats:
    """Return Fisher's z of the correlation: its spread does not depend on the correlation itself."""
    a = first - first.mean(axis=-1, keepdims=True)
    b = second - second.mean(axis=-1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    largest = 0.999  # a perfect (rank) correlation has no finite z
    z: Floats = np.arctanh(np.clip((a * b).sum(axis=-1) / scale, -largest, largest))[..., None]
    return z


def _rank_correlation(narrow: Grid, wide: Grid) -> Theta:
    """Return theta: Spearman's correlation of two curves, the narrow one taken at the wide one's depths."""
    # Linear interpolation onto the wide grid's depths is a matrix, so it vectorises over draws.
    onto = np.array([np.interp(wide.depths, narrow.depths, unit) for unit in np.eye(narrow.points)])

    def theta(first: Floats, second: Floats) -> Floats:
        ranks = (stats.rankdata(np.asarray(curve), axis=-1) for curve in (first @ onto, second))
        return _correlation(*ranks)

    return theta
