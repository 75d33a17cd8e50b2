"""Interventions are data: frozen records, and pure functions that turn them into masks.

A *flow* names two regions (``image->question``). Resolved on a sample it becomes an `EdgeBlock`:
in every layer of a window, all heads, the target's queries may not read the source's keys
(released code of arXiv 2411.18620). The other interventions of the paper and of our controls are
records beside it: a module's output zeroed at some rows (`ModuleZero`), keys or values replaced
along some edges (`Substitution`). A `Knockout` is any number of them at once; it is what the
engines run.

Nothing here knows a model: positions are row numbers of one prompt, layers count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harness.data.errors import KnockoutError

Positions = tuple[int, ...]
Layers = tuple[int, ...]
Blocks = tuple[tuple[int, int], ...]
"""Runs of positions, (start, stop), whose rows read each other both ways: the image, in some models. What is
in none of them reads backwards only."""


@dataclass(frozen=True)
class EdgeBlock:
    """Queries at ``targets`` may not read keys at ``sources``, in ``layers``, in every head."""

    sources: Positions
    targets: Positions
    layers: Layers


@dataclass(frozen=True)
class ModuleZero:
    """What a layer's attention or MLP adds to the residual stream is zero at ``rows``, in ``layers``.

    Attributes:
        module: whose output.
        rows: the rows that lose it.
        layers: the layers in which they do.
        like: if given, for each row another one: the row loses, along its own output, only as much as the
            norm of the other's output, which itself stays.
    """

    module: Literal["attention", "mlp"]
    rows: Positions
    layers: Layers
    like: Positions = ()

    @property
    def lost(self) -> tuple[Positions, Positions]:
        """The rows that lose, and the rows the norms of whose outputs they lose: their own unless given."""
        return self.rows, self.like or self.rows


@dataclass(frozen=True, eq=False)
class Substitution:
    """Queries at ``targets`` read other values (and keys, if given) at ``sources``, in ``layers``.

    An edge matter: every other row keeps reading the original. Compared by identity, since it
    holds tensors.

    Attributes:
        sources: key positions to replace.
        targets: query positions that see the replacement.
        layers: layers in which they see it.
        values: per layer in ``layers``, ``[kv_heads, len(sources), head_dim]``.
        keys: the same for keys (after rotary embedding), or None to keep them.
    """

    sources: Positions
    targets: Positions
    layers: Layers
    values: tuple[Tensor, ...]
    keys: tuple[Tensor, ...] | None = None


Intervention = EdgeBlock | ModuleZero | Substitution


@dataclass(frozen=True)
class Knockout:
    """Everything that is done to one forward pass: interventions that hold at once."""

    interventions: tuple[Intervention, ...] = ()

    def beside(self, edges: Iterable[EdgeBlock]) -> Knockout:
        """This knockout and some blocked edges at once."""
        edges = tuple(edges)
        return Knockout((*self.interventions, *edges)) if edges else self

    @property
    def edges(self) -> tuple[EdgeBlock, ...]:
        """The blocked edges."""
        return tuple(item for item in self.interventions if isinstance(item, EdgeBlock))

    @property
    def zeroed(self) -> tuple[ModuleZero, ...]:
        """The zeroed modules."""
        return tuple(item for item in self.interventions if isinstance(item, ModuleZero))

    @property
    def substitutions(self) -> tuple[Substitution, ...]:
        """The substituted values and keys."""
        return tuple(item for item in self.interventions if isinstance(item, Substitution))


def block(sources: Iterable[int], targets: Iterable[int], layers: Iterable[int]) -> Knockout:
    """A knockout of one set of edges.

    Args:
        sources: key positions.
        targets: query positions.
        layers: layer numbers.
    """
    return Knockout((EdgeBlock(_ordered(sources), _ordered(targets), _ordered(layers)),))


def open_paths_only(
    kept: Iterable[EdgeBlock],
    sources: Iterable[int],
    targets: Iterable[int],
    n_layers: int,
    two_way: Blocks = (),
) -> Knockout:
    """Block every edge from ``sources`` to ``targets`` in every layer, except the ``kept`` ones.

    Args:
        kept: the edges that stay, each in its own layers.
        sources: key positions of the edges in question.
        targets: query positions of the edges in question.
        n_layers: how many layers the model has.
        two_way: blocks whose rows read each other both ways.
    """
    kept = tuple(kept)
    sources, targets = _ordered(sources), _ordered(targets)
    rows: dict[tuple[int, Positions], list[int]] = {}
    for layer in range(n_layers):
        for target in targets:
            closed = _closed(kept, sources, target, layer, block_around(target, two_way)[1])
            if closed:
                rows.setdefault((layer, closed), []).append(target)
    layers: dict[tuple[Positions, Positions], list[int]] = {}
    for (layer, closed), held in rows.items():
        layers.setdefault((closed, tuple(held)), []).append(layer)
    return Knockout(tuple(EdgeBlock(closed, held, tuple(at)) for (closed, held), at in layers.items()))


def _closed(kept: Iterable[EdgeBlock], sources: Positions, target: int, layer: int, stop: int) -> Positions:
    """The sources that a target may not read in a layer: all before ``stop`` that no kept edge opens."""
    opened = {
        source for edge in kept if layer in edge.layers and target in edge.targets for source in edge.sources
    }
    return tuple(source for source in sources if source not in opened and source < stop)


def block_around(position: int, two_way: Blocks) -> tuple[int, int]:
    """The block (start, stop) that a position is in; of one that is in none, itself alone."""
    return next((one for one in two_way if one[0] <= position < one[1]), (position, position + 1))


def visible(knockout: Knockout, layer: int, length: int, two_way: Blocks = ()) -> Tensor:
    """Which key each query may read in ``layer``: causal or in the same block, less the blocked edges.

    Args:
        knockout: the knockout.
        layer: layer number.
        length: prompt length n.
        two_way: blocks whose rows read each other both ways.

    Returns:
        Bool ``[n, n]``, rows queries, columns keys; True where the query may read the key.

    Raises:
        KnockoutError: if a position is outside the prompt, or a row would keep no key: masked
            everywhere it would attend uniformly to everything, the future included.
    """
    mask = torch.ones(length, length, dtype=torch.bool).tril_()
    for start, stop in two_way:
        mask[start:stop, start:stop] = True
    for edge in knockout.edges:
        if layer in edge.layers and edge.sources and edge.targets:
            check_positions((*edge.sources, *edge.targets), length)
            mask[torch.tensor(edge.targets)[:, None], torch.tensor(edge.sources)] = False
    empty = (~mask.any(dim=1)).nonzero().flatten().tolist()
    if empty:
        raise KnockoutError(
            f"layer {layer}: row {empty[0]} would keep no key; leave the first position out of the sources"
        )
    return mask


def random_sources(sources: Sequence[int], targets: Sequence[int], seed: int) -> Positions | None:
    """Sources of a random-source control: equally many positions at random, neither source, target nor first.

    Candidates are the positions that some target can read. Source: our own control.

    Args:
        sources: the flow's key positions.
        targets: the flow's query positions.
        seed: names the draw.

    Returns:
        The drawn positions, or None where fewer than twice as many candidates exist: the block
        would then be nearly the same whatever is drawn.
    """
    taken = {0, *sources, *targets}
    candidates = [position for position in range(max(targets)) if position not in taken]
    if len(candidates) < 2 * len(sources):
        return None
    drawn = np.random.default_rng(seed).choice(len(candidates), size=len(sources), replace=False)
    return tuple(sorted(candidates[index] for index in drawn))


def check_positions(positions: Iterable[int], length: int) -> None:
    """Raise `KnockoutError` if a position is outside a prompt of ``length`` tokens."""
    outside = [position for position in positions if not 0 <= position < length]
    if outside:
        raise KnockoutError(f"position {outside[0]} is outside a prompt of {length} tokens")


def check_layers(knockout: Knockout, n_layers: int) -> None:
    """Raise `KnockoutError` if an intervention names a layer the model does not have."""
    for item in knockout.interventions:
        outside = [layer for layer in item.layers if not 0 <= layer < n_layers]
        if outside:
            raise KnockoutError(f"layer {outside[0]} does not exist: the model has {n_layers} layers")


def check(knockout: Knockout, length: int, n_layers: int) -> None:
    """Refuse a knockout that does not fit the model or the prompt.

    Args:
        knockout: the knockout.
        length: prompt length.
        n_layers: how many layers the model has.

    Raises:
        KnockoutError: if a layer or position does not exist, or tensors do not fit their edges.
    """
    check_layers(knockout, n_layers)
    for item in knockout.interventions:
        if isinstance(item, ModuleZero):
            rows, like = item.lost
            if len(rows) != len(like):
                raise KnockoutError(f"{len(rows)} rows cannot lose the norms of {len(like)} others")
            check_positions((*rows, *like), length)
        else:
            check_positions((*item.sources, *item.targets), length)
    for swap in knockout.substitutions:
        for tensors in (swap.values, swap.values if swap.keys is None else swap.keys):
            if len(tensors) != len(swap.layers) or any(t.shape[1] != len(swap.sources) for t in tensors):
                raise KnockoutError(
                    "a substitution needs one tensor per layer, each [kv_heads, sources, head_dim]"
                )


def rows_by_substitution(
    items: Iterable[Substitution], first: int = 0
) -> dict[tuple[Substitution, ...], list[int]]:
    """The rows from ``first`` on that see a substitution, grouped by which ones they see."""
    items = tuple(items)
    groups: dict[tuple[Substitution, ...], list[int]] = {}
    for row in sorted({target for item in items for target in item.targets if target >= first}):
        groups.setdefault(tuple(item for item in items if row in item.targets), []).append(row)
    return groups


def replaced(
    key: Tensor, value: Tensor, seen: Iterable[Substitution], layer: int, first: int = 0
) -> tuple[Tensor, Tensor]:
    """Copies of keys and values with substitutions written in; where two meet, the later one stands.

    Args:
        key: ``[batch, kv_heads, n, head_dim]``.
        value: the same.
        seen: substitutions that hold in this layer.
        layer: layer number.
        first: the position of the first key; sources at others than these n are left out.
    """
    key, value = key.clone(), value.clone()
    for item in seen:
        index, sources = item.layers.index(layer), torch.tensor(item.sources, dtype=torch.long) - first
        inside = (sources >= 0) & (sources < key.shape[2])
        value[:, :, sources[inside]] = item.values[index][:, inside].to(value)
        if item.keys is not None:
            key[:, :, sources[inside]] = item.keys[index][:, inside].to(key)
    return key, value


def _ordered(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))
