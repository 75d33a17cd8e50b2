"""Layers that are located on a quarter of the images and tested on the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harness.data.depth import Band, Grid, TooShallowError
from harness.statistics.curves import Curves, Floats
from harness.statistics.forms.curve_sums import names_at, values_at
from harness.statistics.forms.thresholds import DROP, RECOVERY
from harness.statistics.trees import Everywhere, Leaf, Pair, Somewhere, Theta, every, given, some


def deeper_at(effect: Hashable, grid: Grid, first: int, second: int) -> Everywhere:
    """Say that the window at ``first`` is deeper than that at ``second``; both located on other images."""
    leaf = Leaf(
        f"{effect}: drop at {grid.labels[first]} minus drop at {grid.labels[second]}",
        (effect,),
        lambda curve: curve[..., [second]] - curve[..., [first]],
        0.0,
        ">",
        what="first drop less the second",
        contrast=True,
    )
    return every(leaf)


def both_dip_and_first_deeper(effect: Hashable, grid: Grid, first: int, second: int) -> Pair:
    """Say that the effect dips at both windows with a recovery between, and more at the first.

    The windows are located on other images (`split`); between them lies at least one.

    Raises:
        TooShallowError: if no window lies between the two.

    """
    between = np.arange(first + 1, second)
    if not len(between):
        raise TooShallowError(f"no window lies between {grid.labels[first]} and {grid.labels[second]}")
    names = names_at(grid, between)
    rises = (
        Leaf(
            f"{effect}: rise after {grid.labels[at]}",
            (effect,),
            _rise_over(between, at),
            RECOVERY,
            ">",
            names,
            what="rise after a dip",
            contrast=True,
        )
        for at in (first, second)
    )
    dips = [_dip_at(effect, grid, at) for at in (first, second)]
    return given([*dips, some(*rises)], deeper_at(effect, grid, first, second))


def group_dips_more_at(strong: Sequence[Hashable], weak: Sequence[Hashable], grid: Grid, where: int) -> Pair:
    """Say that every effect of the strong group drops at one window, and the group more than the weak one."""

    def contrast(*curves: Floats) -> Floats:
        first = sum(curve[..., [where]] for curve in curves[: len(strong)]) / len(strong)
        second = sum(curve[..., [where]] for curve in curves[len(strong) :]) / len(weak)
        return np.asarray(second - first)

    label = f"mean drop at {grid.labels[where]}: {len(strong)} tasks minus {len(weak)} others"
    what = "drop at one window less the other group's"
    leaf = Leaf(label, (*strong, *weak), contrast, 0.0, ">", what=what, contrast=True)
    return given([_dip_at(effect, grid, where) for effect in strong], every(leaf))


def deepest(curves: Sequence[Curves], allowed: NDArray[np.bool_]) -> int:
    """Return the window where curves, pooled, are deepest, among those that ``allowed`` marks.

    For use on other images than these (`split`).
    """
    where = np.flatnonzero(allowed)
    pooled = np.mean([curve.values.mean(axis=0) for curve in curves], axis=0)
    return int(where[pooled[where].argmin()])


def deepest_pair(curves: Curves, grid: Grid, first: Band, second: Band) -> tuple[int, int]:
    """Return the deepest window of one band, and that of a later one with a window between them at least.

    For description only: they are chosen on the images that they describe.

    Raises:
        TooShallowError: if the second band leaves no room for one before it.

    """
    start = deepest([curves], grid.inside(first))
    later = grid.inside(second) & (np.arange(grid.points) > start + 1)
    if not later.any():
        raise TooShallowError(
            f"no window of the {second.name} band lies deep enough after {grid.labels[start]}"
        )
    return start, deepest([curves], later)


def split(curves: Curves) -> tuple[Curves, Curves]:
    """Part the images into a quarter to locate a layer on, and the rest to test it on.

    A layer that is picked where a curve is deepest looks deep on the images it was picked on. Which
    quarter an image is in depends on its id alone, so it is the same in every quantity and at every look.

    Raises:
        ValueError: if one of the parts is empty.

    """
    first = np.array([hashlib.sha256(image.encode()).digest()[0] % 4 == 0 for image in curves.images])

    def part(chosen: NDArray[np.bool_]) -> Curves:
        images = tuple(image for image, keep in zip(curves.images, chosen, strict=True) if keep)
        samples = round(curves.samples * len(images) / len(curves.images))
        return replace(curves, images=images, values=curves.values[chosen], samples=samples)

    return part(first), part(~first)


def share_responding_at_both(curves: Curves, first: int, second: int) -> float:
    """Return the share of images that drop below -10 at both windows.

    A mixture of images that respond at one of two windows each also makes two dips; then this is small.
    """
    both = (curves.values[:, [first, second]] < -DROP).all(axis=1)
    return float(both.mean())


def _dip_at(effect: Hashable, grid: Grid, at: int) -> Somewhere:
    drop = values_at(np.array([at]))
    label, what = f"{effect} at {grid.labels[at]}", "drop at the located window"
    return some(Leaf(label, (effect,), drop, -DROP, "<", presence="<", what=what))


def _rise_over(between: NDArray[np.intp], at: int) -> Theta:
    return lambda curve: curve[..., between] - curve[..., [at]]
