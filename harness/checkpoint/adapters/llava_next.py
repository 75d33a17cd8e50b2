"""LLaVA-NeXT (LLaVA-1.6): the base image, then tiles, unpadded, a newline token after each row."""

from __future__ import annotations

from typing import Any

from harness.checkpoint.adapters.adapter import (
    ANALYTIC_BOXES,
    RELEASED_BOXES,
    RELEASED_TILES,
    SQUARE,
    TILES,
    Adapter,
    Pictures,
)
from harness.checkpoint.adapters.tiling import tiled


def _pictures(model: Any, processor: Any, handling: str) -> Pictures:  # noqa: ANN401 - transformers' classes
    return tiled(model, processor.image_processor, handling)


HANDLINGS = (TILES, RELEASED_TILES, SQUARE)
BOXES = (ANALYTIC_BOXES, RELEASED_BOXES)
ADAPTER = Adapter("llava_next", "LlavaNextForConditionalGeneration", HANDLINGS, _pictures, BOXES)
