"""Where rows stand, as layers are told: rotary tables of the decoder's own, and the positions themselves.

There is one pair of tables for all layers, or one for each kind of layer: Gemma 3's layers with a sliding
window turn by another base than those that see everything. Ministral 3's also scale queries by position.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from typing import Any

from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.positions import as_inputs

KIND = "layer_type"
"""The parameter by which a decoder's rotary embedding is asked for a kind of layer."""


@dataclass(frozen=True, eq=False)
class Rotary:
    """Some rows' places in a layer.

    Attributes:
        cosine: ``[rows, rotary width]``.
        sine: ``[rows, rotary width]``.
        positions: ``[rows]``, or ``[rows, axes]``.
    """

    cosine: Tensor
    sine: Tensor
    positions: Tensor

    def of(self, rows: Tensor, like: Tensor) -> Rotary:
        """Those of some of the rows, on another tensor's device."""
        parts = (self.cosine, self.sine, self.positions)
        cosine, sine, positions = (part[rows.to(part.device)].to(like.device) for part in parts)
        return Rotary(cosine, sine, positions)

    @property
    def inputs(self) -> dict[str, Any]:
        """What a decoder layer is given by name."""
        return {
            "position_embeddings": (self.cosine[None], self.sine[None]),
            "position_ids": as_inputs(self.positions),
        }


def rotary_tables(checkpoint: Checkpoint, state: Tensor, positions: Tensor) -> tuple[Rotary, ...]:
    """The places of some rows in every layer; layers of one kind share one.

    Args:
        checkpoint: the checkpoint.
        state: says device and dtype.
        positions: ``[rows]``, or ``[rows, axes]``.
    """
    embedding, layers, at = checkpoint.decoder.rotary_emb, checkpoint.n_layers, as_inputs(positions)
    if KIND not in signature(embedding.forward).parameters:
        cosine, sine = embedding(state[None], at)
        return (Rotary(cosine[0], sine[0], positions),) * layers
    kinds = list(checkpoint.decoder.config.layer_types[:layers])
    made: dict[str, Rotary] = {}
    for kind in dict.fromkeys(kinds):
        cosine, sine = embedding(state[None], at, **{KIND: kind})
        made[kind] = Rotary(cosine[0], sine[0], positions)
    return tuple(made[kind] for kind in kinds)
