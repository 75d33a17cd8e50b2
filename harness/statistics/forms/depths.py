"""At which depth a curve lies: its centre of mass."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise, permutations
from typing import Literal

import numpy as np

from harness.data.depth import Band, Grid
from harness.statistics.curves import Floats
from harness.statistics.forms.curve_sums import depth_moment, total_drop
from harness.statistics.forms.drops import drops_somewhere
from harness.statistics.trees import AllOf, Everywhere, Leaf, Pair, Theta, Tree, every, given


def in_order(effects: Sequence[Hashable], grid: Grid, *, margin: float | None = None) -> Pair:
    """Say that each effect exists, and lies more than one layer below the next (centres of mass).

    Each step is tested as a difference of products, and again divided by the sum of both mean drops: the
    same statement, whose first form was shown falsely in 7 % of runs with 1,000 images (it grows with
    the square of what both curves share, its standard error does not), the second in 8 % with 60 images
    (a small sum). Neither happens where the other does.
    """
    gap = 1 / grid.layers if margin is None else margin

    def step(low: Floats, high: Floats) -> Floats:
        return total_drop(low) * depth_moment(high, grid) - total_drop(high) * (
            depth_moment(low, grid) + gap * total_drop(low)
        )

    def product(low: Floats, high: Floats) -> Floats:
        return total_drop(low) * total_drop(high)

    def divided(theta: Theta) -> Theta:
        return lambda low, high: theta(low, high) / (total_drop(low) + total_drop(high))

    steps = tuple(
        every(
            Leaf(
                f"depth of {later} minus depth of {earlier} minus {gap:.3g}{how}",
                (earlier, later),
                theta,
                0.0,
                ">",
                unit=unit,
            )
        )
        for earlier, later in pairwise(effects)
        for theta, unit, how in (
            (step, product, ""),
            (divided(step), divided(product), " (scaled)"),
        )
    )
    return located(effects, grid, AllOf(steps))


def one_depth_band(
    effects: Sequence[Hashable], grid: Grid, *, within: Band | None = None, required: bool = True
) -> Pair:
    """Say that the effects' centres of mass differ by less than one window, and lie in the band."""
    pairs = list(permutations(range(len(effects)), 2))
    one, two = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    window = grid.size / grid.layers

    def room(*curves: Floats) -> Floats:
        total, moment = _each(total_drop, curves), _each(lambda curve: depth_moment(curve, grid), curves)
        apart = moment[..., two] * total[..., one] - moment[..., one] * total[..., two]
        return window * total[..., one] * total[..., two] - apart

    def product(*curves: Floats) -> Floats:
        total = _each(total_drop, curves)
        return total[..., one] * total[..., two]

    names = tuple(f"{effects[b]} against {effects[a]}" for a, b in pairs)
    keys = tuple(effects)
    claim: list[Tree] = [
        every(
            Leaf(
                "one window of depth minus the distance between two depths",
                keys,
                room,
                0.0,
                ">",
                names,
                unit=product,
            )
        )
    ]
    if within is not None:
        claim += [_depth_beyond(effect, grid, within.start, ">") for effect in effects]
        claim += [_depth_beyond(effect, grid, within.end, "<") for effect in effects]
    return located(effects, grid, AllOf(tuple(claim)), required=required)


def located(effects: Sequence[Hashable], grid: Grid, claim: Tree, *, required: bool = True) -> Pair:
    """Gate a claim about centres of mass: each effect drops somewhere, and has a positive mass in all."""
    gates = [drops_somewhere(effect, grid) for effect in effects]
    masses = [every(Leaf(f"total drop of {effect}", (effect,), total_drop, 0.0, ">")) for effect in effects]
    return given(gates, given(masses, claim, required=False), required=required)


def _each(function: Callable[[Floats], Floats], curves: Sequence[Floats]) -> Floats:
    return np.concatenate([function(curve) for curve in curves], axis=-1)


def _depth_beyond(effect: Hashable, grid: Grid, depth: float, asserts: Literal[">", "<"]) -> Everywhere:
    def theta(curve: Floats) -> Floats:
        return depth_moment(curve, grid) - depth * total_drop(curve)

    return every(Leaf(f"depth of {effect} minus {depth:g}", (effect,), theta, 0.0, asserts, unit=total_drop))
