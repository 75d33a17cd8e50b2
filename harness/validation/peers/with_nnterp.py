"""nnterp: attention probabilities set to zero and scaled up again, which is the same as a mask."""

from __future__ import annotations

from typing import Any

import torch
from nnterp import StandardizedTransformer  # type: ignore[import-not-found]
from torch import Tensor
from transformers import AutoModelForImageTextToText

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    model: Any = StandardizedTransformer(
        case.model,
        automodel=AutoModelForImageTextToText,
        enable_attention_probs=True,
        allow_multimodal=True,
    )

    def logits(blocked: Blocked) -> Tensor:
        targets, sources = torch.tensor(blocked.targets)[:, None], torch.tensor(blocked.sources)
        with model.trace(case.inputs):
            for layer in blocked.layers:
                weights = model.attention_probabilities[layer].clone()
                weights[:, :, targets, sources] = 0
                model.attention_probabilities[layer] = weights / weights.sum(-1, keepdim=True)
            row: Any = model.logits[0, -1].save()
        found: Tensor = row
        return found

    return logits


if __name__ == "__main__":
    serve(prepare)
