"""How a claim is judged: trees of statements about mean curves, multipliers over images, looks.

The whole method, in reading order:

1. *Data.* A measure (any hashable key) has one curve per image: the image's samples averaged. The image
   is the unit, because questions on one image are not independent.
2. *Atoms.* A `Leaf` is a vector of atoms "theta > threshold" (or "<"), theta a function of mean curves.
3. *Noise.* Each mean curve is perturbed by random multipliers on the images' deviations from it; an
   image has the same multiplier in every measure, window and task, so that pairing is respected. Theta
   is recomputed on the perturbed curves. Standard errors come from these draws once and stay fixed:
   re-estimating them in every draw gives quiet windows no variance and the test no power. The
   multipliers are 1 - Exp(1), whose third moment corrects for skewed effects.
4. *Pseudo-images.* Effects pile up at their bound, so rare strong responses can be absent from a sample.
   Two made-up images per measure, one at either bound, stand for what was not seen. They add to the
   noise only; estimates are plain means.
5. *Trees.* A statement is a tree of AND and OR over atoms. AND: every child at the full level
   (intersection-union). OR over atoms: one max-T. OR over larger trees: Bonferroni. At least m of n:
   partial conjunction (Benjamini and Heller 2008).
6. *Verdict.* SUPPORTED proves the tree, REFUTED proves its negation (De Morgan), each with an error of
   at most alpha; neither proven is INCONCLUSIVE.
7. *Looks.* The evidence is looked at up to three times, at a tenth, two tenths and seven tenths of alpha.

The error rates hold per claim, not for the catalogue; `false_discovery` adjusts over claims. The
thresholds of the claims and the minimum number of images are our own, not the paper's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.verdict import Judgement, Part, Verdict

Floats: TypeAlias = NDArray[np.float64]
Singles: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.intp]
Data: TypeAlias = "Mapping[Any, Curves]"  # keys are hashable
Theta: TypeAlias = Callable[..., Floats]

FEWEST_IMAGES = 60
"""Below this many images the limits were not reliable in simulation (our own threshold)."""

DRAWS = 10_000
"""Perturbed replicates per claim: the Monte Carlo error of a p-value of 0.005 is then 0.0007."""

SHARES = (0.1, 0.2, 0.7)
"""How three looks share alpha: 0.005, 0.010 and 0.035 of 0.05 (union bound)."""

EFFECT = (-100.0, 100.0)
"""Where pseudo-images of p_c lie: all of the probability lost, or as much gained."""

PROBABILITY = (0.0, 1.0)
"""Bounds of a probability or a rate."""

_ROUNDING = 1e-9  # standard errors and distances below this are rounding, not variation
_STEEPEST = 2.0  # skewness of one multiplier, so the most that a linear theta can have
_CHUNK = 1_000  # draws handled at a time, to keep intermediate arrays small
_FEW_COLUMNS = 4  # up to here Bonferroni within a row is as good as a max-T, and much cheaper


class MissingMeasureError(LookupError):
    """A claim needs a measure that the data do not hold."""


# --------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Curves:
    """Per-image curves of one measure.

    Attributes:
        images: sorted, distinct ids of the images: the units.
        values: one row per image, one column per point (window or layer), shape [images, points].
        samples: how many samples were averaged in all.
        anchors: the bounds between which values lie, where two pseudo-images are put; ``None`` for
            quantities without bounds, such as log-odds (the most extreme images then stand for them).

    """

    images: tuple[str, ...]
    values: Floats
    samples: int
    anchors: tuple[float, float] | None

    @property
    def extremes(self) -> tuple[Floats, Floats]:
        """Where the pseudo-images lie: at the anchors, or at the most extreme image if that is farther."""
        low, high = self.values.min(axis=0), self.values.max(axis=0)
        if self.anchors is None:
            return low, high
        return np.minimum(low, self.anchors[0]), np.maximum(high, self.anchors[1])

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            ValueError: if the rows do not fit the images, or the images are not sorted and distinct.

        """
        if self.values.ndim != 2 or len(self.images) != len(self.values) or not self.values.size:  # noqa: PLR2004
            raise ValueError(f"{len(self.images)} images with values of shape {self.values.shape}")
        if any(first >= second for first, second in pairwise(self.images)):
            raise ValueError("images must be sorted and distinct: average the samples of an image first")


