"""Joining statements, e.g. over tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from harness.statistics.trees import AllOf, AtLeast, Tree


def in_all(statements: Sequence[Tree] | Mapping[str, Tree]) -> AllOf:
    """Say that every statement holds.

    Args:
        statements: by name where they say the same, of each task say: a verdict then tells where it holds.
    """
    if isinstance(statements, Mapping):
        return AllOf(tuple(statements.values()), tuple(statements))
    return AllOf(tuple(statements))


def in_most(statements: Mapping[str, Tree]) -> AtLeast:
    """Say that at least two thirds of the statements hold: four of six tasks; by name, as in `in_all`."""
    return AtLeast(math.ceil(2 * len(statements) / 3), tuple(statements.values()), tuple(statements))
