"""Futility: how likely an undecided claim is to be decided by the images that are still to come.

Stopping for futility is not binding: it takes away chances to decide and adds none, so that neither error
grows. What it may cost is power: a claim that would still have come out.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from harness.statistics.curves import Bools, Floats, Singles
from harness.statistics.inference import FEW_COLUMNS, ROUNDING, Panel, Prover
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
    negation,
)

Atoms = TypeVar("Atoms", Floats, Bools)

FUTILE = 0.10
"""Predictive power below which measuring a claim further is futile (our own threshold)."""

FUTURES = 400
"""Possible last looks that are drawn: the Monte Carlo error of a power of 0.1 is then 0.015."""


@dataclass(frozen=True)
class PredictivePower:
    """How likely, at most, the last look is to decide a claim.

    Attributes:
        support: chance that the claim is shown.
        refute: chance that its negation is.

    """

    support: float
    refute: float

    @property
    def decided(self) -> float:
        """Chance that it is decided at all: the two exclude each other."""
        return min(1.0, self.support + self.refute)

    @property
    def futile(self) -> bool:
        """Whether neither its proof nor its refutation is likely."""
        return self.decided < FUTILE


def predictive_power(tree: Tree, prover: Prover, *, level: float, fraction: float) -> PredictivePower:
    """Return how likely the last look is to decide a claim, given what has been seen.

    Under a flat prior for the true curves, the last look's mean curves are normal around the present ones,
    with (1 - fraction) of their present covariance; its standard errors are sqrt(fraction) of the present
    ones. A single mean at a distance of z standard errors has the power
    Phi((z - c sqrt(fraction)) / sqrt(1 - fraction)), c the last look's critical value (Spiegelhalter,
    Freedman and Blackburn 1986; Jennison and Turnbull 2000, chapter 10). For any theta the means are drawn:
    the panel's own perturbations, shrunk, and mirrored, since they stand for estimate minus truth. Errors and
    critical values are those of the present means, perturbed as much as the last look's will be.

    Parts of a tree are joined as in the most favourable case that their chances allow: what must hold
    everywhere has the chance of its weakest link. A flat prior lets every window go its own way; drawn
    together, claims about eight windows were given up in up to 85 of 100 runs of which 91 would have come
    out, where it is 7 now (`validation.calibration`).

    Looks between are left out, which makes the power a little too small.

    Args:
        tree: the claim.
        prover: of the look that left it undecided.
        level: what the last look may spend, e.g. ``plan.alpha * plan.spending[-1]``; below one half.
        fraction: images now, divided by images at the last look.

    Raises:
        ValueError: unless fraction is above 0 and at most 1.

    """
    if not 0 < fraction <= 1:
        raise ValueError(f"{fraction:g} of the last look's images: a share is above 0 and at most 1")
    futures = _Futures(prover.panel, fraction)
    return PredictivePower(futures.power(tree, level), futures.power(negation(tree), level))


class _Futures:
    """Last looks as they may come out; in here a leaf's numbers are oriented, as a prover's are."""

    def __init__(self, panel: Panel, fraction: float) -> None:
        self._now = panel
        self._last = Prover(panel.of_more_images(fraction))
        self._reach = np.sqrt(1 - fraction)
        self._means: dict[Hashable, Floats] = {}
        self._estimates: dict[tuple[Theta, Theta | None, tuple[Hashable, ...]], Floats] = {}

    def power(self, tree: Tree, level: float) -> float:
        """Return the largest chance that the p-value of a proof is at most ``level``.

        As `Prover.prove`; where that multiplies a p-value, this divides the level.
        """
        match tree:
            case Somewhere():
                return self._somewhere(tree, level)
            case Everywhere():
                return self._everywhere(tree, level)
            case AllOf(children):
                return at_least(len(children), [self.power(child, level) for child in children])
            case AnyOf():
                members = self._last.members(tree)
                return at_least(1, [self.power(member, level / len(members)) for member in members])
            case AtLeast(count, children):
                share = level / (len(children) - count + 1)
                return at_least(count, [self.power(child, share) for child in children])
            case Pair(holds, _):
                return self.power(holds, level)

    def _somewhere(self, node: Somewhere, level: float) -> float:
        critical = _critical(self._last.largest_noise(node)[None], level)
        weakest = _over_columns(np.minimum, self._distances(node), node)
        return float((weakest.max(axis=1) > critical).mean())

    def _everywhere(self, node: Everywhere, level: float) -> float:
        distances, columns = self._distances(node), node.rows.shape[1]
        if columns <= FEW_COLUMNS:
            noise = [self._last.noise(leaf) for leaf in node.leaves]
            critical = np.concatenate([_critical(one, level / columns) for one in noise])
            shown = _over_columns(np.logical_or, distances > critical, node)
        else:
            critical = _critical(self._last.largest_of_rows(node), level)
            shown = _over_columns(np.maximum, distances, node) > critical
        return float(shown.mean(axis=0).min())

    def _distances(self, node: Somewhere | Everywhere) -> Floats:
        """Return the leaves' distances from their thresholds, in the last look's standard errors."""
        return np.concatenate([self._distance(leaf) for leaf in node.leaves], axis=1)

    def _distance(self, leaf: Leaf) -> Floats:
        gap = leaf.sign * (self._estimate(leaf) - leaf.threshold)
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.where(np.abs(gap) <= ROUNDING, 0.0, gap / self._last.panel.atoms(leaf).error)
        return np.where(np.isnan(distance), -np.inf, distance)

    def _estimate(self, leaf: Leaf) -> Floats:
        """Return theta of the last looks' mean curves, in the present unit, shape [futures, atoms]."""
        what = (leaf.theta, leaf.unit, leaf.quantities)
        if what not in self._estimates:
            with np.errstate(divide="ignore", invalid="ignore"):
                theta = leaf.theta(*map(self._mean, leaf.quantities))
                if leaf.unit is not None:
                    unit = leaf.unit(*map(self._now.mean, leaf.quantities))
                    theta = theta / np.where(unit > 0, unit, np.nan)
            self._estimates[what] = theta
        return self._estimates[what]

    def _mean(self, key: Hashable) -> Floats:
        """Return the last looks' mean curves of a quantity, shape [futures, points]."""
        if key not in self._means:
            now = self._now.mean(key)
            self._means[key] = now + self._reach * (now - self._now.replicates(key)[:FUTURES])
        return self._means[key]


