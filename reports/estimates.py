"""Estimates with what they are and what they count: ``deepest window (layers 6-8): p_c −26.9 %``.

A judgement's part says what it is and on which scale; parts of records written before that was kept are
numbers alone, as they were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.statistics.verdict import Part
from reports.words import clean, interval, number


class _Written(NamedTuple):
    """What stands before and after a value of a scale, and after a drop or a difference on it."""

    before: str
    after: str
    contrast: str


_SCALES = {
    "p_c": _Written("p_c\u00a0", "\u00a0%", " points of p_c"),
    "distractor": _Written("share\u00a0", "\u00a0%", " points of the share"),
    "flip": _Written("", "\u00a0% changed", " points of changed answers"),
    "log_odds": _Written("log-odds ", " nats", " nats"),
    "per_token": _Written("p_c\u00a0", "\u00a0% per token", " points of p_c per token"),
    "right": _Written("", " of answers", " of answers"),
    "probability": _Written("probability ", "", " in probability"),
    "depth": _Written("", " of the depth", " of the depth"),
    "mass": _Written("", " of the squared drop", " of the squared drop"),
    "ratio": _Written("", " (no unit)", " (no unit)"),
}
_UNKNOWN = _Written("", "", "")


def what(part: Part) -> str:
    """What the estimate is and where, in words; empty where the record does not say."""
    if not part.what:
        return ""
    told = clean(part.what, 80)
    return f"{told} ({clean(part.where, 80)})" if part.where else told


def with_unit(part: Part) -> str:
    """The estimate with its unit."""
    return _written(part, number(part.estimate))


def whole(part: Part) -> str:
    """What it is, the estimate with its unit, and the interval in the same unit."""
    told = f"{with_unit(part)} [{interval(part.lower, part.upper)}]"
    return f"{what(part)}: {told}" if part.what else told


def reach(parts: Sequence[Part]) -> tuple[str, str] | None:
    """What several estimates are and how far they reach; None where they are not the same quantity.

    Of estimates that do not say what they are, nobody knows whether they are the same.
    """
    kinds = {(part.what, part.scale, part.contrast) for part in parts}
    known = [part.estimate for part in parts if math.isfinite(part.estimate)]
    if len(kinds) != 1 or not parts[0].what or not known:
        return None
    low, high = number(min(known)), number(max(known))
    return clean(parts[0].what, 80), _written(parts[0], low if low == high else f"{low} to {high}")


def unit_of(scale: str) -> tuple[str, str]:
    """What stands before and after a value of a scale."""
    written = _SCALES.get(scale, _UNKNOWN)
    return written.before, written.after


def _written(part: Part, text: str) -> str:
    written = _SCALES.get(part.scale, _UNKNOWN)
    return text + written.contrast if part.contrast else written.before + text + written.after
