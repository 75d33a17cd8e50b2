"""The sentences that claims are made of, as trees: one small function for each.

A claim's test calls these by name and so reads like the sentence in the paper. Each function takes the
keys of the measures it speaks of, and the grid that says which window or layer each point of their
curves is. Effects are p_c in points: a knockout that destroys the answer has -100, so a *drop* lies below
zero, and the *mass* of a drop is its depth, -D.

All thresholds are our own, fixed before any checkpoint was looked at. The paper reports mean curves and
gives none.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import combinations, pairwise, permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.depth import LOW, LOWER, MID, MIDDLE, Band, Grid, LensGrid, TooShallowError
from harness.statistics import (
    AllOf,
    AnyOf,
    AtLeast,
    Curves,
    Everywhere,
    Floats,
    Leaf,
    Pair,
    Somewhere,
    Theta,
    Tree,
    every,
    given,
    resolvable,
    some,
)

DROP = 10.0
"""A drop is deeper than this, negligible is shallower: points of p_c, between 5 (called nothing) and 21."""

RECOVERY = 3.0
"""Points of p_c by which a curve must rise between two dips."""

RISE = 0.05
"""A probability above this has risen; a difference of two probabilities above this is one."""

RETAINED = 0.8
"""Share of the accuracy above chance that must survive where a pathway suffices."""

ALIKE = 0.8
"""Correlation above which two curves have the same shape."""


# ------------------------------------------------------------------------------- joining statements


def in_all(statements: Sequence[Tree]) -> Tree:
    """Say that every statement holds, e.g. one for each task."""
    return AllOf(tuple(statements))


def in_any(statements: Sequence[Tree]) -> Tree:
    """Say that at least one statement holds."""
    return AnyOf(tuple(statements))


def in_most(statements: Sequence[Tree]) -> AtLeast:
    """Say that at least two thirds of the statements hold: four of six tasks."""
    return AtLeast(math.ceil(2 * len(statements) / 3), tuple(statements))


# ------------------------------------------------------------------------------- one curve


def drops_somewhere(
    effect: Hashable, grid: Grid, *, within: Band | None = None, null: Hashable | None = None
) -> Somewhere:
    """Say that some window of the band has D < -10 and, where a null block exists, lies below it."""
    where = _where(grid, within)
    drop = Leaf(f"deepest window of {effect}", (effect,), _at(where), -DROP, "<", _names(grid, where))
    if null is None:
        return some(drop)
    return some(drop, _difference(effect, null, grid, where, f"{effect} below {null}"))


def negligible_everywhere(effect: Hashable, grid: Grid, *, within: Band | None = None) -> AllOf:
    """Say that in every window of the band |D| < 10."""
    return _negligible(effect, grid, _where(grid, within))


def negligible_at(effect: Hashable, point: int = 0) -> AllOf:
    """Say that one value, such as a block of many layers at once, has |D| < 10."""
    return _both_sides(f"{effect}", (effect,), _at(np.array([point])), DROP, ("",))


def negligible_from_the_top(
    effect: Hashable, grid: Grid, *, above: float = 0.5, block: Hashable | None = None
) -> AllOf:
    """Say that no window above a depth matters, nor (``block``) all those layers at once."""
    where = np.flatnonzero(grid.depths > above)
    single = _negligible(effect, grid, where)
    return single if block is None else AllOf((single, negligible_at(block)))


def mainly_inside(effect: Hashable, band: Band, grid: Grid, *, unclipped: bool = False) -> Pair:
    """Say that the effect drops inside the band, and is deeper there than outside, on average.

    ``unclipped`` leaves out the shorter windows at both ends.
    """
    usable = grid.unclipped if unclipped else np.ones(grid.points, dtype=np.bool_)
    inside, outside = grid.inside(band) & usable, ~grid.inside(band) & usable
    if not inside.any() or not outside.any():
        raise TooShallowError(f"the {band.name} band leaves no window to compare on {grid}")
    contrast = Leaf(
        f"{effect}: mean drop inside the {band.name} band minus outside",
        (effect,),
        lambda curve: _mass(curve, inside) - _mass(curve, outside),
        0.0,
        ">",
    )
    return given([drops_somewhere(effect, grid, within=band)], every(contrast))


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


# ------------------------------------------------------------------------------- two curves


def at_most_a_quarter_of(effect: Hashable, grid: Grid, *, of: Hashable, share: float = 0.25) -> Everywhere:
    """Say that every window's drop is below a quarter of the other effect's deepest window."""
    count = grid.points
    names = [f"{small} against {deep}" for small in grid.labels for deep in grid.labels]
    leaf = Leaf(
        f"{effect} minus {share:g} of {of}",
        (effect, of),
        lambda small, deep: (small[..., :, None] - share * deep[..., None, :]).reshape(*small.shape[:-1], -1),
        0.0,
        ">",
        tuple(names),
    )
    return Everywhere((leaf,), np.arange(count * count, dtype=np.intp).reshape(count, count))


def exists_and_is_stronger_than(effect: Hashable, other: Hashable, grid: Grid, *, exists: Hashable) -> Pair:
    """Say that ``exists`` (the effect itself, read in p_c) drops, and the effect is the stronger of two."""
    return given([drops_somewhere(exists, grid)], stronger_than(effect, other, grid))


def stronger_than(
    effect: Hashable, other: Hashable, grid: Grid, *, within: Band | None = None, by: float = 0.0
) -> Everywhere:
    """Say that the mean drop over the band is deeper than the other's by more than ``by`` points."""
    where = _mask(grid, within)
    leaf = Leaf(
        f"mean drop of {effect} minus that of {other}",
        (effect, other),
        lambda strong, weak: _mass(strong, where) - _mass(weak, where),
        by,
        ">",
    )
    return every(leaf)


