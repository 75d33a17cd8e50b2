"""vlmprobe: `causal.knockout`, all layers of the window in one joint forward pass."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import LlavaForConditionalGeneration
from vlmprobe import Prober  # type: ignore[import-not-found]

from harness.validation.peers.case import Blocked, Case, Logits, serve


def prepare(case: Case) -> Logits:
    """Load the model; see `harness.validation.peers.case`."""
    model = LlavaForConditionalGeneration.from_pretrained(case.model, attn_implementation="eager").eval()
    measurement: Any = Prober(model)

    def logits(blocked: Blocked) -> Tensor:
        knockout = measurement.causal.knockout(
            layers=blocked.layers, queries=blocked.targets, keys=blocked.sources, joint=True
        )
        row: Tensor = knockout.forward(case.inputs).logits[0, -1]
        return row

    return logits


if __name__ == "__main__":
    serve(prepare)
