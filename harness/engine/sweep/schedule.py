"""Where every knockout's rows lie in the packed batch, layer by layer, before any of them is computed.

A knockout becomes a *branch*: from the layer it first touches, it carries its own rows from the
first row it can change to the end of the prompt. Branches of one question that start at one row form
a *cohort*: they read the same prefix and have equally many rows. A cohort is ordered by the last
layer in which a branch does something, so that those with ordinary attention come first and the
masked ones last.

Branches that do the same up to some layer are the same up to there: only one of them is carried, and
the others leave it where they begin to differ. Windows of two sizes that begin in one layer are such
branches, or blocks of all layers but the last ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.engine.sweep.clean_run import Tree
from harness.engine.sweep.masks import Biases, bias_of, hidden_edges
from harness.engine.sweep.reach import Reach
from harness.interventions.knockout import Blocks, EdgeBlock, Knockout, ModuleZero, Substitution

Index = NDArray[np.int64]
FROM_CLEAN = -1
"""Instead of a branch's number: the clean run."""


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
class SharedSubstitution:
    """Branches of a slot that substitute the same in a layer.

    Attributes:
        branches: their numbers in the slot.
        items: what is substituted.
        biases: what their rows may not read, ``[branches, rows, prompt length]``.
    """

    branches: tuple[int, ...]
    items: tuple[Substitution, ...]
    biases: Biases


@dataclass(frozen=True)
class Slot:
    """A cohort's place in the packed batch of one layer.

    Attributes:
        question: which question.
        row: the first row its branches carry.
        rows: how many rows each carries.
        start: where the slot begins in the batch.
        branches: how many branches are in it.
        biases: what the last m branches may not read, ``[m, rows, prompt length]``; the ones before, or
            all if it is None, have ordinary attention.
        substitutions: what some of its branches read instead of their own.
    """

    question: int
    row: int
    rows: int
    start: int
    branches: int
    biases: Biases | None
    substitutions: tuple[SharedSubstitution, ...]

    @property
    def stop(self) -> int:
        """Where the slot ends in the batch."""
        return self.start + self.branches * self.rows


@dataclass(frozen=True)
class BatchChange:
    """How the packed batch of a layer comes out of that of the layer below.

    Attributes:
        joining: rows of the clean run that join here, ``[new]``.
        order: where each row of the batch comes from: first the rows that leave the layer below, then the
            joining ones, ``[N]``.
        rows: row of the clean run that every row of the batch was, before a knockout, ``[N]``.
    """

    joining: Tensor
    order: Tensor
    rows: Tensor


@dataclass(frozen=True)
class PackedLayer:
    """The packed batch of one layer.

    Attributes:
        slots: the cohorts in it.
        change: what is new in it; None if it is the batch of the layer below.
        zero: by module (``attention``, ``mlp``) the rows that lose their output, and the rows the norms of
            whose outputs they lose: ``[2, n]``.
    """

    slots: tuple[Slot, ...]
    change: BatchChange | None
    zero: dict[str, Tensor]


