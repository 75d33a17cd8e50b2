"""P-values with the number of claims in mind: the false discovery rate over the claims of a checkpoint.

Each claim has its own 5 %. Whoever reads twenty of them at once should expect a false one among them;
the adjusted values say which verdicts survive that. The adjusting itself is the harness's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics.summaries import false_discovery
from harness.statistics.verdict import UNJUDGED, Judgement
from harness.verdicts.record import ClaimRecord


@dataclass(frozen=True)
class Adjusted:
    """A verdict's p-value before and after adjusting.

    Attributes:
        claim: the claim.
        raw: the smaller of its p-values, as it was judged.
        value: the same, adjusted over all claims of its checkpoint; NaN where the claim has none.
    """

    claim: ClaimRecord
    raw: float
    value: float


def adjusted(claims: Sequence[ClaimRecord], alpha: float) -> tuple[Adjusted, ...]:
    """Adjust the p-values of the claims of one checkpoint; what is not a number stays so."""
    known = {str(place): c.judgement for place, c in enumerate(claims) if _usable(c.judgement)}
    values = false_discovery(known, alpha)
    return tuple(
        Adjusted(claim, _smaller(claim.judgement), values.get(str(place), math.nan))
        for place, claim in enumerate(claims)
    )


def _usable(judgement: Judgement) -> bool:
    ps = (judgement.p_support, judgement.p_refute)
    if judgement.verdict in UNJUDGED:
        return False
    return all(0 <= p <= 1 for p in ps) and judgement.alpha > 0


def _smaller(judgement: Judgement) -> float:
    known = [p for p in (judgement.p_support, judgement.p_refute) if math.isfinite(p)]
    return math.nan if judgement.verdict in UNJUDGED else min(known, default=math.nan)
