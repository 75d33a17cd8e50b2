"""Rotary tables, from the decoder's own: one for all layers, or one for each kind of layer.

Gemma 3's layers with a sliding window turn by another base than those that see everything.
"""

from __future__ import annotations

from inspect import signature
from typing import TypeAlias

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.positions import as_inputs

Rotary: TypeAlias = tuple[Tensor, Tensor]
"""Cosine and sine."""
KIND = "layer_type"
"""The parameter by which a decoder's rotary embedding is asked for a kind of layer."""


def rotary_tables(checkpoint: Checkpoint, state: Tensor, positions: Tensor) -> tuple[Rotary, ...]:
    """Cosine and sine of some positions for every layer, ``[rows, rotary width]`` each.

    Layers of one kind share one pair of tensors.

    Args:
        checkpoint: the checkpoint.
        state: says device and dtype.
        positions: ``[rows]``, or ``[rows, axes]``.
    """
    embedding, layers, at = checkpoint.decoder.rotary_emb, checkpoint.n_layers, as_inputs(positions)
    if KIND not in signature(embedding.forward).parameters:
        cosine, sine = embedding(state[None], at)
        return ((cosine[0], sine[0]),) * layers
    kinds = list(checkpoint.decoder.config.layer_types[:layers])
    made: dict[str, Rotary] = {}
    for kind in dict.fromkeys(kinds):
        cosine, sine = embedding(state[None], at, **{KIND: kind})
        made[kind] = cosine[0], sine[0]
    return tuple(made[kind] for kind in kinds)