# --------------------------------------------------------------------------------------------- trees


@dataclass(frozen=True, eq=False)
class Leaf:
    """A vector of atoms: ``theta(mean curves)`` compared with one threshold, point by point.

    Attributes:
        label: the quantity in words.
        measures: the keys of the mean curves that theta takes, in order.
        theta: takes one array [..., points] per measure, returns [..., atoms].
        threshold: what every atom is compared with.
        asserts: ``">"`` or ``"<"``.
        points: a name for each atom; their number is the number of atoms.
        unit: divides theta, once, as a function of the unperturbed mean curves. A claim about a ratio
            a / b > t is tested as a - t b > 0 (Fieller): near b = 0 the perturbed ratio would explode.
            With b as the unit, it is still reported as a / b - t. Where the unit is not positive, the
            atom is undefined, and nothing is shown. Products of curves are perturbed to both sides and
            the difference halved: their curvature made false verdicts twice as frequent.

    """

    label: str
    measures: tuple[Hashable, ...]
    theta: Theta
    threshold: float
    asserts: Literal[">", "<"]
    points: tuple[str, ...] = ("",)
    unit: Theta | None = None

    @property
    def sign(self) -> int:
        """+1 if the atoms say "above", -1 if they say "below"."""
        return 1 if self.asserts == ">" else -1


@dataclass(frozen=True, eq=False)
class Somewhere:
    """OR over rows, AND within a row: at some row, all its atoms hold.

    Attributes:
        leaves: the leaves whose atoms, one leaf after the other, the rows number.
        rows: shape [rows, columns]: the atoms that must hold together.

    """

    leaves: tuple[Leaf, ...]
    rows: Ints


@dataclass(frozen=True, eq=False)
class Everywhere:
    """AND over rows, OR within a row: in every row, one of its atoms holds. Fields as `Somewhere`."""

    leaves: tuple[Leaf, ...]
    rows: Ints


@dataclass(frozen=True, eq=False)
class AllOf:
    """Every child holds."""

    children: tuple[Tree, ...]


@dataclass(frozen=True, eq=False)
class AnyOf:
    """At least one child holds."""

    children: tuple[Tree, ...]


@dataclass(frozen=True, eq=False)
class AtLeast:
    """At least ``count`` of the children hold."""

    count: int
    children: tuple[Tree, ...]

    def __post_init__(self) -> None:
        """Refuse counts that are always or never reached.

        Raises:
            ValueError: unless 1 <= count <= number of children.

        """
        if not 1 <= self.count <= len(self.children):
            raise ValueError(f"at least {self.count} of {len(self.children)} can never be tested")


@dataclass(frozen=True, eq=False)
class Pair:
    """A statement whose counter-statement is narrower than its plain negation.

    Some statements are meaningless where a stage is missing or too coarsely measured. Then refuting
    takes more than not supporting: both sides are spelt out. They must exclude each other.
    """

    holds: Tree
    fails: Tree


Tree: TypeAlias = Somewhere | Everywhere | AllOf | AnyOf | AtLeast | Pair


def some(*leaves: Leaf) -> Somewhere:
    """At some point all the leaves hold (at the same point); their points must correspond."""
    return Somewhere(leaves, _aligned(leaves))


def every(*leaves: Leaf) -> Everywhere:
    """At every point one of the leaves holds; with one leaf: it holds at every point."""
    return Everywhere(leaves, _aligned(leaves))


def given(gates: Sequence[Tree], claim: Tree, *, required: bool = True) -> Pair:
    """Return ``claim``, which means something only where every gate holds.

    Supporting takes the gates and the claim. Refuting takes the gates and the claim's negation; or, if
    the claim says that the gated stages exist (``required``), the negation of a gate. Otherwise a gate
    that is not shown leaves the claim INCONCLUSIVE.
    """
    refuted = AllOf((*gates, negation(claim)))
    missing = tuple(negation(gate) for gate in gates)
    return Pair(holds=AllOf((*gates, claim)), fails=AnyOf((*missing, refuted)) if required else refuted)


def resolvable(claim: Tree, only_if: Tree) -> Pair:
    """Return ``claim``, refuted only where ``only_if`` is shown too (an instrument fine enough)."""
    return Pair(holds=claim, fails=AllOf((only_if, negation(claim))))