def at_least_as_strong_as(
    effect: Hashable, other: Hashable, grid: Grid, *, margin: float = RECOVERY
) -> Everywhere:
    """Say that the mean drop is not shallower than the other's by ``margin`` points or more."""
    return stronger_than(effect, other, grid, by=-margin)


def far_stronger_than(effect: Hashable, other: Hashable, grid: Grid) -> AllOf:
    """Say that the effect drops, and the other's mean drop is less than half of its own."""
    return AllOf((drops_somewhere(effect, grid), _share(other, effect, grid, None, 0.5, "<")))


def more_than_controls(
    effect: Hashable, controls: Sequence[Hashable], grid: Grid, *, within: Band = MIDDLE
) -> Pair:
    """Say that the effect drops in the band, and there more than every control, on average."""
    contrasts = tuple(stronger_than(effect, control, grid, within=within) for control in controls)
    return given([drops_somewhere(effect, grid, within=within)], AllOf(contrasts))


def keeps_most_of(
    variants: Sequence[Hashable], whole: Hashable, grid: Grid, *, within: Band = LOWER, share: float = 0.5
) -> Pair:
    """Say that the whole knockout drops in the band, and every variant keeps more than half of it."""
    kept = tuple(_share(variant, whole, grid, within, share, ">") for variant in variants)
    return given([drops_somewhere(whole, grid, within=within)], AllOf(kept))


def shifts_from_low_to_mid(related: Hashable, other: Hashable, grid: Grid) -> Pair:
    """Say that ``related`` weighs relatively more in the middle, ``other`` in the lowest layers.

    The cross product of the four band means, related(mid) other(low) - related(low) other(mid), does
    not depend on either effect's size. (A plain interaction does: of two proportional curves, it calls
    the larger one shifted.) Both named stages must exist.
    """
    low, mid = grid.inside(LOW), grid.inside(MID)

    def main(rel: Floats, oth: Floats) -> Floats:
        return _mass(rel, mid) * _mass(oth, low)

    def shift(rel: Floats, oth: Floats) -> Floats:
        return main(rel, oth) - _mass(rel, low) * _mass(oth, mid)

    leaf = Leaf(f"shift of {related} against {other}", (related, other), shift, 0.0, ">", unit=main)
    gates = [drops_somewhere(other, grid, within=LOW), drops_somewhere(related, grid, within=MID)]
    return given(gates, every(leaf))


