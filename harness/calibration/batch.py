"""The statistics once more, for many data sets at a time: what makes the benchmark affordable.

A judgement spends most of its time on Python, not on numbers. Here all data sets of a batch share their
multipliers, and every array has one more axis, that of the data sets. Written apart from
`harness.statistics` and compared with it in the tests, to the last digit that single precision holds: so
each of the two also checks the other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.statistics import (
    AllOf,
    AnyOf,
    AtLeast,
    Bools,
    Everywhere,
    Floats,
    Leaf,
    Pair,
    Singles,
    Somewhere,
    Tree,
)
from harness.statistics.trees import flattened, merged

_FEW = 4
_STEEPEST = 2.0
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Multipliers:
    """The random numbers of a batch.

    Attributes:
        images: shape [draws, images].
        pseudo: for each measure, those of its two pseudo-images, shape [draws, 2].
        swapped: for each measure, where these change places, shape [draws, points].

    """

    images: Singles
    pseudo: Mapping[str, Singles]
    swapped: Mapping[str, Bools]


@dataclass(eq=False)
class Batch:
    """Many data sets of equal size.

    Attributes:
        values: for each measure, shape [sets, images, points].
        anchors: for each measure, its bounds.
        multipliers: the random numbers that all sets share.

    """

    values: Mapping[str, Floats]
    anchors: Mapping[str, tuple[float, float]]
    multipliers: Multipliers
    _means: dict[Hashable, Floats] = field(default_factory=dict)
    _replicates: dict[Hashable, Floats] = field(default_factory=dict)
    _atoms: dict[tuple[object, ...], tuple[Floats, Floats, Singles, Floats]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Perturb every measure's mean curves."""
        for key, values in self.values.items():
            mean = values.mean(axis=1)
            deviations = (values - mean[:, None]).astype(np.float32)
            noise = self.multipliers.images[:, : values.shape[1]] @ deviations
            low = (np.minimum(values.min(axis=1), self.anchors[key][0]) - mean).astype(np.float32)[:, None]
            high = (np.maximum(values.max(axis=1), self.anchors[key][1]) - mean).astype(np.float32)[:, None]
            first, second = self.multipliers.pseudo[key].T[..., None]
            swapped = self.multipliers.swapped[key]
            noise += first * np.where(swapped, high, low) + second * np.where(swapped, low, high)
            units = values.shape[1] + 2
            self._means[key] = mean
            self._replicates[key] = mean[:, None] + noise / np.float32(np.sqrt(units * (units - 1)))

    @property
    def draws(self) -> int:
        """Perturbed replicates."""
        return len(self.multipliers.images)

    def prove(self, tree: Tree) -> Floats:
        """Return the p-value of the proof of ``tree`` in each data set, shape [sets]."""
        match tree:
            case Somewhere(leaves, rows):
                used = np.unique(rows)
                noise = self._noises(leaves)[..., used].max(axis=-1)
                best = self._distances(leaves)[:, rows].min(axis=-1).max(axis=-1)
                return self._tail(noise, best)
            case Everywhere():
                return self._everywhere(tree)
            case AllOf(children):
                return np.asarray(np.max([self.prove(child) for child in children], axis=0))
            case AnyOf(children):
                return self._any(list(flattened(children)))
            case AtLeast(count, children):
                ordered = np.sort([self.prove(child) for child in children], axis=0)
                return np.asarray(np.minimum(1.0, (len(children) - count + 1) * ordered[count - 1]))
            case Pair(holds, _):
                return self.prove(holds)

    def _everywhere(self, tree: Everywhere) -> Floats:
        distance, noise = self._distances(tree.leaves), self._noises(tree.leaves)
        columns = tree.rows.shape[1]
        if columns <= _FEW:
            single = [self._tail(noise[..., atom], distance[:, atom]) for atom in range(distance.shape[1])]
            best = np.stack(single, axis=-1)[:, tree.rows].min(axis=-1)
            return np.asarray(np.minimum(1.0, columns * best).max(axis=-1))
        rows = [self._tail(noise[..., row].max(axis=-1), distance[:, row].max(axis=-1)) for row in tree.rows]
        return np.asarray(np.max(rows, axis=0))

    def _any(self, children: Sequence[Tree]) -> Floats:
        simple = [child for child in children if isinstance(child, Somewhere)]
        if len(simple) == len(children):
            return self.prove(merged(simple))
        smallest = np.min([self.prove(child) for child in children], axis=0)
        return np.asarray(np.minimum(1.0, len(children) * smallest))

    def _tail(self, noise: Singles, value: Floats) -> Floats:
        reached = self.draws - np.count_nonzero(noise < value[:, None], axis=1)
        return np.asarray((1 + reached) / (1 + self.draws), dtype=np.float64)

    def _distances(self, leaves: Sequence[Leaf]) -> Floats:
        return np.concatenate([self._distance(leaf) for leaf in leaves], axis=-1)

    def _noises(self, leaves: Sequence[Leaf]) -> Singles:
        return np.concatenate([self._noise(leaf) for leaf in leaves], axis=-1)

    def _distance(self, leaf: Leaf) -> Floats:
        estimate, error, _, _ = self._evaluate(leaf)
        gap = leaf.sign * (estimate - leaf.threshold)
        gap = np.where(np.isnan(gap), -np.inf, np.where(np.abs(gap) <= _ROUNDING, 0.0, gap))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(gap == 0, 0.0, gap / error))

    def _noise(self, leaf: Leaf) -> Singles:
        _, _, noise, bias = self._evaluate(leaf)
        return np.asarray(leaf.sign * noise + np.abs(bias).astype(np.float32)[:, None], dtype=np.float32)

    def _evaluate(self, leaf: Leaf) -> tuple[Floats, Floats, Singles, Floats]:
        what = (leaf.theta, leaf.unit, leaf.measures)
        if what not in self._atoms:
            self._atoms[what] = self._standardised(leaf)
        return self._atoms[what]

    def _standardised(self, leaf: Leaf) -> tuple[Floats, Floats, Singles, Floats]:
        means = [self._means[key] for key in leaf.measures]
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate = leaf.theta(*means)
            curves = [self._replicates[key] for key in leaf.measures]
            noise = np.asarray(leaf.theta(*curves) - estimate[:, None], dtype=np.float32)
            if leaf.unit is not None:
                mirrored = [2 * mean[:, None] - curve for mean, curve in zip(means, curves, strict=True)]
                noise = ((noise - (leaf.theta(*mirrored) - estimate[:, None])) / 2).astype(np.float32)
                unit = leaf.unit(*means)
                unit = np.where(unit > 0, unit, np.nan)
                estimate = estimate / unit
                noise /= unit[:, None].astype(np.float32)
        finite = np.isfinite(noise)
        known = np.where(finite, noise, 0).astype(np.float64)
        count = np.maximum(finite.sum(axis=1), 1)
        bias = known.sum(axis=1) / count
        square = np.einsum("sda,sda->sa", known, known) / count
        cube = np.einsum("sda,sda,sda->sa", known, known, known) / count
        error = np.sqrt(np.maximum(square - bias**2, 0))
        error[~(error > _ROUNDING)] = 0.0
        scale = np.where(error > 0, error, np.inf)
        skewness = (cube - 3 * bias * square + 2 * bias**3) / scale**3
        shift = np.clip(skewness, -_STEEPEST, _STEEPEST) / 4
        noise /= scale[:, None].astype(np.float32)
        noise += shift[:, None].astype(np.float32)
        bias = bias / scale
        bias[np.abs(bias) < 3 / np.sqrt(self.draws)] = 0.0
        noise[~finite] = np.nan
        return estimate, error, noise, bias