def negation(tree: Tree) -> Tree:
    """Return the tree that holds exactly where ``tree`` does not (for a `Pair`: its other side)."""
    match tree:
        case Somewhere(leaves, rows):
            return Everywhere(tuple(map(_opposite, leaves)), rows)
        case Everywhere(leaves, rows):
            return Somewhere(tuple(map(_opposite, leaves)), rows)
        case AllOf(children):
            return AnyOf(tuple(map(negation, children)))
        case AnyOf(children):
            return AllOf(tuple(map(negation, children)))
        case AtLeast(count, children):
            return AtLeast(len(children) - count + 1, tuple(map(negation, children)))
        case Pair(holds, fails):
            return Pair(fails, holds)


def nodes(tree: Tree) -> Iterator[Somewhere | Everywhere]:
    """Yield the nodes that hold leaves, from left to right; of a `Pair`, the holding side first."""
    match tree:
        case Somewhere() | Everywhere():
            yield tree
        case AllOf(children) | AnyOf(children) | AtLeast(_, children):
            for child in children:
                yield from nodes(child)
        case Pair(holds, fails):
            yield from nodes(holds)
            yield from nodes(fails)


def measures(tree: Tree) -> tuple[Hashable, ...]:
    """Return the measures a tree needs, each once, in order of appearance."""
    return tuple(dict.fromkeys(key for node in nodes(tree) for leaf in node.leaves for key in leaf.measures))


def _opposite(leaf: Leaf) -> Leaf:
    return replace(leaf, asserts="<" if leaf.asserts == ">" else ">")


def _aligned(leaves: Sequence[Leaf]) -> Ints:
    sizes = {len(leaf.points) for leaf in leaves}
    if len(sizes) != 1:
        raise ValueError(f"leaves with {sorted(sizes)} points do not correspond")
    (size,) = sizes
    return np.arange(size * len(leaves), dtype=np.intp).reshape(len(leaves), size).T


# --------------------------------------------------------------------------------------------- noise


@dataclass(frozen=True, eq=False)
class Atoms:
    """What the draws say of one leaf's atoms.

    Attributes:
        estimate: theta of the mean curves, shape [atoms].
        error: standard errors, shape [atoms]; 0 where nothing varies.
        noise: (theta of the perturbed curves - estimate) / error, shape [draws, atoms].
        bias: mean of the noise before it was corrected for skewness, shape [atoms]: 0 for linear theta.

    """

    estimate: Floats
    error: Floats
    noise: Singles
    bias: Floats


