"""The statistics once more, for many data sets at a time: what makes the benchmark affordable.

A judgement spends most of its time on Python, not on numbers. Here all data sets of a batch share their
multipliers, and every array has one more axis, that of the data sets. Written apart from
`harness.statistics` and compared with it in the tests: so each of the two also checks the other.

Arrays of noise have the shape [atoms, sets, draws]: maxima over atoms and sums over draws, which are
what is done most, then run along memory. Everything is in single precision: a standard error is known
to a few per cent anyway.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from harness.statistics.curves import Bools, Floats, Singles
from harness.statistics.trees import (
    AllOf,
    AnyOf,
    AtLeast,
    Everywhere,
    Leaf,
    Pair,
    Somewhere,
    Tree,
    flattened,
    merged,
)

_EVEN = 0.5
FEW = 4
_STEEPEST = 2.0
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The random numbers of a batch.

    Attributes:
        images: shape [draws, images].
        pseudo: for each quantity, those of its two pseudo-images, shape [draws, 2].
        patched: for each quantity, where these change places, shape [draws, points].

    """

    images: Singles
    pseudo: Mapping[str, Singles]
    patched: Mapping[str, Bools]

    @classmethod
    def drawn(
        cls, draws: int, images: int, points: Mapping[str, int], random: np.random.Generator
    ) -> Multipliers:
        """Draw multipliers for so many images, and for quantities with so many points each."""
        pseudo: dict[str, Singles] = {}
        patched: dict[str, Bools] = {}
        for key, count in points.items():
            skewed = 1 - random.standard_exponential((draws, 2), dtype=np.float32)
            pseudo[key] = np.where(random.random((draws, 2)) < 1 / 3, -skewed, skewed)
            start, end = random.integers(0, count + 1, (2, draws, 1))
            patched[key] = (np.arange(count) >= start) != (np.arange(count) >= end)
        return cls(1 - random.standard_exponential((draws, images), dtype=np.float32), pseudo, patched)


@dataclass(frozen=True, eq=False)
class Atoms:
    """As `harness.statistics.Atoms`, with one more axis: [atoms, sets] and [atoms, sets, draws]."""

    estimate: Floats
    error: Floats
    noise: Singles
    bias: Floats
    shift: Floats