def crosses_over(related: Hashable, other: Hashable, grid: Grid) -> AllOf:
    """Say that ``other`` is the stronger in the lowest layers and ``related`` in the middle ones."""
    return AllOf(
        (
            stronger_than(other, related, grid, within=LOW),
            stronger_than(related, other, grid, within=MID),
        )
    )


def exceeds_the_others(effect: Hashable, others: Sequence[Hashable], grid: Grid) -> Somewhere:
    """Say that at some window the effect drops, and exceeds the others' mean drop, by more than 3 points."""
    own = Leaf(f"{effect}", (effect,), lambda mine: mine, -RECOVERY, "<", grid.labels)
    beyond = Leaf(
        f"{effect} minus the mean of {len(others)} others",
        (effect, *others),
        lambda mine, *rest: mine - sum(rest) / len(rest),
        -RECOVERY,
        "<",
        grid.labels,
    )
    return some(beyond, own)


def deeper_at(effect: Hashable, grid: Grid, first: int, second: int) -> Everywhere:
    """Say that the window at ``first`` is deeper than that at ``second``; both located on other images."""
    leaf = Leaf(
        f"{effect}: drop at {grid.labels[first]} minus drop at {grid.labels[second]}",
        (effect,),
        lambda curve: curve[..., [second]] - curve[..., [first]],
        0.0,
        ">",
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
    names = _names(grid, between)
    rises = (
        Leaf(
            f"{effect}: rise after {grid.labels[at]}",
            (effect,),
            _rise_over(between, at),
            RECOVERY,
            ">",
            names,
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
    leaf = Leaf(label, (*strong, *weak), contrast, 0.0, ">")
    return given([_dip_at(effect, grid, where) for effect in strong], every(leaf))


def deepest(curves: Sequence[Curves], allowed: NDArray[np.bool_]) -> int:
    """Return the window where curves, pooled, are deepest, among those that ``allowed`` marks.

    For use on other images than these (`split`).
    """
    where = np.flatnonzero(allowed)
    pooled = np.mean([curve.values.mean(axis=0) for curve in curves], axis=0)
    return int(where[pooled[where].argmin()])


def split(curves: Curves) -> tuple[Curves, Curves]:
    """Part the images into a quarter to locate a layer on, and the rest to test it on.

    A layer that is picked where a curve is deepest looks deep on the images it was picked on. Which
    quarter an image is in depends on its id alone, so it is the same in every measure and at every look.

    Raises:
        ValueError: if one of the parts is empty.

    """
    first = np.array([hashlib.sha256(image.encode()).digest()[0] % 4 == 0 for image in curves.images])

    def part(chosen: NDArray[np.bool_]) -> Curves:
        images = tuple(image for image, keep in zip(curves.images, chosen, strict=True) if keep)
        samples = round(curves.samples * len(images) / len(curves.images))
        return Curves(images, curves.values[chosen], samples, curves.anchors)

    return part(first), part(~first)


def share_responding_at_both(curves: Curves, first: int, second: int) -> float:
    """Return the share of images that drop below -10 at both windows.

    A mixture of images that respond at one of two windows each also makes two dips; then this is small.
    """
    both = (curves.values[:, [first, second]] < -DROP).all(axis=1)
    return float(both.mean())


# ------------------------------------------------------------------------------- where a curve lies


def in_order(effects: Sequence[Hashable], grid: Grid, *, margin: float | None = None) -> Pair:
    """Say that each effect exists, and lies more than one layer below the next (centres of mass)."""
    gap = 1 / grid.layers if margin is None else margin

    def step(low: Floats, high: Floats) -> Floats:
        return _total(low) * _moment(high, grid) - _total(high) * (_moment(low, grid) + gap * _total(low))

    steps = tuple(
        every(
            Leaf(
                f"depth of {later} minus depth of {earlier} minus {gap:.3g}",
                (earlier, later),
                step,
                0.0,
                ">",
                unit=lambda low, high: _total(low) * _total(high),
            )
        )
        for earlier, later in pairwise(effects)
    )
    return _located(effects, grid, AllOf(steps))


def one_depth_band(
    effects: Sequence[Hashable], grid: Grid, *, within: Band | None = None, required: bool = True
) -> Pair:
    """Say that the effects' centres of mass differ by less than one window, and lie in the band."""
    pairs = list(permutations(range(len(effects)), 2))
    one, two = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    window = grid.size / grid.layers

    def room(*curves: Floats) -> Floats:
        total, moment = _each(_total, curves), _each(lambda curve: _moment(curve, grid), curves)
        apart = moment[..., two] * total[..., one] - moment[..., one] * total[..., two]
        return window * total[..., one] * total[..., two] - apart

    def product(*curves: Floats) -> Floats:
        total = _each(_total, curves)
        return total[..., one] * total[..., two]

    names = tuple(f"{effects[b]} against {effects[a]}" for a, b in pairs)
    keys = tuple(effects)
    claim: list[Tree] = [
        every(Leaf("room left of one window of depth", keys, room, 0.0, ">", names, unit=product))
    ]
    if within is not None:
        claim += [_depth_beyond(effect, grid, within.start, ">") for effect in effects]
        claim += [_depth_beyond(effect, grid, within.end, "<") for effect in effects]
    return _located(effects, grid, AllOf(tuple(claim)), required=required)


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


# ------------------------------------------------------------------------------- two checkpoints


def alike_everywhere(first: Hashable, grid: Grid, second: Hashable, other: Grid) -> AllOf:
    """Say that two checkpoints' curves differ by less than 10 points at every depth of the coarser grid."""
    onto, names = _common_depths(grid, other)

    def theta(one: Floats, two: Floats) -> Floats:
        return np.asarray(one @ onto[0] - two @ onto[1])

    return _both_sides(f"{first} minus {second}", (first, second), theta, DROP, names)


def lies_deeper(first: Hashable, grid: Grid, second: Hashable, other: Grid) -> Pair:
    """Say that both curves drop, and the first's centre of mass is more than one layer above the second's."""
    gap = 1 / min(grid.layers, other.layers)

    def above(high: Floats, low: Floats) -> Floats:
        mass, least = _total(high), _total(low)
        return _moment(high, grid) * least - mass * (_moment(low, other) + gap * least)

    leaf = Leaf(
        f"depth of {first} minus depth of {second} minus {gap:.3g}",
        (first, second),
        above,
        0.0,
        ">",
        unit=lambda high, low: _total(high) * _total(low),
    )
    gates = [drops_somewhere(first, grid), drops_somewhere(second, other)]
    return given(gates, every(leaf))


def stronger_over_depth(first: Hashable, grid: Grid, second: Hashable, other: Grid) -> Everywhere:
    """Say that the first curve's mean drop over depth is deeper than the second's."""
    onto, _ = _common_depths(grid, other)
    leaf = Leaf(
        f"mean drop of {first} minus that of {second}",
        (first, second),
        lambda one, two: (two @ onto[1] - one @ onto[0]).mean(axis=-1, keepdims=True),
        0.0,
        ">",
    )
    return every(leaf)


def _common_depths(grid: Grid, other: Grid) -> tuple[tuple[Floats, Floats], tuple[str, ...]]:
    """Matrices that take both grids' curves to the coarser one's depths, and names for these."""
    coarse = min(grid, other, key=lambda one: one.points)
    matrices = tuple(
        np.array([np.interp(coarse.depths, one.depths, unit) for unit in np.eye(one.points)])
        for one in (grid, other)
    )
    return (matrices[0], matrices[1]), tuple(f"depth {depth:.2f}" for depth in coarse.depths)


# ------------------------------------------------------------------------------- the logit lens


def peaks_above(lens: Hashable, grid: LensGrid, *, within: Band | None = None) -> Somewhere:
    """Say that the probability exceeds 0.05 somewhere."""
    where = _where(grid, within)
    return some(Leaf(f"peak of {lens}", (lens,), _at(where), RISE, ">", _names(grid, where)))


def near_zero(lens: Hashable, grid: LensGrid, *, within: Band | None = None) -> Everywhere:
    """Say that the probability stays below 0.05 everywhere in the band."""
    where = _where(grid, within)
    return every(Leaf(f"{lens} staying low", (lens,), _at(where), RISE, "<", _names(grid, where)))


def rises_in(lens: Hashable, grid: LensGrid, band: Band = MIDDLE, *, quiet: Band = LOW) -> Pair:
    """Say that the probability is near zero in the quiet band and rises above 0.05, in ``band``."""

    def beyond(depth: float, asserts: Literal[">", "<"]) -> Everywhere:
        label = f"onset of {lens} minus {depth:g}"

        def theta(curve: Floats) -> Floats:
            return _rise_moment(curve) - depth * _rise(curve)

        return every(Leaf(label, (lens,), theta, 0.0, asserts, unit=_rise))

    claim = (near_zero(lens, grid, within=quiet), beyond(band.start, ">"), beyond(band.end, "<"))
    return given([peaks_above(lens, grid)], AllOf(claim))


def onset_after(lens: Hashable, effect: Hashable, lens_grid: LensGrid, grid: Grid) -> Pair:
    """Say that the probability rises after the effect's centre of mass, and that both exist."""

    def after(probability: Floats, curve: Floats) -> Floats:
        return _rise_moment(probability) * _total(curve) - _rise(probability) * _moment(curve, grid)

    leaf = Leaf(
        f"onset of {lens} minus depth of {effect}",
        (lens, effect),
        after,
        0.0,
        ">",
        unit=lambda probability, curve: _rise(probability) * _total(curve),
    )
    return given([peaks_above(lens, lens_grid)], _located([effect], grid, every(leaf)))


def one_form_then_another(lower: Hashable, capital: Hashable, grid: LensGrid) -> Somewhere:
    """Say that ``lower`` leads by 0.05 at some layer, and ``capital`` by 0.05 at a later one."""
    count = grid.points
    leads = Leaf(
        f"{lower} above {capital}", (lower, capital), lambda low, cap: low - cap, RISE, ">", grid.labels
    )
    follows = Leaf(
        f"{capital} above {lower}", (lower, capital), lambda low, cap: cap - low, RISE, ">", grid.labels
    )
    rows = [(a, count + b) for a, b in combinations(range(count), 2)]
    return Somewhere((leads, follows), np.array(rows, dtype=np.intp))


def never_leads(first: Hashable, second: Hashable, grid: LensGrid, *, where: Sequence[Tree] = ()) -> Pair:
    """Say that ``first`` never exceeds ``second`` by 0.05, while ``second`` does rise above 0.05.

    ``where`` names what else must hold for the statement to mean anything.
    """
    leaf = Leaf(f"{first} above {second}", (first, second), lambda a, b: a - b, RISE, "<", grid.labels)
    return given([*where, peaks_above(second, grid)], every(leaf), required=False)


def leaves_behind(true: Hashable, false: Hashable, grid: LensGrid) -> AllOf:
    """Say that the true option leads by 0.05 somewhere, and the false one nowhere."""
    ahead = Leaf(f"{true} above {false}", (true, false), lambda a, b: a - b, RISE, ">", grid.labels)
    behind = Leaf(f"{false} above {true}", (true, false), lambda a, b: b - a, RISE, "<", grid.labels)
    return AllOf((some(ahead), every(behind)))


# ------------------------------------------------------------------------------- single values


def retains(
    kept: Hashable, whole: Hashable, chance: Hashable, *, share: float = RETAINED, point: int = 0
) -> Pair:
    """Say that at least 0.8 of the accuracy above chance survives (all three measured as rates).

    ``point`` names the value of ``kept`` that is meant, where it is a curve. Means something only where
    there is an accuracy above chance (more than 0.05) to retain.
    """
    above = Leaf("accuracy above chance", (whole, chance), lambda full, luck: full - luck, RISE, ">")
    retained = Leaf(
        f"accuracy of {kept} above chance, minus {share:g} of the whole",
        (kept, whole, chance),
        lambda part, full, luck: (part[..., [point]] - luck) - share * (full - luck),
        0.0,
        ">",
    )
    return given([every(above)], every(retained), required=False)


def carries_most(blocks: Hashable, carriers: Sequence[str], which: str) -> Pair:
    """Say that one carrier has more than half of the total effect, by Shapley value.

    ``blocks`` holds D for every subset of carriers blocked in all layers: point b blocks carrier i if
    bit i of b is set, so point 0 blocks nothing. A carrier's share is its mean contribution over all
    orders of blocking; the shares sum to the effect of blocking all.
    """
    weights = shapley_weights(len(carriers), carriers.index(which))
    everything = np.zeros_like(weights)
    everything[0], everything[-1] = -1.0, 1.0
    total = Leaf(f"{blocks}: all carriers", (blocks,), lambda d: (-(d @ everything))[..., None], DROP, ">")
    share = Leaf(
        f"{blocks}: {which} minus half of all carriers",
        (blocks,),
        lambda d: (-(d @ (weights - everything / 2)))[..., None],
        0.0,
        ">",
    )
    return given([every(total)], every(share), required=False)


def shapley_weights(carriers: int, which: int) -> Floats:
    """Return the weights w with which the values v of all subsets give one carrier's Shapley value.

    Subsets are numbered by bits; the value is ``v @ w``. Shape [2 ** carriers].
    """
    weights = np.zeros(2**carriers)
    for subset in range(2**carriers):
        if subset >> which & 1:
            others = subset.bit_count() - 1
            share = math.factorial(others) * math.factorial(carriers - 1 - others) / math.factorial(carriers)
            weights[subset] += share
            weights[subset & ~(1 << which)] -= share
    return weights


# ------------------------------------------------------------------------------- ingredients


def _where(grid: Grid | LensGrid, band: Band | None) -> NDArray[np.intp]:
    return np.flatnonzero(_mask(grid, band))


def _mask(grid: Grid | LensGrid, band: Band | None) -> NDArray[np.bool_]:
    return np.ones(grid.points, dtype=np.bool_) if band is None else grid.inside(band)


def _names(grid: Grid | LensGrid, where: NDArray[np.intp]) -> tuple[str, ...]:
    return tuple(grid.labels[point] for point in where)


def _at(where: NDArray[np.intp]) -> Theta:
    return lambda curve: curve[..., where]


def _difference(first: Hashable, second: Hashable, grid: Grid, where: NDArray[np.intp], label: str) -> Leaf:
    return Leaf(label, (first, second), lambda a, b: (a - b)[..., where], 0.0, "<", _names(grid, where))


def _negligible(effect: Hashable, grid: Grid, where: NDArray[np.intp]) -> AllOf:
    return _both_sides(f"largest |D| of {effect}", (effect,), _at(where), DROP, _names(grid, where))


def _dip_at(effect: Hashable, grid: Grid, at: int) -> Somewhere:
    return some(Leaf(f"{effect} at {grid.labels[at]}", (effect,), _at(np.array([at])), -DROP, "<"))


def _rise_over(between: NDArray[np.intp], at: int) -> Theta:
    return lambda curve: curve[..., between] - curve[..., [at]]


def _both_sides(
    label: str, keys: tuple[Hashable, ...], theta: Theta, size: float, points: tuple[str, ...]
) -> AllOf:
    below = Leaf(label, keys, theta, size, "<", points)
    above = Leaf(label, keys, theta, -size, ">", points)
    return AllOf((every(above), every(below)))


def _mass(curve: Floats, where: NDArray[np.bool_]) -> Floats:
    """Return the mean drop, -D, over some windows: [..., points] to [..., 1]."""
    mass: Floats = -curve[..., where].mean(axis=-1, keepdims=True)
    return mass


def _total(curve: Floats) -> Floats:
    """Return the whole mass of a drop, the sum of -D: [..., points] to [..., 1]."""
    total: Floats = -curve.sum(axis=-1, keepdims=True)
    return total


def _moment(curve: Floats, grid: Grid) -> Floats:
    """Return the sum of depth times -D; divided by the mass, the centre of mass."""
    moment: Floats = -(curve @ grid.depths)[..., None]
    return moment


def _each(function: Callable[[Floats], Floats], curves: Sequence[Floats]) -> Floats:
    return np.concatenate([function(curve) for curve in curves], axis=-1)


def _depth_beyond(effect: Hashable, grid: Grid, depth: float, asserts: Literal[">", "<"]) -> Everywhere:
    def theta(curve: Floats) -> Floats:
        return _moment(curve, grid) - depth * _total(curve)

    return every(Leaf(f"depth of {effect} minus {depth:g}", (effect,), theta, 0.0, asserts, unit=_total))


def _located(effects: Sequence[Hashable], grid: Grid, claim: Tree, *, required: bool = True) -> Pair:
    """Gate a claim about centres of mass: each effect drops somewhere, and has a positive mass in all."""
    gates = [drops_somewhere(effect, grid) for effect in effects]
    masses = [every(Leaf(f"mass of {effect}", (effect,), _total, 0.0, ">")) for effect in effects]
    return given(gates, given(masses, claim, required=False), required=required)


def _rise(curve: Floats) -> Floats:
    """Return how far a probability rises from its start to its peak: [..., points] to [..., 1]."""
    rise: Floats = curve.max(axis=-1, keepdims=True) - curve[..., :1]
    return rise


def _rise_moment(curve: Floats) -> Floats:
    """Return the sum of depth times rise; divided by the rise, the onset.

    The onset is the mean depth of the layers that raise a probability to its peak, each weighted by how
    much it raises the highest value so far. What comes after the peak (a lower-case answer gives way to
    a capitalised one) plays no part.
    """
    steps = np.diff(np.maximum.accumulate(curve, axis=-1), axis=-1)
    layers = steps.shape[-1]
    moment: Floats = (steps @ ((np.arange(layers) + 0.5) / layers))[..., None]
    return moment


def _share(
    part: Hashable,
    whole: Hashable,
    grid: Grid,
    within: Band | None,
    share: float,
    asserts: Literal[">", "<"],
) -> Everywhere:
    where = _mask(grid, within)
    leaf = Leaf(
        f"mean drop of {part} minus {share:g} of that of {whole}",
        (part, whole),
        lambda some_, full: _mass(some_, where) - share * _mass(full, where),
        0.0,
        asserts,
    )
    return every(leaf)


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
    )
    drop = Leaf(f"{effect}: a dip's depth", (effect,), lambda curve: curve, -DROP, "<", labels)
    firsts, seconds = set(_where(grid, first).tolist()), set(_where(grid, second).tolist())
    rows = [
        (number[m, a], number[m, b], len(middle) + a, len(middle) + b)
        for a, m, b in combinations(range(count), 3)
        if a in firsts and b in seconds
    ]
    if not rows:
        raise TooShallowError(f"{count} windows leave no room for two dips and a recovery")
    return Somewhere((recovery, drop), np.array(rows, dtype=np.intp))


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
