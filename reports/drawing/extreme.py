"""Where a curve is at its most, in words, for those who do not see it."""

from __future__ import annotations

import math

from harness.verdicts.record import Curve
from reports.words import number


def extreme(curve: Curve) -> str:
    """Say where an effect is lowest, or a probability highest."""
    known = [(value, place) for place, value in enumerate(curve.mean) if math.isfinite(value)]
    if not known:
        return "has no numbers"
    (value, at), told = (min(known), "lowest") if curve.role != "lens" else (max(known), "highest")
    return f"{told} {number(value)} at layer {curve.points[at]}"
