"""One curve against another, on relative depth, with the noise of both.

Every image has the same random multiplier on both sides, so images that both sides have are compared
in pairs, and others as independent samples. A curve is *equivalent* if the two differ by less than 10
points of p_c in every window (shown, not assumed); it has *moved* if some window is shown to differ by
more; else it is undecided. A moved curve is then named: new, gone, shifted, weakened or strengthened.

For each curve, not for all curves of a run together, each of three errors has a probability of at most
alpha: that curves which differ by 10 points or more somewhere are called equivalent; that curves which
differ by no more anywhere are called moved, by whatever name; that a curve which has moved gets a name
that is not true of it. The six names share the last alpha equally. How often each happens is counted by
``python -m harness.validation false-alarms``. Thresholds are our own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from harness.data.depth import Grid
from harness.interventions.measurements import Quantity
from harness.statistics.curves import Curves
from harness.statistics.forms import alike_everywhere, drops_somewhere, lies_deeper, stronger_over_depth
from harness.statistics.inference import DRAWS
from harness.statistics.judge import judge
from harness.statistics.looks import ONE_LOOK
from harness.statistics.trees import Tree
from harness.statistics.verdict import Judgement, Part, Verdict

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


NAMES = (
    Change.NEW,
    Change.GONE,
    Change.SHIFTED_UP,
    Change.SHIFTED_DOWN,
    Change.WEAKENED,
    Change.STRENGTHENED,
)
"""What a moved curve can be called; ``CHANGED`` says no more than that it moved."""


@dataclass(frozen=True)
class CurveChange:
    """One curve on both sides.

    Attributes:
        quantity: which curve.
        change: what became of it.
        difference: the largest difference, with its interval, in points of p_c; None if undecided for
            lack of images.
        images: images that both sides have, and those of one side only.
        reason: why it is undecided; else empty.
    """

    quantity: Quantity
    change: Change
    difference: Part | None
    images: tuple[int, int]
    reason: str = ""


@dataclass(frozen=True)
class Sides:
    """A curve on both sides.

    Attributes:
        quantity: which curve.
        old: per-image curves of the baseline.
        old_grid: its windows.
        new: per-image curves of the checkpoint.
        new_grid: its windows.
    """

    quantity: Quantity
    old: Curves
    old_grid: Grid
    new: Curves
    new_grid: Grid

    def judge(self, claim: Tree, alpha: float, draws: int = DRAWS) -> Judgement:
        """Judge a statement about the two curves, in one look."""
        data = {OLD: self.old, NEW: self.new}
        return judge(claim, [data], replace(ONE_LOOK, alpha=alpha, draws=draws, suggest_images=False))


def compare(sides: Sides, alpha: float = 0.05, draws: int = DRAWS) -> CurveChange:
    """What became of a curve.

    Args:
        sides: the two curves.
        alpha: largest error of each of the three kinds, see above.
        draws: perturbed replicates.
    """
    claim = alike_everywhere(NEW, sides.new_grid, OLD, sides.old_grid)
    alike = sides.judge(claim, alpha, draws)
    both = len(set(sides.old.images) & set(sides.new.images))
    alone = len(set(sides.old.images) ^ set(sides.new.images))
    change = {
        Verdict.SUPPORTED: Change.EQUIVALENT,
        Verdict.INCONCLUSIVE: Change.UNDECIDED,
    }.get(alike.verdict) or _named(sides, alpha, draws)
    largest = max(alike.parts, key=lambda part: abs(part.estimate), default=None)
    return CurveChange(sides.quantity, change, largest, (both, alone), alike.reason)


def _named(sides: Sides, alpha: float, draws: int) -> Change:
    """How a curve that has moved has moved; of several names that are shown the first."""
    # Up to six names could be wrong at once, each at a sixth of alpha: a wrong name is as rare as an alarm.
    level = alpha / len(NAMES)
    existed = sides.judge(drops_somewhere(OLD, sides.old_grid), level, draws).verdict
    exists = sides.judge(drops_somewhere(NEW, sides.new_grid), level, draws).verdict
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
    for statement, change in statements:
        if sides.judge(statement, level, draws).verdict is Verdict.SUPPORTED:
            return change
    return Change.CHANGED