class Panel:
    """Mean curves of several measures and their common perturbations.

    Args:
        data: the curves of every measure that will be asked for.
        keys: the measures, in an order that does not depend on the data.
        seed: fixes the multipliers.
        draws: how many replicates.

    Raises:
        MissingMeasureError: if the data lack a measure.
        ValueError: if a measure holds a value that is not finite.

    """

    def __init__(self, data: Data, keys: Sequence[Hashable], seed: int, draws: int = DRAWS) -> None:
        for key in keys:
            if key not in data:
                raise MissingMeasureError(f"{key} was not measured")
            if not np.isfinite(data[key].values).all():
                raise ValueError(f"{key} holds values that are not finite")
        self.curves = {key: data[key] for key in keys}
        self.images = min(len(curves.images) for curves in self.curves.values())
        self.samples = sum(curves.samples for curves in self.curves.values())
        self.draws = draws
        everyone = sorted({image for curves in self.curves.values() for image in curves.images})
        self._column = {image: column for column, image in enumerate(everyone)}
        self._random = np.random.default_rng(seed)
        self._weights = self._multipliers(len(everyone))
        self._replicates = {key: self._perturbed(curves) for key, curves in self.curves.items()}
        self._atoms: dict[tuple[Theta, Theta | None, tuple[Hashable, ...]], Atoms] = {}

    def mean(self, key: Hashable) -> Floats:
        """Return the mean curve of a measure over its images, shape [points]."""
        mean: Floats = self.curves[key].values.mean(axis=0)
        return mean

    def replicates(self, key: Hashable) -> Floats:
        """Return the perturbed mean curves of a measure, shape [draws, points]."""
        return self._replicates[key]

    def _multipliers(self, columns: int) -> Singles:
        """Draw 1 - Exp(1): mean 0, variance 1, third moment -2 (see `_evaluate`)."""
        weights = self._random.standard_exponential((self.draws, columns), dtype=np.float32)
        return np.subtract(1, weights, out=weights)

    def _stretches(self, points: int) -> Bools:
        """Draw a random stretch of points in every draw, shape [draws, points]."""
        start, end = self._random.integers(0, points + 1, (2, self.draws, 1))
        place = np.arange(points)
        stretch: Bools = (place >= start) != (place >= end)
        return stretch

    def _perturbed(self, curves: Curves) -> Floats:
        mean = curves.values.mean(axis=0)
        units = len(curves.images) + 2
        weights = self._weights
        if len(curves.images) < len(self._column):
            weights = weights[:, [self._column[image] for image in curves.images]]
        noise = weights @ (curves.values - mean).astype(np.float32)
        noise += self._pseudo_noise(curves, mean)
        # Dividing by sqrt(n (n - 1)) instead of n makes the variance that of the mean, unbiased.
        noise /= np.float32(np.sqrt(units * (units - 1)))
        perturbed: Floats = mean + noise
        return perturbed

    def _pseudo_noise(self, curves: Curves, mean: Floats) -> Singles:
        """Noise of the two pseudo-images, shape [draws, points].

        One lies at the lower bound, the other at the upper; in each draw they change places over a
        random stretch of points, so that they also stand for images that would respond only there.
        """
        swapped = self._stretches(len(mean))
        low, high = ((end - mean).astype(np.float32) for end in curves.extremes)
        first, second = self._multipliers(2).T[..., None]
        noise: Singles = first * low + second * high + swapped * ((first - second) * (high - low))
        return noise

    def atoms(self, leaf: Leaf) -> Atoms:
        """Return estimate, standard error and draws of a leaf's atoms.

        Raises:
            ValueError: if theta does not return one value per point of the leaf.

        """
        what = (leaf.theta, leaf.unit, leaf.measures)
        if what not in self._atoms:
            self._atoms[what] = self._evaluate(leaf)
        return self._atoms[what]

    def _evaluate(self, leaf: Leaf) -> Atoms:
        """Compute a leaf's atoms.

        The mean of skewed data and its standard error are correlated, so the distance between estimate
        and truth, in standard errors, is skewed against the data: to first order its third moment is -2
        times that of the mean, and its centre is off by a quarter of that (Edgeworth expansion of
        Student's t). The multipliers have the first built in; the shift below adds the second.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            means = [self.mean(key) for key in leaf.measures]
            estimate = np.asarray(leaf.theta(*means), dtype=np.float64)
            if estimate.shape != (len(leaf.points),):
                raise ValueError(f"{leaf.label}: {estimate.shape} atoms for {len(leaf.points)} points")
            curves = [self.replicates(key) for key in leaf.measures]
            noise = np.empty((self.draws, len(estimate)), dtype=np.float32)
            for start in range(0, self.draws, _CHUNK):
                chunk = [curve[start : start + _CHUNK] for curve in curves]
                moved = leaf.theta(*chunk) - estimate
                if leaf.unit is not None:
                    mirrored = (2 * mean - curve for mean, curve in zip(means, chunk, strict=True))
                    moved = (moved - (leaf.theta(*mirrored) - estimate)) / 2
                noise[start : start + _CHUNK] = moved
            if leaf.unit is not None:
                unit = np.asarray(leaf.unit(*means), dtype=np.float64)
                unit = np.where(unit > 0, unit, np.nan)
                estimate = estimate / unit
                noise /= unit.astype(np.float32)
        bias, error, skewness = _moments(noise)
        scale = np.where(error > 0, error, np.inf)
        noise /= scale.astype(np.float32)
        noise += (np.clip(skewness, -_STEEPEST, _STEEPEST) / 4).astype(np.float32)
        bias /= scale
        bias[np.abs(bias) < 3 / np.sqrt(self.draws)] = 0.0  # no more than the luck of the draws
        return Atoms(estimate, error, noise, bias)


def _moments(noise: Singles) -> tuple[Floats, Floats, Floats]:
    """Return mean, standard deviation and skewness of each column.

    What is not finite becomes NaN and is left out. A column without variation has deviation and skewness
    0.
    """
    power = np.zeros((4, noise.shape[1]))
    for start in range(0, len(noise), _CHUNK):
        rows = noise[start : start + _CHUNK]
        finite = np.isfinite(rows)
        x = rows.astype(np.float64)
        if not finite.all():
            rows[~finite], x[~finite] = np.nan, 0.0
        one = np.ones(len(x))  # sums as products with ones: BLAS is faster than a reduction
        power += [finite.sum(axis=0), one @ x, one @ (x * x), one @ (x * x * x)]
    count = np.maximum(power[0], 1)
    mean, square, cube = power[1:] / count
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    deviation[~(deviation > _ROUNDING)] = 0.0
    third = cube - 3 * mean * square + 2 * mean**3
    return mean, deviation, third / np.where(deviation > 0, deviation, np.inf) ** 3


# --------------------------------------------------------------------------------------------- proofs


class Prover:
    """Proves trees on one panel, and says what it saw at their leaves.

    In here a leaf's numbers are oriented: large ones speak for what the leaf asserts.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        # By identity, with the node kept beside: an id is only unique among things that still exist.
        self._largest: dict[int, tuple[Somewhere, Singles]] = {}
        self._wide: dict[int, tuple[Everywhere, Singles]] = {}
        self._members: dict[int, tuple[AnyOf, tuple[Tree, ...]]] = {}

    def prove(self, tree: Tree, stretch: float = 1.0) -> float:
        """Return the p-value of the proof that ``tree`` holds.

        ``stretch`` multiplies all distances in standard errors: with the square root of f, the answer
        is the one to expect from f times as many images if the estimates stay.
        """
        match tree:
            case Somewhere():
                return self._tail(self._largest_noise(tree), self._rows(tree).max() * stretch)
            case Everywhere():
                return float(self._row_values(tree, stretch).max())
            case AllOf(children):
                return max(self.prove(child, stretch) for child in children)
            case AnyOf():
                return self._any(tree, stretch)
            case AtLeast(count, children):
                ordered = sorted(self.prove(child, stretch) for child in children)
                return min(1.0, (len(children) - count + 1) * ordered[count - 1])
            case Pair(holds, _):
                return self.prove(holds, stretch)

    def describe(self, node: Somewhere | Everywhere, level: float) -> list[Part]:
        """Describe each leaf of a node at the atom that decides the node.

        The limit on the side that supports is simultaneous where the node is an OR; the limit on the
        side that refutes is simultaneous where it is an AND.
        """
        against = negation(node)
        assert isinstance(against, Somewhere | Everywhere)  # noqa: S101  (tells the type checker)
        rows = self._rows(node)
        row = node.rows[int(rows.argmax() if isinstance(node, Somewhere) else rows.argmin())]
        support, refute = self.prove(node), self.prove(against)
        parts, start = [], 0
        for leaf, opposite in zip(node.leaves, against.leaves, strict=True):
            inside = row[(row >= start) & (row < start + len(leaf.points))] - start
            start += len(leaf.points)
            atom = int(max(inside, key=self._distance(leaf).__getitem__, default=0))
            for_it = self._critical(node, leaf, atom, level)
            against_it = self._critical(against, opposite, atom, level)
            parts.append(self._part(leaf, atom, (for_it, against_it), (support, refute)))
        return parts

    def _part(
        self, leaf: Leaf, atom: int, critical: tuple[float, float], values: tuple[float, float]
    ) -> Part:
        atoms = self.panel.atoms(leaf)
        estimate, error = float(atoms.estimate[atom]), float(atoms.error[atom])
        below, above = critical if leaf.sign > 0 else critical[::-1]
        return Part(
            label=leaf.label,
            estimate=estimate,
            lower=estimate - error * below if error else estimate,
            upper=estimate + error * above if error else estimate,
            threshold=float(leaf.threshold),
            asserts=leaf.asserts,
            p_support=values[0],
            p_refute=values[1],
            where=leaf.points[atom] or None,
        )

    def _any(self, tree: AnyOf, stretch: float) -> float:
        """OR: one max-T if the children allow, else Bonferroni."""
        if id(tree) not in self._members:
            members = tuple(_flattened(tree.children))
            simple = [member for member in members if isinstance(member, Somewhere)]
            self._members[id(tree)] = (tree, (_merged(simple),) if len(simple) == len(members) else members)
        members = self._members[id(tree)][1]
        return min(1.0, len(members) * min(self.prove(member, stretch) for member in members))

    def _rows(self, node: Somewhere | Everywhere) -> Floats:
        """Oriented distance of every row: its weakest atom where all must hold, else its strongest."""
        distance = np.concatenate([self._distance(leaf) for leaf in node.leaves])[node.rows]
        rows: Floats = distance.min(axis=1) if isinstance(node, Somewhere) else distance.max(axis=1)
        return rows

    def _row_values(self, node: Everywhere, stretch: float) -> Floats:
        """p-value of every row, an OR over its columns."""
        columns = node.rows.shape[1]
        if columns <= _FEW_COLUMNS:
            single = np.concatenate([self._tails(leaf, stretch) for leaf in node.leaves])
            corrected: Floats = np.minimum(1.0, columns * single[node.rows].min(axis=1))
            return corrected
        if id(node) not in self._wide:
            noise = np.concatenate([self._noise(leaf) for leaf in node.leaves], axis=1)
            self._wide[id(node)] = (node, np.array([noise[:, row].max(axis=1) for row in node.rows]))
        largest, best = self._wide[id(node)][1], self._rows(node) * stretch
        return np.array([self._tail(noise, value) for noise, value in zip(largest, best, strict=True)])

    def _distance(self, leaf: Leaf) -> Floats:
        """Distance from the threshold in standard errors; infinite where nothing varies."""
        atoms = self.panel.atoms(leaf)
        gap = leaf.sign * (atoms.estimate - leaf.threshold)
        gap[np.abs(gap) <= _ROUNDING] = 0.0
        gap[np.isnan(gap)] = -np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(gap == 0, 0.0, gap / atoms.error)

    def _noise(self, leaf: Leaf) -> Singles:
        """Oriented noise; a bias that a curved theta seems to have counts against every proof.

        Where it would help, this takes it away. Where it hinders, it counts twice: correlations, which
        noise pulls towards zero, were otherwise falsely called low in 6 % of runs.
        """
        atoms = self.panel.atoms(leaf)
        noise = atoms.noise if leaf.sign > 0 else -atoms.noise
        return noise + np.abs(atoms.bias).astype(np.float32) if atoms.bias.any() else noise

    def _largest_noise(self, node: Somewhere) -> Singles:
        """In each draw, the largest noise over all atoms that occur in the node."""
        if id(node) not in self._largest:
            used = np.unique(node.rows)
            largest = np.full(self.panel.draws, -np.inf, dtype=np.float32)
            start = 0
            for leaf in node.leaves:
                columns = used[(used >= start) & (used < start + len(leaf.points))] - start
                start += len(leaf.points)
                if len(columns):
                    noise = self._noise(leaf)
                    used_noise = noise if len(columns) == noise.shape[1] else noise[:, columns]
                    np.maximum(largest, used_noise.max(axis=1), out=largest)
            self._largest[id(node)] = (node, largest)
        return self._largest[id(node)][1]

    def _tail(self, noise: Singles, value: float) -> float:
        """Share of draws that reach ``value``; a draw in which theta is not defined counts as one."""
        return (1 + self.panel.draws - int(np.count_nonzero(noise < value))) / (1 + self.panel.draws)

    def _tails(self, leaf: Leaf, stretch: float) -> Floats:
        """p-value of each atom of a leaf, on its own."""
        below = np.count_nonzero(self._noise(leaf) < self._distance(leaf) * stretch, axis=0)
        tails: Floats = (1 + self.panel.draws - below) / (1 + self.panel.draws)
        return tails

    def _critical(self, node: Somewhere | Everywhere, leaf: Leaf, atom: int, level: float) -> float:
        """How many standard errors away a threshold must be for p <= level."""
        noise = self._largest_noise(node) if isinstance(node, Somewhere) else self._noise(leaf)[:, atom]
        rank = int(level * (1 + self.panel.draws))
        if rank < 1 or np.isnan(noise).any():
            return float("inf")
        return float(np.partition(noise, -rank)[-rank])