@dataclass(eq=False)
class Batch:
    """Many data sets of equal size.

    Attributes:
        values: for each quantity, shape [sets, images, points].
        anchors: for each quantity, its bounds.
        multipliers: the random numbers that all sets share.

    """

    values: Mapping[str, Floats]
    anchors: Mapping[str, tuple[float, float]]
    multipliers: Multipliers
    _means: dict[Hashable, Floats] = field(default_factory=dict)
    _replicates: dict[Hashable, Singles] = field(default_factory=dict)
    _atoms: dict[tuple[object, ...], Atoms] = field(default_factory=dict)
    _oriented: dict[tuple[object, ...], Singles] = field(default_factory=dict)
    _proven: dict[int, tuple[Tree, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Perturb every quantity's mean curves."""
        for key, values in self.values.items():
            self._perturb(key, np.moveaxis(values, 2, 0))

    def _perturb(self, key: str, values: Floats) -> None:
        points, sets, images = values.shape
        mean = values.mean(axis=2)
        deviations = (values - mean[..., None]).astype(np.float32).reshape(points * sets, images)
        noise = (deviations @ self.multipliers.images[:, :images].T).reshape(points, sets, -1)
        low, high = self.anchors[key]
        first, second = self.multipliers.pseudo[key].T
        patched = self.multipliers.patched[key].T
        for end, weights in (
            (np.minimum(values.min(axis=2), low), np.where(patched, second, first)),
            (np.maximum(values.max(axis=2), high), np.where(patched, first, second)),
        ):
            noise += (end - mean).astype(np.float32)[..., None] * weights[:, None]
        units = images + 2
        students = (max(images, 4) - 1) / (max(images, 4) - 3)
        noise *= np.float32(np.sqrt(students / (units * (units - 1))))
        noise += mean.astype(np.float32)[..., None]
        self._means[key] = mean.T
        self._replicates[key] = np.moveaxis(noise, 0, 2)

    def mean(self, key: Hashable) -> Floats:
        """Return the mean curves of a quantity, shape [sets, points]."""
        return self._means[key]

    def replicates(self, key: Hashable) -> Singles:
        """Return the perturbed mean curves of a quantity, shape [sets, draws, points]."""
        return self._replicates[key]

    def of_more_images(self, fraction: float) -> Batch:
        """Return the batch to expect if these are a fraction of the images, and the mean curves stay."""
        later, shrink, replicates = copy(self), np.float32(np.sqrt(fraction)), {}
        for key, moved in self._replicates.items():
            mean = self._means[key][:, None].astype(np.float32)
            replicates[key] = mean + shrink * (moved - mean)
        vars(later).update(_replicates=replicates, _atoms={}, _oriented={}, _proven={})
        return later

    @property
    def draws(self) -> int:
        """Perturbed replicates."""
        return len(self.multipliers.images)

    def prove(self, tree: Tree) -> Floats:
        """Return the p-value of the proof of ``tree`` in each data set, shape [sets]."""
        if id(tree) not in self._proven:  # the tree is kept, so that no other gets its id
            self._proven[id(tree)] = (tree, self._proof(tree))
        return self._proven[id(tree)][1]

    def _proof(self, tree: Tree) -> Floats:
        match tree:
            case Somewhere(leaves, rows):
                noise = self.noises(leaves)[np.unique(rows)].max(axis=0)
                return self._tails(noise, self._distances(leaves)[rows].min(axis=1).max(axis=0))
            case Everywhere():
                return self._everywhere(tree)
            case AllOf(children):
                return np.asarray(np.max([self.prove(child) for child in children], axis=0))
            case AnyOf(children):
                return self._any(children)
            case AtLeast(count, children):
                ordered = np.sort([self.prove(child) for child in children], axis=0)
                return np.asarray(np.minimum(1.0, (len(children) - count + 1) * ordered[count - 1]))
            case Pair(holds, _):
                return self.prove(holds)

    def _everywhere(self, tree: Everywhere) -> Floats:
        distance, noise = self._distances(tree.leaves), self.noises(tree.leaves)
        columns = tree.rows.shape[1]
        if columns <= FEW:
            best = self._tails(noise, distance)[tree.rows].min(axis=1)
            return np.asarray(np.minimum(1.0, columns * best).max(axis=0))
        rows = [self._tails(noise[row].max(axis=0), distance[row].max(axis=0)) for row in tree.rows]
        return np.asarray(np.max(rows, axis=0))

    def _any(self, children: Sequence[Tree]) -> Floats:
        children = joined(children)
        smallest = np.min([self.prove(child) for child in children], axis=0)
        return np.asarray(np.minimum(1.0, len(children) * smallest))

    def _tails(self, noise: Singles, value: Floats) -> Floats:
        """Return p-values, [..., sets], of values among noise of shape [..., sets, draws]."""
        below = (noise < value[..., None].astype(np.float32)).view(np.int8)
        reached = self.draws - np.add.reduce(below, axis=-1, dtype=np.int16)
        share = np.asarray((1.0 + reached) / (1 + self.draws), dtype=np.float64)
        return np.where(value > 0, share, np.maximum(share, _EVEN))

    def _distances(self, leaves: Sequence[Leaf]) -> Floats:
        return np.concatenate([self._distance(leaf) for leaf in leaves])

    def noises(self, leaves: Sequence[Leaf]) -> Singles:
        """Return the oriented noise of leaves' atoms, leaf after leaf, shape [atoms, sets, draws]."""
        oriented = [self._noise(leaf) for leaf in leaves]
        return oriented[0] if len(oriented) == 1 else np.concatenate(oriented)

    def _distance(self, leaf: Leaf) -> Floats:
        atoms = self.atoms(leaf)
        gap = leaf.sign * (atoms.estimate - leaf.threshold)
        gap = np.where(np.isnan(gap), -np.inf, np.where(np.abs(gap) <= ROUNDING, 0.0, gap))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(gap == 0, 0.0, gap / atoms.error))

    def _noise(self, leaf: Leaf) -> Singles:
        what = (leaf.theta, leaf.unit, leaf.quantities, leaf.sign)
        if what not in self._oriented:
            atoms = self.atoms(leaf)
            noise = atoms.noise if leaf.sign > 0 else -atoms.noise
            against = np.abs(atoms.bias) + np.maximum(leaf.sign * atoms.shift, 0)
            self._oriented[what] = noise + against.astype(np.float32)[..., None] if against.any() else noise
        return self._oriented[what]

    def atoms(self, leaf: Leaf) -> Atoms:
        """Return what the draws say of a leaf's atoms."""
        what = (leaf.theta, leaf.unit, leaf.quantities)
        if what not in self._atoms:
            self._atoms[what] = self._standardised(leaf)
        return self._atoms[what]

    def _standardised(self, leaf: Leaf) -> Atoms:
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate, noise, bent = self._raw(leaf)
        finite = np.isfinite(noise)
        if everywhere := bool(finite.all()):
            known, count = noise, np.full(noise.shape[:2], self.draws)
        else:
            known, count = np.where(finite, noise, 0), np.maximum(finite.sum(axis=2), 1)
        power = known * known
        one = np.ones(self.draws, dtype=np.float32)  # sums as products with ones: faster than a reduction
        mean, square = known @ one / count, power @ one / count
        power *= known
        cube = power @ one / count
        error = np.sqrt(np.maximum(square - mean**2, 0))
        error[~(error > ROUNDING)] = 0.0
        scale = np.where(error > 0, error, np.inf)
        skewness = (cube - 3 * mean * square + 2 * mean**3) / scale**3
        shift = np.clip(skewness, -_STEEPEST, _STEEPEST) / 4
        noise /= scale[..., None].astype(np.float32)
        if leaf.unit is None:
            noise += shift[..., None].astype(np.float32)
            shift = np.zeros_like(shift)
        bias = (mean + bent) / scale
        bias[np.abs(bias) < 3 / np.sqrt(self.draws)] = 0.0
        if not everywhere:
            noise[~finite] = np.nan
        return Atoms(estimate, error, noise, bias, shift)

    def _raw(self, leaf: Leaf) -> tuple[Floats, Singles, Floats]:
        """Return a leaf's estimates, [atoms, sets], their noise, and the mean of what mirroring takes off."""
        means = [self.mean(key) for key in leaf.quantities]
        curves = [self.replicates(key) for key in leaf.quantities]
        estimate = leaf.theta(*means)
        centre = estimate[:, None].astype(np.float32)
        noise = leaf.theta(*curves) - centre
        bent = np.zeros_like(estimate)
        if leaf.unit is not None:
            doubled = [np.float32(2) * mean[:, None].astype(np.float32) for mean in means]
            mirrored = [twice - curve for twice, curve in zip(doubled, curves, strict=True)]
            unit = leaf.unit(*means)
            unit = np.where(unit > 0, unit, np.nan)
            opposite = leaf.theta(*mirrored) - centre
            bent = _known_mean(noise + opposite) / (2 * unit)
            noise = (noise - opposite) / (2 * unit[:, None])
            estimate = estimate / unit
        # Its own copy: theta may return a view of the perturbed curves, and noise is changed in place.
        return estimate.T, np.array(np.moveaxis(noise, 2, 0), dtype=np.float32, order="C"), bent.T


def joined(children: Sequence[Tree]) -> list[Tree]:
    """Return the members of an OR that share alpha: one where a max-T serves them all."""
    members = list(flattened(children))
    simple = [child for child in members if isinstance(child, Somewhere)]
    return [merged(simple)] if len(simple) == len(members) else members


def _known_mean(values: Floats | Singles) -> Floats:
    """Return the mean over draws of what is finite, [sets, draws, atoms] to [sets, atoms]."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0).sum(axis=1, dtype=np.float64)
    return np.asarray(total / np.maximum(finite.sum(axis=1), 1))
