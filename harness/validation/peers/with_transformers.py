"""No library: a hook on every attention module that puts a mask in; the released code's way."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import LlavaForConditionalGeneration

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    model: Any = LlavaForConditionalGeneration.from_pretrained(case.model).eval()
    layers = model.model.language_model.layers

    def logits(blocked: Blocked) -> Tensor:
        mask = case.mask(blocked)
        handles = [
            layers[layer].self_attn.register_forward_pre_hook(
                lambda _, args, named: (args, {**named, "attention_mask": mask}), with_kwargs=True
            )
            for layer in blocked.layers
        ]
        row: Tensor = model(**case.inputs, use_cache=False).logits[0, -1]
        for handle in handles:
            handle.remove()
        return row

    return logits


if __name__ == "__main__":
    serve(prepare)
