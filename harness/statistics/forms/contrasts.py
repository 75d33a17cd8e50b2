"""What one effect's curve is against another's."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.data.depth import LOW, LOWER, MID, MIDDLE, Band, Grid
from harness.statistics.curves import Floats
from harness.statistics.forms.curve_sums import mask_of, mean_drop, windows_in
from harness.statistics.forms.drops import drops_somewhere
from harness.statistics.forms.mass import mean_mass
from harness.statistics.forms.thresholds import MOST, NOTHING, RECOVERY
from harness.statistics.trees import AllOf, Everywhere, Leaf, Pair, Somewhere, Tree, every, given, some


def at_most_a_quarter_of(effect: Hashable, grid: Grid, *, of: Hashable) -> Pair:
    """Say that every window's drop is below a quarter of the other effect's deepest window.

    Means something only where the other drops: of an effect that is not there, a quarter is nothing.
    """
    return given([drops_somewhere(of, grid)], _below_share_of_deepest(effect, grid, of, 0.25), required=False)


def exists_and_is_stronger_than(
    effect: Hashable, other: Hashable, grid: Grid, *, exists: Hashable, at: Grid | None = None
) -> Pair:
    """Say that ``exists`` (the effect itself, read in p_c) drops, and the effect is the stronger of two.

    ``at``: the windows that the other has, some of the effect's; the two are compared there.
    """
    return given([drops_somewhere(exists, grid)], stronger_than(effect, other, grid, at=at))


def stronger_than(
    effect: Hashable, other: Hashable, grid: Grid, *, within: Band | None = None, at: Grid | None = None
) -> Everywhere:
    """Say that the mean drop over the band is deeper than the other's.

    ``at``: the windows that the other has, some of the effect's; the two are compared there.
    """
    return _stronger_at(effect, other, *_compared(grid, at, within))


def at_least_as_strong_as(effect: Hashable, other: Hashable, grid: Grid) -> Everywhere:
    """Say that at no window the other's drop is the deeper one by 5 points or more.

    Not on average over the decoder: there a drop of 20 in a few windows is one of 3.
    """
    leaf = Leaf(
        f"{effect} minus {other}",
        (effect, other),
        lambda own, others: own - others,
        NOTHING,
        "<",
        grid.labels,
        what="weakest window against the other's",
        contrast=True,
    )
    return every(leaf)


def far_stronger_than(effect: Hashable, other: Hashable, grid: Grid) -> Pair:
    """Say that the effect drops, and every window of the other is below half of its deepest window."""
    return given([drops_somewhere(effect, grid)], _below_share_of_deepest(other, grid, effect, MOST))


def more_than_controls(
    effect: Hashable,
    controls: Sequence[Hashable],
    grid: Grid,
    *,
    within: Band = MIDDLE,
    at: Grid | None = None,
) -> Pair:
    """Say that the effect drops in the band, and there more than every control, on average.

    ``at``: the windows that the controls have, some of the effect's; they are compared there.
    """
    contrasts = tuple(stronger_than(effect, control, grid, within=within, at=at) for control in controls)
    return given([drops_somewhere(effect, grid, within=within)], AllOf(contrasts))


def keeps_most_of(
    variants: Sequence[Hashable],
    whole: Hashable,
    grid: Grid,
    *,
    within: Band = LOWER,
    share: float = 0.5,
    at: Grid | None = None,
) -> Pair:
    """Say that the whole knockout drops in the band, and every variant keeps more than half of it.

    ``at``: the windows that the variants have, some of the whole one's; they are compared there.
    """
    where, there = _compared(grid, at, within)
    kept = tuple(_share(variant, whole, where, there, share, ">") for variant in variants)
    return given([drops_somewhere(whole, grid, within=within)], AllOf(kept))


def shifts_from_low_to_mid(
    related: Hashable, other: Hashable, grid: Grid, *, unclipped: bool = False
) -> Pair:
    """Say that ``related`` weighs relatively more in the middle, ``other`` in the lowest layers.

    The cross product of the four bands' masses, related(mid) other(low) - related(low) other(mid), does
    not depend on either effect's size. (A plain interaction does: of two proportional curves, it calls
    the larger one shifted.) Both named stages must exist. ``unclipped`` leaves the shorter windows at both
    ends out of the means.
    """
    low, mid = (windows_in(grid, band, unclipped=unclipped) for band in (LOW, MID))

    def main(rel: Floats, oth: Floats) -> Floats:
        return mean_mass(rel, mid) * mean_mass(oth, low)

    def crossed(rel: Floats, oth: Floats) -> Floats:
        return mean_mass(rel, low) * mean_mass(oth, mid)

    leaf = Leaf(
        f"shift of {related} against {other}",
        (related, other),
        lambda rel, oth: main(rel, oth) - crossed(rel, oth),
        0.0,
        ">",
        unit=lambda rel, oth: main(rel, oth) + crossed(rel, oth),
        what="shift to the middle",
        scale="ratio",
    )
    return _between_stages(related, other, grid, every(leaf))


def crosses_over(related: Hashable, other: Hashable, grid: Grid, *, unclipped: bool = False) -> Pair:
    """Say that ``other`` is the stronger in the lowest layers and ``related`` in the middle ones.

    Both named stages must exist: of two curves around zero one is always the stronger. ``unclipped``
    leaves the shorter windows at both ends out of the means.
    """
    low, mid = (windows_in(grid, band, unclipped=unclipped) for band in (LOW, MID))
    ahead = (_stronger_at(other, related, low), _stronger_at(related, other, mid))
    return _between_stages(related, other, grid, AllOf(ahead))


def exceeds_the_others(effect: Hashable, others: Sequence[Hashable], grid: Grid) -> Somewhere:
    """Say that at some window the effect drops, and exceeds the others' mean drop, by more than 3 points."""
    own = Leaf(
        f"{effect}",
        (effect,),
        lambda mine: mine,
        -RECOVERY,
        "<",
        grid.labels,
        presence="<",
        what="deepest window",
    )
    beyond = Leaf(
        f"{effect} minus the mean of {len(others)} others",
        (effect, *others),
        lambda mine, *rest: mine - sum(rest) / len(rest),
        -RECOVERY,
        "<",
        grid.labels,
        what="window less the others' mean",
        contrast=True,
    )
    return some(beyond, own)


