"""What the harness must know about a model type: one small file each, one `Adapter` each.

A new type needs its pictures described (`harness.checkpoint.adapters.adapter.Pictures`: the visual
tokens of a picture of a given size, and the model's inputs for it) and a line in `ADAPTERS`. Everything else
(prompt, regions, knockouts, the sweep) follows from transformers' own model. Importing this loads
neither torch nor transformers.
"""

from __future__ import annotations

from harness.checkpoint.adapters import (
    gemma3,
    idefics3,
    internvl,
    llava,
    llava_next,
    llava_onevision,
    mistral3,
    qwen_vl,
)
from harness.checkpoint.adapters.adapter import (
    ANALYTIC_BOXES,
    LIMITED,
    NATIVE,
    RELEASED_BOXES,
    RELEASED_TILES,
    SQUARE,
    TILES,
    Adapter,
    PaintedPictures,
    Pictures,
)

ADAPTERS: dict[str, Adapter] = {
    adapter.model_type: adapter
    for adapter in (
        llava.ADAPTER,
        llava_next.ADAPTER,
        llava_onevision.ADAPTER,
        idefics3.IDEFICS3,
        idefics3.SMOLVLM,
        internvl.ADAPTER,
        qwen_vl.QWEN2_VL,
        qwen_vl.QWEN2_5_VL,
        qwen_vl.QWEN3_VL,
        gemma3.ADAPTER,
        mistral3.ADAPTER,
    )
}
"""Supported model types, by the ``model_type`` of their ``config.json``."""

HANDLINGS = (SQUARE, TILES, RELEASED_TILES, NATIVE, LIMITED)
"""Every way to handle pictures; no model type has all."""
BOX_RULES = (ANALYTIC_BOXES, RELEASED_BOXES)
"""Every rule by which boxes become patches (`harness.checkpoint.boxes`)."""

__all__ = [
    "ADAPTERS",
    "ANALYTIC_BOXES",
    "BOX_RULES",
    "HANDLINGS",
    "LIMITED",
    "NATIVE",
    "RELEASED_BOXES",
    "RELEASED_TILES",
    "SQUARE",
    "TILES",
    "Adapter",
    "PaintedPictures",
    "Pictures",
]