def _flattened(children: Sequence[Tree]) -> Iterator[Tree]:
    """Yield the members of an OR of ORs; a single atom is as good an OR as it is an AND."""
    for child in children:
        match child:
            case AnyOf(grandchildren):
                yield from _flattened(grandchildren)
            case Everywhere(leaves, rows) if len(rows) == 1:
                yield Somewhere(leaves, rows.T)
            case Pair(holds, _):
                yield from _flattened((holds,))
            case _:
                yield child


def _merged(parts: Sequence[Somewhere]) -> Somewhere:
    """Join ORs into one, so that they share a max-T; short rows repeat their last atom."""
    if len(parts) == 1:
        return parts[0]
    width = max(part.rows.shape[1] for part in parts)
    starts = np.cumsum([0, *(sum(len(leaf.points) for leaf in part.leaves) for part in parts)])
    rows = [
        np.pad(part.rows, ((0, 0), (0, width - part.rows.shape[1])), mode="edge") + start
        for part, start in zip(parts, starts, strict=False)
    ]
    return Somewhere(tuple(leaf for part in parts for leaf in part.leaves), np.concatenate(rows))


# --------------------------------------------------------------------------------------------- verdicts


def judge(
    claim_id: str,
    tree: Tree,
    looks: Sequence[Data],
    *,
    alpha: float = 0.05,
    planned: int = 3,
    draws: int = DRAWS,
    plan: bool = True,
) -> Judgement:
    """Judge a claim on the evidence of the looks so far; the first decision stands.

    A look with fewer than `FEWEST_IMAGES` images decides nothing and hands its share of alpha to the
    next (allowed, since the number of images says nothing about the effects).

    Args:
        claim_id: names the claim; the random multipliers depend on it alone.
        tree: the statement.
        looks: the data at each look so far, each look's images containing those of the one before.
        alpha: largest error of SUPPORTED, and of REFUTED, over all looks together.
        planned: how many looks are planned, 1 or 3.
        draws: perturbed replicates.
        plan: whether to estimate how many images would decide an undecided claim.

    Raises:
        MissingMeasureError: if a measure of the tree is not in the data.
        ValueError: if a value is not finite, or there are no looks or more than planned.

    """
    if not 1 <= len(looks) <= planned:
        raise ValueError(f"{len(looks)} looks of {planned} planned")
    keys, seed = measures(tree), _seed(claim_id)
    panels = (Panel(data, keys, seed, draws) for data in looks)
    last = alpha * _shares(planned)[-1] if plan else None
    return _judgement(tree, decide(tree, panels, alpha=alpha, planned=planned), last)


