"""JSON from outside, read so that it means one thing: no name twice, no number that is none."""

from __future__ import annotations

import json
import math
from typing import Any


def strict_json(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read JSON in UTF-8.

    Python's own reader takes the last of two values of one name, ``NaN``, and ``1e999`` for infinity; others
    that read the same file may take them otherwise.

    Raises:
        ValueError: if it is not JSON, names something twice, or holds a number that is not finite.
        RecursionError: if it is nested too deep.
    """
    text = content.decode("utf-8")
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number
