"""Single values: accuracies, and the shares of mediators."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from harness.statistics.curves import Floats
from harness.statistics.forms.thresholds import DROP, RETAINED, RISE
from harness.statistics.trees import Leaf, Pair, every, given


def retains(
    kept: Hashable, whole: Hashable, chance: Hashable, *, share: float = RETAINED, point: int = 0
) -> Pair:
    """Say that at least 0.8 of the accuracy above chance survives (all three measured as rates).

    ``point`` names the value of ``kept`` that is meant, where it is a curve. Means something only where
    there is an accuracy above chance (more than 0.05) to retain.
    """
    what = "accuracy above chance"
    above = Leaf(what, (whole, chance), lambda full, luck: full - luck, RISE, ">", what=what, contrast=True)
    retained = Leaf(
        f"accuracy of {kept} above chance, minus {share:g} times the unblocked one",
        (kept, whole, chance),
        lambda part, full, luck: (part[..., [point]] - luck) - share * (full - luck),
        0.0,
        ">",
        what=f"accuracy above chance less {share:g} of the whole's",
        contrast=True,
    )
    return given([every(above)], every(retained), required=False)


def mediates_most(blocks: Hashable, mediators: Sequence[str], which: str) -> Pair:
    """Say that one mediator has more than half of the total effect, by Shapley value.

    ``blocks`` holds D for every subset of mediators blocked in all layers: point b blocks mediator i if
    bit i of b is set, so point 0 blocks nothing. A mediator's share is its mean contribution over all
    orders of blocking; the shares sum to the effect of blocking all.
    """
    weights = shapley_weights(len(mediators), mediators.index(which))
    everything = np.zeros_like(weights)
    everything[-1] = 1.0
    weights[0] = 0.0  # blocking nothing changes nothing: the difference from it is the value itself
    total = Leaf(
        f"{blocks}: the whole effect",
        (blocks,),
        lambda d: (-(d @ everything))[..., None],
        DROP,
        ">",
        what="whole drop",
        contrast=True,
    )
    share = Leaf(
        f"{blocks}: the part through the {which} minus half of the whole",
        (blocks,),
        lambda d: (-(d @ (weights - everything / 2)))[..., None],
        0.0,
        ">",
        what="one carrier's part less half of the whole",
        contrast=True,
    )
    return given([every(total)], every(share), required=False)


def shapley_weights(mediators: int, which: int) -> Floats:
    """Return the weights w with which the values v of all subsets give one mediator's Shapley value.

    Subsets are numbered by bits; the value is ``v @ w``. Shape [2 ** mediators].
    """
    weights = np.zeros(2**mediators)
    for subset in range(2**mediators):
        if subset >> which & 1:
            others = subset.bit_count() - 1
            share = (
                math.factorial(others) * math.factorial(mediators - 1 - others) / math.factorial(mediators)
            )
            weights[subset] += share
            weights[subset & ~(1 << which)] -= share
    return weights