class Cohort:
    """Branches of one question that carry the same rows.

    Args:
        question: which question.
        row: the first row they carry.
        tree: where the question's rows lie in the clean run.
        branches: the branches.
    """

    def __init__(self, question: int, row: int, tree: Tree, branches: Sequence[Branch]) -> None:
        self.question, self.row, self.length = question, row, tree.lengths[question]
        self.rows = self.length - row
        self._two_way = tuple(one for one in tree.two_way[question] if one[0] >= row)
        self.base_rows = tree.rows(question, row).numpy()
        self.branches = sorted(branches, key=lambda branch: (branch.reach.last, branch.reach.first))
        self.leaves = np.array([branch.reach.last for branch in self.branches])
        self._edges = [edges_by_layer(branch.knockout) for branch in self.branches]
        self._swaps = [branch.knockout.substitutions for branch in self.branches]
        self._zeroed = [branch.knockout.zeroed for branch in self.branches]
        self.joins, self.origins = branch_points(self.branches)
        self._patterns: dict[tuple[EdgeBlock, ...], int] = {}
        self._table: list[Tensor] = []
        self._pattern(())

    def active(self, layer: int) -> Index:
        """Numbers of the branches that are in the batch at this layer."""
        return np.flatnonzero(self.joins <= layer)

    def sources(self, layer: int, below: Index, active: Index) -> tuple[Index, NDArray[np.bool_]]:
        """Where the active branches come from.

        Returns:
            For each, its place among those of the layer below, or the place of the branch it leaves here; and
            whether it comes from the clean run instead.
        """
        before = np.where(self.joins[active] == layer, self.origins[active], active)
        return np.searchsorted(below, before), before == FROM_CLEAN

    def biases(self, layer: int, active: Index) -> Biases | None:
        """The biases of the active branches from the first masked one on; see `Slot`."""
        patterns = self._patterns_of(layer, active)
        masked = np.flatnonzero(patterns)
        if not len(masked) and not self._two_way:
            return None
        # Where rows read later ones, attention is never plainly causal.
        return self._stacked(patterns[0 if self._two_way else int(masked[0]) :])

    def substitutions(self, layer: int, active: Index) -> Iterator[SharedSubstitution]:
        """What active branches substitute in this layer, those that substitute the same together."""
        together: dict[Hashable, list[int]] = defaultdict(list)
        items = {}
        for at, number in enumerate(active if any(self._swaps) else ()):
            if self.leaves[number] >= layer:
                here = tuple(item for item in self._swaps[number] if layer in item.layers)
                if here:
                    deed: Hashable = tuple(_substitution_in(item, item.layers.index(layer)) for item in here)
                    together[deed].append(at)
                    items[deed] = here
        for deed, members in together.items():
            biases = self._stacked(self._patterns_of(layer, active[members]))
            yield SharedSubstitution(tuple(members), items[deed], biases)

    def zero(self, layer: int, active: Index) -> Iterator[tuple[str, Index]]:
        """By module ``[2, n]``: rows of the cohort's slot that lose output in this layer, and whose norms."""
        for at, number in enumerate(active if any(self._zeroed) else ()):
            if self.leaves[number] >= layer:
                for item in self._zeroed[number]:
                    if layer in item.layers:
                        yield item.module, np.array(item.lost, dtype=np.int64) - self.row + at * self.rows

    def _patterns_of(self, layer: int, active: Index) -> list[int]:
        """The numbers of some branches' masks in this layer."""
        return [
            self._pattern(self._edges[number].get(layer, ()), layer) if self.leaves[number] >= layer else 0
            for number in active
        ]

    def _stacked(self, patterns: Sequence[int]) -> Biases:
        """The biases of branches with these masks."""
        used, which = np.unique(patterns, return_inverse=True)
        return Biases(torch.stack([self._table[at] for at in used]), torch.from_numpy(which))

    def _pattern(self, edges: tuple[EdgeBlock, ...], layer: int = 0) -> int:
        """The number of the mask that these blocked edges make; 0 is the one without any."""
        known = self._patterns.get(edges)
        if known is None:
            bias = bias_of(hidden_edges(edges, self.row, self.length, layer, self._two_way))
            known = self._patterns[edges] = len(self._table)
            self._table.append(bias)
        return known


def branch_points(branches: Sequence[Branch]) -> tuple[Index, Index]:
    """Where every branch begins to be one of its own, and from which other one it departs there.

    Args:
        branches: branches of one cohort.

    Returns:
        Per branch the layer from which on it must be carried, and the number of the branch that does the same
        below that layer; `BASE` where nothing but the clean run does. A branch that does the same as
        another one up to the top is carried nonetheless, in the last layer.
    """
    names: dict[Hashable, int] = {}
    carried: dict[tuple[int, int], tuple[int, int]] = {}  # (place in the tree, deed): place, branch
    joins, origins = [], []
    for number, branch in enumerate(branches):
        first, last = branch.reach.first, branch.reach.last
        done = {
            layer: names.setdefault(deed, len(names))
            for layer, deed in actions_by_layer(branch.knockout).items()
        }
        place, layer, origin = -1 - first, first, FROM_CLEAN
        while layer < last and (step := (place, done.get(layer, FROM_CLEAN))) in carried:
            place, origin = carried[step]
            layer += 1
        joins.append(layer)
        origins.append(origin)
        for at in range(layer, last + 1):
            place, _ = carried.setdefault((place, done.get(at, FROM_CLEAN)), (len(carried), number))
    return np.array(joins), np.array(origins)


