"""The logit lens: what the last position would answer at every layer.

p_l(t) = softmax(h_l[last] · Eᵀ)[t] for l = 0 … L, with E the output embedding. The released code
applies no final norm below L; with the norm is the field's usual form. At L, where the hidden state
is normalised by the model itself, both equal the output distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.checkpoint.checkpoint import Checkpoint

if TYPE_CHECKING:
    from jaxtyping import Float


@torch.inference_mode()
def lens(
    checkpoint: Checkpoint, hidden: Float[Tensor, "layers+1 width"], *, norm: bool
) -> Float[Tensor, "layers+1 vocabulary"]:
    """Probabilities of every token, read off every layer.

    Args:
        checkpoint: the checkpoint.
        hidden: ``[L + 1, width]``: hidden states of one position, the last one normalised.
        norm: whether the final norm is applied below L.

    Returns:
        ``[L + 1, vocabulary]`` in float32 (float64 if the checkpoint is float64).
    """
    states = hidden
    if norm:
        normed = checkpoint.decoder.norm(hidden[:-1])
        # A head that shares the embeddings' weights may lie on another device than the norm.
        states = torch.cat([normed.to(hidden.device), hidden[-1:]])
    logits: Tensor = checkpoint.head(states)
    return logits.softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))
