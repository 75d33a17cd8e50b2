"""What one effect's curve does: whether, where and how often it drops."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.data.depth import Band, Grid, TooShallowError
from harness.statistics.forms.curve_sums import both_sides, names_at, places_in, values_at
from harness.statistics.forms.thresholds import DROP, RECOVERY
from harness.statistics.trees import AllOf, AnyOf, Leaf, Somewhere, Tree, resolvable, some


def drops_somewhere(
    effect: Hashable, grid: Grid, *, within: Band | None = None, control: Hashable | None = None
) -> Somewhere:
    """Say that some window of the band has D < -10 and lies below its random-source control, if any."""
    where = places_in(grid, within)
    drop = Leaf(
        f"deepest window of {effect}",
        (effect,),
        values_at(where),
        -DROP,
        "<",
        names_at(grid, where),
        presence="<",
        what="deepest window",
    )
    if control is None:
        return some(drop)
    return some(drop, _difference(effect, control, grid, where, f"{effect} below {control}"))


def negligible_everywhere(effect: Hashable, grid: Grid, *, within: Band | None = None) -> AllOf:
    """Say that in every window of the band |D| < 10."""
    return _negligible(effect, grid, places_in(grid, within))


def negligible_at(effect: Hashable, point: int = 0) -> AllOf:
    """Say that one value, such as a block of many layers at once, has |D| < 10."""
    value = values_at(np.array([point]))
    return both_sides(f"{effect}", (effect,), value, DROP, ("",), what="effect of the whole block")


def negligible_from_the_top(
    effect: Hashable, grid: Grid, *, above: float = 0.5, block: Hashable | None = None
) -> AllOf:
    """Say that no window above a depth matters, nor (``block``) all those layers at once."""
    where = np.flatnonzero(grid.depths > above)
    single = _negligible(effect, grid, where)
    return single if block is None else AllOf((single, negligible_at(block)))


def confined_to(effect: Hashable, band: Band, grid: Grid) -> AllOf:
    """Say that the effect drops somewhere in the band, and no window without a layer in it matters."""
    outside = np.flatnonzero(grid.apart_from(band))
    return AllOf((drops_somewhere(effect, grid, within=band), _negligible(effect, grid, outside)))


def two_dips(
    effects: Mapping[Grid, Hashable], *, first: Band | None = None, second: Band | None = None
) -> Tree:
    """Say that the effect drops twice with a recovery between, at one of the window sizes at least.

    Two windows l1 < l2 drop below -10 and a window between them lies more than 3 points above both.
    Refuted only if the narrowest windows show a drop at all: wide windows can merge two dips into one.
    """
    narrowest = min(effects, key=lambda grid: grid.size)
    anywhere = AnyOf(tuple(_two_dips(key, grid, first, second) for grid, key in effects.items()))
    return resolvable(anywhere, only_if=drops_somewhere(effects[narrowest], narrowest))


def _difference(first: Hashable, second: Hashable, grid: Grid, where: NDArray[np.intp], label: str) -> Leaf:
    names = names_at(grid, where)
    return Leaf(
        label,
        (first, second),
        lambda a, b: (a - b)[..., where],
        0.0,
        "<",
        names,
        what="window less its control",
        contrast=True,
    )


def _negligible(effect: Hashable, grid: Grid, where: NDArray[np.intp]) -> AllOf:
    label, names = f"largest |D| of {effect}", names_at(grid, where)
    return both_sides(label, (effect,), values_at(where), DROP, names, what="largest effect")


def _two_dips(effect: Hashable, grid: Grid, first: Band | None, second: Band | None) -> Somewhere:
    count = grid.points
    middle, dip = np.nonzero(~np.eye(count, dtype=np.bool_))
    number = np.zeros((count, count), dtype=np.intp)
    number[middle, dip] = np.arange(len(middle))
    labels = grid.labels
    recovery = Leaf(
        f"{effect}: rise between two dips",
        (effect,),
        lambda curve: curve[..., middle] - curve[..., dip],
        RECOVERY,
        ">",
        tuple(f"{labels[m]} over {labels[d]}" for m, d in zip(middle, dip, strict=True)),
        what="rise between two dips",
        contrast=True,
    )
    drop = Leaf(
        f"{effect}: depth of a dip", (effect,), lambda curve: curve, -DROP, "<", labels, what="a dip's depth"
    )
    firsts, seconds = set(places_in(grid, first).tolist()), set(places_in(grid, second).tolist())
    rows = [
        (number[m, a], number[m, b], len(middle) + a, len(middle) + b)
        for a, m, b in combinations(range(count), 3)
        if a in firsts and b in seconds
    ]
    if not rows:
        raise TooShallowError(f"{count} windows leave no room for two dips and a recovery")
    return Somewhere((recovery, drop), np.array(rows, dtype=np.intp))
