"""nnsight: the mask is replaced in the attention modules' inputs, within a trace."""

from __future__ import annotations

from typing import Any

from nnsight import NNsight  # type: ignore[import-not-found]
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    model: Any = NNsight(LlavaForConditionalGeneration.from_pretrained(case.model).eval())
    layers = model.model.language_model.layers

    def logits(blocked: Blocked) -> Tensor:
        mask = case.mask(blocked)
        with model.trace(**case.inputs, use_cache=False):
            for layer in blocked.layers:
                args, named = layers[layer].self_attn.inputs
                layers[layer].self_attn.inputs = (args, {**named, "attention_mask": mask})
            row: Any = model.output.logits[0, -1].save()
        found: Tensor = row
        return found

    return logits


if __name__ == "__main__":
    serve(prepare)
