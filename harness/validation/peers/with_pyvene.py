"""pyvene: asked for an intervention on attention weights, it has none; this script ends with its error.

Its interventions replace what a module takes in or gives out, at positions. An edge between two
positions is neither: a key changed for one query is changed for all.
"""

from __future__ import annotations

from typing import Any

from pyvene import IntervenableConfig, IntervenableModel  # type: ignore[import-not-found]
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    model: Any = LlavaForConditionalGeneration.from_pretrained(case.model, attn_implementation="eager").eval()

    def zero(weights: Tensor, _: object, **__: object) -> Tensor:
        return weights * 0

    def logits(blocked: Blocked) -> Tensor:
        asked = [
            {"layer": layer, "component": "attention_weight", "intervention": zero}
            for layer in blocked.layers
        ]
        changed: Any = IntervenableModel(IntervenableConfig(asked), model=model)
        row: Tensor = changed(case.inputs)[1].logits[0, -1]
        return row

    return logits


if __name__ == "__main__":
    serve(prepare)