def at_least(count: int, chances: Sequence[float]) -> float:
    """Return the largest chance that so many events of these chances come true, however they depend.

    Whichever are certain to, of the others at least so many more must (Markov's inequality; the bound is
    reached: Rüger 1978). For all of them it is the smallest chance, for any of them the sum.
    """
    sums = np.cumsum(np.sort(chances))[::-1]
    return float(min(1.0, *(sums[certain] / (count - certain) for certain in range(count))))


def _over_columns(join: np.ufunc, atoms: Atoms, node: Somewhere | Everywhere) -> Atoms:
    """Join the atoms of each row, [futures, atoms] to [futures, rows]; a column at a time saves memory."""
    first, *others = node.rows.T
    joined = atoms[:, first]
    for column in others:
        join(joined, atoms[:, column], out=joined)
    return joined


def _critical(noise: Singles, level: float) -> Floats:
    """Return what a distance must exceed for p <= level, [atoms, draws] to [atoms]; at least 0.

    Draws in which theta is not defined (NaN) count against every proof, and sort as the largest.
    """
    rank = int(level * (1 + noise.shape[1]))
    if rank < 1:
        return np.full(len(noise), np.inf)
    critical = np.partition(noise, -rank, axis=1)[:, -rank].astype(np.float64)
    return np.where(np.isnan(critical), np.inf, np.maximum(critical, 0.0))
