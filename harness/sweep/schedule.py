"""Where every knockout's rows lie in the packed batch, layer by layer, before any of them is computed.

A knockout becomes a *branch*: from the layer it first touches, it carries its own rows from the
first row it can change to the end of the prompt. Branches of one question that start at one row form
a *cohort*: they read the same prefix and have equally many rows. A cohort is ordered by the last
layer in which a branch does something, so that those with ordinary attention come first and the
masked ones last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.knockout import EdgeBlock, Knockout, Substitution
from harness.sweep.masks import Mask, hidden_edges
from harness.sweep.prefill import Tree
from harness.sweep.reach import Reach

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Branch:
    """One knockout on its way up.

    Attributes:
        question: which question of the image.
        number: which of the question's knockouts.
        knockout: what is done.
        reach: what it can change.
    """

    question: int
    number: int
    knockout: Knockout
    reach: Reach


@dataclass(frozen=True)
class Slot:
    """A cohort's place in the packed batch of one layer.

    Attributes:
        question: which question.
        row: the first row its branches carry.
        rows: how many rows each carries.
        start: where the slot begins in the batch.
        branches: how many branches are in it.
        hidden: bool ``[m, rows, prompt length]``, True where a query of one of the last m branches may not
            read a key; None if attention is ordinary throughout.
        substitutions: the number of a branch in the slot, and what is substituted in it.
    """

    question: int
    row: int
    rows: int
    start: int
    branches: int
    hidden: Tensor | None
    substitutions: tuple[tuple[int, tuple[Substitution, ...]], ...]

    @property
    def stop(self) -> int:
        """Where the slot ends in the batch."""
        return self.start + self.branches * self.rows


@dataclass(frozen=True)
class Layout:
    """The packed batch of one layer.

    Attributes:
        slots: the cohorts in it.
        joining: rows of the base run that join here, ``[new]``.
        order: where each row of the batch comes from: first the rows that leave the layer below, then the
            joining ones; None if nothing joins.
        positions: position of every row in its prompt, ``[N]``.
        zero: by module (``attention``, ``mlp``) the rows that lose their output, and the rows the norms of
            whose outputs they lose: ``[2, n]``.
    """

    slots: tuple[Slot, ...]
    joining: Tensor
    order: Tensor | None
    positions: Tensor
    zero: dict[str, Tensor]


class Cohort:
    """Branches of one question that carry the same rows."""

    def __init__(self, question: int, row: int, length: int, branches: Sequence[Branch]) -> None:
        self.question, self.row, self.length = question, row, length
        self.rows = length - row
        self.branches = sorted(branches, key=lambda branch: (branch.reach.last, branch.reach.first))
        self.joins = np.array([branch.reach.first for branch in self.branches])
        self.leaves = np.array([branch.reach.last for branch in self.branches])
        self._edges = [edges_by_layer(branch.knockout) for branch in self.branches]
        self._patterns: dict[tuple[EdgeBlock, ...], int] = {}
        self._table: list[Mask] = []
        self._pattern(())

    def active(self, layer: int) -> Index:
        """Numbers of the branches that are in the batch at this layer."""
        return np.flatnonzero(self.joins <= layer)

    def hidden(self, layer: int, active: Index) -> Tensor | None:
        """The mask of the active branches from the first masked one on; see `Slot`."""
        patterns = [
            self._pattern(self._edges[number].get(layer, ()), layer) if self.leaves[number] >= layer else 0
            for number in active
        ]
        masked = np.flatnonzero(patterns)
        if not len(masked):
            return None
        return torch.from_numpy(np.stack([self._table[at] for at in patterns[int(masked[0]) :]]))

    def substitutions(self, layer: int, active: Index) -> Iterator[tuple[int, tuple[Substitution, ...]]]:
        """Branches (numbered among the active ones) that substitute something in this layer."""
        for at, number in enumerate(active):
            if self.leaves[number] >= layer:
                items = self.branches[number].knockout.substitutions
                here = tuple(item for item in items if layer in item.layers)
                if here:
                    yield at, here

    def zero(self, layer: int, active: Index) -> Iterator[tuple[str, Index]]:
        """By module ``[2, n]``: rows of the cohort's slot that lose output in this layer, and whose norms."""
        for at, number in enumerate(active):
            if self.leaves[number] >= layer:
                for item in self.branches[number].knockout.zeroed:
                    if layer in item.layers:
                        yield item.module, np.array(item.lost, dtype=np.int64) - self.row + at * self.rows

    def _pattern(self, edges: tuple[EdgeBlock, ...], layer: int = 0) -> int:
        """The number of the mask that these blocked edges make; 0 is the plain causal one."""
        known = self._patterns.get(edges)
        if known is None:
            mask = hidden_edges(edges, self.row, self.length, layer)
            known = self._patterns[edges] = len(self._table)
            self._table.append(mask)
        return known


