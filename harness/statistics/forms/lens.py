"""What the logit lens sees: probabilities of answers, layer by layer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from harness.data.depth import LOW, MIDDLE, Band, Grid, LensGrid
from harness.statistics.curves import Floats
from harness.statistics.forms.curve_sums import names_at, places_in, values_at
from harness.statistics.forms.depths import located
from harness.statistics.forms.mass import moment, whole
from harness.statistics.forms.thresholds import RISE, RISEN
from harness.statistics.trees import AllOf, Everywhere, Leaf, Pair, Somewhere, Tree, every, given, some


def peaks_above(lens: Hashable, grid: LensGrid, *, within: Band | None = None) -> Somewhere:
    """Say that the probability exceeds 0.05 somewhere."""
    where = places_in(grid, within)
    return some(
        Leaf(
            f"peak of {lens}",
            (lens,),
            values_at(where),
            RISE,
            ">",
            names_at(grid, where),
            presence=">",
            what="peak",
        )
    )


def near_zero(lens: Hashable, grid: LensGrid, *, within: Band | None = None) -> Everywhere:
    """Say that the probability stays below 0.05 everywhere in the band."""
    where = places_in(grid, within)
    return every(
        Leaf(
            f"{lens}, where it should be near zero",
            (lens,),
            values_at(where),
            RISE,
            "<",
            names_at(grid, where),
            what="highest where it should be near zero",
        )
    )


def rises_in(lens: Hashable, grid: LensGrid, band: Band = MIDDLE, *, quiet: Band = LOW) -> Pair:
    """Say that the probability is near zero in the quiet band and rises above 0.05, in ``band``."""

    def beyond(depth: float, asserts: Literal[">", "<"]) -> Everywhere:
        label = f"onset of {lens} minus {depth:g}"

        def theta(curve: Floats) -> Floats:
            return _rise_moment(curve) - depth * _rise(curve)

        what = f"onset less {depth:g}"
        return every(Leaf(label, (lens,), theta, 0.0, asserts, unit=_rise, what=what, scale="depth"))

    claim = (near_zero(lens, grid, within=quiet), beyond(band.start, ">"), beyond(band.end, "<"))
    return given([peaks_above(lens, grid)], AllOf(claim))


def onset_after(lens: Hashable, effect: Hashable, lens_grid: LensGrid, grid: Grid) -> Pair:
    """Say that the probability rises after the effect's centre of mass, and that both exist."""

    def after(probability: Floats, curve: Floats) -> Floats:
        return _rise_moment(probability) * whole(curve) - _rise(probability) * moment(curve, grid)

    leaf = Leaf(
        f"onset of {lens} minus depth of {effect}",
        (lens, effect),
        after,
        0.0,
        ">",
        unit=lambda probability, curve: _rise(probability) * whole(curve),
        what="onset less the flow's depth",
        scale="depth",
    )
    return given([peaks_above(lens, lens_grid)], located([effect], grid, every(leaf)))


def one_form_then_another(lower: Hashable, capital: Hashable, grid: LensGrid) -> Somewhere:
    """Say that ``lower`` leads by 0.05 at some layer, and ``capital`` by 0.05 at a later one."""
    count = grid.points
    leads = _lead(lower, capital, grid, ">", "lead of lower case")
    follows = _lead(capital, lower, grid, ">", "lead of the capital")
    rows = [(a, count + b) for a, b in combinations(range(count), 2)]
    return Somewhere((leads, follows), np.array(rows, dtype=np.intp))


def never_leads(first: Hashable, second: Hashable, grid: LensGrid, *, where: Sequence[Tree] = ()) -> Pair:
    """Say that ``first`` never exceeds ``second`` by 0.05, while ``second`` does rise above 0.05.

    ``where`` names what else must hold for the statement to mean anything.
    """
    leaf = _lead(first, second, grid, "<", "largest lead")
    return given([*where, peaks_above(second, grid)], every(leaf), required=False)


def leaves_behind(true: Hashable, false: Hashable, grid: LensGrid) -> AllOf:
    """Say that the true option leads by 0.05 somewhere, and the false one nowhere."""
    ahead = _lead(true, false, grid, ">", "lead of the true option")
    behind = _lead(false, true, grid, "<", "lead of the false option")
    return AllOf((some(ahead), every(behind)))


def _lead(first: Hashable, second: Hashable, grid: LensGrid, asserts: Literal[">", "<"], what: str) -> Leaf:
    """Compare with 0.05 by how much one probability exceeds another, layer by layer."""
    return Leaf(
        f"{first} above {second}",
        (first, second),
        lambda one, two: one - two,
        RISE,
        asserts,
        grid.labels,
        what=what,
        contrast=True,
    )


def _rise(curve: Floats) -> Floats:
    """Return how far a probability rises until it has risen: [..., points] to [..., 1]."""
    risen = _risen(curve)
    rise: Floats = risen[..., -1:] - risen[..., :1]
    return rise


def _rise_moment(curve: Floats) -> Floats:
    """Return the sum of depth times rise; divided by the rise, the onset.

    The onset is the mean depth of the layers that raise a probability to nine tenths of its peak, each
    weighted by how much it raises the highest value so far. What comes after (a lower-case answer gives
    way to a capitalised one) plays no part, nor does most of a plateau: any of its layers may be the highest.
    """
    steps = np.diff(_risen(curve), axis=-1)
    layers = steps.shape[-1]
    moment_: Floats = (steps @ ((np.arange(layers) + 0.5) / layers))[..., None]
    return moment_


def _risen(curve: Floats) -> Floats:
    """Return the highest value so far, up to nine tenths of the way from the start to the peak."""
    highest = np.maximum.accumulate(curve, axis=-1)
    start = highest[..., :1]
    risen: Floats = np.minimum(highest, start + RISEN * (highest[..., -1:] - start))
    return risen
