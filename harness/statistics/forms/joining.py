"""Joining statements, e.g. over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.statistics.trees import AllOf, AtLeast, Tree


def in_all(statements: Sequence[Tree]) -> Tree:
    """Say that every statement holds, e.g. one for each task."""
    return AllOf(tuple(statements))


def in_most(statements: Sequence[Tree]) -> AtLeast:
    """Say that at least two thirds of the statements hold: four of six tasks."""
    return AtLeast(math.ceil(2 * len(statements) / 3), tuple(statements))