def edges_by_layer(knockout: Knockout) -> dict[int, tuple[EdgeBlock, ...]]:
    """The blocked edges of every layer, each without its layers so that equal ones are equal."""
    found: dict[int, list[EdgeBlock]] = defaultdict(list)
    for edge in knockout.edges:
        bare = EdgeBlock(edge.sources, edge.targets, ())
        for layer in edge.layers:
            found[layer].append(bare)
    return {layer: tuple(edges) for layer, edges in found.items()}


def check_keys(knockout: Knockout, length: int) -> None:
    """Raise `KnockoutError` if a row of a prompt of ``length`` tokens would keep no key in some layer."""
    seen: set[tuple[EdgeBlock, ...]] = set()
    for layer, edges in edges_by_layer(knockout).items():
        # A row that can read position 0, as every row can unless told otherwise, keeps a key.
        if edges not in seen and any(0 in edge.sources for edge in edges):
            seen.add(edges)
            hidden_edges(edges, 0, length, layer)


def cohorts(branches: Sequence[Branch], tree: Tree) -> list[Cohort]:
    """Group branches by question and first row."""
    groups: dict[tuple[int, int], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[branch.question, branch.reach.row].append(branch)
    return [
        Cohort(question, row, tree.lengths[question], members)
        for (question, row), members in sorted(groups.items())
    ]


def layouts(found: Sequence[Cohort], tree: Tree, n_layers: int) -> Iterator[Layout | None]:
    """The packed batch of every layer; None below the layer at which the first branch joins.

    One at a time, because the masks of all layers together may be large.
    """
    before = [np.array([], dtype=np.int64) for _ in found]
    for layer in range(n_layers):
        now = [cohort.active(layer) for cohort in found]
        yield _layout(found, tree, layer, before, now) if any(map(len, now)) else None
        before = now


def _layout(
    found: Sequence[Cohort], tree: Tree, layer: int, before: Sequence[Index], now: Sequence[Index]
) -> Layout:
    slots, positions, zero = [], [], defaultdict(list)
    start = 0
    for cohort, active in zip(found, now, strict=True):
        if len(active):
            mask, swapped = cohort.hidden(layer, active), tuple(cohort.substitutions(layer, active))
            slots.append(Slot(cohort.question, cohort.row, cohort.rows, start, len(active), mask, swapped))
            positions.append(np.tile(np.arange(cohort.row, cohort.length), len(active)))
            for module, rows in cohort.zero(layer, active):
                zero[module].append(rows + start)
            start += len(active) * cohort.rows
    joining, order = _origins(found, tree, before, now)
    return Layout(
        tuple(slots),
        joining,
        order,
        torch.from_numpy(np.concatenate(positions)),
        {module: torch.from_numpy(np.concatenate(rows, axis=1)) for module, rows in zero.items()},
    )


def _origins(
    found: Sequence[Cohort], tree: Tree, before: Sequence[Index], now: Sequence[Index]
) -> tuple[Tensor, Tensor | None]:
    """Rows of the base run that join, and where every row of the batch comes from."""
    standing = sum(len(old) * cohort.rows for cohort, old in zip(found, before, strict=True))
    below, new, joining, order = 0, standing, [], []
    for cohort, old, active in zip(found, before, now, strict=True):
        stays = np.isin(active, old)
        starts = np.empty(len(active), dtype=np.int64)
        starts[stays] = below + cohort.rows * np.arange(len(old))
        starts[~stays] = new + cohort.rows * np.arange(len(active) - len(old))
        order.append((starts[:, None] + np.arange(cohort.rows)).ravel())
        joining += [tree.rows(cohort.question, cohort.row)] * (len(active) - len(old))
        below += len(old) * cohort.rows
        new += (len(active) - len(old)) * cohort.rows
    if not joining:
        return torch.empty(0, dtype=torch.long), None
    return torch.cat(joining), torch.from_numpy(np.concatenate(order))