@dataclass(frozen=True, eq=False)
class Decision:
    """What the looks came to: the last one taken, and the p-values of the claim and its negation."""

    panel: Panel
    look: int
    level: float
    support: float = 1.0
    refute: float = 1.0

    @property
    def verdict(self) -> Verdict:
        """SUPPORTED or REFUTED if proven at the look's level."""
        if self.support <= self.level:
            return Verdict.SUPPORTED
        return Verdict.REFUTED if self.refute <= self.level else Verdict.INCONCLUSIVE


def decide(tree: Tree, panels: Iterable[Panel], *, alpha: float = 0.05, planned: int = 3) -> Decision:
    """Take one look after the other until one decides; ``panels`` may be lazy.

    Raises:
        ValueError: if there is no look.

    """
    shares = _shares(planned)
    level, decision, against = 0.0, None, negation(tree)
    for look, panel in enumerate(panels):
        level += alpha * shares[look]
        if panel.images < FEWEST_IMAGES:
            decision = Decision(panel, look, level)
            continue
        prover = Prover(panel)
        decision = Decision(panel, look, level, prover.prove(tree), prover.prove(against))
        if decision.verdict is not Verdict.INCONCLUSIVE:
            break
        level = 0.0
    if decision is None:
        raise ValueError("no look was taken")
    return decision


