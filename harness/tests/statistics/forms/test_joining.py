"""A statement over several tasks: in all, in most."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.data.depth import Grid
from harness.statistics import forms
from harness.statistics.curves import Curves
from harness.statistics.trees import Tree
from harness.statistics.verdict import Verdict
from harness.testing.form_curves import REFUTED, SUPPORTED, curves_of, dip, verdict


def tasks(grid: Grid, dropping: int) -> tuple[Mapping[str, Curves], Mapping[str, Tree]]:
    means = {f"task {n}": dip(grid, 0.5, depth=60.0 * (n < dropping)) for n in range(6)}
    return curves_of(**means), {name: forms.drops_somewhere(name, grid) for name in means}


@pytest.mark.parametrize(
    ("dropping", "in_all", "in_most"),
    [
        (6, SUPPORTED, SUPPORTED),
        (5, REFUTED, SUPPORTED),
        (4, REFUTED, SUPPORTED),
        (3, REFUTED, REFUTED),
        (0, REFUTED, REFUTED),
    ],
)
def test_over_tasks(dropping: int, in_all: Verdict, in_most: Verdict) -> None:
    data, statements = tasks(Grid(8, 1), dropping)
    assert verdict(forms.in_all(statements), **data) is in_all
    assert verdict(forms.in_all(tuple(statements.values())), **data) is in_all
    assert verdict(forms.in_most(statements), **data) is in_most


@pytest.mark.parametrize(("size", "most"), [(1, 1), (2, 2), (3, 2), (5, 4), (6, 4)])
def test_most_is_two_thirds(size: int, most: int) -> None:
    statements = {str(n): forms.drops_somewhere(str(n), Grid(8, 1)) for n in range(size)}
    tree = forms.in_most(statements)
    assert tree.count == most
