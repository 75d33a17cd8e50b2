"""TransformerLens: a hook on the attention scores of a TransformerBridge."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge  # type: ignore[import-not-found]

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    bridge: Any = TransformerBridge.boot_transformers(case.model)

    def logits(blocked: Blocked) -> Tensor:
        targets, sources = torch.tensor(blocked.targets)[:, None], torch.tensor(blocked.sources)

        def cut(scores: Tensor, hook: object) -> Tensor:  # noqa: ARG001
            scores[:, :, targets, sources] = torch.finfo(scores.dtype).min
            return scores

        hooks = [(f"blocks.{layer}.attn.hook_attn_scores", cut) for layer in blocked.layers]
        rows: Tensor = bridge.run_with_hooks(
            case.inputs["input_ids"], pixel_values=case.inputs["pixel_values"], fwd_hooks=hooks
        )
        return rows[0, -1]

    return logits


if __name__ == "__main__":
    serve(prepare)
