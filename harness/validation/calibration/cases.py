"""A case: a form as a tree, a truth it is judged on, and which verdicts to count.

The decoder has 8 layers and windows of one layer: bands of 3 (lower), 5 (middle), 1 (low) and 3 (mid)
windows. Other checkpoints have 4 or 6 layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from harness.data.depth import Grid, LensGrid
from harness.statistics.curves import Floats
from harness.statistics.trees import Tree
from harness.statistics.verdict import Verdict
from harness.validation.calibration.populations import SHAPES

GRID = Grid(8, 1)
FINE = Grid(8, 2)
OTHER = Grid(4, 1)
LENS = LensGrid(8)
LENS_SHAPES = ("piled", "skewed")
"""What a probability's population can look like."""

Means: TypeAlias = Mapping[str, Floats]
Truths: TypeAlias = Sequence[tuple[str, Means]]


@dataclass(frozen=True, eq=False)
class Case:
    """A tree, the truth it is judged on, and the verdict to count.

    Attributes:
        form: the form's name; ``"in all: drops somewhere, below the control"`` joins two of them with a
            colon, and says after the comma how it is used.
        claims: ids of some claims that use it, for the reader.
        counts: the verdicts that are counted: on the edge, both may be wrong.
        truth: the truth in words.
        tree: the claim.
        means: true mean curves.
        probabilities: which quantities are probabilities.
        shapes: which populations make sense for it.

    """

    form: str
    claims: tuple[str, ...]
    counts: tuple[Verdict, ...]
    truth: str
    tree: Tree
    means: Means
    probabilities: frozenset[str]
    shapes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Form and truth in one line."""
        return f"{self.form}, where {self.truth}"

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions of `harness.statistics.forms` that are put to the test."""
        return tuple(part.split(",")[0].strip().replace(" ", "_") for part in self.form.split(":"))


def cases(
    form: str,
    claims: str,
    tree: Tree,
    *,
    supported: Truths = (),
    refuted: Truths = (),
    shapes: tuple[str, ...] = SHAPES,
    lens: Sequence[str] = (),
) -> list[Case]:
    """Return one case for each truth.

    Args:
        form: see `Case`.
        claims: ids, with spaces between.
        tree: the claim.
        supported: truths, in words and as mean curves, on which SUPPORTED is counted.
        refuted: truths on which REFUTED is counted; one that is named in both is one case.
        shapes: of the populations.
        lens: the quantities that are probabilities.

    """
    counts: dict[str, list[Verdict]] = {}
    means = dict((*supported, *refuted))
    for verdict, truths in ((Verdict.SUPPORTED, supported), (Verdict.REFUTED, refuted)):
        for truth, _ in truths:
            counts.setdefault(truth, []).append(verdict)
    return [
        Case(form, tuple(claims.split()), tuple(verdicts), truth, tree, means[truth], frozenset(lens), shapes)
        for truth, verdicts in counts.items()
    ]


def at(value: float, *points: int, rest: float = 0.0, size: int = 8) -> Floats:
    """Return a curve with ``value`` at some points and ``rest`` elsewhere."""
    curve = np.full(size, rest)
    curve[list(points)] = value
    return curve


def flat(value: float, size: int = 8) -> Floats:
    """Return a curve with the same value everywhere."""
    return np.full(size, value)


def curve(*values: float) -> Floats:
    """Return the curve with these values."""
    return np.array(values, dtype=np.float64)
