"""The ways to one knocked-out forward pass that the sweep is timed against.

*Released*: what the paper's code does per window and flow: the whole model on the whole prompt, the
vision tower included, a dense additive mask in every layer of the window, the head on every row.
*Tidy*: what a careful author would write: the vision tower once, one mask per flow, plain causal
attention outside the window, the head on the last row. Both run torch's fused attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from harness.checkpoint.attention import repeat_heads
from harness.checkpoint.checkpoint import Checkpoint
from harness.checkpoint.encode import Encoded
from harness.engine.sweep.first_layer_rows import entering
from harness.interventions.knockout import Knockout, visible


@dataclass(frozen=True)
class MaskedPlan:
    """A mask in some layers, causal attention in the others; see `harness.checkpoint.attention.Plan`."""

    mask: Tensor
    layers: frozenset[int]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend."""
        masked = layer in self.layers
        output = torch.nn.functional.scaled_dot_product_attention(
            query,
            repeat_heads(key, query.shape[1]),
            repeat_heads(value, query.shape[1]),
            attn_mask=self.mask if masked else None,
            is_causal=not masked,
            scale=scaling,
        )
        return output.transpose(1, 2).contiguous(), None


def additive(knockout: Knockout, length: int, dtype: torch.dtype) -> MaskedPlan:
    """The plan of a knockout that blocks the same edges in each of its layers."""
    layers = frozenset(layer for edge in knockout.edges for layer in edge.layers)
    seen = visible(knockout, min(layers), length)
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
    return MaskedPlan(mask[None, None], layers)


@torch.inference_mode()
def released(checkpoint: Checkpoint, encoded: Encoded, knockouts: list[Knockout]) -> Tensor:
    """Logits ``[knockouts, vocabulary]``, the released way."""
    rows = []
    for knockout in knockouts:
        plan = additive(knockout, encoded.length, checkpoint.dtype)
        output = checkpoint.model(input_ids=encoded.ids[None], **encoded.visual, plan=plan, use_cache=False)
        rows.append(output.logits[0, -1])
    return torch.stack(rows)


@torch.inference_mode()
def tidy(checkpoint: Checkpoint, start: Tensor, plans: list[MaskedPlan]) -> Tensor:
    """Logits ``[knockouts, vocabulary]``, the tidy way.

    Args:
        checkpoint: the checkpoint.
        start: rows ``[n, width]`` that enter layer 0: the vision tower has run.
        plans: the knockouts' masks, made once per flow.
    """
    rows = []
    for plan in plans:
        output = checkpoint.decoder(inputs_embeds=start[None], plan=plan, use_cache=False)
        rows.append(checkpoint.head(output.last_hidden_state[:, -1:])[0, -1])
    return torch.stack(rows)


@torch.inference_mode()
def start_rows(checkpoint: Checkpoint, encoded: Encoded) -> Tensor:
    """The rows that enter layer 0."""
    return entering(checkpoint, [encoded]).rows[0]
