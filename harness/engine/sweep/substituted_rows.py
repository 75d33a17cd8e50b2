"""Rows that see substituted keys or values: computed once more, all branches that see the same together.

A substitution holds along edges: the target rows see the replacement, every other row the original.
So the few rows concerned get attention of their own, against keys and values with the replacement written
in: those of the prefix once for all branches, and each branch's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from harness.engine.sweep.packed_attention import CachedKeyValues, attend_shared
from harness.engine.sweep.schedule import SharedSubstitution
from harness.interventions.knockout import replaced, rows_by_substitution


def substituted(
    query: Tensor,
    prefix: CachedKeyValues,
    own: CachedKeyValues,
    shared: SharedSubstitution,
    layer: int,
    scaling: float,
) -> Iterator[tuple[list[int], Tensor]]:
    """Attention of the rows that see a substitution.

    Args:
        query: ``[kv_heads, branches, group, queries, head_dim]``, of all branches of the slot, the prompt's
            last rows.
        prefix: keys and values ``[kv_heads, prefix, head_dim]``.
        own: ``[kv_heads, branches, rows, head_dim]``.
        shared: what some of the branches substitute in this layer.
        layer: the layer.
        scaling: factor on the scores.

    Yields:
        Some of the queries, by number, and their attention in the branches concerned,
        ``[kv_heads, branches, group, queries, head_dim]``.
    """
    row, queries, members = prefix.key.shape[1], query.shape[3], list(shared.branches)
    first = row + own.key.shape[2] - queries
    bias = shared.biases.of_last(queries, query)
    query, own = query[:, members], CachedKeyValues(own.key[:, members], own.value[:, members])
    for seen, targets in rows_by_substitution(shared.items, first).items():
        rows = [target - first for target in targets]
        key, value = replaced(prefix.key[None], prefix.value[None], seen, layer)
        own_key, own_value = replaced(own.key.transpose(0, 1), own.value.transpose(0, 1), seen, layer, row)
        yield (
            rows,
            attend_shared(
                query[:, :, :, rows],
                CachedKeyValues(key[0], value[0]),
                CachedKeyValues(own_key.transpose(0, 1), own_value.transpose(0, 1)),
                scaling,
                bias[:, rows],
            ),
        )
