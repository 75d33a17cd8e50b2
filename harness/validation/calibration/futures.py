"""Predictive power once more, for many data sets at a time: as `batch` is to the inference.

Written apart from `harness.statistics.futility` and compared with it in the tests. Arrays of possible last
looks have the shape [atoms, sets, futures]; there are as many as the batch has draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.statistics.curves import Bools, Floats, Singles
from harness.statistics.trees import AllOf, AnyOf, AtLeast, Everywhere, Leaf, Pair, Somewhere, Tree
from harness.validation.calibration.batch import FEW, ROUNDING, Batch, joined


@dataclass(frozen=True, eq=False)
class Futures:
    """The last looks of a batch's data sets, as they may come out.

    Attributes:
        batch: the data sets as they are now.
        fraction: images now, divided by images at the last look.

    """

    batch: Batch
    fraction: float

    def power(self, tree: Tree, level: float) -> Floats:
        """Return the largest chance that the last look proves a tree at a level, shape [sets]."""
        match tree:
            case Somewhere(leaves, rows):
                noise = self._last.noises(leaves)[np.unique(rows)].max(axis=0)
                best = self._distances(leaves)[rows].min(axis=1).max(axis=0)
                return np.asarray((best > _critical(noise, level)).mean(axis=-1))
            case Everywhere():
                return np.asarray(self._rows(tree, level).mean(axis=-1).min(axis=0))
            case AllOf(children):
                return np.asarray(np.min([self.power(child, level) for child in children], axis=0))
            case AnyOf(children):
                members = joined(children)
                chances = [self.power(member, level / len(members)) for member in members]
                return np.asarray(np.minimum(1.0, np.sum(chances, axis=0)))
            case AtLeast(count, children):
                share = level / (len(children) - count + 1)
                return _at_least(count, [self.power(child, share) for child in children])
            case Pair(holds, _):
                return self.power(holds, level)

    @cached_property
    def _last(self) -> Batch:
        return self.batch.of_more_images(self.fraction)

    def _rows(self, node: Everywhere, level: float) -> Bools:
        """Return in which futures each row is shown, shape [rows, sets, futures]."""
        noise, distance = self._last.noises(node.leaves), self._distances(node.leaves)
        columns = node.rows.shape[1]
        if columns <= FEW:
            beyond = distance > _critical(noise, level / columns)
            return np.asarray(beyond[node.rows].any(axis=1))
        each = [distance[row].max(axis=0) > _critical(noise[row].max(axis=0), level) for row in node.rows]
        return np.stack(each)

    def _distances(self, leaves: Sequence[Leaf]) -> Floats:
        return np.concatenate([self._distance(leaf) for leaf in leaves])

    def _distance(self, leaf: Leaf) -> Floats:
        """Return oriented distances from the threshold, in standard errors of the last look."""
        keys = leaf.quantities
        means = [self.batch.mean(key) for key in keys]
        reach = np.sqrt(1 - self.fraction)
        drawn = [
            mean[:, None] - reach * (self.batch.replicates(key) - mean[:, None])
            for key, mean in zip(keys, means, strict=True)
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            theta = leaf.theta(*drawn)
            if leaf.unit is not None:
                unit = leaf.unit(*means)
                theta = theta / np.where(unit > 0, unit, np.nan)[:, None]
            gap = leaf.sign * (np.moveaxis(theta, 2, 0) - leaf.threshold)
            gap[np.abs(gap) <= ROUNDING] = 0.0
            distance = np.where(gap == 0, 0.0, gap / self._last.atoms(leaf).error[..., None])
        return np.where(np.isnan(distance), -np.inf, distance)


def _critical(noise: Singles, level: float) -> Floats:
    """Return what a distance must exceed, [..., sets, draws] to [..., sets, 1]: at most so many reach it."""
    reach = int(level * (1 + noise.shape[-1]))
    if reach == 0:
        return np.full((*noise.shape[:-1], 1), np.inf)
    ordered = np.sort(np.where(np.isnan(noise), np.inf, noise), axis=-1)
    return np.asarray(np.maximum(ordered[..., -reach, None], 0.0), dtype=np.float64)


def _at_least(count: int, chances: Sequence[Floats]) -> Floats:
    """Return the largest chance of so many events, each of shape [sets], however they depend."""
    sums = np.cumsum(np.sort(chances, axis=0), axis=0)
    bounds = [sums[len(chances) - 1 - certain] / (count - certain) for certain in range(count)]
    return np.asarray(np.minimum(1.0, np.min(bounds, axis=0)))
