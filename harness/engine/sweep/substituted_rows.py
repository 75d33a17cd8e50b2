"""Rows that see substituted keys or values: computed once more, one branch at a time.

A substitution holds along edges: the target rows see the replacement, every other row the original.
So the few rows concerned get attention of their own, against their branch's keys and values with the
replacement written in.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from harness.checkpoint.attention import repeat_heads, softmax_attention
from harness.engine.sweep.packed_attention import CachedKeyValues
from harness.interventions.knockout import Substitution, replaced, rows_by_substitution


def substituted(
    query: Tensor,
    kept: CachedKeyValues,
    items: Sequence[Substitution],
    layer: int,
    scaling: float,
    visible: Tensor,
) -> tuple[list[int], Tensor]:
    """Attention of the rows of one branch that see a substitution.

    Args:
        query: ``[kv_heads, group, rows, head_dim]``, the branch's own rows, the prompt's last ones.
        kept: keys and values of the whole prompt ``[kv_heads, n, head_dim]``.
        items: the substitutions of this layer.
        layer: the layer.
        scaling: factor on the scores.
        visible: bool ``[rows, n]``.

    Returns:
        The rows concerned, and ``[their number, heads, head_dim]``.
    """
    first = kept.key.shape[1] - query.shape[2]
    folded, heads = query.flatten(0, 1)[None], query.shape[0] * query.shape[1]
    rows, outputs = [], []
    for seen, targets in rows_by_substitution(items, first).items():
        key, value = replaced(kept.key[None], kept.value[None], seen, layer)
        local = [target - first for target in targets]
        output, _ = softmax_attention(
            folded[:, :, local],
            repeat_heads(key, heads),
            repeat_heads(value, heads),
            scaling,
            visible[local].to(query.device),
        )
        rows += local
        outputs.append(output[0].transpose(0, 1))
    return rows, torch.cat(outputs) if outputs else query.new_empty(0, heads, kept.value.shape[-1])
