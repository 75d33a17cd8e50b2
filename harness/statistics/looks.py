"""The plan of looks: when the evidence is looked at, and how much of alpha each look may spend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.statistics.inference import DRAWS, FEWEST_IMAGES, Panel, Prover
from harness.statistics.trees import Tree, negation
from harness.statistics.verdict import Verdict

LOOKS = (64 / 360, 96 / 360, 0.5, 1.0)
"""Shares of the images at which verdicts may be taken: 64, 96, 180 and all of 360.

The first is about the fewest that can decide anything (`FEWEST_IMAGES`, and some that are answered
wrongly): most claims that are clearly true or false end there.
"""

SPENDING = (0.15, 0.15, 0.2, 0.5)
"""Shares of alpha that these looks may spend: 0.0075, 0.0075, 0.010 and 0.025 of 0.05 (union bound)."""


@dataclass(frozen=True)
class LookPlan:
    """How often the evidence is looked at, and what a verdict may cost.

    Attributes:
        alpha: largest error of SUPPORTED, and of REFUTED, over all looks together.
        images: for each look, the share of the images that it sees.
        spending: for each look, the share of alpha that it may spend.
        draws: perturbed replicates per judgement.
        suggest_images: whether to estimate how many images would decide an undecided claim.
        foresee: whether to tell, of a claim that is left open before the last look, how likely that one is to
            decide it.

    """

    alpha: float = 0.05
    images: tuple[float, ...] = LOOKS
    spending: tuple[float, ...] = SPENDING
    draws: int = DRAWS
    suggest_images: bool = True
    foresee: bool = False

    def __post_init__(self) -> None:
        """Refuse plans whose looks spend more than alpha.

        Raises:
            ValueError: unless each look has a share of alpha, and the shares are at most 1 in sum.

        """
        if len(self.images) != len(self.spending):
            raise ValueError(f"{len(self.images)} looks, but {len(self.spending)} shares of alpha")
        if sum(self.spending) > 1 + 1e-9:
            raise ValueError(f"the looks would spend {sum(self.spending):g} times alpha")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def last_level(self) -> float:
        """What the last look may spend."""
        return self.alpha * self.spending[-1]


PLAN = LookPlan()
"""The plan of a run with default options, and of the calibration."""

ONE_LOOK = LookPlan(images=(1.0,), spending=(1.0,))
"""All the evidence at once, at all of alpha."""


@dataclass(frozen=True)
class EarlierLooks:
    """What is known of a statement's planned looks before it is judged.

    Attributes:
        without_data: how many looks came first and had no data.
        undecided: how many of the looks with data are known to decide nothing; they are not taken again.

    """

    without_data: int = 0
    undecided: int = 0


NOTHING_KNOWN = EarlierLooks()


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


def decide(
    tree: Tree, panels: Iterable[Panel], plan: LookPlan = PLAN, earlier: EarlierLooks = NOTHING_KNOWN
) -> Decision:
    """Take one look after the other until one decides; ``panels`` may be lazy.

    Args:
        tree: the statement.
        panels: one for each look with data.
        plan: the looks.
        earlier: what is known of them.

    Raises:
        ValueError: if there is no look.

    """
    first = earlier.without_data
    level, decision, against = plan.alpha * sum(plan.spending[:first]), None, negation(tree)
    for look, panel in enumerate(panels, start=first):
        level += plan.alpha * plan.spending[look]
        if panel.images < FEWEST_IMAGES:
            decision = Decision(panel, look, level)
            continue
        if look >= first + earlier.undecided:
            prover = Prover(panel)
            decision = Decision(panel, look, level, prover.prove(tree), prover.prove(against))
            if decision.verdict is not Verdict.INCONCLUSIVE:
                break
        level = 0.0  # an undecided look has spent its share; one with too few images hands it on
    if decision is None:
        raise ValueError("no look was taken")
    return decision
