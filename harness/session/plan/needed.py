"""How many images a claim needs for an effect of a stated size: an estimate before anything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from harness.interventions.measurements import only_of
from harness.statistics.inference import FEWEST_IMAGES
from harness.statistics.looks import LookPlan
from harness.verdicts.hypothesis import Hypothesis
from harness.verdicts.regression.baseline import Baseline

POWER = 0.8
"""The chance with which an effect of that size is shown."""
SPREAD = 40.0
"""Standard deviation of an image's effect in points of p_c that is assumed where no baseline is on file."""

USUAL = 0.9
"""The share of a baseline's curves whose spread is at most the one that is taken."""


@dataclass(frozen=True)
class Spread:
    """How much effects vary from image to image, in points of p_c, and where the number comes from."""

    points: float
    source: str


def spread_of(baseline: Baseline | None) -> Spread:
    """The spread of a checkpoint's effects: of its accepted curves, each at its deepest window, a large one.

    Args:
        baseline: its baseline, or None.
    """
    if baseline is None or not baseline.curves:
        return Spread(SPREAD, "assumed, no baseline is on file")
    deepest = [
        float(curves.values[:, int(curves.values.mean(axis=0).argmin())].std())
        for curves in baseline.curves.values()
    ]
    return Spread(float(np.quantile(deepest, USUAL)), f"of the curves accepted on {baseline.about.date}")


def points_of(stated: Hypothesis, layers: int) -> int:
    """How many points of a curve a claim reads at once: as many chances to be deceived."""
    only = [only_of(quantity.measurement) for quantity in stated.quantities]
    return max((layers if one is None else len(one.places) for one in only), default=1)


def images_needed(points: int, effect: float, spread: float, plan: LookPlan) -> int:
    """Images on which an effect beyond a claim's threshold by ``effect`` points is shown at the last look.

    By the normal distribution, with a union bound over the points: somewhat more than the suite's own tests,
    which know how the points go together, and less than a claim of several parts needs.

    Args:
        points: points of the curve that are tested at once.
        effect: points of p_c by which the truth lies beyond the threshold.
        spread: standard deviation of an image's effect.
        plan: the looks.
    """
    level = plan.alpha * plan.spending[-1] / points
    reach = float(norm.isf(level) + norm.isf(1 - POWER))
    return max(FEWEST_IMAGES, math.ceil((reach * spread / effect) ** 2))
