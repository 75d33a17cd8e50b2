"""The inference: multipliers over images, proofs of trees."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from harness.statistics.curves import Curves, CurveSource, Floats, Ints, Singles, images_of
from harness.statistics.multipliers import Pseudo, Source, drawn
from harness.statistics.trees import (
    AllOf,
    AnyOf,
    AtLeast,
    Everywhere,
    Leaf,
    Pair,
    Somewhere,
    Theta,
    Tree,
    flattened,
    merged,
)

Data: TypeAlias = CurveSource

FEWEST_IMAGES = 60
"""Below this many images the limits were not reliable in simulation (our own threshold)."""

DRAWS = 5_000
"""Perturbed replicates per claim: the Monte Carlo error of a p-value of 0.005 is then 0.001."""

FEW_COLUMNS = 4
"""Up to here Bonferroni within a row is as good as a max-T, and much cheaper."""

ROUNDING = 1e-9
"""Standard errors and distances below this are rounding, not variation."""

_EVEN = 0.5  # the smallest p-value of what is not estimated to hold
_STEEPEST = 2.0  # skewness of one multiplier, so the most that a linear theta can have
_CHUNK = 1_000  # draws handled at a time, to keep intermediate arrays small


class MissingQuantityError(LookupError):
    """A claim needs a quantity that the data do not hold."""


# --------------------------------------------------------------------------------------------- noise


@dataclass(frozen=True, eq=False)
class Atoms:
    """What the draws say of one leaf's atoms.

    Attributes:
        estimate: theta of the mean curves, shape [atoms].
        error: standard errors, shape [atoms]; 0 where nothing varies.
        noise: (theta of the perturbed curves - estimate) / error, shape [atoms, draws].
        bias: by how much theta of the perturbed curves lies above the estimate on average, in standard
            errors and before the correction for skewness, shape [atoms]: 0 for linear theta.
        shift: the correction for skewness that the noise does not have yet, shape [atoms].

    """

    estimate: Floats
    error: Floats
    noise: Singles
    bias: Floats
    shift: Floats

    def oriented(self, sign: int) -> Singles:
        """Return the noise of what is asserted: large values count against it.

        A bias that a curved theta seems to have counts against every proof: where it would help, this
        takes it away, and where it hinders, it counts twice. (Correlations, which noise pulls towards zero,
        were otherwise falsely called low in 6 % of runs.) A shift that is still to be made is made only where
        it hinders: a ratio's noise can have a long tail on one side that says nothing of its centre.
        """
        noise = self.noise if sign > 0 else -self.noise
        against = np.abs(self.bias) + np.maximum(sign * self.shift, 0)
        return noise + against.astype(np.float32)[:, None] if against.any() else noise


class Panel:
    """Mean curves of several quantities and their common perturbations.

    Args:
        data: the curves of every quantity that will be asked for.
        keys: the quantities, in an order that does not depend on the data.
        draws: how many replicates.
        seed: of the multipliers; judgements have the same, simulations one of their own each time.
        source: where the multipliers come from.

    Raises:
        MissingQuantityError: if the data lack a quantity.
        ValueError: if a quantity holds a value that is not finite.

    """

    def __init__(
        self,
        data: Data,
        keys: Sequence[Hashable],
        draws: int = DRAWS,
        *,
        seed: int = 0,
        source: Source = drawn,
    ) -> None:
        for key in keys:
            if key not in data:
                raise MissingQuantityError(f"{key} was not measured")
            if not np.isfinite(data[key].values).all():
                raise ValueError(f"{key} holds values that are not finite")
        self.curves = {key: data[key] for key in keys}
        self.images = min(len(curves.images) for curves in self.curves.values())
        self.samples = sum(curves.samples for curves in self.curves.values())
        self.draws = draws
        # One array of multipliers serves all panels whose images are named alike.
        self._everyone = images_of(data, keys)
        self._seed = seed
        self._source = source
        self._atoms: dict[tuple[Theta, Theta | None, tuple[Hashable, ...]], Atoms] = {}

    def mean(self, key: Hashable) -> Floats:
        """Return the mean curve of a quantity over its images, shape [points]."""
        mean: Floats = self.curves[key].values.mean(axis=0)
        return mean

    def replicates(self, key: Hashable) -> Floats:
        """Return the perturbed mean curves of a quantity, shape [draws, points]."""
        return self._replicates[key]

    def of_more_images(self, fraction: float) -> Panel:
        """Return the panel to expect if these are a fraction of the images, and the mean curves stay.

        Its perturbations are sqrt(fraction) of these; errors, biases and skewness follow from them.
        """
        later, shrink = copy(self), np.sqrt(fraction)
        replicates = {
            key: self.mean(key) + shrink * (moved - self.mean(key)) for key, moved in self._replicates.items()
        }
        vars(later).update(_atoms={}, _replicates=replicates)
        return later

    @cached_property
    def _replicates(self) -> dict[Hashable, Floats]:
        """Perturb every quantity, when the first is asked for: what is too small to judge needs none."""
        ends = np.cumsum([curves.values.shape[1] for curves in self.curves.values()])
        noise = np.split(self._image_noise(), ends[:-1])
        return {
            key: _perturbed(curves, moved, self._pseudo(key, curves))
            for (key, curves), moved in zip(self.curves.items(), noise, strict=True)
        }

    def _image_noise(self) -> Singles:
        """Return what the images' multipliers do to the sums of all points, shape [points, draws].

        One product for all quantities; an image without a quantity has no deviation in it.
        """
        everyone = self._everyone
        place = {image: at for at, image in enumerate(everyone)}
        deviations = np.concatenate([_deviations(curves, place) for curves in self.curves.values()])
        products = (
            deviations[:, run] @ multipliers
            for run, multipliers in self._source.images(everyone, self._seed, self.draws)
        )
        total = next(products)
        for product in products:
            total += product
        return total

    def _pseudo(self, key: Hashable, curves: Curves) -> Pseudo:
        if curves.only is None:
            return self._source.pseudo(str(key), curves.values.shape[1], self._seed, self.draws)
        return self._source.pseudo(str(key), curves.only.of, self._seed, self.draws).at(curves.only)

    def atoms(self, leaf: Leaf) -> Atoms:
        """Return estimate, standard error and draws of a leaf's atoms.

        Raises:
            ValueError: if theta does not return one value per point of the leaf.

        """
        what = (leaf.theta, leaf.unit, leaf.quantities)
        if what not in self._atoms:
            self._atoms[what] = self._evaluate(leaf)
        return self._atoms[what]

    def _evaluate(self, leaf: Leaf) -> Atoms:
        """Compute a leaf's atoms.

        The mean of skewed data and its standard error are correlated, so the distance between estimate
        and truth, in standard errors, is skewed against the data: to first order its third moment is -2
        times that of the mean, and its centre is off by a quarter of that (Edgeworth expansion of
        Student's t). The multipliers have the first built in; the shift below adds the second. Of ratios,
        mirroring takes away what both directions share, such as the curvature of a product; its mean stays
        a part of the bias.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            means = [self.mean(key) for key in leaf.quantities]
            estimate = np.asarray(leaf.theta(*means), dtype=np.float64)
            if estimate.shape != (len(leaf.points),):
                raise ValueError(f"{leaf.label}: {estimate.shape} atoms for {len(leaf.points)} points")
            curves = [self.replicates(key) for key in leaf.quantities]
            noise = np.empty((len(estimate), self.draws), dtype=np.float32)
            bent = np.zeros((len(estimate), 0 if leaf.unit is None else self.draws), dtype=np.float32)
            for start in range(0, self.draws, _CHUNK):
                chunk = [curve[start : start + _CHUNK] for curve in curves]
                moved = leaf.theta(*chunk) - estimate
                if leaf.unit is not None:
                    mirrored = (2 * mean - curve for mean, curve in zip(means, chunk, strict=True))
                    opposite = leaf.theta(*mirrored) - estimate
                    bent[:, start : start + _CHUNK] = ((moved + opposite) / 2).T
                    moved = (moved - opposite) / 2
                noise[:, start : start + _CHUNK] = moved.T
            if leaf.unit is not None:
                unit = np.asarray(leaf.unit(*means), dtype=np.float64)
                unit = np.where(unit > 0, unit, np.nan)
                estimate = estimate / unit
                noise /= unit.astype(np.float32)[:, None]
                bent /= unit.astype(np.float32)[:, None]
        bias, error, skewness = _moments(noise)
        if leaf.unit is not None:
            bias = bias + _moments(bent)[0]
        scale = np.where(error > 0, error, np.inf)
        noise /= scale.astype(np.float32)[:, None]
        shift = np.clip(skewness, -_STEEPEST, _STEEPEST) / 4
        if leaf.unit is None:
            noise += shift.astype(np.float32)[:, None]
            shift = np.zeros_like(shift)
        bias = bias / scale
        bias[np.abs(bias) < 3 / np.sqrt(self.draws)] = 0.0  # within the Monte Carlo error
        return Atoms(estimate, error, noise, bias, shift)


def _deviations(curves: Curves, place: Mapping[str, int]) -> Singles:
    """Return the images' deviations from their mean at their places, shape [points, places]; 0 elsewhere."""
    deviations = np.zeros((curves.values.shape[1], len(place)), dtype=np.float32)
    deviations[:, [place[image] for image in curves.images]] = (curves.values - curves.values.mean(axis=0)).T
    return deviations


def _perturbed(curves: Curves, noise: Singles, pseudo: Pseudo) -> Floats:
    """Perturb a mean curve; ``noise`` [points, draws] is that of its images, and is changed in place.

    Of the two pseudo-images one lies at the lower bound, the other at the upper; in each draw they
    change places over a random stretch of points, so that they also stand for images that would
    respond only there.
    """
    mean, units = curves.values.mean(axis=0), len(curves.images) + 2
    low, high = ((end - mean).astype(np.float32)[:, None] for end in curves.extremes)
    first, second = pseudo.pair
    noise += first * low + second * high
    noise += pseudo.patched * ((first - second) * (high - low))
    # Dividing by sqrt(n (n - 1)) instead of n makes the variance that of the mean, unbiased.
    noise *= np.float32(students_deviation(len(curves.images)) / np.sqrt(units * (units - 1)))
    perturbed: Floats = np.empty(noise.shape[::-1])
    np.add(mean, noise.T, out=perturbed)
    return perturbed


def students_deviation(images: int) -> float:
    """Return the standard deviation of Student's t of a mean of so many images: sqrt((n - 1) / (n - 3)).

    The distance between estimate and truth is measured in estimated standard errors, so it spreads as
    Student's t with n - 1 degrees of freedom, whose variance is (n - 1) / (n - 3) (Johnson, Kotz and
    Balakrishnan 1995, chapter 28); given the data, the sum of the multipliers has a variance of 1. With 60
    images the factor is 1.017: without it the plainest contrasts were falsely shown in 5.1 to 5.5 % of runs,
    with it in 4.9 to 5.2 % (README). A t of fewer than four images has no variance: they count as four.
    """
    known = max(images, 4)
    return float(np.sqrt((known - 1) / (known - 3)))


def _moments(noise: Singles) -> tuple[Floats, Floats, Floats]:
    """Return mean, standard deviation and skewness of each atom's noise, [atoms, draws], of shape [atoms].

    What is not finite becomes NaN and is left out. Without variation, deviation and skewness are 0.
    """
    one, x = np.ones(noise.shape[1]), noise.astype(np.float64)
    count: Ints | int = noise.shape[1]
    # Sums as products with ones: BLAS is faster than a reduction. One that is finite has finite terms.
    if not np.isfinite(x @ one).all():
        finite = np.isfinite(x)
        noise[~finite] = np.nan
        x[~finite] = 0.0
        count = np.maximum(np.count_nonzero(finite, axis=1), 1)
    power = x * x
    mean, square = x @ one / count, power @ one / count
    power *= x
    cube = power @ one / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    deviation[~(deviation > ROUNDING)] = 0.0
    third = cube - 3 * mean * square + 2 * mean**3
    skewness = np.divide(third, deviation**3, out=np.zeros_like(third), where=deviation > 0)
    return mean, deviation, skewness


# --------------------------------------------------------------------------------------------- proofs


class Prover:
    """Proves trees on one panel.

    In here a leaf's numbers are oriented: large ones support what the leaf asserts.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        # By identity, with the node kept beside: an id is only unique among things that still exist.
        self._largest: dict[int, tuple[Somewhere, Singles]] = {}
        self._wide: dict[int, tuple[Everywhere, Singles]] = {}
        self._members: dict[int, tuple[AnyOf, tuple[Tree, ...]]] = {}
        self._distances: dict[int, tuple[Leaf, Floats]] = {}

    def prove(self, tree: Tree, stretch: float = 1.0) -> float:
        """Return the p-value of the proof that ``tree`` holds.

        ``stretch`` multiplies all distances in standard errors: with the square root of f, the answer
        is the one to expect from f times as many images if the estimates stay.
        """
        match tree:
            case Somewhere():
                return self._tail(self.largest_noise(tree), self.rows(tree).max() * stretch)
            case Everywhere():
                return float(self._row_values(tree, stretch).max())
            case AllOf(children):
                return max(self.prove(child, stretch) for child in children)
            case AnyOf():
                members = self.members(tree)
                return min(1.0, len(members) * min(self.prove(member, stretch) for member in members))
            case AtLeast(count, children):
                ordered = sorted(self.prove(child, stretch) for child in children)
                return min(1.0, (len(children) - count + 1) * ordered[count - 1])
            case Pair(holds, _):
                return self.prove(holds, stretch)

    def members(self, tree: AnyOf) -> tuple[Tree, ...]:
        """Return what an OR is proven by, with Bonferroni: one max-T if the children allow, else they."""
        if id(tree) not in self._members:
            members = tuple(flattened(tree.children))
            simple = [member for member in members if isinstance(member, Somewhere)]
            self._members[id(tree)] = (tree, (merged(simple),) if len(simple) == len(members) else members)
        return self._members[id(tree)][1]

    def rows(self, node: Somewhere | Everywhere) -> Floats:
        """Oriented distance of every row: its weakest atom where all must hold, else its strongest."""
        distance = np.concatenate([self.distance(leaf) for leaf in node.leaves])[node.rows]
        rows: Floats = distance.min(axis=1) if isinstance(node, Somewhere) else distance.max(axis=1)
        return rows

    def _row_values(self, node: Everywhere, stretch: float) -> Floats:
        """p-value of every row, an OR over its columns."""
        columns = node.rows.shape[1]
        if columns <= FEW_COLUMNS:
            single = np.concatenate([self._tails(leaf, stretch) for leaf in node.leaves])
            corrected: Floats = np.minimum(1.0, columns * single[node.rows].min(axis=1))
            return corrected
        largest, best = self.largest_of_rows(node), self.rows(node) * stretch
        return np.array([self._tail(noise, value) for noise, value in zip(largest, best, strict=True)])

    def largest_of_rows(self, node: Everywhere) -> Singles:
        """In each draw, the largest noise over the atoms of each row, shape [rows, draws]."""
        if id(node) not in self._wide:
            noise = np.concatenate([self.noise(leaf) for leaf in node.leaves])
            self._wide[id(node)] = (node, np.array([noise[row].max(axis=0) for row in node.rows]))
        return self._wide[id(node)][1]

    def distance(self, leaf: Leaf) -> Floats:
        """Distance from the threshold in standard errors; infinite where nothing varies."""
        if id(leaf) not in self._distances:
            atoms = self.panel.atoms(leaf)
            gap = leaf.sign * (atoms.estimate - leaf.threshold)
            gap[np.abs(gap) <= ROUNDING] = 0.0
            gap[np.isnan(gap)] = -np.inf
            with np.errstate(divide="ignore", invalid="ignore"):
                distance = np.where(gap == 0, 0.0, gap / atoms.error)
            self._distances[id(leaf)] = (leaf, distance)
        return self._distances[id(leaf)][1]

    def noise(self, leaf: Leaf) -> Singles:
        """Oriented noise, shape [atoms, draws]: see `Atoms.oriented`."""
        return self.panel.atoms(leaf).oriented(leaf.sign)

    def largest_noise(self, node: Somewhere) -> Singles:
        """In each draw, the largest noise over all atoms that occur in the node."""
        if id(node) not in self._largest:
            used = np.unique(node.rows)
            largest = np.full(self.panel.draws, -np.inf, dtype=np.float32)
            start = 0
            for leaf in node.leaves:
                atoms = used[(used >= start) & (used < start + len(leaf.points))] - start
                start += len(leaf.points)
                if len(atoms):
                    noise = self.noise(leaf)
                    used_noise = noise if len(atoms) == len(noise) else noise[atoms]
                    np.maximum(largest, used_noise.max(axis=0), out=largest)
            self._largest[id(node)] = (node, largest)
        return self._largest[id(node)][1]

    def _tail(self, noise: Singles, value: float) -> float:
        """Share of draws that reach ``value``; a draw in which theta is not defined counts as one.

        What is estimated to lie on its threshold, or on the wrong side, is not shown, whatever the noise's
        centre: a depth that all images agree on has next to none, and that little can lie to one side.
        """
        share = (1 + self.panel.draws - int(np.count_nonzero(noise < value))) / (1 + self.panel.draws)
        return share if value > 0 else max(share, _EVEN)

    def _tails(self, leaf: Leaf, stretch: float) -> Floats:
        """p-value of each atom of a leaf, on its own."""
        distance = self.distance(leaf) * stretch
        below = np.count_nonzero(self.noise(leaf) < distance[:, None], axis=1)
        tails: Floats = (1 + self.panel.draws - below) / (1 + self.panel.draws)
        return np.where(distance > 0, tails, np.maximum(tails, _EVEN))