def _shares(planned: int) -> tuple[float, ...]:
    if planned not in {1, len(SHARES)}:
        raise ValueError(f"1 or {len(SHARES)} looks can be planned, not {planned}")
    return SHARES if planned == len(SHARES) else (1.0,)


def _judgement(tree: Tree, decision: Decision, last_level: float | None) -> Judgement:
    """Describe a decision for people; ``last_level`` is what images are planned for, if they are."""
    panel, prover, enough = decision.panel, Prover(decision.panel), decision.panel.images >= FEWEST_IMAGES
    needed, reason = None, ""
    if not enough:
        needed, reason = FEWEST_IMAGES, f"{panel.images} images; fewer than {FEWEST_IMAGES} decide nothing"
    elif decision.verdict is Verdict.INCONCLUSIVE:
        needed = None if last_level is None else needed_images(tree, prover, last_level)
        reason = (
            f"neither the claim (p = {decision.support:.2g}) nor its negation (p = {decision.refute:.2g}) "
            f"is shown at {decision.level:.3g}"
        )
        reason += f"; about {needed} images would decide" if needed else ""
    return Judgement(
        verdict=decision.verdict,
        p_support=decision.support,
        p_refute=decision.refute,
        alpha=decision.level,
        look=decision.look,
        n_images=panel.images,
        n_samples=panel.samples,
        parts=_parts(tree, prover, decision.level, decision.verdict) if enough else (),
        reason=reason,
        needed_images=needed,
        notes=_constant(tree, panel) if enough else (),
    )


