"""One curve against another, on relative depth, with the noise of both.

Every image has the same random multiplier on both sides, so images that both sides have are compared
in pairs, and others as independent samples. A curve is *equivalent* if the two differ by less than 10
points of p_c in every window (shown, not assumed); it has *moved* if some window is shown to differ by
more; else it is undecided. A moved curve is then named: new, gone, shifted, weakened or strengthened.
The error of each statement is at most alpha for each curve. Thresholds are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.depth import Grid
from harness.forms import (
    alike_everywhere,
    drops_somewhere,
    lies_deeper,
    stronger_over_depth,
)
from harness.probes import Measure
from harness.statistics import Curves, Tree, judge
from harness.verdict import Judgement, Part, Verdict

OLD, NEW = "baseline", "checkpoint"


class Change(StrEnum):
    """What became of a curve."""

    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    NEW = "new"
    GONE = "gone"
    SHIFTED_UP = "shifted to higher layers"
    SHIFTED_DOWN = "shifted to lower layers"
    WEAKENED = "weakened"
    STRENGTHENED = "strengthened"
    CHANGED = "changed"

    @property
    def moved(self) -> bool:
        """Whether the two curves are shown to differ."""
        return self not in {Change.EQUIVALENT, Change.UNDECIDED}


@dataclass(frozen=True)
class CurveChange:
    """One curve on both sides.

    Attributes:
        measure: which curve.
        change: what became of it.
        difference: the largest difference, with its interval, in points of p_c; None if undecided for
            lack of images.
        images: images that both sides have, and those of one side only.
        reason: why it is undecided; else empty.
    """

    measure: Measure
    change: Change
    difference: Part | None
    images: tuple[int, int]
    reason: str = ""


@dataclass(frozen=True)
class Sides:
    """A curve on both sides.

    Attributes:
        measure: which curve.
        old: per-image curves of the baseline.
        old_grid: its windows.
        new: per-image curves of the checkpoint.
        new_grid: its windows.
    """

    measure: Measure
    old: Curves
    old_grid: Grid
    new: Curves
    new_grid: Grid

    def judge(self, claim: Tree, alpha: float) -> Judgement:
        """Judge a statement about the two curves, in one look."""
        data = {OLD: self.old, NEW: self.new}
        return judge(f"{self.measure} since the baseline", claim, [data], alpha=alpha, planned=1, plan=False)


def compare(sides: Sides, alpha: float = 0.05) -> CurveChange:
    """What became of a curve.

    Args:
        sides: the two curves.
        alpha: largest error of each statement.
    """
    alike = sides.judge(alike_everywhere(NEW, sides.new_grid, OLD, sides.old_grid), alpha)
    both = len(set(sides.old.images) & set(sides.new.images))
    alone = len(set(sides.old.images) ^ set(sides.new.images))
    change = {
        Verdict.SUPPORTED: Change.EQUIVALENT,
        Verdict.INCONCLUSIVE: Change.UNDECIDED,
    }.get(alike.verdict) or _named(sides, alpha)
    largest = max(alike.parts, key=lambda part: abs(part.estimate), default=None)
    return CurveChange(sides.measure, change, largest, (both, alone), alike.reason)


def _named(sides: Sides, alpha: float) -> Change:
    """How a curve that has moved has moved."""
    existed = sides.judge(drops_somewhere(OLD, sides.old_grid), alpha).verdict
    exists = sides.judge(drops_somewhere(NEW, sides.new_grid), alpha).verdict
    if (existed, exists) == (Verdict.REFUTED, Verdict.SUPPORTED):
        return Change.NEW
    if (existed, exists) == (Verdict.SUPPORTED, Verdict.REFUTED):
        return Change.GONE
    old, new = (OLD, sides.old_grid), (NEW, sides.new_grid)
    statements: list[tuple[Tree, Change]] = [
        (lies_deeper(*new, *old), Change.SHIFTED_UP),
        (lies_deeper(*old, *new), Change.SHIFTED_DOWN),
        (stronger_over_depth(*old, *new), Change.WEAKENED),
        (stronger_over_depth(*new, *old), Change.STRENGTHENED),
    ]
    # Each of the four at a quarter of alpha: a wrong name is as rare as a wrong alarm.
    for statement, change in statements:
        if sides.judge(statement, alpha / len(statements)).verdict is Verdict.SUPPORTED:
            return change
    return Change.CHANGED
