"""Before anything is believed: the clean run against the model's own forward pass.

The engines replace the model's attention function by one that knows plain causal attention. A
decoder that does something more in its attention (windows, sinks, soft caps) would be computed
wrongly without a word. So the next-token distribution of one prompt is compared with what the model
says with its own attention function.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.checkpoint.attention import ATTENTION_NAME
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.data.errors import CheckpointError

ROUNDING = 1e-4
"""Largest total variation between the two distributions that rounding explains. Not smaller for
float64: transformers' eager attention takes its softmax in float32 whatever the model's dtype."""
FLOAT32_BYTES = 4
LOW_PRECISION = 0.1
"""The same for 16-bit formats, whose attention functions round at different places."""


def own_distribution(checkpoint: Checkpoint, encoded: Encoded) -> Tensor:
    """Next-token probabilities ``[vocabulary]`` of a plain forward pass with eager attention."""
    checkpoint.model.set_attn_implementation({"text_config": "eager"})
    try:
        output = checkpoint.model(
            input_ids=encoded.ids[None].to(checkpoint.device),
            **encoded.visual,
            use_cache=False,
            logits_to_keep=1,
        )
    finally:
        checkpoint.model.set_attn_implementation({"text_config": ATTENTION_NAME})
    return _probabilities(output.logits[0, -1])


def compare(checkpoint: Checkpoint, encoded: Encoded, logits: Tensor) -> None:
    """Refuse a checkpoint whose clean run is not its own forward pass.

    Args:
        checkpoint: the checkpoint.
        encoded: one prompt.
        logits: ``[vocabulary]``, what the engine says about it.

    Raises:
        CheckpointError: if the two distributions differ by more than rounding.
    """
    if checkpoint.planted:  # its own forward pass knows nothing of the planted flows
        return
    own = own_distribution(checkpoint, encoded)
    distance = float((own - _probabilities(logits).to(own.device)).abs().sum() / 2)
    limit = ROUNDING if checkpoint.dtype.itemsize >= FLOAT32_BYTES else LOW_PRECISION
    if not distance <= limit:
        raise CheckpointError(
            f"{checkpoint.name}: the engine's clean run differs from the model's own forward pass (total "
            f"variation {distance:.2g}, rounding explains {limit:.0e}): its decoder does something in "
            "its attention that the engine does not know; knockouts of it would be wrong"
        )


def _probabilities(logits: Tensor) -> Tensor:
    return logits.softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))
