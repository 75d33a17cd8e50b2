"""Claim tests among the items that pytest collects."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import pytest

from harness.verdicts.claims import Claim

MARKER = "claim"


def claim_of(item: pytest.Item) -> Claim | None:
    """The claim an item tests, or None for any other test."""
    marker = item.get_closest_marker(MARKER)
    if marker is None or not isinstance(item, pytest.Function):
        return None
    params: dict[str, Any] = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    if not isinstance(params.get("task"), str | None):
        return None  # none of the claim's tasks was asked for; pytest skips it
    return Claim(
        test=item.nodeid,
        id=str(marker.args[0]),
        source=str(marker.kwargs["source"]),
        statement=" ".join((inspect.getdoc(item.obj) or "").split()),
        checkpoint=str(params.get("study", "")),
        task=params.get("task"),
        function=item.obj,
    )


def claims_of(items: Iterable[pytest.Item]) -> list[Claim]:
    """All claims among the items, in order."""
    return [claim for item in items if (claim := claim_of(item)) is not None]