def _parts(tree: Tree, prover: Prover, level: float, verdict: Verdict) -> tuple[Part, ...]:
    """Describe every leaf once, the deciding one first: the weakest link, or the broken one."""
    parts: dict[tuple[str, float], Part] = {}
    for node in nodes(tree):
        if not all((leaf.label, leaf.threshold) in parts for leaf in node.leaves):
            for part in prover.describe(node, level):
                parts.setdefault((part.label, part.threshold), part)
    order = {Verdict.REFUTED: lambda part: part.p_refute}.get(verdict, lambda part: -part.p_support)
    return tuple(sorted(parts.values(), key=order))


def _constant(tree: Tree, panel: Panel) -> tuple[str, ...]:
    """Name the quantities that do not vary over images at all: their p-values rest on that alone."""
    leaves = {leaf.label: leaf for node in nodes(tree) for leaf in node.leaves}
    flat = [label for label, leaf in leaves.items() if not panel.atoms(leaf).error.all()]
    return tuple(f"no variation over images: {label}" for label in flat)


def needed_images(tree: Tree, prover: Prover, level: float, most: int = 100) -> int | None:
    """Estimate how many images would decide, if all estimates stay and errors shrink as 1/sqrt(n).

    Returns:
        The number, or ``None`` if ``most`` times the present images would not do: the estimates are too
        near their thresholds.

    """
    against = negation(tree)

    def decided(factor: float) -> bool:
        root = float(np.sqrt(factor))
        return min(prover.prove(tree, root), prover.prove(against, root)) <= level

    if not decided(most):
        return None
    low, high = 0.0, float(most)
    while high / max(low, 1.0) > 1.02:  # noqa: PLR2004  two per cent is near enough
        middle = (max(low, 1.0) * high) ** 0.5
        low, high = (low, middle) if decided(middle) else (middle, high)
    return int(np.ceil(high * prover.panel.images))


def _seed(claim_id: str) -> int:
    return int.from_bytes(hashlib.sha256(claim_id.encode()).digest()[:8], "big")


# --------------------------------------------------------------------------------------------- reports


@dataclass(frozen=True, eq=False)
class CurveBand:
    """A mean curve with simultaneous limits, all of shape [points]."""

    mean: Floats
    lower: Floats
    upper: Floats


def curve_band(curves: Curves, name: str, *, level: float = 0.95, draws: int = DRAWS) -> CurveBand:
    """Return a curve's mean and limits that hold at all its points together, with chance ``level``.

    ``name`` fixes the random multipliers.
    """
    count = curves.values.shape[1]
    leaf = Leaf(name, (name,), lambda curve: curve, 0.0, ">", ("",) * count)
    atoms = Panel({name: curves}, (name,), _seed(name), draws).atoms(leaf)
    tail = (1 + level) / 2
    down = np.quantile(atoms.noise.max(axis=1), tail)
    up = np.quantile((-atoms.noise).max(axis=1), tail)
    return CurveBand(atoms.estimate, atoms.estimate - down * atoms.error, atoms.estimate + up * atoms.error)


def false_discovery(judgements: Mapping[str, Judgement], alpha: float = 0.05) -> dict[str, float]:
    """Adjust the claims' p-values for their number (Benjamini and Yekutieli: any dependence).

    A claim's p-value is that of the direction it went, divided by its look's share of alpha.
    """
    if not judgements:
        return {}
    raw = [min(1.0, min(j.p_support, j.p_refute) * alpha / j.alpha) for j in judgements.values()]
    adjusted = stats.false_discovery_control(raw, method="by")
    return {claim: float(value) for claim, value in zip(judgements, adjusted, strict=True)}
