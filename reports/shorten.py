"""A record in as few bytes as it can be told in, for the examples that come with the suite.

Numbers keep four significant digits, what is at its default is left out, and a curve that several claims
show is listed once: readers fill that in again. Such a record keeps to the schema, and has its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any

from harness.data.errors import HarnessError
from harness.verdicts.content_hash import stamped
from harness.verdicts.record import RECORD_VERSION, RunRecord, SampleRecord, plain, record_of

DIGITS = 4
"""Significant digits of a number; the report shows three."""


def shortened(record: RunRecord) -> str:
    """Return a record as JSON on one line, in as few bytes as it can be told in.

    Raises:
        HarnessError: if it would not be read back with the same verdicts and names.
    """
    short = _short(record)
    data = stamped({"version": RECORD_VERSION, **_with_curves_once(short)})
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if _short(record_of(json.loads(text))) != short:
        raise HarnessError("the shortened record does not say what the record says. Please report it")
    return text


def with_fewer_samples(record: RunRecord, most: int) -> RunRecord:
    """The record with at most so many example samples of a checkpoint and task."""
    kept: dict[tuple[str, str], list[SampleRecord]] = {}
    for sample in record.samples:
        kept.setdefault((sample.checkpoint, sample.task), []).append(sample)
    return replace(record, samples=tuple(one for group in kept.values() for one in group[:most]))


def _with_curves_once(short: Mapping[str, Any]) -> dict[str, Any]:
    """The same data with every curve of its claims in one list, and its place there where it was."""
    places: dict[str, int] = {}
    listed: list[Any] = []
    claims = []
    for claim in short["claims"]:
        named = []
        for curve in claim.get("curves", ()):
            place = places.setdefault(json.dumps(curve), len(listed))
            listed += [curve] if place == len(listed) else []
            named.append(place)
        claims.append({**claim, "curves": named} if named else claim)
    return {**short, "claims": claims, "curves": listed}


def _short(value: Any) -> Any:  # noqa: ANN401 - JSON has no type
    if is_dataclass(value) and not isinstance(value, type):
        told = {item: getattr(value, item.name) for item in fields(value)}
        return {item.name: _short(one) for item, one in told.items() if one != _default(item)}
    if isinstance(value, Mapping):
        return {str(key): _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    if isinstance(value, float) and not value.is_integer():
        return plain(float(f"{value:.{DIGITS}g}"))
    return plain(value)


def _default(item: Field[Any]) -> object:
    """What a reader fills in; of a field without a default nothing that a record can hold."""
    if item.default_factory is not MISSING:
        return item.default_factory()
    return item.default
