"""At which depth curves lie: their order, their agreement, their one band."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from harness.data.depth import Band, Grid, TooShallowError
from harness.statistics.curves import Floats
from harness.statistics.forms.curve_sums import windows_in
from harness.statistics.forms.drops import drops_somewhere
from harness.statistics.forms.mass import moment, share_beyond, spread, whole
from harness.statistics.forms.thresholds import COMPACT, MOST, SPREAD
from harness.statistics.trees import AllOf, Everywhere, Leaf, Pair, Theta, Tree, every, given

_ALIKE = ("the first deeper", "the second deeper", "the first wider", "the second wider")


def in_order(effects: Sequence[Hashable], grid: Grid) -> Pair:
    """Say that each effect exists, and lies more than one layer below the next (centres of mass).

    Each step is tested as a difference of products, and again divided by the sum of both masses: the
    same statement, whose first form was shown falsely in 7 % of runs with 1,000 images (it grows with
    the square of what both curves share, its standard error does not), the second in 8 % with 60 images
    (a small sum). Neither happens where the other does.
    """
    gap = 1 / grid.layers

    def step(low: Floats, high: Floats) -> Floats:
        return whole(low) * moment(high, grid) - whole(high) * (moment(low, grid) + gap * whole(low))

    def product(low: Floats, high: Floats) -> Floats:
        return whole(low) * whole(high)

    def divided(theta: Theta) -> Theta:
        return lambda low, high: theta(low, high) / (whole(low) + whole(high))

    steps = tuple(
        every(
            Leaf(
                f"depth of {later} minus depth of {earlier} minus {gap:.3g}{how}",
                (earlier, later),
                theta,
                0.0,
                ">",
                unit=unit,
                what="later by, less one layer",
                scale="depth",
            )
        )
        for earlier, later in pairwise(effects)
        for theta, unit, how in (
            (step, product, ""),
            (divided(step), divided(product), " (scaled)"),
        )
    )
    return located(effects, grid, AllOf(steps))


def at_one_depth(effects: Mapping[Any, Grid], *, required: bool = True) -> Pair:
    """Say that the effects lie at the same depths: to within half a window, any two are alike.

    Their centres differ by less than half of the wider window, and so do the mean distances of their mass
    from the centre: two dips at the ends have the centre of one dip between them, and lie elsewhere. A
    window smears what it finds by half of itself either way. The curves may be of other windows, or of
    another checkpoint.

    Args:
        effects: the grid of each effect.
        required: whether the statement says that the effects exist: then it is refuted where one does not.
    """
    gates = [drops_somewhere(effect, grid) for effect, grid in effects.items()]
    return given(gates, AllOf(_together(effects)), required=required)


def one_depth_band(effects: Sequence[Hashable], grid: Grid, *, within: Band) -> Pair:
    """Say that the effects lie at the same depths, each close together, and mainly in the band.

    Close together: the mean distance of its mass from its centre is below a tenth of the depth.
    """
    pieces = (_closer(effect, grid, COMPACT) for effect in effects)
    placed = (_mainly(effect, grid, within) for effect in effects)
    return located(effects, grid, AllOf((*_together(dict.fromkeys(effects, grid)), *pieces, *placed)))


def mainly_inside(effect: Hashable, band: Band, grid: Grid, *, unclipped: bool = False) -> Pair:
    """Say that the effect drops inside the band, and mainly there.

    Mainly: it has more than half of its mass there, and is not spread over the whole decoder: of a flat
    curve a wide band holds most. (A share above that of a flat curve, or twice as much for each window, fails
    a stage of a few windows near the band's edge: most windows of the band are empty.) Refuted where it does
    not drop there, or drops somewhere, and not mainly there. ``unclipped`` leaves out the shorter windows at
    both ends.

    Raises:
        TooShallowError: if the band has no window, or leaves none outside.
    """
    return given(
        [drops_somewhere(effect, grid, within=band)],
        _mainly(effect, grid, band, unclipped=unclipped),
        refuted_given=[drops_somewhere(effect, grid)],
    )


def located(effects: Sequence[Hashable], grid: Grid, claim: Tree) -> Pair:
    """Gate a claim about depths: each effect drops somewhere."""
    return given([drops_somewhere(effect, grid) for effect in effects], claim)


def _mainly(effect: Hashable, grid: Grid, band: Band, *, unclipped: bool = False) -> AllOf:
    inside = windows_in(grid, band, unclipped=unclipped)
    usable = grid.unclipped | (not unclipped)
    if inside.sum() == usable.sum():
        raise TooShallowError(f"the {band.name} band leaves no window to compare on {grid}")

    def beyond(curve: Floats) -> Floats:
        return share_beyond(curve, inside, usable, MOST)

    def unit(curve: Floats) -> Floats:
        return whole(curve, usable)

    label = f"share of {effect} inside the {band.name} band minus {MOST:g}"
    what = f"share inside the band less {MOST:g}"
    share = every(Leaf(label, (effect,), beyond, 0.0, ">", unit=unit, what=what, scale="mass"))
    return AllOf((share, _closer(effect, grid, SPREAD)))


def _together(grids: Mapping[Any, Grid]) -> tuple[Tree, ...]:
    return tuple(_near(*pair, grids) for pair in combinations(grids, 2))


def _near(first: Hashable, second: Hashable, grids: Mapping[Any, Grid]) -> Everywhere:
    one, two = grids[first], grids[second]
    margin = max(grid.size / grid.layers for grid in (one, two)) / 2

    def product(a: Floats, b: Floats) -> Floats:
        both: Floats = np.repeat(whole(a) * whole(b), len(_ALIKE), axis=-1)
        return both

    def room(a: Floats, b: Floats) -> Floats:
        deeper = moment(a, one) * whole(b) - moment(b, two) * whole(a)
        wider = spread(a, one) * whole(b) - spread(b, two) * whole(a)
        apart: Floats = np.concatenate([deeper, -deeper, wider, -wider], axis=-1)
        return margin * product(a, b) - apart

    label = f"half a window of depth minus the distance of {first} and {second}"
    what = "half a window less the distance"
    return every(Leaf(label, (first, second), room, 0.0, ">", _ALIKE, unit=product, what=what, scale="depth"))


def _closer(effect: Hashable, grid: Grid, distance: float) -> Everywhere:
    """Say that an effect's mass lies closer to its centre than a distance, on average."""

    def room(curve: Floats) -> Floats:
        return distance * whole(curve) - spread(curve, grid)

    label = f"{distance:g} minus the mean distance of {effect} from its centre"
    what = f"{distance:g} less the mean distance from the centre"
    return every(Leaf(label, (effect,), room, 0.0, ">", unit=whole, what=what, scale="depth"))