def _below_share_of_deepest(effect: Hashable, grid: Grid, of: Hashable, share: float) -> Everywhere:
    """Say for every window that some window of the other has a drop 1/share times as deep."""
    count = grid.points
    names = [f"{small} against {deep}" for small in grid.labels for deep in grid.labels]
    leaf = Leaf(
        f"{effect} minus {share:g} times {of}",
        (effect, of),
        lambda small, deep: (small[..., :, None] - share * deep[..., None, :]).reshape(*small.shape[:-1], -1),
        0.0,
        ">",
        tuple(names),
        what=f"window less {share:g} of the other's deepest",
        contrast=True,
    )
    return Everywhere((leaf,), np.arange(count * count, dtype=np.intp).reshape(count, count))


def _compared(
    grid: Grid, at: Grid | None, within: Band | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The windows of a band in which two effects are compared, among those of one and of the other."""
    if at is None:
        return (mask_of(grid, within),) * 2
    return mask_of(grid, within) & grid.among(at), mask_of(at, within)


def _stronger_at(
    effect: Hashable, other: Hashable, where: NDArray[np.bool_], there: NDArray[np.bool_] | None = None
) -> Everywhere:
    """Compare mean drops over some windows; ``there``: their places in the other's curve, if others."""
    others = where if there is None else there
    leaf = Leaf(
        f"mean drop of {effect} minus that of {other}",
        (effect, other),
        lambda strong, weak: mean_drop(strong, where) - mean_drop(weak, others),
        0.0,
        ">",
        what="mean drop less the other's",
        contrast=True,
    )
    return every(leaf)


def _between_stages(related: Hashable, other: Hashable, grid: Grid, claim: Tree) -> Pair:
    """Gate a claim by both stages, each in its band; it is refuted also where both drop elsewhere."""
    stages = [drops_somewhere(other, grid, within=LOW), drops_somewhere(related, grid, within=MID)]
    anywhere = [drops_somewhere(effect, grid) for effect in (other, related)]
    return given(stages, claim, refuted_given=anywhere)


def _share(
    part: Hashable,
    whole: Hashable,
    where: NDArray[np.bool_],
    there: NDArray[np.bool_],
    share: float,
    asserts: Literal[">", "<"],
) -> Everywhere:
    """Compare a part's mean drop, ``there`` in its curve, with a share of the whole's, ``where`` in its."""
    leaf = Leaf(
        f"mean drop of {part} minus {share:g} times that of {whole}",
        (part, whole),
        lambda some_, full: mean_drop(some_, there) - share * mean_drop(full, where),
        0.0,
        asserts,
        what=f"mean drop less {share:g} of the whole's",
        contrast=True,
    )
    return every(leaf)
