"""Snapshots that forgive rounding: texts must be the same, numbers in them nearly so."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

_NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
RELATIVE, ABSOLUTE = 1e-3, 1e-6


def nearly(one: str, other: str) -> bool:
    """Whether two texts differ in their numbers only, and in those by rounding only."""
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(math.isclose(_value(a), _value(b), rel_tol=RELATIVE, abs_tol=ABSOLUTE) for a, b in pairs)


def _value(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


class TolerantJson(JSONSnapshotExtension):
    """A JSON file whose numbers may differ by rounding."""

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        return nearly(str(serialized_data), str(snapshot_data))


MANY_ERRORS, FLOOR = 4.0, 0.02
"""How many standard errors two measurements may be apart (a baseline has several hundred points, so three
would fail every other time), and the points of p_c that rounding makes of no error at all."""


def within_errors(one: Any, other: Any) -> bool:
    """Whether two sets of mean curves, with their standard errors, may be the same curves measured twice."""
    if one.keys() != other.keys():
        return False
    return all(_near(one[name], other[name]) for name in one)


def _near(one: Any, other: Any) -> bool:
    points = [zip(curve["mean"], curve["error"], strict=True) for curve in (one, other)]
    return len(one["mean"]) == len(other["mean"]) and all(
        abs(mean - then) <= FLOOR + MANY_ERRORS * math.hypot(error, before)
        for (mean, error), (then, before) in zip(*points, strict=True)
    )


class WithinErrors(JSONSnapshotExtension):
    """A JSON file of mean curves that may differ by their noise."""

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        return within_errors(json.loads(serialized_data), json.loads(snapshot_data))


class TolerantMarkdown(SingleFileSnapshotExtension):
    """A Markdown file whose numbers may differ by rounding."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)

    def matches(self, *, serialized_data: Any, snapshot_data: Any) -> bool:
        return nearly(str(serialized_data), str(snapshot_data))