def actions_by_layer(knockout: Knockout) -> dict[int, Hashable]:
    """What a knockout does in every layer in which it does something; equal where it does the same."""
    found: dict[int, list[Hashable]] = defaultdict(list)
    for item in knockout.interventions:
        for number, layer in enumerate(item.layers):
            match item:
                case EdgeBlock(sources, targets):
                    found[layer].append((sources, targets))
                case ModuleZero(module, rows, _, like):
                    found[layer].append((module, rows, like))
                case Substitution():
                    found[layer].append(_substitution_in(item, number))
    return {layer: tuple(done) for layer, done in found.items()}


def _substitution_in(item: Substitution, number: int) -> Hashable:
    """What a substitution does in one of its layers; tensors are the same only if they are one."""
    key = id(item.keys[number]) if item.keys else None
    return item.sources, item.targets, id(item.values[number]), key


def edges_by_layer(knockout: Knockout) -> dict[int, tuple[EdgeBlock, ...]]:
    """The blocked edges of every layer, each without its layers so that equal ones are equal."""
    found: dict[int, list[EdgeBlock]] = defaultdict(list)
    for edge in knockout.edges:
        bare = EdgeBlock(edge.sources, edge.targets, ())
        for layer in edge.layers:
            found[layer].append(bare)
    return {layer: tuple(edges) for layer, edges in found.items()}


def check_keys(knockout: Knockout, length: int, two_way: Blocks = ()) -> None:
    """Raise `KnockoutError` if a row of a prompt of ``length`` tokens would keep no key in some layer."""
    if not any(0 in edge.sources for edge in knockout.edges):
        return  # A row that can read position 0, as every row can unless told otherwise, keeps a key.
    first_layer = {edges: layer for layer, edges in reversed(edges_by_layer(knockout).items())}
    for edges, layer in first_layer.items():
        hidden_edges(edges, 0, length, layer, two_way)


def cohorts(branches: Sequence[Branch], tree: Tree) -> list[Cohort]:
    """Group branches by question and first row."""
    groups: dict[tuple[int, int], list[Branch]] = defaultdict(list)
    for branch in branches:
        groups[branch.question, branch.reach.row].append(branch)
    return [Cohort(question, row, tree, members) for (question, row), members in sorted(groups.items())]


def packed_layers(found: Sequence[Cohort], n_layers: int) -> Iterator[PackedLayer | None]:
    """The packed batch of every layer; None below the layer at which the first branch joins.

    One at a time, because the masks of all layers together may be large.
    """
    before = [np.array([], dtype=np.int64) for _ in found]
    for layer in range(n_layers):
        now = [cohort.active(layer) for cohort in found]
        yield _packed_layer(found, layer, before, now) if any(map(len, now)) else None
        before = now


def _packed_layer(
    found: Sequence[Cohort], layer: int, before: Sequence[Index], now: Sequence[Index]
) -> PackedLayer:
    slots, zero = [], defaultdict(list)
    start = 0
    for cohort, active in zip(found, now, strict=True):
        if len(active):
            biases, patched = cohort.biases(layer, active), tuple(cohort.substitutions(layer, active))
            slots.append(Slot(cohort.question, cohort.row, cohort.rows, start, len(active), biases, patched))
            for module, rows in cohort.zero(layer, active):
                zero[module].append(rows + start)
            start += len(active) * cohort.rows
    same = all(len(old) == len(active) for old, active in zip(before, now, strict=True))
    return PackedLayer(
        tuple(slots),
        None if same else _change(found, layer, before, now),
        {module: torch.from_numpy(np.concatenate(rows, axis=1)) for module, rows in zero.items()},
    )


def _change(
    found: Sequence[Cohort], layer: int, before: Sequence[Index], now: Sequence[Index]
) -> BatchChange:
    below, new = 0, sum(len(old) * cohort.rows for cohort, old in zip(found, before, strict=True))
    joining, order, rows = [], [], []
    for cohort, old, active in zip(found, before, now, strict=True):
        source, from_base = cohort.sources(layer, old, active)
        fresh = np.cumsum(from_base)
        starts = np.where(from_base, new + cohort.rows * (fresh - 1), below + cohort.rows * source)
        count = int(fresh[-1]) if len(fresh) else 0
        order.append((starts[:, None] + np.arange(cohort.rows)).ravel())
        rows.append(np.tile(cohort.base_rows, len(active)))
        joining.append(np.tile(cohort.base_rows, count))
        below += len(old) * cohort.rows
        new += count * cohort.rows
    return BatchChange(*(torch.from_numpy(np.concatenate(found)) for found in (joining, order, rows)))
